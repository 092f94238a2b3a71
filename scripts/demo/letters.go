package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Letters are the rows that a table has no place for.
type letters struct {
	rows  tally
	first struct {
		Reason string
		Text   string
	}
}

// readLetters reads all files of dead letters, of which there may be none.
func readLetters(folder string) (*letters, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	l := &letters{}
	for _, path := range paths {
		if err := l.read(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return l, nil
}

func (l *letters) read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	for {
		letter := l.first
		err := decoder.Decode(&letter)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if l.rows.count == 0 {
			l.first = letter
		}
		l.rows.add(letter.Text)
	}
}

func (l *letters) print(out io.Writer) {
	if l.rows.count == 0 {
		fmt.Fprintln(out, ".")
		return
	}
	fmt.Fprintf(out, ",\nbut for %d, kept as dead letters, that the table can't take. The first (%s):\n  %s\n", l.rows.count, l.first.Reason, l.first.Text)
}
