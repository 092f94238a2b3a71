// Package ledger remembers what is to be sent of each file and what has been, through
// crashes.
//
// A ledger is a folder in the collector's state folder, one for each Key, locked while a
// collector uses it. It holds an append-only file of checksummed lines: a file's plan is
// on disk before its first segment goes out, acknowledgements follow in groups, and the
// file is written anew at start and when it has grown to several times of what it holds.
package ledger

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// remember is how long the ledger knows a file that is no longer there, and a spooled
// segment that has been acknowledged.
const remember = 7 * 24 * time.Hour

// A Ledger may be used from several goroutines; a File belongs to whoever works on it.
type Ledger struct {
	folder string
	lock   *os.File
	log    log

	// Damaged is how many lines couldn't be read at Open; the unreadable file is then kept
	// beside as "ledger.damaged".
	Damaged int

	mu      sync.Mutex
	began   bool
	files   map[ID]*File
	byPath  map[Name]*File
	byInode map[uint64]*File // chained by File.sameInode
	spool   map[spoolKey]*Spooled
}

// Open locks and reads the ledger for key in the state folder, made if missing. It
// returns a *LockedError if another process has it.
func Open(stateDir string, key Key, now time.Time) (*Ledger, error) {
	if err := OwnFolder(stateDir); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	folder := filepath.Join(stateDir, key.Name())
	if err := PrivateFolder(folder); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	held, err := lock(folder)
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		folder:  folder,
		lock:    held,
		log:     log{path: filepath.Join(folder, "ledger")},
		files:   make(map[ID]*File),
		byPath:  make(map[Name]*File),
		byInode: make(map[uint64]*File),
		spool:   make(map[spoolKey]*Spooled),
	}
	if err := l.load(key, now); err != nil {
		held.Close()
		return nil, err
	}
	return l, nil
}

func (l *Ledger) load(key Key, now time.Time) error {
	about, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(l.folder, "about.json"), append(about, '\n'), 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(l.log.path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == nil {
		defer f.Close()
		_, l.Damaged, err = readRecords(f, l.apply)
		if err != nil {
			return fmt.Errorf("read the ledger %s: %w", l.log.path, err)
		}
	} else if !os.IsNotExist(err) {
		return err
	}
	if l.Damaged > 0 {
		if err := os.Link(l.log.path, l.log.path+".damaged"); err != nil && !os.IsExist(err) {
			return fmt.Errorf("keep the damaged ledger: %w", err)
		}
	}
	for k, s := range l.spool {
		if !s.Acked.IsZero() && now.Sub(s.Acked) > remember {
			delete(l.spool, k)
		}
	}
	return l.log.replace(l.each)
}

// apply takes one record of the file into memory.
func (l *Ledger) apply(r *record) {
	switch {
	case r.Began != nil:
		l.began = *r.Began
	case r.File != nil:
		if old := l.files[r.File.ID]; old != nil {
			if old.Plan != nil && r.File.Plan != nil && old.Plan.Seq == r.File.Plan.Seq {
				r.File.Plan.acked, r.File.Plan.rejected = old.Plan.acked, old.Plan.rejected
			}
			l.unlink(old)
		}
		l.link(r.File)
	case r.Gone != nil:
		if f := l.files[*r.Gone]; f != nil {
			l.unlink(f)
		}
	case r.Ack != nil:
		if f := l.files[r.Ack.File]; f != nil && f.Plan != nil && f.Plan.Seq == r.Ack.Plan && r.Ack.Number >= 0 {
			f.Plan.ack(r.Ack)
		}
	case r.Spool != nil:
		l.applySpool(r.Spool)
	}
}

// each emits the records that make up what is in memory.
func (l *Ledger) each(emit func(*record) error) error {
	if l.began {
		if err := emit(&record{Began: &l.began}); err != nil {
			return err
		}
	}
	for _, f := range l.files {
		if err := emit(&record{File: f}); err != nil {
			return err
		}
		if f.Plan == nil {
			continue
		}
		for n, check := range f.Plan.acked {
			if check == 0 {
				continue
			}
			if err := emit(&record{Ack: &ack{f.ID, f.Plan.Seq, n, check, f.Plan.rejected[n]}}); err != nil {
				return err
			}
		}
	}
	for _, s := range l.spool {
		if err := emit(&record{Spool: s}); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) link(f *File) {
	l.files[f.ID] = f
	l.byPath[f.Path] = f
	f.sameInode = l.byInode[f.Stat.Inode]
	l.byInode[f.Stat.Inode] = f
}

func (l *Ledger) unlink(f *File) {
	delete(l.files, f.ID)
	if l.byPath[f.Path] == f {
		delete(l.byPath, f.Path)
	}
	first := l.byInode[f.Stat.Inode]
	if first != f {
		for first.sameInode != f {
			first = first.sameInode
		}
		first.sameInode = f.sameInode
	} else if f.sameInode != nil {
		l.byInode[f.Stat.Inode] = f.sameInode
	} else {
		delete(l.byInode, f.Stat.Inode)
	}
	f.sameInode = nil
}

// Folder is where the ledger lies.
func (l *Ledger) Folder() string { return l.folder }

// Close writes what is buffered and gives the lock back.
func (l *Ledger) Close() error {
	err := l.Sync()
	l.log.f.Close()
	l.lock.Close()
	return err
}

// Began tells whether the first start's record is complete.
func (l *Ledger) Began() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.began
}

// Begin says, on disk, that the first start's record is complete.
func (l *Ledger) Begin() error {
	l.mu.Lock()
	l.began = true
	seq, err := l.log.append(&record{Began: &l.began})
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.log.sync(seq)
}

// Update changes a file by edit and records it; a file that isn't in the ledger yet is
// added. It reaches the disk with the next Sync.
func (l *Ledger) Update(f *File, edit func(*File)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.update(f, edit)
	return err
}

func (l *Ledger) update(f *File, edit func(*File)) (uint64, error) {
	if l.files[f.ID] == f {
		l.unlink(f)
	}
	edit(f)
	l.link(f)
	return l.log.append(&record{File: f})
}

// Plan gives the file its next plan, and returns once it is on disk.
func (l *Ledger) Plan(f *File, p Plan) error {
	l.mu.Lock()
	p.Seq = f.Plans + 1
	seq, err := l.update(f, func(f *File) {
		f.Plan, f.Plans, f.Status, f.Reason = &p, p.Seq, Pending, ""
	})
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.log.sync(seq)
}

// Ack records that a segment of the file's plan is acknowledged. It reaches the disk with
// the next Sync; should it not, the segment goes again, with the same id.
func (l *Ledger) Ack(f *File, number int, id [16]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ack(f, number, id, false)
}

// Reject records that a segment of the file's plan can never be sent.
func (l *Ledger) Reject(f *File, number int, id [16]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ack(f, number, id, true)
}

func (l *Ledger) ack(f *File, number int, id [16]byte, rejected bool) error {
	a := &ack{f.ID, f.Plan.Seq, number, checkOf(id), rejected}
	f.Plan.ack(a)
	_, err := l.log.append(&record{Ack: a})
	return err
}

// Rejected returns how many segments of the file's plan can never be sent.
func (l *Ledger) Rejected(f *File) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(f.Plan.rejected)
}

// Acked tells whether the segment with this number is acknowledged, and whether it was
// this very segment: it isn't when the file or its converter has changed since.
func (l *Ledger) Acked(f *File, number int, id [16]byte) (acked, same bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number >= len(f.Plan.acked) || f.Plan.acked[number] == 0 {
		return false, false
	}
	return true, f.Plan.acked[number] == checkOf(id)
}

func (p *Plan) ack(a *ack) {
	for len(p.acked) <= a.Number {
		p.acked = append(p.acked, 0)
	}
	p.acked[a.Number] = a.Check
	if a.Rejected {
		if p.rejected == nil {
			p.rejected = make(map[int]bool)
		}
		p.rejected[a.Number] = true
	}
}

func checkOf(id [16]byte) uint32 { return max(1, binary.BigEndian.Uint32(id[:])) }

// Writable returns a channel that is closed unless the last write failed. The next Sync
// tries again.
func (l *Ledger) Writable() <-chan struct{} { return l.log.usable.wait() }

// Sync writes to disk all that was recorded.
func (l *Ledger) Sync() error {
	l.log.mu.Lock()
	seq := l.log.seq
	l.log.mu.Unlock()
	return l.log.sync(seq)
}

// Compact writes the file anew if it has grown to much more than what it holds.
func (l *Ledger) Compact() error {
	if !l.log.grown() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.replace(l.each)
}
