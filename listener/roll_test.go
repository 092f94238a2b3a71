package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// file_roll_seconds holds a commit back: one file of what would have been several.
func TestRollSeconds(t *testing.T) {
	s := newSite(t, "flow")
	s.set("file_roll_seconds", 1.5)
	p := s.start("--from", "earliest")
	s.receive(0, 10)
	s.send(0, rows(10, 20)...)
	s.send(1, rows(20, 30)...)
	p.waitFor("Committed 30 rows of 3 messages in 1 files.")
	s.wantNumbers(0, 30)
	p.stop(syscall.SIGTERM)
	s.wantOffsets()
}

// file_roll_bytes holds it back until a file is large enough.
func TestRollBytes(t *testing.T) {
	s := newSite(t, "flow")
	s.set("file_roll_bytes", 1<<20)
	s.set("parquet_compression", "none")
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	const count, size = 40, 4000 // messages and rows: more than a row group
	for n := range count {
		s.send(int32(n%partitions), rows(n*size, (n+1)*size)...)
	}
	p.waitFor("REGISTRATION COMPLETED")
	found := s.files("hive")
	if len(found) != 1 {
		t.Fatalf("files %q", found)
	}
	if info, err := os.Stat(s.folder("hive", found[0])); err != nil || info.Size() < 1<<20 {
		t.Errorf("%v, %v", info, err)
	}
	p.stop(syscall.SIGTERM)
	s.run(0, "--once")
	s.wantNumbers(0, count*size)
	s.wantOffsets()
}

// Each hour has its file, however many there are, and whether their rows are late or early.
func TestManyHours(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600) // one batch
	const hours = 1000
	for p := range int32(partitions) {
		var list []string
		for n := range hours {
			list = append(list, rowAt(noon.Add(time.Duration(n-hours/2)*time.Hour), 3*n+int(p)))
		}
		s.send(p, list...)
	}
	s.run(0, "--from", "earliest", "--once").wantSummary(summary{messages: 3, rows: 3 * hours, files: hours})
	s.wantNumbers(0, 3*hours)
	if n := len(s.files("hive")); n != hours {
		t.Errorf("%d files", n)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": "SNAPPY", "none": "UNCOMPRESSED", "snappy": "SNAPPY", "ZSTD": "ZSTD", "gzip": "GZIP"} {
		t.Run(setting, func(t *testing.T) {
			s := newSite(t, "flow")
			s.set("parquet_compression", setting)
			s.send(0, rows(0, 1000)...)
			s.run(0, "--from", "earliest", "--once")
			s.wantNumbers(0, 1000)
			text, err := os.ReadFile(s.folder("hive", s.files("hive")[0]))
			if err != nil {
				t.Fatal(err)
			}
			f, err := parquet.OpenFile(strings.NewReader(string(text)), int64(len(text)))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range f.Metadata().RowGroups[0].Columns {
				if got := c.MetaData.Codec.String(); got != want {
					t.Errorf("column %s: %s, want %s", strings.Join(c.MetaData.PathInSchema, "."), got, want)
				}
			}
		})
	}
}
