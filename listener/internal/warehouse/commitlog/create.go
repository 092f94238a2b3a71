package commitlog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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

// temporary is the present record's name in staging. Where links can't be told from
// copies it has never been used before: a rename that comes late must not find another
// record under it. And its folder is never made again, so that nothing can be committed
// once the staging folder has been taken.
func (l *Log) temporary() string {
	if l.local {
		return filepath.Join(l.staging, ".record")
	}
	return filepath.Join(l.staging, recordFolder, strconv.Itoa(l.tries))
}

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
		l.fs.Remove(filepath.Join(l.folder, r.NextEpoch))
	}
	return result, err
}

// write writes the record in staging, durably.
func (l *Log) write(r *record) error {
	if err := l.fault(stepWriteRecord); err != nil {
		return err
	}
	if l.local {
		// Never over the old one: that may be the same file as a record of the log.
		if err := l.removeFile(l.temporary()); err != nil {
			return err
		}
	}
	l.tries++
	content := func(w io.Writer) error {
		if err := r.encode(&limited{w, maxRecord}, l.state); err != nil {
			return err
		}
		return l.fault(stepSyncRecord)
	}
	if l.local {
		return l.fs.Create(l.temporary(), content)
	}
	return l.writeAside(content)
}

// writeAside writes the record beside its folder and renames it into that: a rename makes no
// folder, whatever a file system does that is asked to make a file.
func (l *Log) writeAside(content func(io.Writer) error) error {
	aside := filepath.Join(l.staging, recordFolder+"-"+strconv.Itoa(l.tries))
	err := l.fs.Create(aside, content)
	if err == nil {
		if err = l.fs.Rename(aside, l.temporary()); err == nil {
			return nil
		}
		// It may have been done all the same.
		if there, lookErr := l.exists(l.temporary()); lookErr == nil && there {
			return nil
		}
	}
	l.fs.Remove(aside)
	if errors.Is(err, fs.ErrNotExist) {
		l.fs.Remove(l.staging) // only if it is empty: it is not ours, and was made anew
		return l.takenFrom(err)
	}
	l.fs.Remove(l.temporary())
	return err
}

// limited refuses a record that nobody would read.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, errors.New("the record is too large: commit fewer files or segments at a time")
	}
	return l.w.Write(b)
}

// publish gives the record its number, and tells by what is there then what came of it.
func (l *Log) publish(r *record) (outcome, error) {
	path := l.recordPath(r.folder, r.Number)
	err := l.fault(stepLinkRecord)
	if err == nil {
		err = l.fs.Claim(l.temporary(), path)
	}
	if err == nil {
		err = l.fault(stepRecordLinked)
	}
	mine, there, lookErr := l.look(path, r, err == nil)
	if !mine && !l.local {
		// What comes late finds nothing: then there is no doubt.
		if removeErr := l.removeFile(l.temporary()); removeErr == nil && !there {
			return l.settle(path, r, err)
		}
	}
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
		l.fs.Remove(l.temporary())
		return failed, err
	}
	return doubtful, err
}

// settle looks at the number once more, now that the record is no longer in staging: it
// has got there, or never will. The error is that of the attempt.
func (l *Log) settle(path string, r *record, err error) (outcome, error) {
	mine, there, lookErr := l.look(path, r, false)
	switch {
	case lookErr != nil:
		return doubtful, errors.Join(err, lookErr)
	case mine:
		return made, nil
	case there || err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist):
		return taken, nil
	}
	return failed, err
}

// look tells whether a record is there, and whether it is r: for certain, if r was given
// this number.
func (l *Log) look(path string, r *record, given bool) (mine, there bool, err error) {
	at, err := l.fs.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	if given {
		return true, true, nil
	}
	if own, err := l.fs.Stat(l.temporary()); err == nil && os.SameFile(at, own) {
		return true, true, nil
	}
	// Where links can't be told from copies, the batch's id says it.
	other, err := l.readRecord(r.folder, r.Number)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	return err == nil && other.Batch == r.Batch, true, err
}

// definite tells whether after such an error of Claim nothing can have been done, nor will
// be, as a network file system may do it late.
func definite(err error) bool {
	var d interface{ Definite() bool }
	if errors.As(err, &d) {
		return d.Definite()
	}
	for _, e := range []error{unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.EACCES, unix.EPERM,
		unix.EXDEV, unix.EMLINK, unix.ENAMETOOLONG, unix.ENOTDIR, unix.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
