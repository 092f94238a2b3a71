package hdfs

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sync"
)

// A content is what becomes a file. It may still be read while it is finished.
type content interface {
	io.Reader
	// finish ends it, whether it was read to its end or not, and returns why it could not be
	// had, if so.
	finish() error
}

// A localFile is the content of a file.
type localFile struct {
	file *os.File
	mu   sync.Mutex
	err  error // guarded by mu
}

func openLocal(name string) (content, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return &localFile{file: file}, nil
}

func (f *localFile) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	if err != nil && err != io.EOF {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
	}
	return n, err
}

func (f *localFile) finish() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.err, f.file.Close())
}

// A written content is what a function writes meanwhile.
type written struct {
	*io.PipeReader
	done chan struct{} // closed when the function has returned and err is set
	err  error
}

// writeBuffer makes few large chunks of many small writes.
const writeBuffer = 64 << 10

var errFinished = errors.New("the transfer has ended")

func startWriting(write func(io.Writer) error) content {
	r, w := io.Pipe()
	c := &written{PipeReader: r, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		buffered := bufio.NewWriterSize(w, writeBuffer)
		if c.err = write(buffered); c.err == nil {
			c.err = buffered.Flush()
		}
		// Also what failed is sent to its end: only what the data node has answered is surely
		// there to be removed.
		w.Close()
	}()
	return c
}

func (c *written) finish() error {
	c.CloseWithError(errFinished)
	<-c.done
	if errors.Is(c.err, errFinished) {
		return nil
	}
	return c.err
}
