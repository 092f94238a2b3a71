package main

import (
	"fmt"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse"
)

// flushRows is how many rows a worker gathers before it hands them on: enough to make the
// hand-over cheap, few enough to stay in the processor's cache.
const flushRows = 2048

// flushBytes bounds what a worker gathers where rows are large.
const flushBytes = 4 << 20

// keptBytes is the memory for rows above which a giant row has made it so large.
const keptBytes = 4 * flushBytes

// A worker makes typed rows of messages.
type worker struct {
	parser *table.Parser
	hour   table.Hour
	rows   *columns.Rows
	bytes  int // of text in rows
}

func newWorker(t *table.Table, parser *table.Parser) *worker {
	return &worker{parser: parser, rows: columns.New(t.Schema)}
}

// message hands the rows of a message to the batch, the good ones to the table and the
// others to the dead letters. An error is one of writing.
func (w *worker) message(b *batch, t task) error {
	if t.bad != nil {
		return b.badMessage(t.m, t.bad)
	}
	n := 0
	for row := range t.rows.All() {
		if err := w.row(b, t.m, n, row); err != nil {
			return err
		}
		n++
	}
	return w.flush(b)
}

func (w *worker) row(b *batch, m *consume.Message, n int, row []byte) error {
	hour, err := w.parser.Parse(row)
	if err != nil {
		return b.badRow(m, n, row, err)
	}
	if hour != w.hour || w.rows.Len >= flushRows || w.bytes >= flushBytes {
		if err := w.flush(b); err != nil {
			return err
		}
		w.hour = hour
	}
	w.parser.Append(w.rows)
	w.bytes += len(row)
	return nil
}

func (w *worker) flush(b *batch) error {
	if w.rows.Len == 0 {
		return nil
	}
	b.rows.Add(int64(w.rows.Len))
	err := b.files.Append(w.hour, w.rows)
	w.bytes = 0
	if w.rows.Memory() > keptBytes {
		w.rows = columns.New(w.rows.Schema)
	}
	w.rows.Reset()
	return err
}

func (b *batch) badMessage(m *consume.Message, reason error) error {
	b.badMessages.Add(1)
	return b.bad(m, -1, m.Value, reason)
}

func (b *batch) badRow(m *consume.Message, n int, row []byte, reason error) error {
	b.badRows.Add(1)
	return b.bad(m, n, row, reason)
}

func (b *batch) bad(m *consume.Message, row int, bytes []byte, reason error) error {
	err := b.files.Bad(warehouse.Letter{
		Topic: b.topic, Partition: m.Partition, Offset: m.Offset, Row: row, Reason: reason.Error(), Bytes: bytes,
	})
	if err != nil {
		return fmt.Errorf("write dead letters: %w", err)
	}
	return nil
}
