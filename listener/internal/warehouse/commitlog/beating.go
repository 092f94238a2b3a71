package commitlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// On a file system that isn't local nothing is locked. The writer's heart beats instead: it
// changes something in its staging folder, so that the file system's own clock stamps that.

const (
	// recordFolder is where the records in the making lie, in a staging folder.
	recordFolder = ".record"
	// leftStaging is the beginning of the name that a staging folder gets that was left.
	leftStaging = ".left-"
	// beatEvery is the time between two beats.
	beatEvery = time.Minute
	// leftAfter is how long a folder without a beat is not held for left.
	leftAfter = 10 * time.Minute
)

// marks are the names that a beat gives to a folder by turns.
var marks = [2]string{".beat-0", ".beat-1"}

// A heart shows that its Log lives.
type heart struct {
	mark int           // the one that is there, or was to be
	stop chan struct{} // closed to end it
	done chan struct{} // closed at its end
}

// makeBeating makes the own staging folder, with a heart.
func (l *Log) makeBeating() error {
	folder := filepath.Join(l.o.Folder, stagingFolder, newStaging+l.writer)
	err := l.fs.MkdirAll(filepath.Join(folder, recordFolder))
	if err == nil {
		err = l.fs.MkdirAll(filepath.Join(folder, marks[0]))
	}
	if err == nil {
		err = l.writeOwner(folder, thisIdentity())
	}
	if err == nil {
		err = l.checkCreate(folder)
	}
	if err == nil {
		err = l.fs.Rename(folder, l.staging)
	}
	if err != nil {
		l.fs.RemoveAll(folder)
		l.fs.RemoveAll(l.staging)
		return err
	}
	l.heart = &heart{stop: make(chan struct{}), done: make(chan struct{})}
	go l.keepBeating()
	return nil
}

// checkCreate refuses a file system that makes the folder of a file that it is to make: what
// is still being written when a staging folder is taken would make that anew.
func (l *Log) checkCreate(folder string) error {
	path := filepath.Join(folder, "none", "probe")
	err := l.createFile(path, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		return fmt.Errorf("the file %s was made together with its folder, although that was forbidden (createparent=false): "+
			"all data nodes need Hadoop 2.8 or newer", path)
	}
	return fmt.Errorf("see whether a file is refused whose folder is missing: %w", err)
}

// keepBeating lets the heart beat until it is stopped or the folder is taken.
func (l *Log) keepBeating() {
	defer close(l.heart.done)
	every := l.o.beat
	if every == 0 {
		every = beatEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-l.heart.stop:
			return
		case <-ticker.C:
		}
		switch err := l.beatOnce(); {
		case errors.Is(err, ErrTaken):
			l.o.Logger.Error("commit log: %s: %v", l.staging, err)
			return
		case err != nil:
			l.o.Logger.Warning("commit log: no sign of life in %s, trying again in %v: %v", l.staging, every, err)
		}
	}
}

// beatOnce is one beat: a rename, as that makes no folder that has been taken anew.
func (l *Log) beatOnce() error {
	h := l.heart
	from, to := filepath.Join(l.staging, marks[h.mark]), filepath.Join(l.staging, marks[1-h.mark])
	err := l.fs.Rename(from, to)
	if err == nil {
		h.mark = 1 - h.mark
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	select {
	case <-h.stop: // which waits for one request, and not for two
		return err
	default:
	}
	// The last beat, or this one, may have been done although it failed.
	if err = l.fs.Rename(to, from); errors.Is(err, fs.ErrNotExist) {
		return l.takenFrom(err)
	}
	return err
}

// removeSilent takes the staging folders of writers of this log that are gone, and removes
// them. A writer may live after all, and may have committed as its last deed. So its folder
// is first renamed, in one step: from then on nothing that it does there succeeds. Then the
// log is read once more and its last record finished, with files from the renamed folder.
func (l *Log) removeSilent() error {
	infos, err := l.fs.ReadDir(filepath.Join(l.o.Folder, stagingFolder))
	if err != nil {
		return err
	}
	var now time.Time // by the clock that stamps the beats
	for _, info := range infos {
		if info.Name() == l.writer {
			now = info.ModTime()
		}
	}
	var left []string
	for _, info := range infos {
		if !info.IsDir() || info.Name() == l.writer || len(left) == locksAtOnce {
			continue
		}
		if folder := l.takeLeft(info.Name(), now.Sub(info.ModTime())); folder != "" {
			left = append(left, folder)
		}
	}
	if len(left) == 0 {
		return nil
	}
	if err := l.refresh(); err != nil {
		return err
	}
	for _, folder := range left {
		err := l.fault(stepRemoveStaging)
		if err == nil {
			err = l.fs.RemoveAll(folder)
		}
		if err != nil {
			l.o.Logger.Warning("commit log: what a listener has left remains: %v", err)
		}
	}
	return nil
}

// takeLeft takes a staging folder if it has been left by a writer of this log, and returns
// the path that it has then. Where something about it can't be told, it stays. What can't
// hold anything that was committed is removed when it is old.
func (l *Log) takeLeft(name string, silent time.Duration) string {
	folder := filepath.Join(l.o.Folder, stagingFolder, name)
	writer, taken := strings.CutPrefix(name, leftStaging)
	switch {
	case strings.HasPrefix(name, newStaging): // its maker was killed or is just making it
		if silent > remember {
			l.fs.RemoveAll(folder)
		}
		return ""
	case !isID(writer):
		return ""
	}
	var who owner
	text, err := l.fs.ReadFile(filepath.Join(folder, lockFile), 1<<16)
	if errors.Is(err, fs.ErrNotExist) && !taken && silent > remember {
		l.fs.RemoveAll(folder) // something that its writer has started has made it anew
	}
	if err != nil || json.Unmarshal(text, &who) != nil || !l.ours(who) {
		return ""
	}
	if taken {
		return folder // whoever took it has been killed, or is not ready
	}
	if !l.silent(who, silent) {
		return ""
	}
	to := filepath.Join(l.o.Folder, stagingFolder, leftStaging+name)
	if err = l.fault(stepRemoveStaging); err == nil {
		err = l.fs.Rename(folder, to)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) { // else somebody else was faster
			l.o.Logger.Warning("commit log: what a listener has left remains: %v", err)
		}
		return ""
	}
	return to
}

// silent tells whether the owner of a folder is gone, which has had no beat for a time.
func (l *Log) silent(o owner, since time.Duration) bool {
	switch thisIdentity().fateOf(o) {
	case dead:
		return true
	case alive:
		return false
	}
	after := l.o.left
	if after == 0 {
		after = leftAfter
	}
	return since > after
}

// leaveBeating stops the heart and removes the own staging folder, or shows that it was
// left if it is needed.
func (l *Log) leaveBeating(needed bool) error {
	close(l.heart.stop)
	<-l.heart.done
	if needed {
		err := l.fs.Rename(l.staging, filepath.Join(l.o.Folder, stagingFolder, leftStaging+l.writer))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // others have taken it
		}
		if err != nil {
			err = fmt.Errorf("leave the staging folder: %w", err)
		}
		return err
	}
	err := l.fault(stepRemoveStaging)
	if err == nil {
		err = l.fs.RemoveAll(l.staging)
	}
	if err != nil {
		err = fmt.Errorf("remove the staging folder: %w", err)
	}
	return err
}
