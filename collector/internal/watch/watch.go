// Package watch tells which files of a folder are finished, oldest first.
//
// A file is finished when no writer has it open, where that can be known, and when its
// size and time have not changed for the quiet time. Writers are found by asking for a
// read lease, which Linux grants only while nobody has the file open for writing: that
// works on local file systems and for own files (or with CAP_LEASE). Elsewhere a writer
// can't be known, and the file must have been seen unchanged for a longer time.
//
// Text (Options.Text) may stay open for ever, so it is reported whenever it is quiet,
// at least every 30 s while it grows, and once more as settled after 60 s without growth.
//
// Changes come from inotify. What events miss (a network file system, an overflow of the
// queue, a used-up watch limit) is found by a rescan every few seconds. The package
// remembers nothing across restarts and reads no content: whether a file was sent before
// is for the receiver to judge.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"spot-ingest/pkg/logging"
)

// A File is a finished file as it was when last looked at.
type File struct {
	Path    string    // absolute: the root joined with what the folder holds, raw bytes
	Size    int64     // bytes
	ModTime time.Time // last modification
	Inode   uint64
	Birth   int64 // creation time in Unix nanoseconds, 0 where the file system keeps none
	// Settled tells that a text file hasn't grown for 60 s (or was quiet in Once mode),
	// so that an unfinished last line may be taken as it is. Always true for other files.
	Settled bool
}

// Options say what to watch. Root must be set; the zero value of the rest is usable.
type Options struct {
	Root      string                 // absolute path of the folder
	Recursive bool                   // watch sub-folders too; linked folders are never followed
	Match     func(base string) bool // which base names are taken; nil takes all
	// Exclude names folders (absolute) that are neither watched nor read, wherever they
	// lie and by whatever path they are reached. The root itself can't be excluded. Staging
	// folders of collectors (their names begin with "_DC.") always are.
	Exclude []string
	// Text tells that files may stay open for ever; see the package documentation.
	Text bool
	// Quiet is how long a file must be unchanged. 0 is the default: 2 s where no writer
	// has it open and for text, 30 s (observed by ourselves) where that can't be known.
	Quiet time.Duration
	// Once emits the files that are there at the start and finished, and then ends. What
	// is still being written after max(2*Quiet, 60 s) is left; see Watcher.Unfinished.
	Once bool
	// Unsupported is called for each new file whose name doesn't match, but for those of
	// the first scan. It runs within Run, so it must not block.
	Unsupported func(path string)
	Log         *logging.Logger // nil logs nothing
}

// A Watcher finds finished files below one root. Make it with New, start it with Run and
// receive from Files.
type Watcher struct {
	tree  *tree
	files chan File
	now   func() time.Time // replaced by tests
}

// New checks the root; nothing is watched before Run. The error names collector_path, the key the root comes from.
func New(o Options) (*Watcher, error) {
	o, err := prepare(o)
	if err != nil {
		return nil, err
	}
	o.Log.Info("Schedule watching \"%s\" directory.", o.Root)
	n := noEvents()
	if !o.Once {
		n = inotify(o.Log)
	}
	return newWatcher(o, n, time.Now), nil
}

func newWatcher(o Options, n *notifier, now func() time.Time) *Watcher {
	return &Watcher{tree: newTree(o, n, now()), files: make(chan File), now: now}
}

// prepare fills in defaults and makes sure that the root is a folder that can be read.
func prepare(o Options) (Options, error) {
	if o.Log == nil {
		o.Log = logging.Discard()
	}
	if o.Match == nil {
		o.Match = func(string) bool { return true }
	}
	if !filepath.IsAbs(o.Root) {
		return o, fmt.Errorf("watch collector_path %q: not an absolute path", o.Root)
	}
	o.Root = filepath.Clean(o.Root)
	o.Exclude = slices.Clone(o.Exclude)
	for i, x := range o.Exclude {
		o.Exclude[i] = filepath.Clean(x)
	}
	d, err := openFolder(o.Root, true)
	if err != nil {
		return o, rootError(o.Root, err)
	}
	defer d.Close()
	if _, err := d.Readdirnames(1); err != nil && !errors.Is(err, io.EOF) {
		return o, rootError(o.Root, err)
	}
	if _, err := os.Stat(o.Root + "/."); err != nil { // may be listed but not entered
		return o, rootError(o.Root, err)
	}
	return o, nil
}

// rootError says what is wrong with the root, and what to do.
func rootError(root string, err error) error {
	hint := "check the folder and collector_path in the configuration"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "make the folder or correct collector_path in the configuration"
	case errors.Is(err, fs.ErrPermission):
		hint = "give this user the right to read and enter the folder"
	case isNotFolder(err):
		hint = "collector_path must be a folder"
	}
	return fmt.Errorf("watch collector_path %q: %w: %s", root, reason(err), hint)
}

// Files is where finished files arrive, those with the oldest modification first. A file
// is sent again only after it has changed (inode, size, time or birth), or once more when
// it has settled. The channel is closed when Run returns. A slow receiver holds up nothing
// but itself.
func (w *Watcher) Files() <-chan File { return w.files }

// Unfinished returns, after Run in Once mode, the files that were still being written and
// were left, in order of their names.
func (w *Watcher) Unfinished() []string {
	sort.Strings(w.tree.unfinished)
	return w.tree.unfinished
}

// Run watches until ctx ends or, in Once mode, all is emitted, and closes Files. An error
// is returned in Once mode only: the root could not be read. While watching, a root that
// vanishes is logged and tried again at each rescan.
func (w *Watcher) Run(ctx context.Context) error {
	t := w.tree
	defer close(w.files)
	defer t.close()
	if t.opts.Recursive {
		t.log.Info("The search in sub-directories is enabled.")
	}
	wake := time.NewTimer(0)
	defer wake.Stop()
	always := make(chan struct{})
	close(always)

	for ctx.Err() == nil {
		now := w.now()
		busy := t.turn(now)
		if t.opts.Once && t.done() {
			return t.failed
		}
		var again <-chan struct{}
		if busy {
			again = always
		} else {
			wake.Reset(t.next(now))
		}
		var out chan<- File
		var head File
		if first := t.head(); first != nil {
			out, head = w.files, first.asFile()
		}
		select {
		case out <- head:
			t.delivered()
		case ev, ok := <-t.notify.events:
			if !ok {
				t.notify.events = nil
				break
			}
			t.event(ev, w.now())
		case err, ok := <-t.notify.errors:
			if !ok {
				t.notify.errors = nil
				break
			}
			t.missed(err, w.now())
		case <-wake.C:
		case <-again:
		case <-ctx.Done():
		}
	}
	return nil
}

// Scan lists every matching regular file below the root, finished or not, those with the
// oldest modification first. Folders that can't be read are logged and left out.
func Scan(o Options) ([]File, error) {
	o, err := prepare(o)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	t := newTree(o, noEvents(), start)
	defer t.close()
	for t.scanStep(start) {
	}
	if t.failed != nil {
		return nil, t.failed
	}
	files := make([]File, 0, len(t.due.items))
	for _, w := range t.due.items {
		w.settled = !o.Text || t.at(start)-w.changed >= int64(t.rules.settle)
		files = append(files, w.asFile())
	}
	sort.Slice(files, func(i, j int) bool {
		a, b := files[i], files[j]
		if !a.ModTime.Equal(b.ModTime) {
			return a.ModTime.Before(b.ModTime)
		}
		return a.Path < b.Path
	})
	return files, nil
}
