package ledger

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

func (l *Ledger) applySpool(s *Spooled) {
	if s.Lost {
		delete(l.spool, s.key())
		return
	}
	l.spool[s.key()] = s
}

// Spool records, on disk, that a segment lies in local staging.
func (l *Ledger) Spool(s Spooled) error {
	seq, err := l.recordSpool(s)
	if err != nil {
		return err
	}
	return l.log.sync(seq)
}

func (l *Ledger) recordSpool(s Spooled) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applySpool(&s)
	return l.log.append(&record{Spool: &s})
}

// Waiting lists the spooled segments that have not been acknowledged, oldest rows first.
func (l *Ledger) Waiting() []Spooled {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Spooled
	for _, s := range l.spool {
		if s.Acked.IsZero() {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b Spooled) int {
		return cmp.Or(cmp.Compare(a.TimeMS, b.TimeMS), cmp.Compare(a.File.String(), b.File.String()), cmp.Compare(a.Number, b.Number))
	})
	return list
}

// Unspool records that a spooled segment was acknowledged, or can never be sent, in its
// file's plan as well, if that plan is still the one that it was cut by.
func (l *Ledger) Unspool(s Spooled, now time.Time, rejected bool) error {
	var id ID
	if err := id.UnmarshalText([]byte(s.Segment)); err != nil {
		return err
	}
	s.Acked = now
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applySpool(&s)
	if _, err := l.log.append(&record{Spool: &s}); err != nil {
		return err
	}
	f := l.files[s.File]
	if f == nil || f.Plan == nil || f.Plan.Seq != s.Plan {
		return nil
	}
	return l.ack(f, s.Number, id, rejected)
}

// Lost records that a spooled segment's CSV is gone or damaged.
func (l *Ledger) Lost(s Spooled) error {
	s.Lost = true
	_, err := l.recordSpool(s)
	return err
}

// An Index finds spooled segments by their CSV's content, in all ledgers of a state
// folder, those of running collectors included. It may be used from several goroutines.
type Index struct {
	stateDir string

	mu    sync.Mutex
	read  map[string]place
	bySum map[string][]Spooled // several if files hold the same rows
	sizes map[int64]bool
}

// A place is how far a ledger has been read. A compacted ledger is another file; since its
// inode may be one that was used before, the bytes before the offset must be the same, too.
type place struct {
	inode  uint64
	offset int64
	before [64]byte
}

// NewIndex returns an index of the ledgers in a state folder.
func NewIndex(stateDir string) *Index {
	return &Index{
		stateDir: stateDir,
		read:     make(map[string]place),
		bySum:    make(map[string][]Spooled),
		sizes:    make(map[int64]bool),
	}
}

// Find returns the spooled segment, sent since or not, whose CSV has this size and this
// SHA-256 in hexadecimal; sum is called only if one has the size. Of several the one that
// was stored under the same base name is preferred. Find reads what the ledgers have
// gained since the last call.
func (x *Index) Find(base string, size int64, sum func() (string, error)) (s Spooled, ok bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	folders, err := os.ReadDir(x.stateDir)
	if err != nil {
		return s, false, err
	}
	for _, folder := range folders {
		if err := x.catchUp(filepath.Join(x.stateDir, folder.Name(), "ledger")); err != nil {
			return s, false, err
		}
	}
	if !x.sizes[size] {
		return s, false, nil
	}
	hash, err := sum()
	if err != nil {
		return s, false, err
	}
	for _, candidate := range x.bySum[hash] {
		if candidate.Size == size && (!ok || filepath.Base(string(candidate.Path)) == base) {
			s, ok = candidate, true
		}
	}
	return s, ok, nil
}

func (x *Index) catchUp(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	at := x.read[path]
	if before, err := bytesBefore(f, at.offset); err != nil || at.inode != st.Ino || before != at.before {
		at = place{inode: st.Ino}
	}
	if at.offset == st.Size {
		return nil
	}
	if _, err := f.Seek(at.offset, io.SeekStart); err != nil {
		return err
	}
	n, _, err := readRecords(f, func(r *record) {
		if r.Spool != nil && !r.Spool.Lost {
			x.add(*r.Spool)
		}
	})
	at.offset += n
	if err == nil {
		at.before, err = bytesBefore(f, at.offset)
	}
	x.read[path] = at
	return err
}

// bytesBefore returns the last bytes of r before offset.
func bytesBefore(r io.ReaderAt, offset int64) (b [64]byte, err error) {
	n := min(offset, int64(len(b)))
	_, err = r.ReadAt(b[:n], offset-n)
	return b, err
}

// add takes in a spooled segment, or what has become of one.
func (x *Index) add(s Spooled) {
	x.sizes[s.Size] = true
	same := x.bySum[s.Sum]
	for i := range same {
		if same[i].Segment == s.Segment {
			same[i] = s
			return
		}
	}
	x.bySum[s.Sum] = append(same, s)
}
