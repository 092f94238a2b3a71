package hdfs

import (
	"context"
	"fmt"
	"io"
	"time"
)

// A flow ends a transfer in which the server takes and gives nothing for too long.
type flow struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	silence time.Duration
}

func watch(ctx context.Context, silence time.Duration) *flow {
	ctx, cancel := context.WithCancelCause(ctx)
	return &flow{ctx, cancel, time.AfterFunc(silence, func() {
		cancel(&outageError{fmt.Sprintf("no data flow for %v", silence)})
	}), silence}
}

func (f *flow) stop() {
	f.timer.Stop()
	f.cancel(context.Canceled)
}

// source is r for the server, whose silence doesn't count while r is read.
func (f *flow) source(r io.Reader) io.Reader { return &source{f, r} }

type source struct {
	flow *flow
	r    io.Reader
}

func (s *source) Read(p []byte) (int, error) {
	s.flow.timer.Stop()
	defer s.flow.timer.Reset(s.flow.silence)
	return s.r.Read(p)
}

// arriving is a body that comes from the server.
func (f *flow) arriving(r io.ReadCloser) io.ReadCloser { return &arriving{r, f} }

type arriving struct {
	io.ReadCloser
	flow *flow
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	a.flow.timer.Reset(a.flow.silence)
	return n, err
}
