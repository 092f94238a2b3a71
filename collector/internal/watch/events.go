package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// event takes note of a change that inotify reports.
func (t *tree) event(ev fsnotify.Event, now time.Time) {
	if ev.Name == t.opts.Root {
		t.rescan(now) // the root itself was moved or removed
		return
	}
	d := t.folders[filepath.Dir(ev.Name)]
	if d == nil {
		return // of a folder that is gone; the rescan knows better
	}
	name := filepath.Base(ev.Name)
	switch {
	case ev.Has(fsnotify.Create):
		t.look(d, name, now)
	case ev.Has(fsnotify.Remove), ev.Has(fsnotify.Rename):
		t.removed(d, name, now)
	case ev.Has(fsnotify.Write):
		if f := d.files[name]; f == nil || t.wrote(f, now) {
			t.look(d, name, now)
		}
	}
}

// missed takes note that events were lost, or couldn't be read.
func (t *tree) missed(err error, now time.Time) {
	switch {
	case errors.Is(err, fsnotify.ErrEventOverflow):
		t.log.Debug("Too many events at once. Scan the directory \"%s\" again.", t.opts.Root)
		t.rescan(now)
	case !t.deaf:
		t.deaf = true
		t.log.Warning("Can't read events of \"%s\": %v. Files are found by a rescan every %v.", t.opts.Root, err, t.interval)
	}
}

// look finds out what a name is by now.
func (t *tree) look(d *folder, name string, now time.Time) {
	path := d.join(name)
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		t.forget(d, name)
	case info.IsDir():
		if t.opts.Recursive {
			t.enter(path)
		}
	case info.Mode().IsRegular() || info.Mode().Type() == fs.ModeSymlink:
		st, err := t.stat(path)
		if t.wanted(d, name, func() bool { return err == nil }) && err == nil {
			t.observe(d, name, st, now)
		}
	}
}

// removed drops what was moved away or removed, unless something took its name already.
func (t *tree) removed(d *folder, name string, now time.Time) {
	delete(d.skipped, name)
	path := d.join(name)
	if t.folders[path] != nil {
		t.leave(path)
	}
	t.look(d, name, now)
}
