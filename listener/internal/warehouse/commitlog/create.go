package commitlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// An outcome is what became of the attempt to make a record.
type outcome int

const (
	failed   outcome = iota // it is not there
	made                    // it is there
	taken                   // somebody else has made this record or a later one
	doubtful                // there is no telling
)

// temporary is the record's name in staging.
func (l *Log) temporary() string { return filepath.Join(l.staging, ".record") }

// create makes r the record that follows on the state: the commit.
func (l *Log) create(r *record) (outcome, error) {
	r.Number = l.state.number + 1
	r.Time = stamp{l.o.Now().UTC().Truncate(time.Millisecond)}
	r.folder, r.NextEpoch = l.state.folder, ""
	if lastOfEpoch(r.Number) {
		name, err := l.makeEpoch(epochOf(r.Number) + 1)
		if err != nil {
			return failed, err
		}
		r.NextEpoch = name
	}
	result, err := failed, l.write(r)
	if err == nil {
		result, err = l.publish(r)
	}
	if r.NextEpoch != "" && (result == failed || result == taken) {
		// If it can't be removed, prune does it.
		os.Remove(filepath.Join(l.folder, r.NextEpoch))
	}
	return result, err
}

// write writes the record in staging, durably.
func (l *Log) write(r *record) error {
	if err := l.fault(stepWriteRecord); err != nil {
		return err
	}
	// Never over the old one: that may be the same file as a record of the log.
	if err := removeFile(l.temporary()); err != nil {
		return err
	}
	f, err := os.OpenFile(l.temporary(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = r.encode(f, l.state)
	if err == nil {
		err = l.fault(stepSyncRecord)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = tooLarge(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(l.temporary())
	}
	return err
}

// tooLarge refuses a record that nobody would read.
func tooLarge(f *os.File) error {
	st, err := f.Stat()
	if err == nil && st.Size() > maxRecord {
		err = errors.New("the record is too large: commit fewer files or segments at a time")
	}
	return err
}

// publish links the record to its number, and tells by what is there then what came of it.
func (l *Log) publish(r *record) (outcome, error) {
	path := l.recordPath(r.folder, r.Number)
	err := l.fault(stepLinkRecord)
	if err == nil {
		err = os.Link(l.temporary(), path)
	}
	if err == nil {
		err = l.fault(stepRecordLinked)
	}
	mine, there, lookErr := l.look(path, r)
	switch {
	case lookErr != nil:
		return doubtful, errors.Join(err, lookErr)
	case mine:
		return made, nil
	case there:
		return taken, nil
	case err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist):
		return taken, nil // the epoch was removed, before or just now
	case definite(err):
		os.Remove(l.temporary())
		return failed, err
	}
	return doubtful, err
}

// look tells whether a record is there, and whether it is r.
func (l *Log) look(path string, r *record) (mine, there bool, err error) {
	at, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	if own, err := os.Lstat(l.temporary()); err == nil && os.SameFile(at, own) {
		return true, true, nil
	}
	// Where links can't be told from copies, the batch's id says it.
	other, err := l.readRecord(r.folder, r.Number)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	return err == nil && other.Batch == r.Batch, true, err
}

// definite tells whether after such an error of link nothing can have been done, nor will
// be, as a network file system may do it late.
func definite(err error) bool {
	for _, e := range []error{unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.EACCES, unix.EPERM,
		unix.EXDEV, unix.EMLINK, unix.ENAMETOOLONG, unix.ENOTDIR, unix.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
