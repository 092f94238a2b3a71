package convert

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A textSource reads a range of a text file. It keeps to that range: the file may grow
// meanwhile.
type textSource struct {
	ctx     context.Context
	file    *os.File
	lent    bool // file is the caller's
	at, end int64
}

func openText(ctx context.Context, job Job) (*textSource, error) {
	if job.From < 0 || job.To < job.From {
		return nil, &Error{Kind: BadSource, File: filepath.Base(job.Path), Err: fmt.Errorf("no such range of bytes: %d to %d", job.From, job.To)}
	}
	t := &textSource{ctx: ctx, file: job.File, lent: job.File != nil, at: job.From, end: job.To}
	if !t.lent {
		var err error
		if t.file, err = os.Open(job.Path); err != nil {
			return nil, &Error{Kind: BadSource, File: filepath.Base(job.Path), Err: err}
		}
	}
	return t, nil
}

func (t *textSource) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, t.fail(Stopped, err)
	}
	if t.at == t.end {
		return 0, io.EOF
	}
	if left := t.end - t.at; int64(len(p)) > left {
		p = p[:left]
	}
	n, err := t.file.ReadAt(p, t.at)
	t.at += int64(n)
	switch {
	case n > 0 || err == nil:
		return n, nil
	case err == io.EOF:
		return 0, t.fail(BadSource, fmt.Errorf("it ends at byte %d of %d, so it was cut or rewritten: %w", t.at, t.end, io.ErrUnexpectedEOF))
	}
	return 0, t.fail(BadSource, err)
}

func (t *textSource) fail(kind Kind, err error) error {
	return &Error{Kind: kind, File: filepath.Base(t.file.Name()), Err: err}
}

func (t *textSource) Close() error {
	if t.lent {
		return nil
	}
	return t.file.Close()
}

func (t *textSource) Notes() []string { return nil }
