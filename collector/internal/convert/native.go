package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"spot-ingest/collector/internal/convert/dnspcap"
	"spot-ingest/collector/internal/convert/dnspcap/capture"
	"spot-ingest/collector/internal/convert/nfcapd"
	"spot-ingest/collector/internal/convert/rawfile"
	"spot-ingest/pkg/zone"
)

// nativeVersion changes when the rows of some file do: a plan made by another version may
// go on with rows that differ.
const nativeVersion = "1"

// What Native reads.
const (
	formatNfcapd = "nfcapd"
	formatPcap   = "pcap"
)

// A rowReader makes rows of a raw file.
type rowReader interface {
	// Next appends some rows to dst. Its error is io.EOF, a [*rawfile.Damage] behind the
	// last good row, or one of the file's own.
	Next(dst []byte) ([]byte, error)
	// Rows counts the rows so far.
	Rows() int64
	// Skipped counts the records that hold no row, as they should.
	Skipped() int64
	// Notes tells what of the file made no row, although it might have.
	Notes() []string
}

// nativeBuffers is how many pieces of CSV are on their way between a reader and whoever
// takes its rows: both work at the same time.
const nativeBuffers = 3

// A nativeSource decodes in a goroutine of its own.
type nativeSource struct {
	ctx  context.Context
	job  Job
	file *os.File
	rows rowReader
	done func() // gives back what rows has

	full  chan piece
	empty chan []byte
	end   context.CancelFunc // tells the goroutine to stop
	ended chan struct{}      // closed when it has

	now  piece // what is being read, from at
	at   int
	held bool // now's buffer is to be given back
}

// A piece is some rows, and the error behind them.
type piece struct {
	rows []byte
	err  error
}

// section is the part of a file that is read.
func section(file *os.File, to int64) io.Reader { return io.NewSectionReader(file, 0, to) }

// An endingReader fails once its context has ended: a few bytes of a file can keep a
// decoder busy for long without a row.
type endingReader struct {
	io.Reader
	ctx context.Context
}

func (r endingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// probe tells by the file's head whether the native converter knows it.
func probe(ctx context.Context, m Method, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	head := endingReader{section(file, info.Size()), ctx}
	if m.Format == formatNfcapd {
		_, err = nfcapd.NewReader(head)
		return err
	}
	return capture.Probe(head)
}

func openNative(ctx context.Context, m Method, job Job) (*nativeSource, error) {
	n := &nativeSource{
		ctx: ctx, job: job, file: job.File,
		full: make(chan piece, nativeBuffers), empty: make(chan []byte, nativeBuffers),
		ended: make(chan struct{}),
	}
	if n.file == nil {
		var err error
		if n.file, err = os.Open(job.Path); err != nil {
			return nil, &Error{Kind: BadSource, File: filepath.Base(job.Path), Err: err}
		}
	}
	ctx, n.end = context.WithCancel(ctx)
	rows, done, err := newRowReader(m, endingReader{section(n.file, job.To), ctx})
	if err != nil {
		close(n.ended) // nothing has begun
		failed := n.fail(err)
		n.Close()
		return nil, failed
	}
	n.rows, n.done = rows, done
	for range nativeBuffers {
		n.empty <- nil
	}
	go n.decode(ctx)
	return n, nil
}

func newRowReader(m Method, src io.Reader) (rows rowReader, done func(), err error) {
	switch m.Format {
	case formatNfcapd:
		r, err := nfcapd.NewReader(src)
		return r, r.Close, err
	case formatPcap:
		options, err := dnspcap.ParseOptions(m.Options)
		if err != nil {
			return nil, nil, err
		}
		if options.Zone = zone.Load(m.Zone); options.Zone == nil {
			return nil, nil, fmt.Errorf("TZ %q is in no time zone database", m.Zone)
		}
		r, err := dnspcap.NewReader(src, options)
		return r, func() {}, err
	}
	return nil, nil, &Error{Kind: NotStarted, Err: fmt.Errorf("no native converter for %q in this version", m.Format)}
}

func (n *nativeSource) decode(ctx context.Context) {
	defer close(n.ended)
	defer n.done()
	for {
		select {
		case buffer := <-n.empty:
			rows, err := n.rows.Next(buffer[:0])
			n.full <- piece{rows, err} // there is room for all the buffers
			if err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (n *nativeSource) Read(p []byte) (int, error) {
	for n.at == len(n.now.rows) {
		if n.now.err != nil {
			return 0, n.now.err
		}
		if n.held {
			n.empty <- n.now.rows
		}
		n.now, n.at, n.held = n.next(), 0, true
		if n.now.err != nil {
			n.stop()
		}
		if n.now.err != nil && n.now.err != io.EOF {
			n.now.err = n.fail(n.now.err)
		}
	}
	copied := copy(p, n.now.rows[n.at:])
	n.at += copied
	return copied, nil
}

var errHanging = errors.New("no rows for too long")

// next waits for the next rows.
func (n *nativeSource) next() piece {
	var timeout <-chan time.Time
	if n.job.Timeout > 0 {
		timer := time.NewTimer(n.job.Timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case p := <-n.full:
		return p
	case <-n.ctx.Done():
		return piece{err: n.ctx.Err()}
	case <-timeout:
		return piece{err: errHanging}
	}
}

// stop ends the goroutine and waits for it.
func (n *nativeSource) stop() {
	n.end()
	<-n.ended
}

// fail tells what went wrong. The goroutine is not at work any more.
func (n *nativeSource) fail(err error) *Error {
	e := &Error{Kind: BadSource, File: filepath.Base(n.job.Path), Err: err}
	if n.rows != nil {
		e.Rows = n.rows.Rows()
	}
	var other *Error
	var damage *rawfile.Damage
	var unknown *rawfile.Unknown
	switch {
	case n.ctx.Err() != nil:
		e.Kind, e.Err = Stopped, n.ctx.Err()
	case err == errHanging:
		e.Kind, e.Tool, e.Timeout = Hanging, Native, n.job.Timeout
	case errors.As(err, &other):
		e.Kind, e.Err = other.Kind, other.Err
	case errors.As(err, &damage):
		e.Kind = Damaged
	case errors.As(err, &unknown):
		e.Kind = UnknownFile
	}
	return e
}

func (n *nativeSource) Close() error {
	n.stop()
	if n.job.File != nil {
		return nil // it is the caller's
	}
	return n.file.Close()
}

func (n *nativeSource) passed() int64 {
	select {
	case <-n.ended:
		return n.rows.Skipped()
	default:
		return 0 // still at work
	}
}

func (n *nativeSource) Notes() []string {
	select {
	case <-n.ended:
		return n.rows.Notes()
	default:
		return nil // still at work
	}
}
