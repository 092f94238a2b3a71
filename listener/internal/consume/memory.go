package consume

import (
	"context"
	"sync"
	"sync/atomic"
)

// memory counts the bytes of messages under way.
type memory struct {
	limit int64

	mu     sync.Mutex
	used   int64
	parked int64         // part of used that is held by those who wait for more
	freed  chan struct{} // closed when bytes were given back
}

func newMemory(limit int64) *memory {
	return &memory{limit: limit, freed: make(chan struct{})}
}

// acquire takes n bytes as soon as the limit allows it. Whoever holds some already says
// how many: if all that is used is held by those who wait, one of them gets more beyond
// the limit, because otherwise nobody would ever go on.
func (m *memory) acquire(ctx context.Context, n, held int64) error {
	m.mu.Lock()
	m.parked += held
	m.wake() // what is parked counts
	for m.used+n > m.limit && m.used > m.parked {
		freed := m.freed
		m.mu.Unlock()
		select {
		case <-freed:
			m.mu.Lock()
		case <-ctx.Done():
			m.mu.Lock()
			m.parked -= held
			m.mu.Unlock()
			return ctx.Err()
		}
	}
	m.parked -= held
	m.used += n
	m.mu.Unlock()
	return nil
}

// add takes n bytes, which may be negative, without waiting.
func (m *memory) add(n int64) {
	m.mu.Lock()
	m.used += n
	if n < 0 {
		m.wake()
	}
	m.mu.Unlock()
}

func (m *memory) wake() {
	close(m.freed)
	m.freed = make(chan struct{})
}

// A buffer is the memory that messages share. Whoever made it and every message release it.
type buffer struct {
	bytes  []byte
	refs   atomic.Int32
	memory *memory // that the buffer's bytes are counted in; nil: in none
}

// Buffers of up to pooled steps are used again: fetch answers are all about as large.
const (
	poolStep = 256 << 10
	pooled   = 64
)

var pools [pooled + 1]sync.Pool

// newBuffer wraps bytes that makeBytes has made. If m isn't nil, the caller has counted
// them in it; the buffer gives them back.
func newBuffer(b []byte, m *memory) *buffer {
	buf := &buffer{bytes: b, memory: m}
	buf.refs.Store(1)
	return buf
}

func (b *buffer) size() int64 { return int64(cap(b.bytes)) }

func makeBytes(n int) []byte {
	class := (n + poolStep - 1) / poolStep
	if n < poolStep/4 || class > pooled {
		return make([]byte, n)
	}
	if p, _ := pools[class].Get().(*[]byte); p != nil {
		return (*p)[:n]
	}
	return make([]byte, n, class*poolStep)
}

func recycle(b []byte) {
	if class := cap(b) / poolStep; class >= 1 && class <= pooled && cap(b)%poolStep == 0 {
		pools[class].Put(&b)
	}
}

func (b *buffer) retain() { b.refs.Add(1) }

func (b *buffer) release() {
	if b.refs.Add(-1) != 0 {
		return
	}
	n := b.size()
	recycle(b.bytes)
	b.bytes = nil
	if b.memory != nil {
		b.memory.add(-n)
	}
}
