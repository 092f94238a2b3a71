package main

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/pkg/codec"
)

// maxSegments ends a batch early, so that neither its list of segments nor the record of it
// grows without limit however long files are held open.
const maxSegments = 100_000

// A task is a message and its rows, or why it has none.
type task struct {
	m    *consume.Message
	rows codec.Rows
	bad  error
}

// newTask takes a message's rows out of it.
func newTask(m *consume.Message) task {
	t := task{m: m}
	t.rows, t.bad = codec.Decode(m.Value)
	switch {
	case m.Bad != nil:
		t.bad = m.Bad
	case m.Null:
		t.bad = errors.New("the message has no value")
	case t.bad == nil && t.rows.Len() == 0:
		t.bad = errors.New("the message has no rows")
	}
	return t
}

// A batch is the messages that are committed together. One goroutine adds messages, the
// workers turn them into rows.
type batch struct {
	topic string
	files *warehouse.Batch

	work    chan task
	workers sync.WaitGroup
	fail    sync.Once
	failed  chan struct{} // closed once err is set
	err     error

	parts    map[int]*commitlog.Part
	firsts   map[int]consume.Position // by which the topic is known to be the same
	seen     map[commitlog.SegmentID]bool
	segments []commitlog.SegmentID
	messages int64
	repeats  int64

	rows, badRows, badMessages atomic.Int64
}

// newBatch begins a batch, with the workers at work.
func newBatch(topic string, files *warehouse.Batch, workers []*worker) *batch {
	b := &batch{
		topic:  topic,
		files:  files,
		work:   make(chan task),
		failed: make(chan struct{}),
		parts:  make(map[int]*commitlog.Part),
		firsts: make(map[int]consume.Position),
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
	for t := range b.work {
		// After a failure the batch is lost, but whoever adds messages must not hang.
		if !b.hasFailed() {
			if err := w.message(b, t); err != nil {
				b.fail.Do(func() {
					b.err = err
					close(b.failed)
				})
			}
		}
		t.m.Release()
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
		if before.Last >= 0 {
			b.firsts[m.Partition] = consumePosition(before)
		}
	}
	p.Next = m.Offset + 1
	if m.Gap {
		m.Release()
		return
	}
	b.messages++
	if m.Bad == nil {
		p.Last, p.Time, p.CRC = m.Offset, m.Time, m.CRC
		if _, ok := b.firsts[m.Partition]; !ok {
			b.firsts[m.Partition] = consumePosition(p.Position)
		}
	}
	t := newTask(m)
	// A bad message does not stand for its segment: a good copy may follow.
	if m.HasSegment && t.bad == nil {
		id := commitlog.SegmentID(m.Segment)
		if b.seen[id] || known(id) {
			b.repeats++
			m.Release()
			return
		}
		b.seen[id] = true
		b.segments = append(b.segments, id)
	}
	b.work <- t
}

// A check is what tells whether a partition is still the one that a batch was read from.
type check struct {
	partition int
	before    consume.Position
}

func (b *batch) checks() []check {
	var checks []check
	for p, at := range b.firsts {
		checks = append(checks, check{p, at})
	}
	return checks
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
