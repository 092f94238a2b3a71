package warehouse

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// texts write row i of an hour; no two are the same.
var texts = map[config.Type]func(at table.Hour, i int) string{
	config.Flow: func(at table.Hour, i int) string {
		return fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d,%d,%d,%d,%d,%d,%d,%d.%03d,10.0.%d.%d,192.0.2.%d,%d,443,TCP,.AP.SF,0,0,%d,%d,0,0,1,2,64512,0,0,0,198.51.100.7",
			at.Year, at.Month, at.Day, at.Hour, i/60%60, i%60, at.Year, at.Month, at.Day, at.Hour, i/60%60, i%60,
			i%30, i%1000, i%200, i%250, i%240, 1024+i%60000, 1+i%90, i)
	},
	config.DNS: func(at table.Hour, i int) string {
		unix := time.Date(int(at.Year), time.Month(at.Month), int(at.Day), int(at.Hour), i/60%60, i%60, 0, time.UTC).Unix()
		return fmt.Sprintf("Mar 20, 2018 09:00:00.%09d UTC,%d.%09d,%d,10.0.0.53,10.0.%d.%d,www%d.example.org,1,0x0001,0,203.0.113.%d",
			i, unix, i, 80+i%400, i%200, i%250, i%5000, i%250)
	},
	config.Proxy: func(at table.Hour, i int) string {
		return proxyText(at, i, "Mozilla/5.0")
	},
}

func proxyText(at table.Hour, i int, agent string) string {
	return fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d %d 10.0.%d.%d user%d - - OBSERVED \"News\" - 200 TCP_HIT GET text/html http www.example.com 80 /%d - html %q 192.0.2.8 %d 512 - \"none\" \"none\"",
		at.Year, at.Month, at.Day, at.Hour, i/60%60, i%60, i%900, i%200, i%250, i%700, i, agent, i%90000)
}

// parse returns rows of texts, which must all be of one hour.
func parse(t testing.TB, of *table.Table, at table.Hour, texts ...string) *columns.Rows {
	t.Helper()
	rows, p := columns.New(of.Schema), of.NewParser(time.UTC)
	for _, text := range texts {
		hour, err := p.Parse([]byte(text))
		if err != nil || hour != at {
			t.Fatalf("%.200q is of %v, want %v; %v", text, hour, at, err)
		}
		p.Append(rows)
	}
	return rows
}

// rowsOf returns n rows of an hour, from row i.
func rowsOf(t testing.TB, kind config.Type, at table.Hour, i, n int) *columns.Rows {
	t.Helper()
	list := make([]string, n)
	for j := range list {
		list[j] = texts[kind](at, i+j)
	}
	return parse(t, table.Of(kind), at, list...)
}

// show writes rows as the reader does.
func show(rows *columns.Rows) []string {
	list := make([]string, rows.Len)
	for i := range list {
		var row strings.Builder
		for c, column := range rows.Schema {
			v := &rows.Columns[c]
			switch column.Type {
			case columns.Int32:
				row.WriteString(strconv.Itoa(int(v.Int32s[i])))
			case columns.Int64:
				row.WriteString(strconv.FormatInt(v.Int64s[i], 10))
			case columns.Float32:
				row.WriteString(strconv.FormatFloat(float64(v.Float32s[i]), 'g', -1, 32))
			case columns.String:
				row.Write(v.String(i))
			}
			row.WriteByte('|')
		}
		list[i] = row.String()
	}
	return list
}

// A reading is what parquet-go finds in a file.
type reading struct {
	groups    []int    // rows of each row group
	rows      []string // as show writes them
	createdBy string
	codecs    []string
}

func read(t testing.TB, path string, schema columns.Schema) reading {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	r := reading{createdBy: f.Metadata().CreatedBy}
	for _, g := range f.Metadata().RowGroups {
		r.codecs = append(r.codecs, g.Columns[0].MetaData.Codec.String())
	}
	for i, name := range f.Schema().Columns() {
		if name[0] != schema[i].Name {
			t.Fatalf("%s: column %d is %s, want %s", path, i, name, schema[i].Name)
		}
	}
	for _, g := range f.RowGroups() {
		r.groups = append(r.groups, int(g.NumRows()))
		r.rows = append(r.rows, readGroup(t, g)...)
	}
	return r
}

func readGroup(t testing.TB, g parquet.RowGroup) (list []string) {
	t.Helper()
	rows := g.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 512)
	for {
		n, err := rows.ReadRows(buffer)
		for _, values := range buffer[:n] {
			var row strings.Builder
			for _, v := range values {
				if v.Kind() == parquet.Float {
					row.WriteString(strconv.FormatFloat(float64(v.Float()), 'g', -1, 32))
				} else {
					row.WriteString(v.String())
				}
				row.WriteByte('|')
			}
			list = append(list, row.String())
		}
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sameRows compares rows whatever their order.
func sameRows(t testing.TB, name string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: in order, row %d is\n%s, want\n%s", name, i, got[i], want[i])
			return
		}
	}
}

// names returns what is in a folder.
func names(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// sizeOf returns the size of a staged file.
func sizeOf(t testing.TB, folder, staged string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(folder, staged))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
