package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/parquet-go/parquet-go"
)

const (
	// tables is the folder, below the demo's, that the tables lie in.
	tables = "tables"
	// sampleRows and sampleFiles are how many are shown.
	sampleRows  = 3
	sampleFiles = 10
)

// A stored is what lies in a table's folder.
type stored struct {
	folder string
	files  []storedFile
	rows   tally
	shown  string     // columns
	sample [][]string // their values in the first rows of the first file
}

type storedFile struct {
	path        string // below the table's folder
	bytes, rows int64
}

// readTable reads all files of a table.
func readTable(folder string, table layout) (*stored, error) {
	s := &stored{folder: folder, shown: table.shown}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if err := s.read(path, table); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	return s, err
}

func (s *stored) read(path string, table layout) error {
	below, err := filepath.Rel(s.folder, path)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		return err
	}
	s.files = append(s.files, storedFile{below, info.Size(), f.NumRows()})
	fields, err := find(f, table.fields)
	if err != nil {
		return err
	}
	shown, err := find(f, table.shown)
	if err != nil {
		return err
	}
	for _, group := range f.RowGroups() {
		if err := s.readGroup(group, fields, shown, table.separator); err != nil {
			return err
		}
	}
	return nil
}

// find returns where in a file's rows some columns are.
func find(f *parquet.File, names string) ([]int, error) {
	var at []int
	for _, name := range strings.Fields(names) {
		column, ok := f.Schema().Lookup(name)
		if !ok {
			return nil, fmt.Errorf("there is no column %s", name)
		}
		at = append(at, column.ColumnIndex)
	}
	return at, nil
}

func (s *stored) readGroup(group parquet.RowGroup, fields, shown []int, separator string) error {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 1000)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			s.rows.add(strings.Join(texts(row, fields), separator))
			if len(s.sample) < sampleRows {
				s.sample = append(s.sample, texts(row, shown))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// texts returns some values of a row as text.
func texts(row parquet.Row, columns []int) []string {
	list := make([]string, len(columns))
	for i, column := range columns {
		v := row[column]
		list[i] = v.String()
		if v.Kind() == parquet.Float {
			list[i] = strconv.FormatFloat(float64(v.Float()), 'f', 3, 32) // as a duration is printed
		}
	}
	return list
}

func (s *stored) print(out io.Writer) {
	fmt.Fprintf(out, "The table has %d rows in %d files:\n", s.rows.count, len(s.files))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  %s\tbytes\trows\n", filepath.Base(s.folder)+"/")
	for _, f := range s.files[:min(sampleFiles, len(s.files))] {
		fmt.Fprintf(w, "    %s\t%d\t%d\n", f.path, f.bytes, f.rows)
	}
	w.Flush()
	if more := len(s.files) - sampleFiles; more > 0 {
		fmt.Fprintf(out, "    and %d more\n", more)
	}
	fmt.Fprintln(out, "Some columns of its first rows:")
	fmt.Fprintf(w, "  %s\n", strings.Join(strings.Fields(s.shown), "\t"))
	for _, row := range s.sample {
		fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
	}
	w.Flush()
}
