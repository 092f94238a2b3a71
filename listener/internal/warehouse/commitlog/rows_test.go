package commitlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spot-ingest/pkg/logging"
)

// In these tests a row of the table is the text "<partition> <offset>", so that what is
// visible can be compared with what the positions say.

// A clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

var start = time.Date(2018, 3, 20, 9, 25, 11, 123_000_000, time.UTC)

func newClock() *clock { return &clock{at: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func options(folder string, c *clock) Options {
	o := Options{Folder: folder, Table: "flow", Topic: "a.topic", Group: "a/group", Now: c.now, Logger: logging.Discard()}
	if f := fileSystemOf(folder); f != (local{}) {
		o.FileSystem = f
	}
	return o
}

// memory is where the file system is in memory, if it is: these tests flush to disk a lot,
// and none of them cuts the power.
const memory = "/dev/shm"

// tempFolder returns an empty folder that is removed at the end of the test.
func tempFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp(memory, "commitlog-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// openLog opens a log and closes it at the end of the test.
func openLog(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

var batches atomic.Int64

// batch stages the rows of a partition from first to before next, spread over as many files
// and folders.
func batch(l *Log, partition int, first, next int64, files int) (*Commit, error) {
	c := &Commit{
		Parts:  []Part{{Partition: partition, First: first, Position: Position{Next: next, Last: next - 1, Time: 1521537911123 + next, CRC: uint32(next)}}},
		Counts: Counts{Messages: next - first, Rows: next - first},
	}
	name := fmt.Sprintf("%s-%d", l.writer[:8], batches.Add(1))
	for i := range files {
		var b strings.Builder
		var rows int64
		for offset := first; offset < next; offset++ {
			if int(offset)%files == i {
				fmt.Fprintf(&b, "%d %d\n", partition, offset)
				rows++
			}
		}
		// The next batch's folders are partly new.
		hour := int(first)/5 + i
		f := File{Staged: fmt.Sprintf("%s.%d.staged", name, i), Rows: rows, Bytes: int64(b.Len())}
		f.Final = fmt.Sprintf("hive/y=2018/m=3/d=%d/h=%d/%s.parquet", hour/24, hour%24, name)
		if err := l.createFile(filepath.Join(l.Staging(), f.Staged), []byte(b.String())); err != nil {
			return nil, err
		}
		c.Files = append(c.Files, f)
	}
	return c, nil
}

// mustBatch goes on from the log's position.
func mustBatch(t testing.TB, l *Log, partition int, rows int64, files int) *Commit {
	t.Helper()
	p, _ := l.Position(partition)
	c, err := batch(l, partition, p.Next, p.Next+rows, files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustCommit(t testing.TB, l *Log, partition int, rows int64, files int) {
	t.Helper()
	if err := l.Commit(mustBatch(t, l, partition, rows, files)); err != nil {
		t.Fatal(err)
	}
}

// abandon removes what a batch that isn't committed has staged.
func abandon(l *Log, c *Commit) {
	for _, f := range c.Files {
		l.fs.Remove(filepath.Join(l.Staging(), f.Staged))
	}
}

// walk calls visit for each path below a folder that isn't a folder.
func walk(folder string, visit func(path string) error) error {
	infos, err := fileSystemOf(folder).ReadDir(folder)
	for _, info := range infos {
		path := filepath.Join(folder, info.Name())
		if info.IsDir() {
			err = errors.Join(err, walk(path, visit))
		} else {
			err = errors.Join(err, visit(path))
		}
	}
	return err
}

// visible returns how often each row is in the table.
func visible(folder string) (map[string]int, error) {
	rows := make(map[string]int)
	err := walk(filepath.Join(folder, tableFolder), func(path string) error {
		text, err := fileSystemOf(folder).ReadFile(path, 1<<20)
		for row := range strings.Lines(string(text)) {
			rows[strings.TrimSuffix(row, "\n")]++
		}
		return err
	})
	return rows, err
}

// checkRows checks that the table holds each row below the positions once, and no other.
func checkRows(t testing.TB, folder string, positions map[int]Position) {
	t.Helper()
	rows, err := visible(folder)
	if err != nil {
		t.Fatal(err)
	}
	for partition, p := range positions {
		for offset := range p.Next {
			row := fmt.Sprintf("%d %d", partition, offset)
			if rows[row] != 1 {
				t.Errorf("row %q is in the table %d times", row, rows[row])
			}
			delete(rows, row)
		}
	}
	for row, n := range rows {
		t.Errorf("row %q is in the table %d times, and isn't committed", row, n)
	}
}

// files returns the paths below a folder that aren't folders.
func files(t testing.TB, folder string) []string {
	t.Helper()
	var found []string
	err := walk(folder, func(path string) error {
		name, err := filepath.Rel(folder, path)
		found = append(found, name)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// entries returns how many names are in a folder.
func entries(t testing.TB, folder string) int {
	t.Helper()
	infos, err := fileSystemOf(folder).ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return len(infos)
}

// die ends a log as if its process were killed.
func die(l *Log) error {
	if !l.open {
		return nil
	}
	l.open = false
	if l.local {
		return l.lock.Close()
	}
	close(l.heart.stop)
	<-l.heart.done
	return disown(l, thisIdentity(), noProcess)
}

// noProcess is the id of no process.
const noProcess = 1<<22 + 1

// disown makes of a log's staging folder one of another process.
func disown(l *Log, who identity, pid int) error {
	files, lock := fileSystemOf(l.folder), filepath.Join(l.staging, lockFile)
	text, err := json.Marshal(owner{l.o.Table, l.o.Topic, l.o.Group, pid, "elsewhere", stamp{start}, who})
	return errors.Join(err, files.Remove(lock), files.Create(lock, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}))
}
