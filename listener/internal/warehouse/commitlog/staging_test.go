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

// What writers have made who don't lock their folders, over a file system that is mounted
// here, stays, however old it is.
func TestBeatingKept(t *testing.T) {
	folder, c := tempFolder(t), newClock()
	c.at = time.Now()
	o := options(folder, c)
	l := openLog(t, o)
	above := filepath.Join(folder, stagingFolder)
	beating := map[string]struct {
		who    identity
		record bool
	}{
		randomID():               {identity{Boot: "another"}, true},
		randomID():               {identity{Boot: "another"}, false},
		randomID():               {identity{}, true}, // where a process isn't known by anything
		leftStaging + randomID(): {identity{Boot: "another"}, true},
	}
	locked := randomID()
	for name, b := range beating {
		path := filepath.Join(above, name)
		err := errors.Join(os.Mkdir(path, 0o700), l.writeOwner(path, b.who))
		if b.record {
			err = errors.Join(err, os.Mkdir(filepath.Join(path, recordFolder), 0o700))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(above, locked)
	if err := errors.Join(os.Mkdir(path, 0o700), l.writeOwner(path, identity{}), os.WriteFile(filepath.Join(path, recordFolder), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	c.add(remember + time.Minute)
	openLog(t, o)
	for name := range beating {
		if there, err := l.exists(filepath.Join(above, name, lockFile)); !there || err != nil {
			t.Errorf("%s was taken: %v", name, err)
		}
	}
	if there, err := l.exists(path); there || err != nil {
		t.Errorf("what was locked is left: %v", err)
	}
}
