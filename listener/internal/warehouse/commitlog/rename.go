package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// mostSeen bounds the folders of the table that are remembered.
const mostSeen = 4096

// On a file system that isn't local, each look costs a round trip, and rename refuses a
// target that exists: so it is renamed first and looked at if that fails. A rename may be
// done although it failed.

// moveTo moves a file into its place, unless somebody else has, by a rename that replaces
// no other file.
func (l *Log) moveTo(f File) error {
	to := l.pathOf(f.Final)
	var doubt error // of a rename that may have been done, or will be
tries:
	for range moveTries {
		if err := l.fault(stepMoveFile); err != nil {
			return err
		}
		if err := l.makeUnseen(filepath.Dir(to)); err != nil {
			return err
		}
		writer, name, _ := strings.Cut(f.Staged, "/")
		// In this order: the folder may be taken at any moment, and is never given back.
		for _, folder := range []string{writer, leftStaging + writer} {
			from := filepath.Join(l.o.Folder, stagingFolder, folder, name)
			err := l.fs.Rename(from, to)
			if err == nil {
				return nil
			}
			there, lookErr := l.exists(from)
			if lookErr != nil {
				return errors.Join(err, lookErr)
			}
			if !there {
				if !errors.Is(err, fs.ErrNotExist) {
					doubt = err
				}
				continue
			}
			if errors.Is(err, fs.ErrNotExist) { // so it is the folder that isn't there
				delete(l.seen, filepath.Dir(to))
				continue tries
			}
			if at, lookErr := l.exists(to); lookErr == nil && at {
				return fmt.Errorf("%s is there already, and is not the committed file, which is %s: move it out of the way", to, from)
			}
			return err
		}
		return l.checkMoved(to, doubt)
	}
	return fmt.Errorf("%s can't be moved to %s: its folder vanishes each time it is made", f.Staged, to)
}

// checkMoved warns about a file that has been moved and is gone. If a rename has left doubts
// whether it was moved it is to be tried again.
func (l *Log) checkMoved(to string, doubt error) error {
	there, err := l.exists(to)
	if err == nil && !there {
		if doubt != nil {
			return doubt
		}
		l.o.Logger.Warning("commit log: %s is neither there nor in staging: it has been removed since it was committed", to)
	}
	return err
}

// makeUnseen makes a folder of the table unless it was there not long ago.
func (l *Log) makeUnseen(folder string) error {
	if l.seen[folder] {
		return nil
	}
	if err := l.fault(stepMakeFolder); err != nil {
		return err
	}
	if err := l.fs.MkdirAll(folder); err != nil {
		return err
	}
	if len(l.seen) >= mostSeen {
		clear(l.seen)
	}
	l.seen[folder] = true
	return nil
}

// stillStaged returns those of a record's files that have not been moved.
func (l *Log) stillStaged(files []File) ([]File, error) {
	staged := make(map[string]map[string]bool) // by writer
	var still []File
	for _, f := range files {
		writer, name, _ := strings.Cut(f.Staged, "/")
		if staged[writer] == nil {
			names, err := l.stagedBy(writer)
			if err != nil {
				return nil, err
			}
			staged[writer] = names
		}
		if staged[writer][name] {
			still = append(still, f)
		}
	}
	return still, nil
}

// stagedBy returns the names in the staging folder of a writer, also if it has been taken,
// or is meanwhile: a name that is missing has been moved.
func (l *Log) stagedBy(writer string) (map[string]bool, error) {
	names := make(map[string]bool)
	for _, folder := range []string{writer, leftStaging + writer} { // in this order, as in moveTo
		infos, err := l.fs.ReadDir(filepath.Join(l.o.Folder, stagingFolder, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, info := range infos {
			names[info.Name()] = true
		}
	}
	return names, nil
}
