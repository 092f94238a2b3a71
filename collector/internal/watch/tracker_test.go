package watch

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"spot-ingest/pkg/logging"
)

// A desk is a tracker with one folder whose files exist on paper only.
type desk struct {
	*tracker
	dir   *folder
	files map[string]stat
	err   error
	lease lease
}

func newDesk(o Options, now time.Time) *desk {
	d := &desk{dir: newFolder("/in"), files: map[string]stat{}, lease: leaseFree}
	d.tracker = newTracker(rulesOf(o), logging.Discard(), now)
	d.stat = func(path string) (stat, error) {
		if d.err != nil {
			return stat{}, d.err
		}
		st, ok := d.files[strings.TrimPrefix(path, "/in/")]
		if !ok {
			return stat{}, fs.ErrNotExist
		}
		return st, nil
	}
	d.probe = func(path string) (lease, stat) { return d.lease, d.files[strings.TrimPrefix(path, "/in/")] }
	return d
}

func (d *desk) put(name string, st stat, now time.Time) {
	d.files[name] = st
	d.observe(d.dir, name, st, now)
}

func (d *desk) count(now time.Time) int {
	for d.judge(now, 1) {
	}
	return d.tracker.ready.len()
}

// After a clock was set back by a day, files from before are of the future: the time that
// passes since they were seen counts.
func TestFileOfTheFuture(t *testing.T) {
	begin := time.Now()
	d := newDesk(Options{}, begin)
	d.put("a", stat{inode: 1, size: 1, mtime: begin.UnixNano()}, begin)
	if n := d.count(begin.Add(1999 * time.Millisecond)); n != 0 {
		t.Fatal("taken early")
	}
	ahead := begin.Add(24 * time.Hour)
	d.put("b", stat{inode: 2, size: 1, mtime: ahead.UnixNano()}, begin.Add(time.Second))
	if n := d.count(begin.Add(2 * time.Second)); n != 1 {
		t.Errorf("%d files after 2 s", n)
	}
	if n := d.count(begin.Add(3 * time.Second)); n != 2 {
		t.Errorf("%d files after 3 s", n)
	}
}

// A stat that fails for a passing reason (a network file system) is tried again; a file
// that is gone is forgotten.
func TestStatFails(t *testing.T) {
	begin := time.Now()
	d := newDesk(Options{}, begin)
	d.put("a", stat{inode: 1, size: 1, mtime: begin.UnixNano()}, begin)
	d.err = errors.New("input/output error")
	if n := d.count(begin.Add(4 * time.Second)); n != 0 || d.due.len() != 1 {
		t.Fatalf("%d ready, %d waiting", n, d.due.len())
	}
	d.err = nil
	if n := d.count(begin.Add(9 * time.Second)); n != 1 {
		t.Errorf("%d ready", n)
	}
	d.put("b", stat{inode: 2, size: 1, mtime: begin.UnixNano()}, begin)
	delete(d.files, "b")
	if n := d.count(begin.Add(20 * time.Second)); n != 1 || d.dir.files["b"] != nil {
		t.Errorf("%d ready, b is %v", n, d.dir.files["b"])
	}
}

// What the lease's own look at the file shows counts: a writer came and went in between.
func TestChangedBeforeLease(t *testing.T) {
	begin := time.Now()
	d := newDesk(Options{}, begin)
	d.put("a", stat{inode: 1, size: 1, mtime: begin.UnixNano()}, begin)
	then := begin.Add(2 * time.Second)
	d.probe = func(string) (lease, stat) {
		return leaseFree, stat{inode: 1, size: 2, mtime: then.UnixNano()}
	}
	if n := d.count(then); n != 0 {
		t.Fatal("taken though it has just changed")
	}
	d.files["a"] = stat{inode: 1, size: 2, mtime: then.UnixNano()}
	if n := d.count(then.Add(2 * time.Second)); n != 1 || d.tracker.ready.items[0].size != 2 {
		t.Errorf("%d ready", n)
	}
}

// Times at the edges of what can be written down neither overflow nor hang.
func TestExtremeTimes(t *testing.T) {
	begin := time.Now()
	d := newDesk(Options{}, begin)
	for i, mtime := range []int64{-1 << 63, -1, 0, 1<<63 - 1, nanos(-1<<62, 0), nanos(1<<62, 999_999_999)} {
		d.put(string(rune('a'+i)), stat{inode: uint64(i + 1), mtime: mtime}, begin)
	}
	if n := d.count(begin); n != 4 {
		t.Errorf("%d files of the past, want 4", n)
	}
	if n := d.count(begin.Add(2 * time.Second)); n != 6 {
		t.Errorf("%d files, want 6", n)
	}
}

// The warning of a file that stays open comes once, and polling slows down.
func TestStuckWriter(t *testing.T) {
	begin := time.Now()
	d := newDesk(Options{}, begin)
	var log bytes.Buffer
	d.log = logging.New(&log, logging.Info, false)
	d.lease = leaseBusy
	probes := 0
	d.probe = func(string) (lease, stat) { probes++; return d.lease, stat{} }
	d.put("a", stat{inode: 1, size: 1, mtime: begin.UnixNano()}, begin)
	for now := begin; now.Sub(begin) < 3*time.Hour; {
		d.count(now)
		now = d.start.Add(time.Duration(d.due.items[0].due))
	}
	if n := strings.Count(log.String(), "WARNING"); n != 1 {
		t.Errorf("%d warnings", n)
	}
	if probes > 3*3600/5+400 {
		t.Errorf("asked %d times in 3 h", probes)
	}
}

// Files finish in the order of modification even where they became due out of order.
func TestOrder(t *testing.T) {
	begin := time.Now()
	d := newDesk(Options{}, begin)
	d.lease = leaseUnknown
	for i, name := range []string{"c", "a", "b", "e", "d"} {
		old := begin.Add(-time.Duration(name[0]) * time.Hour)
		d.put(name, stat{inode: uint64(i + 1), mtime: old.UnixNano()}, begin.Add(time.Duration(i)*time.Millisecond))
	}
	d.begun(begin.Add(time.Second))
	if n := d.count(begin.Add(30 * time.Second)); n != 0 {
		t.Fatalf("%d taken early", n)
	}
	if n := d.count(begin.Add(31 * time.Second)); n != 5 {
		t.Fatalf("%d ready", n)
	}
	got := ""
	for d.tracker.ready.len() > 0 {
		got += d.tracker.ready.items[0].name
		d.delivered()
	}
	if got != "edcba" {
		t.Errorf("order %q", got)
	}
}
