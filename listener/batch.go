package main

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// maxSegments ends a batch early, so that neither its list of segments nor the record of it
// grows without limit however long files are held open.
const maxSegments = 100_000

// A batch is the messages that are committed together. One goroutine adds messages, the
// workers turn them into rows.
type batch struct {
	topic string
	files *warehouse.Batch

	work    chan *consume.Message
	workers sync.WaitGroup
	fail    sync.Once
	failed  chan struct{} // closed once err is set
	err     error

	parts    map[int]*commitlog.Part
	seen     map[commitlog.SegmentID]bool
	segments []commitlog.SegmentID
	messages int64
	repeats  int64

	rows, badRows, badMessages atomic.Int64
}

// newBatch begins a batch at the given positions with the workers at work.
func newBatch(topic string, files *warehouse.Batch, workers []*worker) *batch {
	b := &batch{
		topic:  topic,
		files:  files,
		work:   make(chan *consume.Message),
		failed: make(chan struct{}),
		parts:  make(map[int]*commitlog.Part),
		seen:   make(map[commitlog.SegmentID]bool),
	}
	for _, w := range workers {
		b.workers.Add(1)
		go b.run(w)
	}
	return b
}

func (b *batch) run(w *worker) {
	defer b.workers.Done()
	for m := range b.work {
		// After a failure the batch is lost, but whoever adds messages must not hang.
		if !b.hasFailed() {
			if err := w.message(b, m); err != nil {
				b.fail.Do(func() {
					b.err = err
					close(b.failed)
				})
			}
		}
		m.Release()
	}
	w.rows.Reset() // what a failure left
	w.bytes = 0
}

func (b *batch) hasFailed() bool {
	select {
	case <-b.failed:
		return true
	default:
		return false
	}
}

// add hands a message to the workers, unless its segment is known to be in the table.
// before is where its partition stood before the batch.
func (b *batch) add(m *consume.Message, before commitlog.Position, known func(commitlog.SegmentID) bool) {
	p := b.parts[m.Partition]
	if p == nil {
		p = &commitlog.Part{Partition: m.Partition, First: before.Next, Position: before}
		b.parts[m.Partition] = p
	}
	p.Next = m.Offset + 1
	if m.Gap {
		m.Release()
		return
	}
	b.messages++
	if m.Bad == nil {
		p.Last, p.Time, p.CRC = m.Offset, m.Time, m.CRC
	}
	if m.HasSegment {
		id := commitlog.SegmentID(m.Segment)
		if b.seen[id] || known(id) {
			b.repeats++
			m.Release()
			return
		}
		b.seen[id] = true
		b.segments = append(b.segments, id)
	}
	b.work <- m
}

// wait waits until all messages that were added are rows. It is called once, and last.
func (b *batch) wait() error {
	close(b.work)
	b.workers.Wait()
	return b.err
}

// commit returns what the log is to hold of the batch.
func (b *batch) commit(files []commitlog.File) *commitlog.Commit {
	c := &commitlog.Commit{
		Files:    files,
		Segments: b.segments,
		Counts: commitlog.Counts{
			Messages: b.messages, Rows: b.rows.Load(), BadRows: b.badRows.Load(),
			BadMessages: b.badMessages.Load(), Repeats: b.repeats,
		},
	}
	for _, p := range slices.Sorted(maps.Keys(b.parts)) {
		c.Parts = append(c.Parts, *b.parts[p])
	}
	return c
}

// empty tells that there is nothing to commit.
func (b *batch) empty() bool { return len(b.parts) == 0 }

// setAside returns how many rows and messages were set aside so far.
func (b *batch) setAside() int64 { return b.badRows.Load() + b.badMessages.Load() }
