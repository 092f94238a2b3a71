package commitlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A writer commits after the log was read by the one that finds it dead: its files are
// moved before its folder is removed.
func TestLastDeed(t *testing.T) { overAll(t, testLastDeed) }

func testLastDeed(t *testing.T, tempFolder func(testing.TB) string) {
	o := fromTemplate(t, tempFolder)
	other := o
	other.Now = newClock().now
	dying := openLog(t, o)
	mustCommit(t, dying, 0, 5, 3)
	done := false
	o.Fault = func(step string) error {
		if step != stepSyncFolder || done { // after reading, while the last record is finished
			return nil
		}
		done = true
		dying.o.Fault = faultAt(stepMoveFile, 2, func() error { return unix.EIO })
		var unfinished *UnfinishedError
		if err := dying.Commit(mustBatch(t, dying, 0, 6, 3)); !errors.As(err, &unfinished) {
			t.Errorf("got %v", err)
		}
		if _, err := batch(dying, 0, 100, 110, 2); err != nil { // not committed
			t.Error(err)
		}
		return die(dying)
	}
	l := openLog(t, o)
	if !done || l.Number() != templateNumber+2 {
		t.Errorf("record %d", l.Number())
	}
	checkRows(t, o.Folder, map[int]Position{0: l.Positions()[0]})
	if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left != 1 {
		t.Errorf("left in staging: %d", left)
	}
}

// What is in staging stays as long as its writer lives, and as long as that isn't known.
func TestStagingKept(t *testing.T) {
	folder, c := tempFolder(t), newClock()
	c.at = time.Now()
	o := options(folder, c)
	alive := openLog(t, o)
	b := mustBatch(t, alive, 0, 5, 2)
	unfinished := filepath.Join(folder, stagingFolder, newStaging+"x")
	unlocked := filepath.Join(folder, stagingFolder, "no lock")
	empty := filepath.Join(folder, stagingFolder, "empty")
	if err := errors.Join(os.MkdirAll(filepath.Join(unfinished, "y"), 0o700), os.MkdirAll(filepath.Join(unlocked, "y"), 0o700), os.Mkdir(empty, 0o700)); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, o)
	if !l.untouched(unfinished) {
		c.add(remember + time.Minute)
	}
	for path, want := range map[string]bool{unfinished: true, unlocked: true, empty: false, alive.Staging(): true} {
		if there, err := l.exists(path); there != want || err != nil {
			t.Errorf("%s: %v, %v", path, there, err)
		}
	}
	openLog(t, o)
	for path, want := range map[string]bool{unfinished: false, unlocked: true, alive.Staging(): true} {
		if there, err := l.exists(path); there != want || err != nil {
			t.Errorf("after a week, %s: %v, %v", path, there, err)
		}
	}
	if err := alive.Commit(b); err != nil {
		t.Error(err)
	}
	checkRows(t, folder, alive.Positions())
}
