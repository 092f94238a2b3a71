package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/pkg/codec"

	"golang.org/x/sys/unix"
)

// store sets a failed segment down in staging as CSV, one line a row, and returns its
// file's name. Two files of one name in two folders get folders of their own.
func (p *Publisher) store(s *Segment) (string, error) {
	if err := ledger.PrivateFolder(p.Staging); err != nil { // it may have been wiped, in /tmp
		return "", err
	}
	csv, err := rowsAsLines(s.Value.Bytes())
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.Staging, s.name())
	err = writeNew(path, csv)
	if errors.Is(err, os.ErrExist) {
		folder := filepath.Join(p.Staging, s.File.ID.String())
		if err := ledger.PrivateFolder(folder); err != nil {
			return "", err
		}
		path = filepath.Join(folder, s.name())
		err = writeNew(path, csv)
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(csv)
	err = p.Ledger.Spool(ledger.Spooled{
		File:      s.File.ID,
		Plan:      s.File.Plan.Seq,
		Number:    s.Number,
		Path:      ledger.Name(path),
		Size:      int64(len(csv)),
		Sum:       hex.EncodeToString(sum[:]),
		Segment:   hex.EncodeToString(s.ID[:]),
		Source:    ledger.Name(s.Source),
		Rows:      s.Rows,
		TimeMS:    s.TimeMS,
		Partition: s.Partition,
	})
	if err != nil {
		os.Remove(path)
	}
	return filepath.Base(path), err
}

// writeNew writes a file that must not exist yet; it is on disk when it returns.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

func rowsAsLines(value []byte) ([]byte, error) {
	rows, err := codec.Decode(value)
	if err != nil {
		return nil, err
	}
	csv := make([]byte, 0, len(value))
	for row := range rows.All() {
		csv = append(append(csv, row...), '\n')
	}
	return csv, nil
}

// Resend sends all spooled segments, each under its first identity, and removes what is
// acknowledged. Its error says that Kafka is away, or that ctx has ended; what can't be
// sent for another reason is left, and said.
func (p *Publisher) Resend(ctx context.Context) error {
	for _, s := range p.Ledger.Waiting() {
		if err := p.resend(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (p *Publisher) resend(ctx context.Context, s ledger.Spooled) error {
	path := string(s.Path)
	csv, err := os.ReadFile(path)
	sum := sha256.Sum256(csv)
	var id ledger.ID
	if err != nil || hex.EncodeToString(sum[:]) != s.Sum || id.UnmarshalText([]byte(s.Segment)) != nil {
		p.Log.Warning("Segment-%d of %q is not in local staging any more as it was stored (%q); it is made again from its file.", s.Number, s.Source, path)
		p.keep(p.Ledger.Lost(s))
		return nil
	}
	err = p.SendStored(ctx, s, csv)
	switch {
	case err == nil:
		p.keep(p.Ledger.Unspool(s, time.Now(), false))
	case IsFinal(err):
		rejection := Rejection{File: s.Source, Reason: err.Error(), Segment: &s.Number}
		p.setAside(rejection, s.File, s.Plan, filepath.Base(path), csv)
		p.keep(p.Ledger.Unspool(s, time.Now(), true))
	default:
		return err
	}
	// The record must be on disk before the CSV goes.
	if err := p.Ledger.Sync(); err != nil {
		p.keep(err)
		return nil
	}
	p.keep(p.discard(path))
	return nil
}

// keep says what went wrong on this host, which is no reason to stop sending: at worst
// the segment goes once more, with the same id.
func (p *Publisher) keep(err error) {
	if err != nil {
		p.Log.Error("%v", err)
	}
}

// SendStored sends the CSV of a segment that a collector has stored, perhaps another one,
// as one record under its first identity.
func (p *Publisher) SendStored(ctx context.Context, s ledger.Spooled, csv []byte) error {
	segment, err := p.segmentOf(ctx, s, csv)
	if err != nil {
		return err
	}
	if n := p.Topic().Partitions; segment.Partition >= n { // another topic, or made anew
		segment.Partition = PartitionOf(segment.ID, n)
	}
	err = p.send(ctx, segment)
	p.Release(segment.Value)
	if err == nil {
		p.published(segment)
	} else if !IsFinal(err) && ctx.Err() == nil {
		p.SetAway(err)
	}
	return err
}

func (p *Publisher) discard(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if folder := filepath.Dir(path); folder != p.Staging {
		_ = os.Remove(folder) // if it was the last one in there
	}
	return nil
}

// segmentOf makes a segment of a spooled CSV, in a buffer of its own.
func (p *Publisher) segmentOf(ctx context.Context, s ledger.Spooled, csv []byte) (*Segment, error) {
	segment := &Segment{
		File:      &ledger.File{ID: s.File},
		Source:    string(s.Source),
		Number:    s.Number,
		Partition: s.Partition,
		Rows:      s.Rows,
		TimeMS:    s.TimeMS,
		Log:       p.Log,
	}
	var id ledger.ID
	err := id.UnmarshalText([]byte(s.Segment))
	if err != nil {
		return nil, fmt.Errorf("spooled segment %q: %w", s.Path, err)
	}
	segment.ID = id
	if segment.Value, err = p.Buffer(ctx); err != nil {
		return nil, err
	}
	for len(csv) > 0 {
		var row []byte
		row, csv, _ = bytes.Cut(csv, []byte{'\n'})
		segment.Value.Append(row)
	}
	return segment, nil
}
