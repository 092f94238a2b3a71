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

var generators = map[string]func(io.Writer, generate.Options) (generate.Totals, error){
	"flow": generate.Flow, "dns": generate.DNS, "proxy": generate.Proxy,
}

// An input is one generated file, alone in its folder, and the same bytes in pieces.
type input struct {
	kind   string
	folder string // what the collector watches
	totals generate.Totals
	pieces string // folder of the messages for kcat
	names  []string
}

func makeInput(dir, kind string, size int64) (*input, error) {
	in := &input{kind: kind, folder: filepath.Join(dir, kind), pieces: filepath.Join(dir, kind+"-pieces")}
	if err := errors.Join(os.Mkdir(in.folder, 0o755), os.Mkdir(in.pieces, 0o755)); err != nil {
		return nil, err
	}
	path := filepath.Join(in.folder, kind+".csv")
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	in.totals, err = generators[kind](file, generate.Options{Seed: 1, Bytes: size})
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	// A file that is an hour old is finished: the collector need not wait to see whether
	// it grows.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		return nil, err
	}
	return in, in.cut(path)
}

func (in *input) cut(path string) error {
	file, err := os.Open(path)
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
