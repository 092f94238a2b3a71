package ledger

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// A record is a line of the ledger: eight hexadecimal digits of CRC-32C, a blank, and the
// record as JSON. Exactly one of its fields is set.
type record struct {
	Began *bool    `json:"began,omitempty"` // the first start's record is complete
	File  *File    `json:"file,omitempty"`  // all there is to know of a file, but for what is acknowledged
	Gone  *ID      `json:"gone,omitempty"`  // the file is forgotten
	Ack   *ack     `json:"ack,omitempty"`
	Spool *Spooled `json:"spool,omitempty"`
}

type ack struct {
	File   ID     `json:"file"`
	Plan   int    `json:"plan"`
	Number int    `json:"n"`
	Check  uint32 `json:"c"` // the first four bytes of the segment's id
	// Rejected says that it can never be sent, and is dealt with by that.
	Rejected bool `json:"rejected,omitempty"`
}

// ErrUnwritable says that the ledger can't be written, as on a full disk: no fault of the
// file that is at hand.
var ErrUnwritable = errors.New("the ledger can't be written")

const maxRecord = 1 << 20 // bytes; a record is well under a tenth of it

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendRecord(b []byte, r *record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return b, err
	}
	var crc [4]byte
	sum := crc32.Checksum(body, castagnoli)
	crc[0], crc[1], crc[2], crc[3] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
	b = hex.AppendEncode(b, crc[:])
	b = append(b, ' ')
	b = append(b, body...)
	return append(b, '\n'), nil
}

func parseRecord(line []byte) (*record, error) {
	if len(line) < 10 || line[8] != ' ' {
		return nil, errors.New("no checksum")
	}
	var crc [4]byte
	if _, err := hex.Decode(crc[:], line[:8]); err != nil {
		return nil, errors.New("no checksum")
	}
	body := line[9:]
	want := uint32(crc[0])<<24 | uint32(crc[1])<<16 | uint32(crc[2])<<8 | uint32(crc[3])
	if crc32.Checksum(body, castagnoli) != want {
		return nil, errors.New("wrong checksum")
	}
	r := new(record)
	return r, json.Unmarshal(body, r)
}

// readRecords calls apply for each good record and returns how many bytes there are up to
// the end of the last whole line, and how many of the whole lines are damaged. What
// follows the last whole line was being written when the writer died.
func readRecords(r io.Reader, apply func(*record)) (good int64, damaged int, err error) {
	in := bufio.NewReaderSize(r, maxRecord)
	long := false
	for {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			good += int64(len(line))
			long = true
			continue
		}
		if err == io.EOF {
			return good, damaged, nil
		}
		if err != nil {
			return good, damaged, err
		}
		good += int64(len(line))
		rec, perr := parseRecord(line[:len(line)-1])
		if perr != nil || long {
			damaged++
			long = false
			continue
		}
		apply(rec)
	}
}

// A log is the append-only file. Records are buffered by append and reach the disk by
// sync, in which callers that wait at the same time share one fsync.
type log struct {
	path string

	mu      sync.Mutex // guards what is buffered
	pending []byte
	seq     uint64 // of the last record appended

	syncMu  sync.Mutex // held while writing; guards what follows
	f       *os.File
	size    int64 // bytes known to be whole
	synced  uint64
	compact int64 // size after the last compaction
	usable  gate  // closed while the file can't be written
}

// A gate lets through who waits for it while it is open.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while the gate is open; nil for a gate that was never closed
}

var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (g *gate) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		return always
	}
	return g.opened
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

func (l *log) append(r *record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := appendRecord(l.pending, r)
	if err != nil {
		return l.seq, err
	}
	l.pending = b
	l.seq++
	return l.seq, nil
}

// sync returns once the record with this number, and all before it, are on disk. After an
// error the records stay buffered, and the next sync tries again.
func (l *log) sync(seq uint64) error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.synced >= seq {
		return nil
	}
	l.mu.Lock()
	b, upTo := l.pending, l.seq
	l.pending = nil
	l.mu.Unlock()
	err := l.write(b)
	if err != nil {
		l.mu.Lock()
		l.pending = append(b, l.pending...)
		l.mu.Unlock()
		l.usable.close()
		return fmt.Errorf("%w: %s: %w", ErrUnwritable, l.path, err)
	}
	l.usable.open()
	l.synced = upTo
	return nil
}

func (l *log) write(b []byte) error {
	if len(b) > 0 {
		n, err := l.f.WriteAt(b, l.size)
		if err != nil {
			if n > 0 { // half a line must not stand before the next one
				_ = l.f.Truncate(l.size)
			}
			return err
		}
	}
	if err := unix.Fdatasync(int(l.f.Fd())); err != nil {
		return err
	}
	l.size += int64(len(b))
	return nil
}

// grown tells whether the file has become much larger than what it holds.
func (l *log) grown() bool {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	return l.size > 4*l.compact+16<<20
}

// replace swaps the file for a new one with the given records, atomically. Nothing may be
// appended meanwhile.
func (l *log) replace(each func(emit func(*record) error) error) error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	temporary := l.path + ".new"
	f, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	var size int64
	var line []byte
	err = each(func(r *record) error {
		var err error
		if line, err = appendRecord(line[:0], r); err != nil {
			return err
		}
		size += int64(len(line))
		_, err = out.Write(line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(temporary, l.path)
	}
	if err != nil {
		f.Close()
		os.Remove(temporary)
		return fmt.Errorf("compact the ledger %s: %w", l.path, err)
	}
	if l.f != nil {
		l.f.Close()
	}
	l.f, l.size, l.compact = f, size, size
	l.usable.open()
	l.mu.Lock()
	l.pending, l.synced = nil, l.seq // the new file holds them
	l.mu.Unlock()
	return syncFolder(filepath.Dir(l.path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
