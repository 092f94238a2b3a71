package publish

import (
	"context"

	"spot-ingest/pkg/broker"
	"spot-ingest/pkg/codec"
)

// headersRoom is the room in bytes behind a value for its record headers.
const headersRoom = 1 << 10

// A pool holds the buffers that segments are cut into. Their number bounds the memory:
// who wants one waits until one is free.
type pool struct {
	free chan *codec.Encoder
	size int
}

func newPool(number, size int) *pool {
	p := &pool{free: make(chan *codec.Encoder, number), size: size}
	for range number {
		p.free <- p.make()
	}
	return p
}

func (p *pool) make() *codec.Encoder { return codec.NewEncoder(broker.Headroom, p.size+headersRoom) }

// Buffer returns an empty buffer to cut a segment into, once one is free. It must go to
// Submit, or back by Release.
func (p *Publisher) Buffer(ctx context.Context) (*codec.Encoder, error) {
	select {
	case e := <-p.buffers.free:
		e.Reset()
		return e, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Release gives a buffer back.
func (p *Publisher) Release(e *codec.Encoder) {
	if e.Len() > 2*p.buffers.size { // a huge row made it grow for good
		e = p.buffers.make()
	}
	p.buffers.free <- e
}
