package warehouse

import (
	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/warehouse/parquet"
)

// shares is into how many row groups the memory for buffers is divided at least: some fill
// while others are encoded.
const shares = 4

// empty returns a buffer without rows, one that has been used if it is to be filled: in
// another it would hold memory for nothing.
func (w *Warehouse) empty(fill bool) *columns.Rows {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.spare); n > 0 && fill {
		rows := w.spare[n-1]
		w.spare = w.spare[:n-1]
		w.spareMemory -= rows.Memory()
		return rows
	}
	return columns.New(w.options.Table.Schema)
}

// room tells whether buffers of so many bytes are within the limit, for which it may have to
// let go of the spare ones.
func (w *Warehouse) room(memory int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if memory+w.spareMemory > w.options.Memory {
		w.spare, w.spareMemory = nil, 0
	}
	return memory <= w.options.Memory
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

// spareEncoder is the memory of an encoder above which a giant row has made it so large.
const spareEncoder = 32 << 20

// keep takes back what empty and encoder gave.
func (w *Warehouse) keep(encoder *parquet.Encoder, rows *columns.Rows) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if encoder.Memory() <= spareEncoder {
		w.encoders = append(w.encoders, encoder)
	}
	if memory := rows.Memory(); w.spareMemory+memory <= w.options.Memory {
		rows.Reset()
		w.spare = append(w.spare, rows)
		w.spareMemory += memory
	}
}
