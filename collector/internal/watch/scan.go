package watch

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// scanStep does one step of a rescan, starting one if it is time, and tells whether more
// steps are to be done now.
func (t *tree) scanStep(now time.Time) bool {
	if !t.scanning && !now.Before(t.nextScan) && (t.first || !t.rules.once) {
		t.scanning, t.again, t.began = true, false, now
		t.round++
		t.enter(t.opts.Root)
	}
	switch {
	case t.cur != nil:
		t.readFolder(now)
	case len(t.stack) > 0:
		d := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.openFolder(d)
	case t.scanning:
		t.endRound(now)
	}
	return t.scanning || t.cur != nil || len(t.stack) > 0
}

// openFolder begins the scan of one folder. Its watch comes first, so that nothing made
// meanwhile is missed; it is asked for at every scan, in case the folder is another one by
// now or the watch was lost.
func (t *tree) openFolder(d *folder) {
	if d.gone {
		return
	}
	t.notify.add(d.path)
	dir, err := t.open(d.path, d.path == t.opts.Root)
	if err != nil {
		t.unreadable(d, err)
		return
	}
	t.cur, t.curDir = d, dir
	d.pass++
}

// readFolder reads the next names of the folder being scanned.
func (t *tree) readFolder(now time.Time) {
	d := t.cur
	if d.gone {
		t.endFolder()
		return
	}
	entries, err := t.curDir.ReadDir(batch)
	for _, e := range entries {
		t.entry(d, e, now)
	}
	if err == nil {
		return
	}
	if errors.Is(err, io.EOF) {
		err = t.curErr
	}
	t.endFolder()
	if err != nil {
		t.unreadable(d, err) // what was not seen is not taken as gone
		return
	}
	t.sweep(d)
	t.readable(d)
}

// entry takes note of one name found in a folder.
func (t *tree) entry(d *folder, e fs.DirEntry, now time.Time) {
	name, kind := e.Name(), e.Type()
	switch {
	case kind.IsDir():
		path := d.join(name)
		if sub := t.folders[path]; t.opts.Recursive && (sub == nil || sub.round != t.round) {
			t.enter(path)
		}
		return
	case !kind.IsRegular() && kind != fs.ModeSymlink:
		return
	}
	linked := kind == fs.ModeSymlink
	regular := func() bool {
		_, err := statIn(t.curDir, name, linked)
		return err == nil
	}
	if !t.wanted(d, name, regular) {
		return
	}
	st, err := statIn(t.curDir, name, linked)
	switch {
	case err == nil:
		t.observe(d, name, st, now)
	case !linked && !errors.Is(err, fs.ErrNotExist):
		t.curErr = err // the folder may be read but not entered
	}
}

// sweep forgets what a complete scan of the folder has not found.
func (t *tree) sweep(d *folder) {
	for name, f := range d.files {
		if f.pass != d.pass {
			t.forget(d, name)
		}
	}
	for name, pass := range d.skipped {
		if pass != d.pass {
			delete(d.skipped, name)
		}
	}
}

func (t *tree) endFolder() {
	if t.curDir != nil {
		t.curDir.Close()
	}
	t.cur, t.curDir, t.curErr = nil, nil, nil
}

// endRound ends a rescan: folders it has not reached are gone, unless the root was.
func (t *tree) endRound(now time.Time) {
	t.scanning = false
	if !t.lost {
		for _, d := range t.folders {
			if d.round != t.round {
				t.drop(d)
			}
		}
	}
	t.earliest = now.Add(rescanShare * now.Sub(t.began))
	t.nextScan = latest(t.earliest, now.Add(t.interval))
	if t.again {
		t.nextScan = t.earliest
	}
	if !t.first {
		return
	}
	t.first = false
	t.begun(now)
	if t.skips > 0 {
		t.log.Info("%d file(s) in \"%s\" have names that are not supported. Skip them...", t.skips, t.opts.Root)
	}
}

// rescan asks for a rescan as soon as the share of time for it allows.
func (t *tree) rescan(now time.Time) {
	t.again = true // for the changes that a round under way has passed already
	if !t.scanning {
		t.nextScan = latest(now, t.earliest)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// unreadable takes note of a folder that can't be read. Its files are kept as they were,
// for it may only be away for a while.
func (t *tree) unreadable(d *folder, err error) {
	if d.path == t.opts.Root {
		t.failed = rootError(d.path, err)
		if !t.lost && !t.rules.once {
			t.log.Error("%v. It is tried again every %v.", t.failed, t.interval)
		}
		t.lost = true
		return
	}
	if errors.Is(err, fs.ErrNotExist) || isNotFolder(err) {
		t.leave(d.path)
		return
	}
	for path, sub := range t.folders {
		if strings.HasPrefix(path, d.path+"/") {
			sub.round = t.round // not reached, but not known to be gone
		}
	}
	if !d.troubled {
		d.troubled = true
		t.log.Warning("Can't read directory \"%s\", files in it are not taken: %v", d.path, reason(err))
	}
}

// readable takes note of a folder that was read.
func (t *tree) readable(d *folder) {
	if d.path == t.opts.Root && t.lost {
		t.lost, t.failed = false, nil
		t.log.Info("The directory \"%s\" can be read again.", d.path)
	}
	if d.troubled {
		d.troubled = false
		t.log.Info("The directory \"%s\" can be read again.", d.path)
	}
}

// reason is an error without the path, for messages that name it already.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// openFolder opens a folder and nothing else: a FIFO that took its name doesn't block, and
// a link is followed only where it is the root.
func openFolder(path string, root bool) (*os.File, error) {
	flags := os.O_RDONLY | syscall.O_DIRECTORY
	if !root {
		flags |= syscall.O_NOFOLLOW
	}
	return os.OpenFile(path, flags, 0)
}

func isNotFolder(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}
