package ledger

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A Change says how a file that was found differs from what the ledger knows.
type Change int

const (
	Fresh     Change = iota // not known
	Known                   // nothing has changed
	Renamed                 // the same bytes at another path
	Grown                   // more bytes, at the same path or another
	Rewritten               // truncated or written anew in place: other bytes in the same inode
)

// Identify finds the ledger's file for what is at path now. A file is known by its inode
// and by fingerprints of its head and of what lies before its sent length; never by its
// path, its time or its device number alone. For Fresh the returned file is nil; for
// Rewritten it is the one whose bytes are gone.
func (l *Ledger) Identify(path string, st Stat) (*File, Change, error) {
	l.mu.Lock()
	if f := l.byPath[Name(path)]; f != nil && f.Stat == st {
		l.mu.Unlock()
		return f, Known, nil
	}
	var known []*File
	var copies []File
	for f := l.byInode[st.Inode]; f != nil; f = f.sameInode {
		known, copies = append(known, f), append(copies, *f)
		if last := len(known) - 1; f.Path == Name(path) { // asked first
			known[0], known[last] = known[last], known[0]
			copies[0], copies[last] = copies[last], copies[0]
		}
	}
	l.mu.Unlock()
	if len(known) == 0 {
		return nil, Fresh, nil
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, Fresh, err
	}
	defer r.Close()
	var rewritten *File
	for i := range copies {
		f := &copies[i]
		here := f.Path == Name(path)
		if f.Stat.Birth != 0 && st.Birth != 0 && f.Stat.Birth != st.Birth {
			continue // the inode was used again
		}
		if !here && inodeAt(string(f.Path)) == st.Inode {
			continue // another name of a file that still has its own
		}
		ok, err := f.SameBytes(r, st.Size)
		switch {
		case err != nil:
			return nil, Fresh, err
		case !ok && here:
			rewritten = known[i]
		case !ok:
		case st.Size > f.Stat.Size:
			return known[i], Grown, nil
		case here:
			return known[i], Known, nil
		default:
			return known[i], Renamed, nil
		}
	}
	if rewritten != nil {
		return rewritten, Rewritten, nil
	}
	return nil, Fresh, nil
}

// SameBytes tells whether r, of this size, still begins with what the ledger has seen of
// the file.
func (f *File) SameBytes(r io.ReaderAt, size int64) (bool, error) {
	if size < f.Stat.Size {
		return false, nil
	}
	ok, err := f.Head.matches(r, int64(f.Head.Len))
	if ok && f.Tail.Len > 0 {
		ok, err = f.Tail.matches(r, f.Done)
	}
	return ok, err
}

func inodeAt(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// Strays returns the paths, by inode, of the files that have an unfinished plan and are no
// longer there.
func (l *Ledger) Strays() map[uint64]string {
	strays := make(map[uint64]string)
	l.mu.Lock()
	for _, f := range l.files {
		if f.Plan != nil {
			strays[f.Stat.Inode] = string(f.Path)
		}
	}
	l.mu.Unlock()
	for inode, path := range strays {
		if inodeAt(path) == inode {
			delete(strays, inode)
		}
	}
	return strays
}

// Forget drops a file.
func (l *Ledger) Forget(f *File) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files[f.ID] != f {
		return nil
	}
	l.unlink(f)
	_, err := l.log.append(&record{Gone: &f.ID})
	return err
}
