package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/publish"
)

// sendSpooled sends a failed segment's CSV that somebody gives to --skip-conversion, as
// one record under its first identity. It tells whether the file was one.
func (w *worker) sendSpooled(ctx, drain context.Context, t *task) (bool, error) {
	if !w.args.SkipConversion || t.found.Size == 0 || !w.untouched(t.file) {
		return false, nil
	}
	known, ok, err := w.spooled.Find(filepath.Base(t.found.Path), t.found.Size, func() (string, error) {
		return sumOf(t.source)
	})
	if err != nil || !ok {
		return false, err
	}
	w.log.Info("File %q is segment-%d of %q; it is sent as that.", filepath.Base(t.found.Path), known.Number, known.Source)
	if err := w.take(t); err != nil {
		return true, err
	}
	csv, err := io.ReadAll(io.NewSectionReader(t.source, 0, t.found.Size))
	if err != nil {
		return true, err
	}
	if err := w.sendStored(ctx, drain, known, csv); err != nil {
		return true, err
	}
	w.total.add(func(n *counts) { n.files++; n.bytes += t.found.Size })
	return true, w.ledger.Update(t.file, func(f *ledger.File) {
		f.Status, f.Done, f.Rows, f.Segments, f.Base, f.BaseWanted = ledger.Sent, t.found.Size, int64(known.Rows), 1, 0, false
	})
}

// untouched tells whether nothing of a file has been planned or sent.
func (c *collector) untouched(f *ledger.File) bool {
	switch f.Status {
	case ledger.New, ledger.Pending, ledger.Failed:
		return f.Plan == nil && f.Plans == 0
	}
	return f.Status == ledger.Existing && c.wanted(f)
}

// sendStored sends a failed segment, and waits while Kafka is away.
func (w *worker) sendStored(ctx, drain context.Context, known ledger.Spooled, csv []byte) error {
	for {
		err := w.kafka.SendStored(drain, known, csv)
		if err == nil || publish.IsFinal(err) {
			return err
		}
		select {
		case <-w.kafka.Up():
			if drain.Err() != nil {
				return errStopped
			}
		case <-ctx.Done():
			return errStopped
		}
	}
}

// sumOf returns a file's SHA-256 in hexadecimal.
func sumOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
