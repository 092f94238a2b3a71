package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"spot-ingest/collector/internal/convert"
	"spot-ingest/collector/internal/ledger"
)

// plan makes sure that the file has a plan, and tells whether it has one: without, there
// is nothing to send.
func (w *worker) plan(ctx context.Context, t *task) (bool, error) {
	f := t.file
	if t.fresh = f.Plan == nil; !t.fresh {
		return true, w.ledger.Sync() // it may be one that couldn't be written before
	}
	p := ledger.Plan{Limit: w.limit(), Type: w.kind.String(), Partitions: w.kafka.Topic().Partitions}
	var err error
	more := false
	if w.text {
		p.From, p.To, more, err = w.textRange(t)
	} else {
		p.To, p.SkipRows, more = w.binaryRange(t)
	}
	if err != nil || !more {
		return false, err
	}
	if p.Method, err = w.choose(ctx, t, p.SkipRows); err != nil {
		return false, err
	}
	return true, w.ledger.Plan(f, p)
}

// choose picks the converter, in the words of the ledger. Rows that were sent before the
// file grew were counted by one converter, and another may count them otherwise.
func (w *worker) choose(ctx context.Context, t *task, skipRows int64) (json.RawMessage, error) {
	if skipRows > 0 && t.file.Method != nil {
		return t.file.Method, nil
	}
	if skipRows > 0 {
		// It was sent by a version of the collector that had nothing but the tools.
		if tool, err := w.chooser.Tool(ctx, "it was begun with it"); err == nil {
			return json.Marshal(tool)
		}
	}
	method, err := w.chooser.Choose(ctx, t.source)
	var failed *convert.Error
	if errors.As(err, &failed) && failed.Kind == convert.Stopped {
		return nil, errStopped
	}
	if err != nil {
		return nil, err
	}
	if skipRows > 0 && method.Name == convert.Native {
		w.log.Warning("File %q was sent by an earlier version of the collector through a tool that is not here any more; what has come since is decoded natively, and rows that the two count otherwise may be left out or sent twice.", t.found.Path)
	}
	return json.Marshal(method)
}

// binaryRange plans the whole file, as converters know no parts of one, but for the rows
// that were sent before it grew.
func (w *worker) binaryRange(t *task) (to, skipRows int64, more bool) {
	f := t.file
	switch {
	case f.Done == 0 && f.Status == ledger.Pending:
		return t.found.Size, 0, true
	case t.found.Size <= f.Done:
		return 0, 0, false
	}
	w.log.Warning("File %q has grown since it was sent; the rows that came since are sent.", t.found.Path)
	return t.found.Size, f.Rows, true
}

// textRange plans what was there at the first start, if it is wanted, or else the whole
// lines that have come since the last time. An unfinished last line is taken when the
// file is settled.
func (w *worker) textRange(t *task) (from, to int64, more bool, err error) {
	f := t.file
	if f.BaseWanted {
		return 0, f.Base, true, nil
	}
	from, to = f.Done, t.found.Size
	if !t.found.Settled {
		if to, err = lastLineEnd(t.source, from, to); err != nil {
			return 0, 0, false, fmt.Errorf("read %s: %w", t.found.Path, err)
		}
	}
	if from >= to {
		return 0, 0, false, nil
	}
	if from > f.Base {
		var last [1]byte
		if _, err := t.source.ReadAt(last[:], from-1); err != nil {
			return 0, 0, false, fmt.Errorf("read %s: %w", t.found.Path, err)
		}
		if last[0] != '\n' {
			w.log.Warning("File %q goes on with a line whose beginning was sent because it had not grown for a while; the rest of it is a line of its own.", t.found.Path)
		}
	}
	return from, to, true, nil
}

// limit is the size limit of a segment: the topic's own may be lower than the configured.
func (w *worker) limit() int {
	if most := w.kafka.Topic().MaxBatchBytes; most > 0 {
		return min(most, w.maxRequest)
	}
	return w.maxRequest
}

// lastLineEnd returns the offset behind the last newline in bytes [from,to) of r, or from
// if there is none.
func lastLineEnd(r io.ReaderAt, from, to int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for to > from {
		at := max(from, to-int64(len(buf)))
		b := buf[:to-at]
		if _, err := r.ReadAt(b, at); err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		to = at
	}
	return from, nil
}
