package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// noon is when the tests' rows begin.
var noon = time.Date(2018, 3, 20, 12, 0, 0, 0, time.UTC)

// row is a flow row of a second after noon, whose bytes, column ibyt, are its number.
func row(number int) string { return rowAt(noon.Add(time.Duration(number%3600)*time.Second), number) }

func rowAt(at time.Time, number int) string {
	return fmt.Sprintf("%s,%d,%d,%d,%d,%d,%d,0.064,203.0.113.239,10.0.249.214,80,49934,UDP,......,0,0,4,%d,0,0,0,0,0,0,0,0,0.0.0.0",
		at.Format(time.DateTime), at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), number)
}

func rows(from, to int) []string {
	var list []string
	for n := from; n < to; n++ {
		list = append(list, row(n))
	}
	return list
}

// A stored row is one that is in the table.
type stored struct {
	file   string // below hive
	names  []string
	values []any // int32, int64, float32 or string
}

func (r stored) folder() string { return filepath.ToSlash(filepath.Dir(r.file)) }

func (r stored) value(name string) any { return r.values[slices.Index(r.names, name)] }

// files returns the paths of all files below the table's folder, relative to it.
func (s *site) files(of string) []string {
	s.t.Helper()
	if s.hdfs != nil {
		return s.filesInHDFS(of)
	}
	var found []string
	root := s.folder(of)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, path)
			found = append(found, rel)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// table returns all rows of the table. Each file below hive must be a Parquet file.
func (s *site) table() []stored {
	s.t.Helper()
	var all []stored
	for _, name := range s.files("hive") {
		if filepath.Ext(name) != ".parquet" {
			s.t.Errorf("hive/%s is no Parquet file", name)
			continue
		}
		more, err := storedRows(s.content("hive", name))
		if err != nil {
			s.t.Fatalf("hive/%s: %v", name, err)
		}
		for i := range more {
			more[i].file = name
		}
		all = append(all, more...)
	}
	return all
}

// content is that of a file in the type's folder, which must be there.
func (s *site) content(elem ...string) []byte {
	s.t.Helper()
	if s.hdfs != nil {
		data, there := s.hdfs.ReadFile(s.remote(elem...))
		if !there {
			s.t.Fatalf("%s is not in HDFS", s.remote(elem...))
		}
		return data
	}
	data, err := os.ReadFile(s.folder(elem...))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

// storedRows reads a Parquet file.
func storedRows(data []byte) ([]stored, error) {
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, field := range f.Schema().Fields() {
		names = append(names, field.Name())
	}
	var all []stored
	for _, group := range f.RowGroups() {
		reader := group.Rows()
		buffer := make([]parquet.Row, 1000)
		for {
			n, err := reader.ReadRows(buffer)
			for _, r := range buffer[:n] {
				row := stored{names: names}
				for _, v := range r {
					row.values = append(row.values, goValue(v))
				}
				all = append(all, row)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		if err := reader.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func goValue(v parquet.Value) any {
	switch v.Kind() {
	case parquet.Int32:
		return v.Int32()
	case parquet.Int64:
		return v.Int64()
	case parquet.Float:
		return v.Float()
	default:
		return string(v.ByteArray())
	}
}

// numbers are the numbers of the rows in the table, sorted. Each must be in its partition.
func (s *site) numbers() []int {
	s.t.Helper()
	var all []int
	for _, r := range s.table() {
		all = append(all, int(r.value("ibyt").(int64)))
		want := fmt.Sprintf("y=%d/m=%d/d=%d/h=%d", r.value("tryear"), r.value("trmonth"), r.value("trday"), r.value("trhour"))
		if r.folder() != want {
			s.t.Errorf("row %v is in %s", r.values, r.folder())
		}
	}
	slices.Sort(all)
	return all
}

// wantNumbers checks that the table holds the rows of these numbers, each once.
func (s *site) wantNumbers(from, to int) {
	s.t.Helper()
	got := s.numbers()
	count := make(map[int]int)
	for _, n := range got {
		count[n]++
	}
	for n := from; n < to; n++ {
		count[n]--
	}
	wrong := 0
	for _, n := range slices.Sorted(maps.Keys(count)) {
		if count[n] == 0 {
			continue
		}
		if wrong++; wrong <= 10 {
			s.t.Errorf("row %d is in the table %+d times too often", n, count[n])
		}
	}
	if wrong > 10 {
		s.t.Errorf("%d rows are in the table too often, or too seldom", wrong)
	}
}

// waitForNumbers waits until as many rows are in the table.
func (s *site) waitForNumbers(from, to int) {
	s.t.Helper()
	s.until(fmt.Sprintf("rows %d to %d", from, to), func() bool { return len(s.numbers()) >= to-from })
	s.wantNumbers(from, to)
}

// A letter is a line of the dead letters.
type letter struct {
	Topic     string
	Partition int
	Offset    int64
	Row       *int
	Reason    string
	Text      *string
	Base64    []byte
}

// letters are all dead letters, by partition, offset and row.
func (s *site) letters() []letter {
	s.t.Helper()
	var all []letter
	for _, name := range s.files("dead_letter") {
		lines := bufio.NewScanner(bytes.NewReader(s.content("dead_letter", name)))
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var l letter
			d := json.NewDecoder(strings.NewReader(lines.Text()))
			d.DisallowUnknownFields()
			if err := d.Decode(&l); err != nil {
				s.t.Fatalf("dead_letter/%s: %v", name, err)
			}
			all = append(all, l)
		}
		if err := lines.Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b letter) int {
		return strings.Compare(a.at(), b.at())
	})
	return all
}

// wantLetters checks how many dead letters there are.
func (s *site) wantLetters(want int) {
	s.t.Helper()
	if n := len(s.letters()); n != want {
		s.t.Errorf("%d dead letters, want %d", n, want)
	}
}

// at is where the letter is from.
func (l letter) at() string {
	if l.Row == nil {
		return fmt.Sprintf("%d/%06d", l.Partition, l.Offset)
	}
	return fmt.Sprintf("%d/%06d#%06d", l.Partition, l.Offset, *l.Row)
}

// bytes are what was set aside.
func (l letter) bytes() string {
	if l.Text != nil {
		return *l.Text
	}
	return string(l.Base64)
}
