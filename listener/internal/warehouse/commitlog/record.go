package commitlog

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
)

// format is the version of the log's format.
const format = 1

// maxRecord bounds a record's size in bytes; a snapshot of 1,000,000 ids has 21 million.
const maxRecord = 256 << 20

// A record is one commit, as doc.go describes it.
type record struct {
	Format    int       `json:"format"`
	Number    int64     `json:"number"`
	Writer    string    `json:"writer"`
	Batch     string    `json:"batch"`
	Time      stamp     `json:"time"`
	Table     string    `json:"table"`
	Topic     string    `json:"topic"`
	Group     string    `json:"group"`
	Parts     []Part    `json:"parts"`
	Files     []File    `json:"files"` // Staged with the writer's id and a slash before it
	Segments  ids       `json:"segments"`
	Counts    Counts    `json:"counts"`
	Note      string    `json:"note,omitempty"`
	NextEpoch string    `json:"next_epoch,omitempty"`
	Snapshot  *snapshot `json:"snapshot,omitempty"`

	folder string // of its epoch; not part of the record
}

// A snapshot is what was known before an epoch's first record.
type snapshot struct {
	Positions []partitionPosition `json:"positions"`
	IDs       []seen              `json:"ids"`
}

type partitionPosition struct {
	Partition int `json:"partition"`
	Position
}

// A stamp is a time in UTC with milliseconds.
type stamp struct{ time.Time }

// MarshalJSON writes it by RFC 3339.
func (s stamp) MarshalJSON() ([]byte, error) {
	return s.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// writable tells whether RFC 3339 has a form for it and for some time after it.
func (s stamp) writable() bool {
	year := s.UTC().Year()
	return year >= 0 && year < 9999
}

// ids are segment ids, as base64 of all of them in JSON.
type ids []SegmentID

// MarshalText writes them as base64.
func (s ids) MarshalText() ([]byte, error) { return s.appendText(nil), nil }

func (s ids) appendText(b []byte) []byte {
	// A multiple of three ids at a time ends without padding.
	const most = 768
	var raw [most * len(SegmentID{})]byte
	for len(s) > 0 {
		n := min(len(s), most)
		for i, id := range s[:n] {
			copy(raw[i*len(id):], id[:])
		}
		b = base64.StdEncoding.AppendEncode(b, raw[:n*len(SegmentID{})])
		s = s[n:]
	}
	return b
}

// UnmarshalText reads what MarshalText wrote.
func (s *ids) UnmarshalText(text []byte) error {
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(raw, text)
	if err != nil {
		return fmt.Errorf("segment ids: %w", err)
	}
	if n%len(SegmentID{}) != 0 {
		return fmt.Errorf("segment ids: %d bytes are no multiple of %d", n, len(SegmentID{}))
	}
	*s = make(ids, n/len(SegmentID{}))
	for i := range *s {
		copy((*s)[i][:], raw[i*len(SegmentID{}):])
	}
	return nil
}

// newRecord makes the record of a batch; number, time and epoch come with each try.
func (l *Log) newRecord(c *Commit) *record {
	r := &record{
		Format: format, Writer: l.writer, Batch: randomID(),
		Table: l.o.Table, Topic: l.o.Topic, Group: l.o.Group,
		Parts: c.Parts, Files: make([]File, len(c.Files)), Segments: c.Segments, Counts: c.Counts, Note: c.Note,
	}
	for i, f := range c.Files {
		f.Staged = l.writer + "/" + f.Staged
		r.Files[i] = f
	}
	return r
}

// encode writes a record, with a snapshot of s if it is an epoch's first. The ids of a
// snapshot are not gathered in memory.
func (r *record) encode(w io.Writer, s *state) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	sum := sha256.New()
	b := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	b.Write(body[:len(body)-1])
	if firstOfEpoch(r.Number) {
		if err := s.encodeSnapshot(b); err != nil {
			return err
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	_, err = io.WriteString(w, tail(sum))
	return err
}

func (s *state) encodeSnapshot(b *bufio.Writer) error {
	positions, err := json.Marshal(s.sortedPositions())
	if err != nil {
		return err
	}
	fmt.Fprintf(b, `,"snapshot":{"positions":%s,"ids":[`, positions)
	var text []byte
	for i, g := range s.known.groups {
		at, err := g.Time.MarshalJSON()
		if err != nil {
			return err
		}
		text = g.IDs.appendText(text[:0])
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `{"time":%s,"ids":"%s"}`, at, text)
	}
	_, err = b.WriteString("]}") // a bufio.Writer keeps an earlier error
	return err
}

const (
	tailBegin = `,"sha256":"`
	tailEnd   = "\"}\n"
	tailLen   = len(tailBegin) + 2*sha256.Size + len(tailEnd)
)

func tail(sum hash.Hash) string {
	return tailBegin + hex.EncodeToString(sum.Sum(nil)) + tailEnd
}

// decode reads a record and checks all that can be told from it alone.
func decode(data []byte) (*record, error) {
	if len(data) < tailLen {
		return nil, errors.New("it is too short to be a record")
	}
	sum := sha256.New()
	sum.Write(data[:len(data)-tailLen])
	if !bytes.HasSuffix(data, []byte(tail(sum))) {
		return nil, errors.New("its checksum is wrong: it has been changed or is damaged")
	}
	r := new(record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	return r, r.check()
}

func (r *record) check() error {
	switch {
	case r.Format != format:
		return fmt.Errorf("its format is %d, and this program knows %d: use the program that wrote it", r.Format, format)
	case r.Number < 1:
		return fmt.Errorf("%d is no record's number", r.Number)
	case !r.Time.writable():
		return fmt.Errorf("it was made at %v", r.Time)
	case !isID(r.Writer) || !isID(r.Batch):
		return fmt.Errorf("%q or %q is no id", r.Writer, r.Batch)
	case lastOfEpoch(r.Number) != (r.NextEpoch != ""):
		return fmt.Errorf("record %d of an epoch names the next one: %q", r.Number, r.NextEpoch)
	case firstOfEpoch(r.Number) != (r.Snapshot != nil):
		return errors.New("an epoch's first record has a snapshot, and no other")
	}
	if r.NextEpoch != "" {
		if e, ok := parseEpoch(r.NextEpoch); !ok || e != epochOf(r.Number)+1 {
			return fmt.Errorf("%q is not the next epoch", r.NextEpoch)
		}
	}
	for _, f := range r.Files {
		writer, name, _ := strings.Cut(f.Staged, "/")
		if !isID(writer) || !validStaged(name) || !validFinal(f.Final) {
			return fmt.Errorf("it moves %q to %q", f.Staged, f.Final)
		}
	}
	if r.Snapshot != nil {
		for _, p := range r.Snapshot.Positions {
			if p.Partition < 0 || p.Next < 0 {
				return fmt.Errorf("partition %d can't be at offset %d", p.Partition, p.Next)
			}
		}
		for _, g := range r.Snapshot.IDs {
			if !g.Time.writable() {
				return fmt.Errorf("segments were seen at %v", g.Time)
			}
		}
	}
	return checkParts(r.Parts)
}

// randomID returns 128 random bits in hexadecimal.
func randomID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails (crypto/rand ends the program instead)
	return hex.EncodeToString(id[:])
}

func isID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}
