package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// errGone says that an epoch has been removed while it was read or while this process was
// stopped; the newest snapshot makes up for it.
var errGone = errors.New("the epoch's folder is gone")

// reloads bounds how often the newest snapshot is looked for because others went on.
const reloads = 10

// refresh takes in the records of others and finishes the last one.
func (l *Log) refresh() error {
	if err := l.fault(stepRead); err != nil {
		return err
	}
	if err := l.read(); err != nil {
		return err
	}
	if err := l.finish(false); err != nil {
		return fmt.Errorf("finish record %d: %w", l.state.number, err)
	}
	return nil
}

// read brings the state up to date: record by record, or from the newest snapshot if that
// is far away or what lies between has been removed.
func (l *Log) read() error {
	for range reloads {
		if l.state != nil {
			end, err := l.advance()
			if end || err != nil && !errors.Is(err, errGone) {
				return err
			}
		}
		s, err := l.newest()
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return err
		}
		if l.state != nil && s.number < l.state.number {
			return fmt.Errorf("the commit log %s ended with record %d and ends with %d now: it must not be set back under a running listener",
				l.folder, l.state.number, s.number)
		}
		l.mu.Lock()
		l.state = s
		l.mu.Unlock()
	}
	return fmt.Errorf("the commit log %s grows faster than it can be read, or the folder %s in it is missing: "+
		"if it is, and no listener has removed it as old, make it again with mkdir", l.folder, l.state.folder)
}

// advance applies the records that come next, at most those of two epochs. It returns true
// at the end of the log, and errGone if there is no telling where that is.
func (l *Log) advance() (end bool, err error) {
	for range 2 * perEpoch {
		r, err := l.readRecord(l.state.folder, l.state.number+1)
		if errors.Is(err, fs.ErrNotExist) {
			// As names don't come back, a folder that is there now was there before.
			there, err := l.exists(filepath.Join(l.folder, l.state.folder))
			if err == nil && !there {
				err = errGone
			}
			return there, err
		}
		if err != nil {
			return false, err
		}
		l.mu.Lock()
		l.state.apply(r)
		l.mu.Unlock()
	}
	return false, nil
}

// newest reads the newest snapshot and the records of its epoch.
func (l *Log) newest() (*state, error) {
	found, err := l.epochs()
	if err != nil {
		return nil, err
	}
	for i := len(found) - 1; i >= 0; i-- {
		f := found[i]
		r, err := l.readRecord(f.name, firstNumberOf(f.epoch))
		if errors.Is(err, fs.ErrNotExist) {
			if err := l.checkGap(f, firstNumberOf(f.epoch)); err != nil {
				return nil, err
			}
			continue // made in vain, or not yet used
		}
		if err != nil {
			return nil, err
		}
		s := stateBefore(r)
		s.apply(r)
		for s.number < lastNumberOf(f.epoch) {
			r, err := l.readRecord(f.name, s.number+1)
			if errors.Is(err, fs.ErrNotExist) {
				return s, l.checkGap(f, s.number+1)
			}
			if err != nil {
				return nil, err
			}
			s.apply(r)
		}
		return s, nil
	}
	there, err := l.exists(filepath.Join(l.folder, l.firstEpoch))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("the commit log %s has no records, and had some: restore it from a backup, "+
			"or remove this folder and start with --from", l.folder)
	}
	return emptyState(l.firstEpoch), nil
}

// checkGap refuses records beyond one that is missing.
func (l *Log) checkGap(f epochFolder, missing int64) error {
	entries, err := l.fs.ReadDir(filepath.Join(l.folder, f.name))
	if errors.Is(err, fs.ErrNotExist) {
		return errGone
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), ".json")
		number, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || number <= missing || epochOf(number) != f.epoch {
			continue
		}
		// Somebody may have made both since.
		there, err := l.exists(l.recordPath(f.name, missing))
		if err == nil && !there {
			if there, err = l.exists(filepath.Join(l.folder, f.name)); err == nil && !there {
				err = errGone
			} else if err == nil {
				err = fmt.Errorf("the commit log has record %d and lacks %s: restore that file from a backup, "+
					"or go on under another group with --from", number, l.recordPath(f.name, missing))
			}
		}
		return err
	}
	return nil
}

// readRecord reads one record of this log. The error is fs.ErrNotExist if it isn't there.
func (l *Log) readRecord(folder string, number int64) (*record, error) {
	path := l.recordPath(folder, number)
	data, err := l.fs.ReadFile(path, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var r *record
	if err == nil {
		r, err = decode(data)
	}
	switch {
	case err != nil:
	case r.Number != number:
		err = fmt.Errorf("it says that it is record %d", r.Number)
	case r.Table != l.o.Table || r.Topic != l.o.Topic || r.Group != l.o.Group:
		err = fmt.Errorf("it is of table %q, topic %q and group %q", r.Table, r.Topic, r.Group)
	default:
		r.folder = folder
		return r, nil
	}
	return nil, fmt.Errorf("the commit log's record %s can't be read: %w; records never change once made: "+
		"restore the file from a backup, or go on under another group with --from", path, err)
}
