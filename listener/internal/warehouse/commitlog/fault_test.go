package commitlog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// templateNumber is the last record of a log from which three commits go through all steps:
// they end an epoch, and begin one, when the first is old.
const templateNumber = 2*perEpoch - 2

// laterThanTemplate is when the first epoch of the template is old.
var laterThanTemplate = start.Add(30 * 24 * time.Hour)

// templateFolder is where the template lies, once it is there.
var templateFolder string

var template = sync.OnceValues(func() (folder string, err error) {
	if folder, err = os.MkdirTemp(memory, "commitlog-test-"); err != nil {
		folder, err = os.MkdirTemp("", "commitlog-test-")
	}
	if err != nil {
		return "", err
	}
	templateFolder = folder
	return folder, fillTemplate(folder)
})

// remoteTemplate is the same on another file system.
var remoteTemplate = sync.OnceValues(func() (folder string, err error) {
	m := &mount{tree: newTree()}
	folder = "/template"
	mounts.Store(folder, m)
	return folder, errors.Join(m.MkdirAll(folder), fillTemplate(folder))
})

func fillTemplate(folder string) error {
	l, err := Open(options(folder, newClock()))
	if err != nil {
		return err
	}
	for n := range int64(templateNumber - 1) {
		if err := l.Commit(&Commit{Parts: []Part{{9, n, Position{Next: n + 1, Last: n}}}}); err != nil {
			return err
		}
	}
	// The last record's writer dies while it moves its files, with a next batch in staging.
	moved := 0
	l.o.Fault = func(step string) error {
		if step == stepMoveFile {
			moved++
		}
		if moved == 2 {
			return unix.ENOSPC
		}
		return nil
	}
	c, err := batch(l, 0, 0, 10, 3)
	if err == nil {
		if unfinished := new(UnfinishedError); !errors.As(l.Commit(c), &unfinished) {
			err = errors.New("the last record is finished")
		}
	}
	if err == nil {
		_, err = batch(l, 0, 10, 20, 2)
	}
	return errors.Join(err, die(l))
}

// copyTree copies a folder.
func copyTree(source FileSystem, from string, target FileSystem, to string) error {
	infos, err := source.ReadDir(from)
	err = errors.Join(err, target.MkdirAll(to))
	for _, info := range infos {
		from, to := filepath.Join(from, info.Name()), filepath.Join(to, info.Name())
		if info.IsDir() {
			err = errors.Join(err, copyTree(source, from, target, to))
			continue
		}
		text, readErr := source.ReadFile(from, maxRecord)
		err = errors.Join(err, readErr, target.Create(to, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		}))
	}
	return err
}

// fromTemplate returns a folder with the template's log, and its options.
func fromTemplate(t *testing.T, tempFolder func(testing.TB) string) Options {
	t.Helper()
	if folder := filepath.Join(tempFolder(t), "flow"); fileSystemOf(folder) != (local{}) {
		from, err := remoteTemplate()
		if err == nil {
			err = copyTree(fileSystemOf(from), from, directly(folder), folder)
		}
		if err != nil {
			t.Fatal(err)
		}
		c := newClock()
		c.at = laterThanTemplate
		return options(folder, c)
	}
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(tempFolder(t), "flow")
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		switch to := filepath.Join(folder, name); {
		case err != nil:
			return err
		case d.IsDir():
			return os.Mkdir(to, 0o777)
		case d.Name() != lockFile:
			return os.Link(path, to) // what isn't written to needs no copy
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, text, 0o666)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	c.at = laterThanTemplate
	return options(folder, c)
}

// checkLog opens the log, as the next one to come, checks the rows, commits some and checks
// again. It returns the number of the record that was the last.
func checkLog(t *testing.T, o Options) (number int64) {
	t.Helper()
	o.Fault = nil
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	number = l.Number()
	for range 2 {
		positions := l.Positions()
		delete(positions, 9) // whose messages have no rows
		checkRows(t, o.Folder, positions)
		mustCommit(t, l, 0, 5, 3)
	}
	return number
}

// faultAt returns a Fault that acts once, at the nth time of a step.
func faultAt(step string, nth int, act func() error) func(string) error {
	return func(at string) error {
		if at == step {
			if nth--; nth == 0 {
				return act()
			}
		}
		return nil
	}
}

// An error at any step leaves a log that this process and others can go on with: the batch
// is committed, or is not.
func TestErrors(t *testing.T) { overAll(t, testErrors) }

func testErrors(t *testing.T, tempFolder func(testing.TB) string) {
	before := slices.Index(Steps, stepRecordLinked)
	tidying := slices.Index(Steps, stepRemoveRecord)
	for i, step := range Steps {
		if step == stepMakeLog || step == stepRemoveStaging {
			continue // of Open
		}
		for _, errno := range []error{unix.ENOSPC, unix.EIO} {
			for nth := 1; nth <= 2; nth++ {
				o := fromTemplate(t, tempFolder)
				if brief(o.Folder) && (nth > 1 || errno == unix.EIO) {
					continue
				}
				l := openLog(t, o)
				reached, ever := false, false
				l.o.Fault = faultAt(step, nth, func() error { reached, ever = true, true; return errno })
				for range 3 {
					reached = false
					c := mustBatch(t, l, 0, 7, 3)
					number := l.Number() + 1
					err := l.Commit(c)
					var unfinished *UnfinishedError
					committed := err == nil || errors.As(err, &unfinished) && !unfinished.Doubtful
					switch {
					case !reached || i == before || i >= tidying:
						if err != nil {
							t.Fatalf("%s %d, %v: got %v", step, nth, errno, err)
						}
						continue
					case !errors.Is(err, errno):
						t.Fatalf("%s %d, %v: got %v", step, nth, errno, err)
					case step == stepLinkRecord && errno == unix.EIO && l.local:
						if unfinished == nil || !unfinished.Doubtful || unfinished.Number != number {
							t.Fatalf("%s %d, %v: got %v", step, nth, errno, err)
						}
					case committed != (i > before) || committed && unfinished.Number != number:
						t.Fatalf("%s %d, %v: got %v", step, nth, errno, err)
					}
					if committed || unfinished != nil {
						// The listener waits until the log says where to go on.
						if err := l.Refresh(); err != nil {
							t.Fatal(err)
						}
					} else if errno == unix.ENOSPC { // it tries again,
						if err := l.Commit(c); err != nil {
							t.Fatal(err)
						}
					} else { // or drops the batch
						abandon(l, c)
					}
					positions := l.Positions()
					delete(positions, 9)
					checkRows(t, o.Folder, positions)
				}
				if !ever && nth == 1 {
					t.Errorf("%s has not been reached", step)
				}
				checkLog(t, o)
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// While a disk stays full nothing is lost and nothing doubled, and the batch that is
// committed comes first when there is room again.
func TestErrorsThatStay(t *testing.T) { overAll(t, testErrorsThatStay) }

func testErrorsThatStay(t *testing.T, tempFolder func(testing.TB) string) {
	for _, step := range []string{stepSyncRecords, stepMakeFolder, stepMoveFile, stepSyncFolder} {
		o := fromTemplate(t, tempFolder)
		l := openLog(t, o)
		full := func(at string) error {
			if at == step {
				return unix.ENOSPC
			}
			return nil
		}
		l.o.Fault = full
		c := mustBatch(t, l, 0, 7, 30) // to new folders, too
		var unfinished *UnfinishedError
		if err := l.Commit(c); !errors.As(err, &unfinished) {
			t.Fatalf("%s: got %v", step, err)
		}
		next := mustBatch(t, l, 0, 7, 3)
		for range 2 {
			if err := l.Refresh(); !errors.Is(err, unix.ENOSPC) || errors.As(err, &unfinished) {
				t.Errorf("%s: got %v", step, err)
			}
			if err := l.Commit(next); !errors.Is(err, unix.ENOSPC) || errors.As(err, &unfinished) || errors.Is(err, ErrStale) {
				t.Errorf("%s: got %v", step, err)
			}
		}
		number := l.Number()
		l.o.Fault = nil
		if err := l.Commit(next); err != nil || l.Number() != number+1 {
			t.Errorf("%s: record %d, %v", step, l.Number(), err)
		}
		l.o.Fault = full
		if err := l.Commit(mustBatch(t, l, 0, 7, 60)); !errors.As(err, &unfinished) {
			t.Fatalf("%s: got %v", step, err)
		}
		// The next one to come finishes what a closed log could not.
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := checkLog(t, o); got != number+2 {
			t.Errorf("%s: record %d", step, got)
		}
		if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left != 0 {
			t.Errorf("%s: left in staging: %d", step, left)
		}
	}
}

// A file that a committed batch moved may be gone again, and a folder may vanish while a
// file is moved to it.
func TestTableChanges(t *testing.T) { overAll(t, testTableChanges) }

func testTableChanges(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	l := openLog(t, options(folder, newClock()))
	c := mustBatch(t, l, 0, 10, 2)
	times := 0
	l.o.Fault = func(step string) error {
		if step == stepSyncFolder {
			if times++; times == 1 {
				return errors.Join(l.fs.RemoveAll(filepath.Join(folder, "hive", "y=2018")), unix.EIO)
			}
		}
		return nil
	}
	var unfinished *UnfinishedError
	if err := l.Commit(c); !errors.As(err, &unfinished) {
		t.Fatalf("got %v", err)
	}
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, filepath.Join(folder, "hive")); len(left) != 0 {
		t.Errorf("in the table: %q", left)
	}
	l.o.Fault = nil
	c = mustBatch(t, l, 0, 10, 2)
	blocked := filepath.Join(folder, c.Files[1].Final)
	l.o.Fault = faultAt(stepMoveFile, 2, func() error {
		return errors.Join(l.fs.MkdirAll(filepath.Dir(blocked)), l.createFile(blocked, []byte("9 9\n")))
	})
	if err := l.Commit(c); !errors.As(err, &unfinished) {
		t.Errorf("another file of that name: got %v", err)
	}
	if err := l.Refresh(); err == nil {
		t.Error("another file was overwritten")
	}
	if err := l.fs.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := l.Refresh(); err != nil {
		t.Error(err)
	}
	if rows, err := visible(folder); err != nil || len(rows) != 10 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
