package hdfs

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// A flow ends a transfer in which the server takes and gives nothing for too long.
type flow struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	silence time.Duration
	try     *try
	moved   atomic.Bool  // data have been taken or given
	long    atomic.Bool  // so many that it took its time
	reading atomic.Int64 // nanoseconds for which what is sent was read
}

// inBuffers bounds how many bytes are on their way in this machine: a server that is sent more
// has taken some.
const inBuffers = 8 << 20

// watch starts a flow, the first data of which have to come before the try ends.
func watch(ctx context.Context, t *try, silence time.Duration) *flow {
	ctx, cancel := context.WithCancelCause(ctx)
	f := &flow{ctx: ctx, cancel: cancel, silence: silence, try: t}
	f.timer = time.AfterFunc(f.patience(), func() {
		cancel(&outageError{fmt.Sprintf("no data flow for %v", silence)})
	})
	return f
}

// patience is how long the server may say nothing from now on.
func (f *flow) patience() time.Duration {
	end, bounded := f.try.ctx.Deadline()
	if f.moved.Load() || !bounded {
		return f.silence
	}
	return min(f.silence, time.Until(end)+time.Duration(f.reading.Load()))
}

func (f *flow) stop() {
	f.timer.Stop()
	f.cancel(context.Canceled)
	f.try.flowed = f.try.flowed || f.long.Load()
}

// source is r for the server, whose silence doesn't count while r is read.
func (f *flow) source(r io.Reader) io.Reader { return &source{flow: f, r: r} }

type source struct {
	flow *flow
	r    io.Reader
	sent int64
}

func (s *source) Read(p []byte) (int, error) {
	f := s.flow
	f.timer.Stop()
	if s.sent > writeBuffer { // so the connection has taken some
		f.moved.Store(true)
	}
	if s.sent > inBuffers {
		f.long.Store(true)
	}
	begun := time.Now()
	n, err := s.r.Read(p)
	s.sent += int64(n)
	f.reading.Add(int64(time.Since(begun)))
	f.timer.Reset(f.patience())
	return n, err
}

// arriving is a body that comes from the server.
func (f *flow) arriving(r io.ReadCloser) io.ReadCloser { return &arriving{r, f} }

type arriving struct {
	io.ReadCloser
	flow *flow
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if n > 0 {
		a.flow.moved.Store(true)
		a.flow.long.Store(true)
	}
	a.flow.timer.Reset(a.flow.patience())
	return n, err
}
