package commitlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCommit(t *testing.T) { overAll(t, testCommit) }

func testCommit(t *testing.T, tempFolder func(testing.TB) string) {
	folder := filepath.Join(tempFolder(t), "spot", "flow")
	o := options(folder, newClock())
	l := openLog(t, o)
	if !l.Empty() || l.Number() != 0 || len(l.Positions()) != 0 {
		t.Errorf("a new log has record %d and positions %v", l.Number(), l.Positions())
	}
	if !isID(l.Warehouse()) {
		t.Errorf("warehouse %q", l.Warehouse())
	}
	mustCommit(t, l, 0, 10, 3)
	mustCommit(t, l, 1, 5, 1)
	c := mustBatch(t, l, 0, 10, 2)
	c.Segments = []SegmentID{{1}, {2}}
	dead := File{Staged: "dead", Final: "dead_letter/a.jsonl", Rows: 1, Bytes: 3}
	if err := l.createFile(filepath.Join(l.Staging(), dead.Staged), []byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	c.Files = append(c.Files, dead)
	if err := l.Commit(c); err != nil {
		t.Fatal(err)
	}
	check := func(l *Log) {
		t.Helper()
		if l.Number() != 3 || l.Empty() {
			t.Errorf("record %d", l.Number())
		}
		want := Position{Next: 20, Last: 19, Time: 1521537911143, CRC: 20}
		if got, ok := l.Position(0); got != want || !ok {
			t.Errorf("partition 0: %v, %v", got, ok)
		}
		if _, ok := l.Position(2); ok {
			t.Error("partition 2 is known")
		}
		if !l.Known(SegmentID{1}) || !l.Known(SegmentID{2}) || l.Known(SegmentID{3}) {
			t.Error("known segments are wrong")
		}
		checkRows(t, folder, l.Positions())
	}
	check(l)
	if _, err := l.fs.Stat(filepath.Join(folder, dead.Final)); err != nil {
		t.Error(err)
	}
	again := openLog(t, o)
	check(again)
	if again.Warehouse() != l.Warehouse() {
		t.Error("the warehouse has two ids")
	}
	if again.Staging() == l.Staging() {
		t.Error("two logs have one staging folder")
	}
	for _, log := range []*Log{l, again} {
		if left := files(t, log.Staging()); len(left) != 1 || left[0] != lockFile {
			t.Errorf("in staging: %q", left)
		}
		if err := errors.Join(log.Close(), log.Close()); err != nil {
			t.Error(err)
		}
	}
	if left := entries(t, filepath.Join(folder, stagingFolder)); left > 0 {
		t.Errorf("left in staging: %d", left)
	}
	if l.Refresh() == nil || l.Commit(c) == nil {
		t.Error("a closed log works")
	}
}

// Tables and logs are for others to read, staging is not; files that go from staging into
// the table follow the umask.
func TestModes(t *testing.T) {
	folder := tempFolder(t)
	old := unix.Umask(0o027)
	defer unix.Umask(old)
	l := openLog(t, options(folder, newClock()))
	c := mustBatch(t, l, 0, 1, 1)
	if err := l.Commit(c); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		l.Staging(): 0o700, filepath.Join(folder, "hive"): 0o750, filepath.Join(folder, c.Files[0].Final): 0o640,
		filepath.Dir(filepath.Join(folder, c.Files[0].Final)): 0o750, l.recordPath(l.state.folder, 1): 0o640,
		filepath.Join(folder, "commits", "warehouse.json"): 0o640,
	} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
}

func TestStale(t *testing.T) { overAll(t, testStale) }

func testStale(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	o := options(folder, newClock())
	a, b := openLog(t, o), openLog(t, o)
	stale := func(l *Log, c *Commit) {
		t.Helper()
		if err := l.Commit(c); !errors.Is(err, ErrStale) {
			t.Errorf("got %v", err)
		}
		abandon(l, c)
	}
	slow := mustBatch(t, b, 0, 7, 2)
	c := mustBatch(t, a, 0, 10, 2)
	c.Segments = []SegmentID{{1}}
	if err := a.Commit(c); err != nil {
		t.Fatal(err)
	}
	stale(b, slow)
	if p, _ := b.Position(0); p.Next != 10 {
		t.Errorf("after a stale batch the position is %d", p.Next)
	}
	repeat := mustBatch(t, b, 1, 10, 1)
	repeat.Segments = []SegmentID{{2}, {1}}
	stale(b, repeat)
	ahead, err := batch(b, 0, 11, 12, 1)
	if err != nil {
		t.Fatal(err)
	}
	stale(b, ahead)
	// A partition that the log doesn't know is read from offset 0.
	unknown, err := batch(b, 2, 5, 6, 1)
	if err != nil {
		t.Fatal(err)
	}
	stale(b, unknown)
	mustCommit(t, b, 2, 1, 1)
	checkRows(t, folder, b.Positions())
	if left := files(t, b.Staging()); len(left) != 1 {
		t.Errorf("in staging: %q", left)
	}
}

func TestReposition(t *testing.T) { overAll(t, testReposition) }

func testReposition(t *testing.T, tempFolder func(testing.TB) string) {
	o := options(tempFolder(t), newClock())
	a, b := openLog(t, o), openLog(t, o)
	set := func(partition int, next int64) *Commit {
		return &Commit{Parts: []Part{{partition, next, Position{Next: next, Last: -1}}}, Note: "by hand"}
	}
	if err := a.Reposition(set(0, 100)); err != nil {
		t.Fatal(err)
	}
	// b has not seen that, and would undo it.
	if err := b.Reposition(set(0, 50)); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	if p, _ := b.Position(0); p != (Position{Next: 100, Last: -1}) {
		t.Errorf("got %v", p)
	}
	if err := b.Reposition(set(0, 50)); err != nil {
		t.Error(err)
	}
	if p, _ := b.Position(0); p.Next != 50 {
		t.Errorf("got %v", p)
	}
	// Offset 0 by hand is not the same as not being known.
	if err := a.Reposition(set(7, 0)); err != nil {
		t.Error(err)
	}
	if err := b.Reposition(set(7, 5)); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	for _, err := range []error{a.Reposition(&Commit{Parts: set(0, 1).Parts}), a.Commit(set(0, 50))} {
		if err == nil || !strings.Contains(err.Error(), "note") {
			t.Errorf("got %v", err)
		}
	}
}

func TestBadBatches(t *testing.T) { overAll(t, testBadBatches) }

func testBadBatches(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	l := openLog(t, options(folder, newClock()))
	mustCommit(t, l, 0, 10, 1)
	there := files(t, filepath.Join(folder, "hive"))[0]
	for name, spoil := range map[string]func(c *Commit){
		"no part":            func(c *Commit) { c.Parts = nil },
		"backwards":          func(c *Commit) { c.Parts[0].Next = 9 },
		"last beyond":        func(c *Commit) { c.Parts[0].Last = c.Parts[0].Next },
		"negative partition": func(c *Commit) { c.Parts[0].Partition = -1 },
		"partition twice":    func(c *Commit) { c.Parts = append(c.Parts, c.Parts[0]) },
		"not staged":         func(c *Commit) { c.Files[0].Staged = "other" },
		"not complete":       func(c *Commit) { c.Files[0].Bytes++ },
		"the lock":           func(c *Commit) { c.Files[0].Staged = lockFile },
		"a path in staging":  func(c *Commit) { c.Files[0].Staged = "../" + filepath.Base(l.Staging()) + "/" + c.Files[0].Staged },
		"out of the folder":  func(c *Commit) { c.Files[0].Final = "hive/../../x" },
		"absolute":           func(c *Commit) { c.Files[0].Final = "/hive/x" },
		"not clean":          func(c *Commit) { c.Files[0].Final = "hive//x" },
		"no name":            func(c *Commit) { c.Files[0].Final = "hive" },
		"into the log":       func(c *Commit) { c.Files[0].Final = "commits/x" },
		"staged twice":       func(c *Commit) { c.Files[1].Staged = c.Files[0].Staged },
		"final twice":        func(c *Commit) { c.Files[1].Final = c.Files[0].Final },
		"final exists":       func(c *Commit) { c.Files[0].Final = "hive/" + there },
		"note not UTF-8":     func(c *Commit) { c.Note = "\xff" },
	} {
		c := mustBatch(t, l, 0, 5, 2)
		spoil(c)
		commit := l.Commit
		if c.Note != "" {
			commit = l.Reposition
		}
		if err := commit(c); err == nil || errors.Is(err, ErrStale) || errors.As(err, new(*UnfinishedError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if l.Number() != 1 {
		t.Errorf("record %d", l.Number())
	}
	mustCommit(t, l, 0, 5, 2)
	checkRows(t, folder, l.Positions())
}

// Logs of other groups and topics lie beside each other in one table and never meet, not
// even what their writers have left in staging.
func TestOtherLogs(t *testing.T) { overAll(t, testOtherLogs) }

func testOtherLogs(t *testing.T, tempFolder func(testing.TB) string) {
	folder, c := tempFolder(t), newClock()
	o := options(folder, c)
	other := o
	other.Group = "other"
	a, b := openLog(t, o), openLog(t, other)
	mustCommit(t, a, 0, 10, 1)
	if p, ok := b.Position(0); ok {
		t.Errorf("the other group is at %v", p)
	}
	if a.Warehouse() != b.Warehouse() {
		t.Error("two warehouses in one folder")
	}
	// b dies in the middle of a commit.
	b.o.Fault = func(step string) error {
		if step == stepMoveFile {
			return unix.ENOSPC
		}
		return nil
	}
	var unfinished *UnfinishedError
	if err := b.Commit(mustBatch(t, b, 1, 10, 1)); !errors.As(err, &unfinished) {
		t.Fatalf("got %v", err)
	}
	die(b)

	openLog(t, o)
	if len(files(t, b.Staging())) == 0 {
		t.Error("an unfinished commit's files were removed")
	}
	b = openLog(t, other)
	checkRows(t, folder, map[int]Position{0: {Next: 10}, 1: {Next: 10}})
	if left := entries(t, filepath.Join(folder, stagingFolder)); left != 3 {
		t.Errorf("left in staging: %d", left)
	}
}

func TestOpenFails(t *testing.T) { overAll(t, testOpenFails) }

func testOpenFails(t *testing.T, tempFolder func(testing.TB) string) {
	fill := func(t *testing.T) (Options, *Log) {
		o := options(tempFolder(t), newClock())
		l := openLog(t, o)
		for range 5 {
			mustCommit(t, l, 0, 1, 1)
		}
		return o, l
	}
	for name, c := range map[string]struct {
		spoil func(o *Options, l *Log) error
		want  string
	}{
		"no group":  {func(o *Options, l *Log) error { o.Group = ""; return nil }, `"" can't be the name`},
		"not UTF-8": {func(o *Options, l *Log) error { o.Topic = "\xff"; return nil }, "can't be the name"},
		"a gap":     {func(o *Options, l *Log) error { return l.fs.Remove(l.recordPath(l.state.folder, 3)) }, "0000000003.json: restore"},
		"no first":  {func(o *Options, l *Log) error { return l.fs.Remove(l.recordPath(l.state.folder, 1)) }, "0000000001.json: restore"},
		"no epoch":  {func(o *Options, l *Log) error { return l.fs.RemoveAll(filepath.Join(l.folder, l.state.folder)) }, "has no records, and had some"},
		"a torn one": {func(o *Options, l *Log) error {
			return change(l, l.recordPath(l.state.folder, 5), func(text string) string { return text[:100] })
		}, "0000000005.json can't be read"},
		"an edited one": {func(o *Options, l *Log) error {
			return change(l, l.recordPath(l.state.folder, 2), func(text string) string {
				return strings.Replace(text, `"next":2`, `"next":1`, 1)
			})
		}, "0000000002.json can't be read: its checksum is wrong"},
		"another number": {func(o *Options, l *Log) error {
			return errors.Join(l.fs.Remove(l.recordPath(l.state.folder, 4)), l.fs.Rename(l.recordPath(l.state.folder, 5), l.recordPath(l.state.folder, 4)))
		}, "it says that it is record 5"},
		"of another group": {func(o *Options, l *Log) error {
			o.Group = "other"
			return l.fs.Rename(l.folder, filepath.Join(filepath.Dir(l.folder), "other"))
		}, `belongs to table "flow", topic "a.topic" and group "a/group"`},
		"warehouse": {func(o *Options, l *Log) error {
			return change(l, filepath.Join(o.Folder, "commits", "warehouse.json"), func(string) string { return "{}" })
		}, "warehouse.json has no warehouse id"},
		"staging a link": {func(o *Options, l *Log) error { return makeLink(filepath.Join(o.Folder, stagingFolder)) },
			"staging must be a folder, and no symbolic link"},
		"commits a link": {func(o *Options, l *Log) error { return makeLink(filepath.Join(o.Folder, commitsFolder)) },
			"commits must be a folder, and no symbolic link"},
		"a file for a folder": {func(o *Options, l *Log) error {
			return errors.Join(l.fs.RemoveAll(filepath.Join(o.Folder, "dead_letter")), os.WriteFile(filepath.Join(o.Folder, "dead_letter"), nil, 0o666))
		}, "dead_letter: file exists"},
	} {
		t.Run(name, func(t *testing.T) {
			o, l := fill(t)
			if !l.local && slices.Contains([]string{"staging a link", "commits a link", "a file for a folder"}, name) {
				t.Skip("that is for local file systems")
			}
			if err := c.spoil(&o, l); err != nil {
				t.Fatal(err)
			}
			_, err := Open(o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left != 1 {
				t.Errorf("left in staging: %d", left)
			}
		})
	}
}

// change writes a file anew.
func change(l *Log, path string, change func(string) string) error {
	text, err := l.fs.ReadFile(path, 1<<20)
	return errors.Join(err, l.fs.Remove(path), l.createFile(path, []byte(change(string(text)))))
}

// makeLink moves a folder elsewhere and leaves a link to it.
func makeLink(folder string) error {
	moved := folder + ".moved"
	return errors.Join(os.Rename(folder, moved), os.Symlink(moved, folder))
}

// Files that are none of the log's are left alone.
func TestForeignFiles(t *testing.T) { overAll(t, testForeignFiles) }

func testForeignFiles(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	o := options(folder, newClock())
	l := openLog(t, o)
	mustCommit(t, l, 0, 1, 1)
	staging := filepath.Join(folder, stagingFolder)
	foreign := []string{
		filepath.Join(folder, "commits", "README"), filepath.Join(l.folder, "notes"), filepath.Join(l.folder, "9-x", "0000000577.json"),
		filepath.Join(l.folder, l.state.folder, "0000000002.json.bak"), filepath.Join(l.folder, l.state.folder, "copy.json"),
		filepath.Join(staging, "file"), filepath.Join(staging, "folder", "file"), filepath.Join(staging, "locked", lockFile),
	}
	for _, path := range foreign {
		if err := errors.Join(l.fs.MkdirAll(filepath.Dir(path)), l.createFile(path, []byte("{}"))); err != nil {
			t.Fatal(err)
		}
	}
	again := openLog(t, o)
	mustCommit(t, again, 0, 1, 1)
	checkRows(t, folder, again.Positions())
	for _, path := range foreign {
		if _, err := l.fs.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestOtherFileSystem(t *testing.T) {
	if err := onePlace(tempFolder(t), "/proc"); err == nil || !strings.Contains(err.Error(), "different file systems") {
		t.Errorf("got %v", err)
	}
	if err := onePlace(tempFolder(t), filepath.Join(tempFolder(t), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	// A partition folder that leads to another file system shows only when a file is moved.
	folder, elsewhere := t.TempDir(), tempFolder(t)
	if onePlace(folder, elsewhere) == nil {
		t.Skipf("%s is on the same file system as %s", elsewhere, folder)
	}
	l := openLog(t, options(folder, newClock()))
	link := filepath.Join(folder, "hive", "y=2018")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	var unfinished *UnfinishedError
	err := l.Commit(mustBatch(t, l, 0, 4, 2))
	if !errors.As(err, &unfinished) || !errors.Is(err, unix.EXDEV) || !strings.Contains(err.Error(), "another file system") {
		t.Fatalf("got %v", err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	checkRows(t, folder, l.Positions())
}
