package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"spot-ingest/collector/internal/ledger"
)

// sendSpooled sends a failed segment's CSV that somebody gives to --skip-conversion, as
// one record under its first identity. It tells whether the file was one.
func (w *worker) sendSpooled(ctx, drain context.Context, j job) (bool, error) {
	fresh := j.file.Status == ledger.New || j.file.Status == ledger.Existing && w.wanted(j.file)
	if !w.args.SkipConversion || !fresh || j.found.Size == 0 {
		return false, nil
	}
	known, ok, err := w.spooled.Find(j.found.Size, func() (string, error) { return sumOf(j.found.Path) })
	if err != nil || !ok {
		return false, err
	}
	w.log.Info("File %q is segment-%d of %q; it is sent as that.", filepath.Base(j.found.Path), known.Number, known.Source)
	if err := w.take(j); err != nil {
		return true, err
	}
	csv, err := os.ReadFile(j.found.Path)
	if err != nil {
		return true, err
	}
	if err := w.kafka.SendStored(drain, known, csv); err != nil {
		select {
		case <-w.kafka.Up():
			return true, err
		default:
		}
		if ctx.Err() != nil {
			return true, errStopped
		}
		return true, errAway
	}
	w.total.add(func(t *counts) { t.files++; t.bytes += j.found.Size; t.segments++; t.rows += int64(known.Rows) })
	return true, w.ledger.Update(j.file, func(f *ledger.File) {
		f.Status, f.Done, f.Rows, f.Segments, f.Base, f.BaseWanted = ledger.Sent, j.found.Size, int64(known.Rows), 1, 0, false
	})
}

// sumOf returns a file's SHA-256 in hexadecimal.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
