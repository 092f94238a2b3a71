package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/pkg/broker"

	"golang.org/x/sys/unix"
)

// maxRejected bounds the bytes in the folder of what can never be sent; past it, only the
// list of reasons grows, and that by a line a case.
const maxRejected = 1 << 30

// A Rejection is a line of rejected.jsonl: something of a file that can never be sent.
type Rejection struct {
	Time    time.Time   `json:"time"`
	File    ledger.Name `json:"file"`
	Reason  string      `json:"reason"`
	Segment *int        `json:"segment,omitempty"` // its number, for a segment that was refused
	Stored  string      `json:"stored,omitempty"`  // its rows, beside this list
	// For a line too long to be read:
	Line   int64 `json:"line,omitempty"`   // its number, counted from 1 where the plan begins
	Offset int64 `json:"offset,omitempty"` // of its first byte in the file, or in what its converter printed
	Length int64 `json:"length,omitempty"` // in bytes
}

// rejects is the folder of what can never be sent.
type rejects struct {
	mu     sync.Mutex
	folder string
	bytes  int64
}

func (r *rejects) open(state string) error {
	r.folder = filepath.Join(state, "rejected")
	if err := ledger.PrivateFolder(r.folder); err != nil {
		return fmt.Errorf("state_dir: %w", err)
	}
	return filepath.WalkDir(r.folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			r.bytes += info.Size()
		}
		return err
	})
}

// IsFinal tells whether an error says no to a segment for ever.
func IsFinal(err error) bool { return broker.Refused(err) || errors.Is(err, errTooLarge) }

// reject sets a refused segment aside; the file goes on without it.
func (p *Publisher) reject(s *Segment, reason error) {
	csv, err := rowsAsLines(s.Value.Bytes())
	if err != nil {
		p.Log.Error("segment-%d of %q: %v", s.Number, s.Source, err)
	}
	p.setAside(Rejection{File: s.File.Path, Reason: reason.Error(), Segment: &s.Number}, s.File.ID, s.File.Plan.Seq, s.name(), csv)
	p.keep(p.Ledger.Reject(s.File, s.Number, s.ID))
}

// setAside stores the rows of what was rejected and puts it on the list.
func (p *Publisher) setAside(r Rejection, file ledger.ID, plan int, name string, csv []byte) {
	// Segments of one number are told apart by file and plan.
	name = fmt.Sprintf("%.8s-%d_%s", file, plan, name)
	stored, err := p.rejects.keep(name[:min(len(name), 255)], csv)
	if err != nil {
		p.Log.Error("What was rejected of %q could not be set aside: %v", r.File, err)
	}
	r.Stored = stored
	p.Reject(r)
}

// Reject adds a line to the list of what can never be sent, and says so.
func (p *Publisher) Reject(r Rejection) {
	r.Time = time.Now().UTC()
	if err := p.rejects.list(r); err != nil {
		p.Log.Error("%q can't be added to the list of rejections: %v", r.File, err)
	}
	p.Log.Error("A part of %q can never be sent (%s); see %q.", r.File, r.Reason, filepath.Join(p.rejects.folder, "rejected.jsonl"))
}

// keep writes rows, if there is room, and returns the name of their file.
func (r *rejects) keep(name string, csv []byte) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+int64(len(csv)) > maxRejected {
		return "", fmt.Errorf("%s holds %d bytes; remove what is no longer wanted", r.folder, r.bytes)
	}
	path := filepath.Join(r.folder, name)
	err := writeNew(path, csv)
	if errors.Is(err, os.ErrExist) {
		return name, nil // the same segment, before a crash
	}
	if err != nil {
		return "", err
	}
	r.bytes += int64(len(csv))
	return name, nil
}

func (r *rejects) list(rejection Rejection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	line, err := json.Marshal(rejection)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(r.folder, "rejected.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
