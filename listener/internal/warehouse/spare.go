package warehouse

import (
	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/warehouse/parquet"
)

// spareRows is how many empty buffers are kept: some fill while others are encoded.
const spareRows = 4

// empty returns a buffer without rows.
func (w *Warehouse) empty() *columns.Rows {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.spare); n > 0 {
		rows := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return rows
	}
	return columns.New(w.options.Table.Schema)
}

// encoder returns an encoder that nobody else uses.
func (w *Warehouse) encoder() *parquet.Encoder {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.encoders); n > 0 {
		e := w.encoders[n-1]
		w.encoders = w.encoders[:n-1]
		return e
	}
	return parquet.NewEncoder(w.options.Table.Schema, w.options.Codec)
}

// keep takes back what empty and encoder gave.
func (w *Warehouse) keep(encoder *parquet.Encoder, rows *columns.Rows) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.encoders = append(w.encoders, encoder)
	// A buffer beyond its fair share, made so by a giant row, is left to the collector.
	if len(w.spare) < spareRows && rows.Memory() <= w.options.Memory/spareRows {
		rows.Reset()
		w.spare = append(w.spare, rows)
	}
}
