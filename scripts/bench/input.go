package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"spot-ingest/scripts/generate"
)

const (
	megabyte = 1_000_000
	// pieceSize is that of the messages kcat sends, the last newline before it being the
	// cut. The collector's are a little smaller: it counts 37 bytes a row on top.
	pieceSize = megabyte
)

// A kind is a kind of file, and what a collector makes of it.
type kind struct {
	record   string // the collector's type
	file     string
	generate func(*os.File, generate.Options) (generate.Totals, error)
	tool     []string // prints the CSV of a raw file, whose name is the last argument
}

var kinds = map[string]kind{
	"flow":   {record: "flow", file: "flow.csv", generate: lines(generate.Flow)},
	"dns":    {record: "dns", file: "dns.csv", generate: lines(generate.DNS)},
	"proxy":  {record: "proxy", file: "proxy.csv", generate: lines(generate.Proxy)},
	"nfcapd": {record: "flow", file: "nfcapd.201803200900", generate: nfcapd, tool: []string{"nfdump", "-o", "csv", "-q", "-r"}},
	"pcap": {record: "dns", file: "resolver.pcap", generate: capture, tool: []string{"tshark", "-E", "separator=,", "-E", "header=y", "-E", "occurrence=f", "-T", "fields",
		"-e", "frame.time", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "ip.src", "-e", "ip.dst", "-e", "dns.resp.name", "-e", "dns.resp.type",
		"-e", "dns.resp.class", "-e", "dns.flags.rcode", "-e", "dns.a", "-Y", "dns.flags.response == 1", "-r"}},
}

func lines(generator func(io.Writer, generate.Options) (generate.Totals, error)) func(*os.File, generate.Options) (generate.Totals, error) {
	return func(f *os.File, o generate.Options) (generate.Totals, error) { return generator(f, o) }
}

// nfcapd writes what nfcapd -z writes, which is what most do.
func nfcapd(f *os.File, o generate.Options) (generate.Totals, error) {
	return generate.Nfcapd(f, generate.NfcapdOptions{Options: o, Compression: generate.LZO})
}

func capture(f *os.File, o generate.Options) (generate.Totals, error) {
	t, err := generate.Capture(f, generate.CaptureOptions{Options: o})
	return generate.Totals{Rows: t.Rows, RowBytes: t.RowBytes, Bytes: t.Bytes}, err
}

// An input is one generated file, alone in its folder, and if it is CSV the same bytes in
// pieces.
type input struct {
	kind
	name   string
	folder string // what the collector watches
	path   string // of the file
	totals generate.Totals
	pieces string // folder of the messages for kcat
	names  []string
}

func (in *input) isRaw() bool { return in.tool != nil }

func makeInput(dir, name string, size int64) (*input, error) {
	in := &input{kind: kinds[name], name: name, folder: filepath.Join(dir, name), pieces: filepath.Join(dir, name+"-pieces")}
	if err := errors.Join(os.Mkdir(in.folder, 0o755), os.Mkdir(in.pieces, 0o755)); err != nil {
		return nil, err
	}
	in.path = filepath.Join(in.folder, in.file)
	file, err := os.Create(in.path)
	if err != nil {
		return nil, err
	}
	in.totals, err = in.generate(file, generate.Options{Seed: 1, Bytes: size})
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	// A file that is an hour old is finished: the collector need not wait to see whether
	// it grows.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(in.path, old, old); err != nil || in.isRaw() {
		return in, err
	}
	return in, in.cut()
}

func (in *input) cut() error {
	file, err := os.Open(in.path)
	if err != nil {
		return err
	}
	defer file.Close()
	return cutPieces(file, pieceSize, func(piece []byte) error {
		name := fmt.Sprintf("%06d", len(in.names))
		in.names = append(in.names, name)
		return os.WriteFile(filepath.Join(in.pieces, name), piece, 0o644)
	})
}

// cutPieces hands out what it reads in pieces of whole lines and of at most size bytes.
func cutPieces(r io.Reader, size int, take func([]byte) error) error {
	buf := make([]byte, 0, size)
	for {
		n, err := io.ReadFull(r, buf[len(buf):size])
		buf = buf[:len(buf)+n]
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return err
		}
		end := len(buf)
		if !last {
			if end = bytes.LastIndexByte(buf, '\n') + 1; end == 0 {
				return fmt.Errorf("a line is longer than a message of %d bytes", size)
			}
		}
		if end > 0 {
			if err := take(buf[:end]); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
		buf = buf[:copy(buf, buf[end:])]
	}
}

// remove frees the disk space before the next type's input is made.
func (in *input) remove() error {
	return errors.Join(os.RemoveAll(in.folder), os.RemoveAll(in.pieces))
}
