package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// maxLine is the longest line that is taken apart.
const maxLine = 64 << 10

// A dialect knows one tool: how it is called, and what becomes of the lines it prints.
type dialect interface {
	// args is the command line for a file.
	args(path string) []string
	// line appends to dst what becomes of one line, given without its end. It returns
	// errAskAgain to have the tool started once more with new args.
	line(dst, line []byte) ([]byte, error)
	// long appends to dst what becomes of a piece of a line longer than maxLine.
	long(dst, piece []byte) ([]byte, error)
	// end judges the whole output of a tool that exited with 0; complained tells whether
	// anything serious was on stderr. The kind is 0 if all is well.
	end(complained bool) (Kind, error)
	// weigh judges a line on stderr.
	weigh(line []byte) weight
	// rows counts the rows so far.
	rows() int64
	// notes tells what else was odd.
	notes() []string
}

var errAskAgain = errors.New("the output has other columns: ask for them")

// A toolSource reads what a tool prints, line by line.
type toolSource struct {
	ctx     context.Context
	method  Method
	job     Job
	dialect dialect

	proc       *process
	complaints complaints
	drained    chan struct{} // closed once stderr was read to its end
	unwatch    func() bool

	in     []byte // read, not yet taken apart; at most maxLine
	out    []byte // ready to be handed on, from at
	at     int
	inLong bool // within a line longer than maxLine
	err    error
}

func openTool(ctx context.Context, m Method, job Job) (*toolSource, error) {
	t := &toolSource{ctx: ctx, method: m, job: job, in: make([]byte, 0, maxLine)}
	// The tools' own words about a missing file differ, and one exits with 0.
	if f, err := os.Open(job.Path); err != nil {
		return nil, t.fail(BadSource, err)
	} else {
		f.Close()
	}
	if m.Name == Nfdump {
		t.dialect = newFlowLines(m)
	} else {
		t.dialect = newDNSLines(m)
	}
	if err := t.start(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *toolSource) start() error {
	if err := t.ctx.Err(); err != nil {
		return t.fail(Stopped, err)
	}
	proc, err := startProcess(t.method.Program, t.dialect.args(t.job.Path), t.method.env())
	if errors.Is(err, fs.ErrNotExist) {
		return t.fail(NotStarted, fmt.Errorf("it is not installed any more: install the Debian package %s: %w", t.method.Name, err))
	}
	if err != nil {
		return t.fail(NotStarted, fmt.Errorf("it can't be started: %w", err))
	}
	t.proc = proc
	t.complaints = complaints{}
	drained := make(chan struct{})
	t.drained = drained
	go func() {
		defer close(drained)
		t.complaints.read(proc.stderr, t.dialect.weigh)
	}()
	t.unwatch = context.AfterFunc(t.ctx, func() {
		proc.kill()
		// A child that left the group may still hold the pipe.
		proc.stdout.SetReadDeadline(time.Unix(1, 0))
	})
	return nil
}

// stop ends the process and everything that serves it.
func (t *toolSource) stop() {
	t.unwatch()
	t.proc.end()
	<-t.drained
}

func (t *toolSource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for t.at == len(t.out) {
		if t.err != nil {
			return 0, t.err
		}
		t.out, t.at = t.out[:0], 0
		t.step()
	}
	n := copy(p, t.out[t.at:])
	t.at += n
	return n, nil
}

// step reads once from the tool, and turns the lines that are complete now into output.
func (t *toolSource) step() {
	n, err := t.readTool()
	t.in = t.in[:len(t.in)+n]
	if lineErr := t.takeLines(); lineErr != nil {
		t.err = lineErr
		return
	}
	if err != nil {
		t.err = t.finish(err)
	}
}

// readTool waits for output. The deadline is set anew for each wait, so the time in which
// nobody reads doesn't count.
func (t *toolSource) readTool() (int, error) {
	var deadline time.Time
	if t.job.Timeout > 0 {
		deadline = time.Now().Add(t.job.Timeout)
	}
	t.proc.stdout.SetReadDeadline(deadline)
	if err := t.ctx.Err(); err != nil { // checked after the deadline: the watcher sets one too
		return 0, err
	}
	return t.proc.stdout.Read(t.in[len(t.in):cap(t.in)])
}

func (t *toolSource) takeLines() error {
	rest := t.in
	for {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		if err := t.takeLine(rest[:end]); err != nil {
			if errors.Is(err, errAskAgain) {
				return t.askAgain()
			}
			return t.fail(BadOutput, err)
		}
		rest = rest[end+1:]
	}
	if len(rest) == maxLine { // no line end in a full buffer
		var err error
		if t.out, err = t.dialect.long(t.out, rest); err != nil {
			return t.fail(BadOutput, err)
		}
		t.inLong = true
		rest = nil
	}
	t.in = t.in[:copy(t.in[:cap(t.in)], rest)]
	return nil
}

func (t *toolSource) takeLine(line []byte) (err error) {
	if t.inLong {
		t.inLong = false
		t.out, err = t.dialect.long(t.out, line)
		t.out = append(t.out, '\n')
		return err
	}
	t.out, err = t.dialect.line(t.out, line)
	return err
}

// askAgain starts the tool anew, with the columns it has to be asked for.
func (t *toolSource) askAgain() error {
	t.stop()
	t.in, t.out = t.in[:0], t.out[:0]
	return t.start()
}

// finish finds out how the conversion ended, after the output ended with readErr. The
// answer is io.EOF if all is well.
func (t *toolSource) finish(readErr error) error {
	hanging := errors.Is(readErr, os.ErrDeadlineExceeded)
	if readErr == io.EOF {
		hanging = !t.waitExit()
	}
	t.stop()
	if err := t.ctx.Err(); err != nil {
		return t.fail(Stopped, err)
	}
	if hanging {
		return t.fail(Hanging, nil)
	}
	if readErr != io.EOF {
		return t.fail(BadOutput, readErr)
	}
	// An end without a line end is a row cut off if the tool failed.
	if err := t.judgeExit(); err != nil {
		return err
	}
	if len(t.in) > 0 {
		if err := t.takeLine(t.in); err != nil {
			return t.fail(BadOutput, err)
		}
	}
	if kind, err := t.dialect.end(t.complaints.serious > 0); kind != 0 {
		return t.fail(kind, err)
	}
	return io.EOF
}

// waitExit waits for the tool to exit by itself, once it has closed its stdout.
func (t *toolSource) waitExit() bool {
	var timeout <-chan time.Time
	if t.job.Timeout > 0 {
		timer := time.NewTimer(t.job.Timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-t.proc.exited:
	case <-t.ctx.Done():
	case <-timeout:
		return false
	}
	// What is left in the pipe is read in no time. Only a child that left the group could
	// hold it open.
	t.proc.stderr.SetReadDeadline(time.Now().Add(time.Second))
	<-t.drained
	return true
}

func (t *toolSource) judgeExit() error {
	status, ok := t.proc.state.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return t.fail(BadOutput, fmt.Errorf("ended in an unknown way: %v", t.proc.state))
	case status.Signaled():
		err := t.fail(Killed, nil)
		err.Signal = status.Signal()
		return err
	case status.ExitStatus() != 0:
		err := t.fail(Exited, nil)
		err.ExitCode = status.ExitStatus()
		return err
	}
	return nil
}

func (t *toolSource) fail(kind Kind, err error) *Error {
	if t.proc != nil {
		t.stop()
	}
	e := &Error{Kind: kind, Tool: t.method.Name, File: filepath.Base(t.job.Path), Err: err}
	if kind == Hanging {
		e.Timeout = t.job.Timeout
	}
	if t.dialect != nil {
		e.Rows = t.dialect.rows()
		e.Said = strings.Join(t.said(), "; ")
	}
	return e
}

func (t *toolSource) Close() error {
	if t.err == nil {
		t.err = t.fail(Stopped, os.ErrClosed)
	}
	return nil
}

func (t *toolSource) Notes() []string {
	select {
	case <-t.drained:
		return t.said()
	default:
		return nil // still being written
	}
}

func (t *toolSource) said() []string { return append(t.complaints.brief(), t.dialect.notes()...) }
