package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// perEpoch is how many records an epoch has.
const perEpoch = 64

// pruneAtMost bounds the epochs looked at to be removed at a time.
const pruneAtMost = 16

func epochOf(number int64) int64      { return (number - 1) / perEpoch }
func firstOfEpoch(number int64) bool  { return number%perEpoch == 1 }
func lastOfEpoch(number int64) bool   { return number%perEpoch == 0 }
func lastNumberOf(epoch int64) int64  { return (epoch + 1) * perEpoch }
func firstNumberOf(epoch int64) int64 { return epoch*perEpoch + 1 }

// newEpoch returns a name that no epoch's folder ever had.
func newEpoch(epoch int64) string { return fmt.Sprintf("%08d-%s", epoch, randomID()) }

// parseEpoch returns the number of the epoch whose folder is called so.
func parseEpoch(name string) (epoch int64, ok bool) {
	digits, id, _ := strings.Cut(name, "-")
	epoch, err := strconv.ParseInt(digits, 10, 64)
	ok = err == nil && epoch >= 0 && isID(id) && fmt.Sprintf("%08d", epoch) == digits
	return epoch, ok
}

func (l *Log) recordPath(folder string, number int64) string {
	return filepath.Join(l.folder, folder, fmt.Sprintf("%010d.json", number))
}

// An epochFolder is a folder of an epoch, or one that was made for it in vain.
type epochFolder struct {
	epoch int64
	name  string
}

// epochs returns the log's epoch folders, oldest first.
func (l *Log) epochs() ([]epochFolder, error) {
	entries, err := l.fs.ReadDir(l.folder)
	if err != nil {
		return nil, err
	}
	var found []epochFolder
	for _, e := range entries {
		if epoch, ok := parseEpoch(e.Name()); ok && e.IsDir() {
			found = append(found, epochFolder{epoch, e.Name()})
		}
	}
	slices.SortStableFunc(found, func(a, b epochFolder) int { return cmp.Compare(a.epoch, b.epoch) })
	return found, nil
}

// makeEpoch makes the folder of an epoch, which exists for good before a record names it.
func (l *Log) makeEpoch(epoch int64) (name string, err error) {
	name = newEpoch(epoch)
	if err := l.fault(stepMakeEpoch); err != nil {
		return "", err
	}
	path := filepath.Join(l.folder, name)
	if err := l.fs.MkdirAll(path); err != nil {
		return "", err
	}
	err = l.fault(stepSyncEpochs)
	if err == nil {
		err = l.fs.Sync(l.folder)
	}
	if err != nil {
		return "", errors.Join(err, l.removeFile(path))
	}
	return name, nil
}

// prune removes folders that were made in vain, and epochs that are old.
func (l *Log) prune() error {
	found, err := l.epochs()
	if err != nil {
		return err
	}
	present := epochOf(l.state.number)
	for i, f := range found {
		twin := i > 0 && found[i-1].epoch == f.epoch || i+1 < len(found) && found[i+1].epoch == f.epoch
		if twin && f.epoch <= present && f.name != l.state.folder {
			// One of the two was made in vain: it is empty, so only it can be removed.
			l.fs.Remove(filepath.Join(l.folder, f.name))
		}
	}
	for _, f := range found[:min(len(found), pruneAtMost)] {
		if f.epoch >= present-1 {
			return nil
		}
		if past, err := l.past(f); err != nil || !past {
			return err
		}
		if err := l.removeEpoch(f.name); err != nil {
			return err
		}
	}
	return nil
}

// past tells whether an epoch's last record is old enough for the epoch to go.
func (l *Log) past(f epochFolder) (bool, error) {
	r, err := l.readRecord(f.name, lastNumberOf(f.epoch))
	if errors.Is(err, fs.ErrNotExist) {
		// A folder in vain, or one that somebody else has just removed: the next one counts.
		return l.removeFile(filepath.Join(l.folder, f.name)) == nil, nil
	}
	if err != nil {
		return false, err
	}
	return l.o.Now().Sub(r.Time.Time) > remember, nil
}

// removeEpoch moves an epoch away in one step, so that nobody can make a record in it, and
// removes it.
func (l *Log) removeEpoch(name string) error {
	if err := l.fault(stepPrune); err != nil {
		return err
	}
	away := filepath.Join(l.staging, ".pruned-"+name)
	err := l.fs.Rename(filepath.Join(l.folder, name), away)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.local {
		return l.removeAll(away, stepPruned)
	}
	if err := l.fault(stepPruned); err != nil {
		return err
	}
	return l.fs.RemoveAll(away)
}

// removeAll removes a folder of files, calling a step before each.
func (l *Log) removeAll(folder, step string) error {
	entries, err := l.fs.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := l.fault(step); err != nil {
			return err
		}
		if err := l.fs.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return l.removeFile(folder)
}
