package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	rescanInterval = 5 * time.Second
	// rescanShare bounds the part of the time spent in rescans of big trees: one in so many.
	rescanShare = 10
	// batch is how many names or due files are handled between two looks at the rest of
	// the world, some hundred microseconds on a local disk.
	batch = 128
)

// A folder is a watched folder: what it holds that matters.
type folder struct {
	path     string
	files    map[string]*file  // the names that match
	skipped  map[string]uint32 // regular files whose names don't, with the pass that saw them
	pass     uint32            // number of its scans so far
	round    uint32            // the rescan that last reached it
	gone     bool              // dropped; may still be on the stack
	troubled bool              // couldn't be read last time, which has been said
}

func newFolder(path string) *folder {
	return &folder{path: path, files: map[string]*file{}, skipped: map[string]uint32{}}
}

func (d *folder) join(name string) string {
	if d.path == "/" {
		return "/" + name
	}
	return d.path + "/" + name
}

// A tree is the folders below the root with their files, kept up to date by events and
// rescans. It belongs to one goroutine. A rescan proceeds in small steps, so that events
// and finished files aren't held up by it.
type tree struct {
	*tracker
	opts    Options
	notify  *notifier
	open    func(path string, root bool) (*os.File, error)
	folders map[string]*folder

	stack    []*folder // still to be scanned
	cur      *folder   // being scanned
	curDir   *os.File
	curErr   error // met in it
	round    uint32
	scanning bool      // a round is under way
	again    bool      // another is needed as soon as can be
	began    time.Time // of the round
	nextScan time.Time // when the next is due
	earliest time.Time // when it may be, for urgent reasons
	interval time.Duration
	behind   bool // files are due that haven't been judged

	first  bool  // the first round isn't complete
	skips  int   // unsupported names in it
	deaf   bool  // events can't be read, which has been said
	lost   bool  // the root can't be read, which has been said
	failed error // why the root couldn't be read
}

func newTree(o Options, n *notifier, now time.Time) *tree {
	return &tree{
		tracker: newTracker(rulesOf(o), o.Log, now), opts: o, notify: n, open: openFolder,
		folders: map[string]*folder{}, first: true, nextScan: now, interval: rescanInterval,
	}
}

func (t *tree) close() {
	t.endFolder()
	t.notify.close()
}

// turn does a little of what is to be done and tells whether more is.
func (t *tree) turn(now time.Time) (busy bool) {
	busy = t.scanStep(now)
	if t.first {
		return busy
	}
	t.behind = t.judge(now, batch)
	return t.behind || busy
}

// done tells, in Once mode, that nothing is left to wait for.
func (t *tree) done() bool {
	return !t.first && t.due.len() == 0 && t.ready.len() == 0
}

// next is how long nothing is to be done.
func (t *tree) next(now time.Time) time.Duration {
	d := t.nextScan.Sub(now)
	if t.rules.once {
		d = t.rules.limit
	}
	if t.due.len() > 0 {
		d = min(d, time.Duration(t.due.items[0].due-t.at(now)))
	}
	return max(d, 0)
}

// head is the file to be received next; nil while others are to be judged that could be
// older.
func (t *tree) head() *wait {
	if t.first || t.behind || t.ready.len() == 0 {
		return nil
	}
	return t.ready.items[0]
}

// staging begins the name of every collector's staging folder, this one's or another's:
// what fails to be sent is stored there under names that match the patterns.
const staging = "_DC."

// excluded tells whether a sub-folder is one of those never to be read, by its name, its
// path or, however it was reached, by its identity.
func (t *tree) excluded(path string) bool {
	if strings.HasPrefix(filepath.Base(path), staging) {
		return true
	}
	if slices.Contains(t.opts.Exclude, path) {
		return true
	}
	if len(t.opts.Exclude) == 0 {
		return false
	}
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	for _, x := range t.opts.Exclude {
		if xi, err := os.Stat(x); err == nil && os.SameFile(info, xi) {
			return true
		}
	}
	return false
}

// enter makes a folder known and has it scanned.
func (t *tree) enter(path string) {
	d := t.folders[path]
	if d == nil {
		if path != t.opts.Root && t.excluded(path) {
			return
		}
		d = newFolder(path)
		t.folders[path] = d
	}
	d.round = t.round
	t.stack = append(t.stack, d)
}

// leave drops a folder, and what is below it, that is no longer there.
func (t *tree) leave(path string) {
	below := path + "/"
	for p, d := range t.folders {
		if p == path || strings.HasPrefix(p, below) {
			t.drop(d)
		}
	}
}

func (t *tree) drop(d *folder) {
	for name := range d.files {
		t.forget(d, name)
	}
	d.gone = true
	delete(t.folders, d.path)
	t.notify.remove(d.path)
}

// wanted tells whether a name is to be looked at. One that isn't supported is reported
// when it is new and a regular file.
func (t *tree) wanted(d *folder, name string, regular func() bool) bool {
	if d.files[name] != nil {
		return true
	}
	// nfcapd's file of the running interval; it is renamed when it is complete.
	if strings.HasPrefix(name, "nfcapd.current") {
		return false
	}
	if _, known := d.skipped[name]; known {
		d.skipped[name] = d.pass
		return false
	}
	if t.opts.Match(name) {
		return true
	}
	if !regular() {
		return false
	}
	d.skipped[name] = d.pass
	switch {
	case t.first:
		t.skips++
	case t.opts.Unsupported != nil:
		t.opts.Unsupported(d.join(name))
	}
	return false
}
