//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A reading is a table that is read by all readers, and what it must hold. Its fields are
// what the programs in testdata/readers are asked.
type reading struct {
	Database string `json:"database"`
	Kind     string `json:"kind"`
	Folder   string `json:"folder"`
	// Source is a file of the rows that were sent, one a line, or, if they are Recorded,
	// of objects {"row", "values"}.
	Source   string `json:"source"`
	Recorded bool   `json:"recorded"`

	site  *site
	codec string // of all files
}

// codecs are the compressions by which generated tables are written, and what Parquet
// calls them. Recorded ones aren't compressed.
var codecs = map[string]struct{ setting, name string }{
	"flow": {"", "SNAPPY"}, "dns": {"zstd", "ZSTD"}, "proxy": {"gzip", "GZIP"},
}

// readerPrograms write down what must be in the tables, and what their readers find there.
var readerPrograms = []string{"expected.py", "read_pyarrow.py", "read_duckdb.py", "read_spark.py"}

// What the listener writes, DuckDB, pyarrow, Spark's own reader and Hive's SerDe read: the
// same rows and types as the sources have. What is missing in the table is set aside.
func TestReaders(t *testing.T) {
	t.Parallel()
	needPython(t, "duckdb", "pyarrow", "pyspark")
	need(t, "java")
	var tables []reading
	for _, kind := range []string{"flow", "dns", "proxy"} {
		tables = append(tables, generatedTable(t, kind))
		if recorded, ok := recordedTable(t, kind); ok {
			tables = append(tables, recorded)
		}
	}
	out := readAll(t, tables)
	for _, table := range tables {
		name := table.Database + "." + table.Kind
		t.Run(name, func(t *testing.T) {
			want := rowsOf(t, filepath.Join(out, name+".expected"))
			for _, reader := range []string{"pyarrow", "duckdb", "spark", "hive"} {
				compareTables(t, reader, rowsOf(t, filepath.Join(out, name+"."+reader)), want)
			}
			bad := rowsOf(t, filepath.Join(out, name+".bad"))
			compareLetters(t, table.site.deadLetters(), bad)
			files := table.site.tableFiles()
			for _, file := range files {
				if codec := codecOf(t, file); codec != table.codec {
					t.Errorf("%s: compressed by %s, want %s", file, codec, table.codec)
				}
			}
			t.Logf("%d rows in %d files, %d set aside", len(want)-1, len(files), len(bad))
		})
	}
}

// extremes are rows with the least and greatest that the columns hold, and with strings
// that are empty, beyond ASCII, or no UTF-8 until the collector has read them as Latin-1.
var extremes = map[string][]string{
	"flow": {
		"1970-01-01 00:00:00,1970,01,1,00,0,0,3.4028235e38,,é ü,2147483647,-2147483648,,\xe9,0,0,9223372036854775807,-9223372036854775808,0,0,0,0,0,0,0,0,",
		"2038-01-19 03:14:08,2038,1,19,3,14,8,nan,::,fe80::1%eth0,0,0,TCP,......,0,0, 1 ,+2,0,0,0,0,0,0,0,0,::1",
		"2018-03-20 09:59:59,2018,3,20,9,59,59,inf,10.0.0.1,10.0.0.2,0,0,TCP,......,0,0,1,2,0,0,0,0,0,0,0,0,::1",
		"2018-03-20 09:59:59,2018,3,20,9,59,59,-0.0,10.0.0.1,10.0.0.2,0,0,TCP,......,0,0,1,2,0,0,0,0,0,0,0,0,::1",
		"2018-03-20 09:59:59,2018,3,20,9,59,59,0,10.0.0.1,10.0.0.2,2147483648,0,TCP,......,0,0,1,2,0,0,0,0,0,0,0,0,::1",
	},
	"dns": {
		"Mar 20, 2018 09:00:00.000000001 UTC,1521536400.000000001,2147483647,,,bücher.example,-2147483648,\xe9,-1,",
		"Mar 20, 2018 09:00:00.000000001 UTC,1521536400.000000001,2147483648,,,,1,,0,",
	},
	"proxy": {
		`2018-03-20 09:00:00 2147483647 ::1 "b c" - - OBSERVED "é;ü" - 200 TCP_HIT GET text/html http bücher.example 80 / ? - "" 192.0.2.1 -2147483648 0 - "none" -`,
		"1999-12-31 23:59:59 0 \xe9 - - - - - - - - - - - - - - - - - - 0 0 - - -",
		"1999-12-31 23:59:59 0 c - - - - - - - - - - - - - - - - - - 0 2147483648 - - -",
	},
}

// generatedTable is a table of a generated file that our collector has sent.
func generatedTable(t *testing.T, kind string) reading {
	t.Helper()
	s := newSite(t, sharedKafka(t, kafka4), kind, nil)
	text := append(generated(t, kind, 3_000_000), strings.Join(extremes[kind], "\n")+"\n"...)
	s.arrive("a.log", text)
	s.run(0, s.args("--skip-conversion", "--once")...)
	s.conf["spark-streaming"] = map[string]any{"parquet_compression": codecs[kind].setting}
	s.listenOnce()
	var rows bytes.Buffer
	for _, segment := range cut(kind, text, 1<<20) {
		rows.WriteString(strings.Join(segment.rows, "\n") + "\n")
	}
	r := s.reading("generated", rows.Bytes())
	r.codec = codecs[kind].name
	return r
}

// recordedTable is a table of the rows of which the values are known that Apache Spot's
// own listener made of them.
func recordedTable(t *testing.T, kind string) (reading, bool) {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "shared", "golden", kind)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		t.Logf("without recorded data, which lies beside the repository: %v", err)
		return reading{}, false
	}
	s := newSite(t, sharedKafka(t, kafka4), kind, nil)
	cases, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var source bytes.Buffer
	for _, folder := range cases {
		if rows := recordedRows(t, folder, &source); len(rows) > 0 {
			s.produce(segment{rows: rows})
		}
	}
	if source.Len() == 0 {
		t.Fatalf("no recorded rows in %s", folder)
	}
	s.conf["spark-streaming"] = map[string]any{"parquet_compression": "none"}
	s.listenOnce()
	r := s.reading("recorded", source.Bytes())
	r.Recorded, r.codec = true, "UNCOMPRESSED"
	return r, true
}

// recordedRows returns the rows of a case that made their way into a table, and adds them
// to the source, together with the values they had there.
func recordedRows(t *testing.T, folder string, source *bytes.Buffer) (rows []string) {
	t.Helper()
	var sent recording
	var typed struct {
		Rows []struct {
			I             int
			Values        json.RawMessage
			Unpublishable bool
		}
	}
	for file, into := range map[string]any{"expected_segments.json": &sent, "expected_rows.json": &typed} {
		if err := json.Unmarshal(readFile(t, filepath.Join(folder, file)), into); err != nil {
			t.Fatalf("%s in %s: %v", file, folder, err)
		}
	}
	out := json.NewEncoder(source)
	for _, r := range typed.Rows {
		row := string(sent.Rows[r.I])
		// Python 2's own way to write a long is taken for no number.
		if r.Values == nil || r.Unpublishable || strings.Contains(row, " 12L ") {
			continue
		}
		rows = append(rows, row)
		if err := out.Encode(map[string]any{"row": row, "values": r.Values}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// produce sends a segment as Apache Spot's collector does: without headers.
func (s *site) produce(segments ...segment) {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Addr()), kgo.DefaultProduceTopic(s.topic))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, segment := range segments {
		if err := client.ProduceSync(ctx, &kgo.Record{Value: segment.value()}).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) reading(database string, source []byte) reading {
	s.t.Helper()
	r := reading{Database: database, Kind: s.kind, Folder: s.warehouse("hive"), Source: s.path("source"), site: s}
	if err := os.WriteFile(r.Source, source, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// readAll runs all programs and returns the folder of what they write.
func readAll(t *testing.T, tables []reading) (out string) {
	t.Helper()
	out = t.TempDir()
	var ddl []string
	for _, table := range tables {
		ddl = append(ddl, tableDDL(t, table))
	}
	request, err := json.Marshal(map[string]any{"out": out, "tables": tables, "ddl": ddl})
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range readerPrograms {
		start := time.Now()
		python(t, bytes.NewReader(request), filepath.Join("testdata", "readers", program))
		t.Logf("%s: %.1f s", program, time.Since(start).Seconds())
	}
	return out
}

// tableDDL is what the project gives its users to make the table known to Hive.
func tableDDL(t *testing.T, table reading) string {
	t.Helper()
	location := "file://" + table.site.path("warehouse")
	cmd := exec.Command("go", "run", "spot-ingest/scripts/ddl", "-db", table.Database, "-location", location, table.Kind)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/ddl: %v\n%s", err, &stderr)
	}
	return string(out)
}

// codecOf returns the compression of a file's columns.
func codecOf(t *testing.T, path string) string {
	t.Helper()
	data := readFile(t, path)
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	names := make(map[string]bool)
	for _, group := range file.Metadata().RowGroups {
		for _, column := range group.Columns {
			names[column.MetaData.Codec.String()] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " and ")
}
