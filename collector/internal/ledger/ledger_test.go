package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	now = time.Date(2026, 3, 20, 9, 0, 0, 0, time.UTC)
	key = Key{CollectorPath: "/data/flow", Pipeline: "flow", Topic: "T"}
)

func open(t *testing.T, dir string, at time.Time) *Ledger {
	t.Helper()
	l, err := Open(dir, key, at)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closed(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// add writes a file and records it.
func add(t *testing.T, l *Ledger, path, content string, edit func(*File)) *File {
	t.Helper()
	write(t, path, content)
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	st := stat(t, path)
	head, err := HeadPrint(r, st.Size)
	if err != nil {
		t.Fatal(err)
	}
	f := &File{ID: NewID(), Path: Name(path), Stat: st, Head: head, Status: Sent}
	if err := l.Update(f, func(f *File) {
		if edit != nil {
			edit(f)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, path string) Stat {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return Stat{Inode: st.Ino, Size: st.Size, ModNS: st.Mtim.Nano()}
}

func TestRestart(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	l := open(t, dir, now)
	if l.Began() {
		t.Error("a new ledger has begun")
	}
	if err := l.Begin(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(data, "a\xff b\n'$(x)'.log") // not UTF-8
	f := add(t, l, name, "rows", nil)
	plan := Plan{From: 3, To: 4, Limit: 1000, Type: "flow", Method: []byte(`{"name":"text"}`), Partitions: 3}
	if err := l.Plan(f, plan); err != nil {
		t.Fatal(err)
	}
	ids := make([][16]byte, 5)
	for n := range ids {
		ids[n] = NewID()
	}
	for _, n := range []int{4, 0, 2} { // in any order
		if err := l.Ack(f, n, ids[n]); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, l)

	for range 2 { // what compaction at start writes must read the same
		l = open(t, dir, now)
		if !l.Began() || l.Damaged != 0 {
			t.Errorf("began %v, %d damaged", l.Began(), l.Damaged)
		}
		got, change, err := l.Identify(name, stat(t, name))
		if err != nil || change != Known {
			t.Fatalf("Identify = %v, %v", change, err)
		}
		if got.ID != f.ID || got.Status != Pending || got.Plan == nil || got.Plan.Partitions != 3 || string(got.Plan.Method) != `{"name":"text"}` {
			t.Errorf("got %+v, plan %+v", got, got.Plan)
		}
		for n, want := range []bool{true, false, true, false, true} {
			acked, same := l.Acked(got, n, ids[n])
			if acked != want || same != want {
				t.Errorf("segment %d: acked %v, same %v", n, acked, same)
			}
		}
		if acked, same := l.Acked(got, 0, ids[1]); !acked || same {
			t.Error("another segment was taken for the acknowledged one")
		}
		closed(t, l)
	}

	// The next plan begins without acknowledgements, and a late one of the old plan is void.
	l = open(t, dir, now)
	got, _, _ := l.Identify(name, stat(t, name))
	if err := l.Update(got, func(f *File) { f.Plan, f.Status, f.Done = nil, Sent, 4 }); err != nil {
		t.Fatal(err)
	}
	if err := l.Plan(got, plan); err != nil {
		t.Fatal(err)
	}
	if got.Plan.Seq != 2 {
		t.Errorf("second plan is number %d", got.Plan.Seq)
	}
	closed(t, l)
	l = open(t, dir, now)
	defer closed(t, l)
	got, _, _ = l.Identify(name, stat(t, name))
	if acked, _ := l.Acked(got, 0, ids[0]); acked {
		t.Error("the old plan's acknowledgement counts for the new plan")
	}
}

func TestRejectedSegments(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, now)
	path := filepath.Join(t.TempDir(), "a")
	f := add(t, l, path, "rows", nil)
	if err := l.Plan(f, Plan{To: 4, Type: "flow", Method: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		record := l.Ack
		if n == 1 {
			record = l.Reject
		}
		if err := record(f, n, NewID()); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // as it is, from the log, and from the compacted log
		if n := l.Rejected(f); n != 1 {
			t.Errorf("%d rejected", n)
		}
		if acked, _ := l.Acked(f, 1, NewID()); !acked {
			t.Error("the rejected segment is not dealt with")
		}
		closed(t, l)
		l = open(t, dir, now)
		f, _, _ = l.Identify(path, stat(t, path))
	}
	closed(t, l)
}

func TestParseID(t *testing.T) {
	id := NewID()
	var got ID
	if err := got.UnmarshalText([]byte(id.String())); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "12", id.String() + "00", id.String()[:31] + "x"} {
		if got.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

// Whatever is cut off the end of the file, the whole lines before it count.
func TestTornEnd(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	l := open(t, dir, now)
	a := add(t, l, filepath.Join(data, "a"), "a", nil)
	b := add(t, l, filepath.Join(data, "b"), "b", nil)
	closed(t, l)
	path := filepath.Join(l.Folder(), "ledger")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for cut := len(whole); cut >= first; cut -= 7 {
		write(t, path, string(whole[:cut]))
		l := open(t, dir, now)
		if l.Damaged != 0 {
			t.Errorf("cut at %d: %d damaged lines", cut, l.Damaged)
		}
		_, okA := l.files[a.ID]
		_, okB := l.files[b.ID]
		if cut == len(whole) && !(okA && okB) || cut < len(whole) && okA == okB {
			t.Errorf("cut at %d: a %v, b %v", cut, okA, okB)
		}
		add(t, l, filepath.Join(data, "c"), "c", nil)
		closed(t, l)
		if l = open(t, dir, now); l.Damaged != 0 || l.byPath[Name(filepath.Join(data, "c"))] == nil {
			t.Errorf("cut at %d: what was recorded after it is lost", cut)
		}
		closed(t, l)
	}
}

func TestDamagedLine(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	l := open(t, dir, now)
	for n := range 3 {
		add(t, l, filepath.Join(data, fmt.Sprint(n)), "x", nil)
	}
	closed(t, l)
	path := filepath.Join(l.Folder(), "ledger")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	write(t, path, string(b))
	l = open(t, dir, now)
	defer closed(t, l)
	if l.Damaged != 1 || len(l.files) != 2 {
		t.Errorf("%d damaged, %d files", l.Damaged, len(l.files))
	}
	if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != string(b) {
		t.Errorf("the damaged ledger is not kept: %v", err)
	}
}

func TestIdentify(t *testing.T) {
	const line = "2018-03-20 09:25:11 a line of a log file\n"
	long := strings.Repeat(line, 400)
	tests := []struct {
		name    string
		content string
		done    int64
		change  func(t *testing.T, path string) (newPath string)
		want    Change
	}{
		{"nothing", long, 100, func(t *testing.T, path string) string { return path }, Known},
		{"touched", long, 100, func(t *testing.T, path string) string {
			if err := os.Chtimes(path, now, now); err != nil {
				t.Fatal(err)
			}
			return path
		}, Known},
		{"renamed", long, 100, func(t *testing.T, path string) string {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			return path + ".1"
		}, Renamed},
		{"grown", long, 100, func(t *testing.T, path string) string {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString(line); err != nil {
				t.Fatal(err)
			}
			return path
		}, Grown},
		{"grown from nothing", "", 0, func(t *testing.T, path string) string { write(t, path, line); return path }, Grown},
		{"truncated", long, 100, func(t *testing.T, path string) string {
			if err := os.Truncate(path, 10); err != nil {
				t.Fatal(err)
			}
			return path
		}, Rewritten},
		{"another head, longer", long, 100, func(t *testing.T, path string) string { write(t, path, "X"+long); return path }, Rewritten},
		{"the same head, another tail before the sent length", long, int64(len(long)), func(t *testing.T, path string) string {
			write(t, path, long[:8000]+"Y"+long[8001:]+line)
			return path
		}, Grown}, // 8000 is before the last 4 KiB
		{"another tail", long, int64(len(long)), func(t *testing.T, path string) string {
			write(t, path, long[:len(long)-100]+"Y"+long[len(long)-99:]+line)
			return path
		}, Rewritten},
		{"copied anew", long, 100, func(t *testing.T, path string) string { write(t, path+".copy", long); return path + ".copy" }, Fresh},
		{"a second name", long, 100, func(t *testing.T, path string) string {
			if err := os.Link(path, path+".link"); err != nil {
				t.Fatal(err)
			}
			return path + ".link"
		}, Fresh},
		{"replaced at its path", long, 100, func(t *testing.T, path string) string {
			write(t, path+".new", "other")
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
			return path
		}, Fresh},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := open(t, t.TempDir(), now)
			defer closed(t, l)
			path := filepath.Join(t.TempDir(), "x.log")
			f := add(t, l, path, tt.content, func(f *File) {
				r := strings.NewReader(tt.content)
				tail, err := TailPrint(r, tt.done)
				if err != nil {
					t.Fatal(err)
				}
				f.Done, f.Tail = tt.done, tail
			})
			path = tt.change(t, path)
			got, change, err := l.Identify(path, stat(t, path))
			if err != nil || change != tt.want {
				t.Fatalf("Identify = %v, %v; want %v", change, err, tt.want)
			}
			if (change == Fresh) != (got == nil) || got != nil && got != f {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A new file can get the inode of one that was removed; its birth time tells.
func TestInodeUsedAgain(t *testing.T) {
	l := open(t, t.TempDir(), now)
	defer closed(t, l)
	path := filepath.Join(t.TempDir(), "x")
	add(t, l, path, "same", func(f *File) { f.Stat.Birth = 1000 })
	st := stat(t, path)
	st.Birth = 2000
	if _, change, err := l.Identify(path, st); err != nil || change != Fresh {
		t.Errorf("Identify = %v, %v", change, err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, now)
	_, err := Open(dir, key, now)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Fatalf("second Open: %v", err)
	}
	// Without conversion it is another ledger: failed segments can be sent beside.
	other := key
	other.Skip = true
	second, err := Open(dir, other, now)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, second)
	closed(t, l)
	closed(t, open(t, dir, now))
}

func TestPrivateFolder(t *testing.T) {
	dir := t.TempDir()
	loose := filepath.Join(dir, "loose")
	if err := os.Mkdir(loose, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := PrivateFolder(loose); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(loose); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v", info.Mode())
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(loose, link); err != nil {
		t.Fatal(err)
	}
	if err := PrivateFolder(link); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("link: %v", err)
	}
	// state_dir may be a folder that others use as well.
	if err := os.Chmod(loose, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := OwnFolder(loose); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(loose); info.Mode().Perm() != 0o755 {
		t.Errorf("OwnFolder changed the mode to %v", info.Mode())
	}
	write(t, filepath.Join(dir, "file"), "")
	if err := PrivateFolder(filepath.Join(dir, "file")); err == nil {
		t.Error("a file was taken for a folder")
	}
	if os.Geteuid() == 0 {
		theirs := filepath.Join(dir, "theirs")
		if err := os.Mkdir(theirs, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(theirs, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if err := PrivateFolder(theirs); err == nil || !strings.Contains(err.Error(), "12345") {
			t.Errorf("another user's: %v", err)
		}
	}
}

func TestSweep(t *testing.T) {
	l := open(t, t.TempDir(), now)
	defer closed(t, l)
	data := t.TempDir()
	stays := add(t, l, filepath.Join(data, "stays"), "x", nil)
	gone := add(t, l, filepath.Join(data, "gone"), "y", nil)
	unsent := add(t, l, filepath.Join(data, "unsent"), "z", func(f *File) { f.Status = Pending })
	back := add(t, l, filepath.Join(data, "back"), "w", nil)
	for _, f := range []*File{gone, unsent, back} {
		if err := os.Rename(string(f.Path), string(f.Path)+".away"); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(at time.Time) []*File {
		t.Helper()
		lost, err := l.Sweep(at)
		if err != nil {
			t.Fatal(err)
		}
		return lost
	}
	sweep(now)
	sweep(now.Add(6 * 24 * time.Hour))
	if len(l.files) != 4 {
		t.Fatalf("%d files are known after six days", len(l.files))
	}
	if err := os.Rename(string(back.Path)+".away", string(back.Path)); err != nil {
		t.Fatal(err)
	}
	lost := sweep(now.Add(8 * 24 * time.Hour))
	if len(lost) != 1 || lost[0] != unsent {
		t.Errorf("lost: %v", lost)
	}
	if len(l.files) != 2 || l.files[stays.ID] == nil || l.files[back.ID] == nil || back.Absent != 0 {
		t.Errorf("left: %v", l.files)
	}
}

func TestSpool(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	l := open(t, dir, now)
	f := add(t, l, filepath.Join(data, "a"), "a", nil)
	if err := l.Plan(f, Plan{To: 1, Limit: 1000, Type: "flow", Partitions: 1, Method: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	id := NewID()
	one := Spooled{File: f.ID, Plan: 1, Number: 1, Path: "/staging/a_segment-1.csv", Sum: "s1", Size: 9, Segment: id.String(), TimeMS: 5}
	two := Spooled{File: f.ID, Plan: 1, Number: 0, Path: "/staging/a_segment-0.csv", Sum: "s0", TimeMS: 3}
	for _, s := range []Spooled{one, two} {
		if err := l.Spool(s); err != nil {
			t.Fatal(err)
		}
	}
	index := NewIndex(dir)
	if s, ok, err := find(index, 9, "s1"); err != nil || !ok || s.Segment != id.String() {
		t.Errorf("while the collector runs: %v, %v, %v", s, ok, err)
	}
	closed(t, l)
	l = open(t, dir, now)
	f = l.files[f.ID]
	if w := l.Waiting(); len(w) != 2 || w[0].Number != 0 || w[1].Number != 1 {
		t.Errorf("waiting: %v", w)
	}
	if err := l.Unspool(one, now, false); err != nil {
		t.Fatal(err)
	}
	if err := l.Lost(two); err != nil {
		t.Fatal(err)
	}
	if w := l.Waiting(); len(w) != 0 {
		t.Errorf("still waiting: %v", w)
	}
	if acked, same := l.Acked(f, 1, id); !acked || !same {
		t.Error("the plan doesn't know that the spooled segment was acknowledged")
	}
	closed(t, l)

	// Its identity is remembered for a week.
	closed(t, open(t, dir, now.Add(6*24*time.Hour)))
	if _, ok, err := find(NewIndex(dir), 9, "s1"); err != nil || !ok {
		t.Errorf("after six days: %v, %v", ok, err)
	}
	if _, ok, _ := find(index, 9, "unknown"); ok {
		t.Error("found what was never spooled")
	}
	closed(t, open(t, dir, now.Add(8*24*time.Hour)))
	if _, ok, err := find(NewIndex(dir), 9, "s1"); err != nil || ok {
		t.Errorf("after eight days: %v, %v", ok, err)
	}
}

func find(x *Index, size int64, sum string) (Spooled, bool, error) {
	return x.Find("", size, func() (string, error) { return sum, nil })
}

// The file doesn't grow for ever while a text file grows.
func TestCompaction(t *testing.T) {
	l := open(t, t.TempDir(), now)
	defer closed(t, l)
	f := add(t, l, filepath.Join(t.TempDir(), "a"), "a", func(f *File) { f.Reason = strings.Repeat("r", 10_000) })
	var largest int64
	for n := range 6_000 {
		if err := l.Update(f, func(f *File) { f.Done = int64(n) }); err != nil {
			t.Fatal(err)
		}
		if n%100 == 99 {
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
			if err := l.Compact(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(l.log.path)
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, info.Size())
		}
	}
	if largest > 20<<20 {
		t.Errorf("the ledger of one file grew to %d bytes", largest)
	}
}

// A write that fails leaves the ledger readable, and nothing is forgotten.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, now)
	f := add(t, l, filepath.Join(t.TempDir(), "a"), "a", nil)
	good := l.log.f
	broken, err := os.Open(l.log.path) // not writable
	if err != nil {
		t.Fatal(err)
	}
	l.log.f = broken
	if err := l.Plan(f, Plan{To: 1, Type: "flow", Partitions: 1, Method: []byte(`{}`)}); !errors.Is(err, ErrUnwritable) {
		t.Fatalf("error %v", err)
	}
	writable := l.Writable()
	select {
	case <-writable:
		t.Error("writable after a failure")
	default:
	}
	broken.Close()
	l.log.f = good
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-writable:
	default:
		t.Error("not writable after a success")
	}
	closed(t, l)
	l = open(t, dir, now)
	defer closed(t, l)
	if got := l.files[f.ID]; got == nil || got.Plan == nil {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseRecord(f *testing.F) {
	id := NewID()
	for _, r := range []record{
		{File: &File{ID: id, Path: "a\xff", Plan: &Plan{Method: []byte(`{"name":"text"}`)}}},
		{Gone: &id},
		{Ack: &ack{File: id, Number: 3}},
		{Spool: &Spooled{File: id}},
	} {
		line, err := appendRecord(nil, &r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRecord(line)
		if err != nil {
			return
		}
		l := &Ledger{files: map[ID]*File{}, byPath: map[Name]*File{}, byInode: map[uint64]*File{}, spool: map[spoolKey]*Spooled{}}
		l.apply(r)
	})
}
