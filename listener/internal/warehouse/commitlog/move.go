package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// moveTries bounds how often a file is tried to be moved while somebody else removes empty
// folders of the table.
const moveTries = 10

// finish makes the last record durable and its files visible, unless that has been done by
// this Log: somebody else may have done some of it, and not durably. It is fresh if this Log
// has just made it.
func (l *Log) finish(fresh bool) error {
	r := l.state.last
	if r == nil || l.finished >= r.Number {
		return nil
	}
	// First of all, lest rows become visible that a power cut un-commits.
	if err := l.fault(stepSyncRecords); err != nil {
		return err
	}
	if err := l.fs.Sync(filepath.Join(l.folder, r.folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.moveAll(r.Files, fresh); err != nil {
		return err
	}
	for _, folder := range foldersOf(r.Files) {
		if err := l.fault(stepSyncFolder); err != nil {
			return err
		}
		err := l.fs.Sync(l.pathOf(folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	l.finished = r.Number
	r.Files = nil
	return nil
}

// moveAll moves the files of a record into their places.
func (l *Log) moveAll(files []File, fresh bool) error {
	if !l.local && !fresh {
		var err error
		if files, err = l.stillStaged(files); err != nil {
			return err
		}
	}
	for _, f := range files {
		move := l.moveTo
		if l.local {
			move = l.move
		}
		if err := move(f); err != nil {
			return err
		}
	}
	return nil
}

// foldersOf returns the folders that the files are in, and those that these are in, as
// far as the type's folder. Any of them may be new.
func foldersOf(files []File) []string {
	set := make(map[string]bool)
	for _, f := range files {
		for dir := path.Dir(f.Final); dir != "." && !set[dir]; dir = path.Dir(dir) {
			set[dir] = true
		}
	}
	folders := make([]string, 0, len(set))
	for dir := range set {
		folders = append(folders, dir)
	}
	slices.Sort(folders)
	return folders
}

// move moves a file into its place, unless somebody else has, on a local file system, whose
// rename would replace another file.
func (l *Log) move(f File) error {
	from, to := filepath.Join(l.o.Folder, stagingFolder, f.Staged), l.pathOf(f.Final)
	for range moveTries {
		if err := l.fault(stepMoveFile); err != nil {
			return err
		}
		staged, err := l.fs.Stat(from)
		if errors.Is(err, fs.ErrNotExist) {
			there, err := l.exists(to)
			if err == nil && !there {
				l.o.Logger.Warning("commit log: %s is neither there nor in staging: it has been removed since it was committed", to)
			}
			return err
		}
		if err != nil {
			return err
		}
		if at, err := l.fs.Stat(to); err == nil && !os.SameFile(at, staged) {
			return fmt.Errorf("%s is there already, and is not the committed file, which is %s: move it out of the way", to, from)
		}
		if err := l.makeTableFolder(filepath.Dir(to)); err != nil {
			return err
		}
		err = l.fs.Rename(from, to)
		if errors.Is(err, unix.EXDEV) {
			return fmt.Errorf("%w: the folder is on another file system or mount than %s, so that no file can become visible there in one step; "+
				"move it to the same", err, from)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("%s can't be moved to %s: its folder vanishes each time it is made", from, to)
}

// makeTableFolder makes a folder of the table, not durably.
func (l *Log) makeTableFolder(path string) error {
	if there, err := l.exists(path); there || err != nil {
		return err
	}
	if err := l.fault(stepMakeFolder); err != nil {
		return err
	}
	return l.fs.MkdirAll(path)
}
