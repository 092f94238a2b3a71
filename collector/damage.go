package main

import (
	"errors"
	"hash/crc32"
	"io"
	"os/exec"
	"syscall"

	"spot-ingest/collector/internal/convert"
)

// A damage is a failed conversion, and what had come of it by then.
type damage struct {
	err   *convert.Error
	bytes int64
	sum   uint32
}

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

// isSure tells that the rows end before damage that our own reader has seen. It needs no
// second look: what was read was bytes of the file, not the doings of another program.
func (d *damage) isSure() bool { return d.err.Kind == convert.Damaged && d.err.Rows > 0 }

// nothingRead tells that no row came of a file before its conversion failed.
func nothingRead(err error) bool {
	var failed *convert.Error
	return errors.As(err, &failed) && failed.Rows == 0
}

// isFinal tells that a file can't be read as it is: our own reader says so, which depends
// on nothing but the file. A tool that might know it can still be installed.
func isFinal(err error) bool {
	var failed *convert.Error
	return errors.As(err, &failed) && (failed.Kind == convert.Damaged || failed.Kind == convert.UnknownFile) &&
		!errors.Is(err, exec.ErrNotFound)
}

// hasRows tells whether rows came before a failure that the file itself may have caused:
// some versions of nfdump crash on damaged blocks.
func (d *damage) hasRows() bool {
	ownFault := d.err.Kind == convert.Exited || d.err.Kind == convert.Killed && d.err.Signal == syscall.SIGSEGV
	return ownFault && d.err.Rows > 0
}

func (d *damage) same(other *damage) bool {
	return d.hasRows() && other.hasRows() && d.err.Kind == other.err.Kind && d.err.ExitCode == other.err.ExitCode &&
		d.bytes == other.bytes && d.sum == other.sum
}

// A tolerantReader ends in a *damage where the conversion fails, unless it is sure, or the
// same damage as before: then the rows simply end there. It believes an end only after check.
type tolerantReader struct {
	r        io.Reader
	before   *damage
	check    func() error
	accepted error // the damage that the rows end before
	bytes    int64
	sum      uint32
}

func (t *tolerantReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err == nil {
		t.count(p[:n])
		return n, nil
	}
	t.count(p[:n])
	if changed := t.check(); changed != nil {
		return n, changed
	}
	var failed *convert.Error
	if !errors.As(err, &failed) {
		return n, err
	}
	d := damage{err: failed, bytes: t.bytes, sum: t.sum}
	if d.isSure() || t.before != nil && t.before.same(&d) {
		t.accepted = err
		return n, io.EOF
	}
	return n, &d
}

func (t *tolerantReader) count(b []byte) {
	t.bytes += int64(len(b))
	t.sum = crc32.Update(t.sum, crc32.IEEETable, b)
}
