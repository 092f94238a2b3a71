package parquet

import (
	"io"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"spot-ingest/listener/internal/columns"
)

const benchRows = 131072

func report(b *testing.B, size int64) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(b.Elapsed())/float64(time.Duration(b.N)*benchRows), "ns/row")
	b.ReportMetric(float64(size)/benchRows, "bytes/row")
}

// BenchmarkFlow encodes row groups of the flow table and adds each to a file.
func BenchmarkFlow(b *testing.B) {
	rows := flows(1, benchRows)
	for codec := range codecs {
		b.Run(Codec(codec).String(), func(b *testing.B) {
			e := NewEncoder(flowSchema, Codec(codec))
			var size int64
			b.ReportAllocs()
			for b.Loop() {
				f := NewFile(io.Discard, flowSchema, "test")
				g, err := e.Encode(rows)
				if err != nil {
					b.Fatal(err)
				}
				if err := f.Add(g); err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
				size = f.Size()
			}
			report(b, size)
			b.ReportMetric(float64(e.Memory())/(1<<20), "MiB")
		})
	}
}

type flow struct {
	Received string  `parquet:"treceived,dict"`
	Unix     int64   `parquet:"unix_tstamp,dict"`
	Year     int32   `parquet:"tryear,dict"`
	Month    int32   `parquet:"trmonth,dict"`
	Day      int32   `parquet:"trday,dict"`
	Hour     int32   `parquet:"trhour,dict"`
	Minute   int32   `parquet:"trminute,dict"`
	Second   int32   `parquet:"trsec,dict"`
	Duration float32 `parquet:"tdur,dict"`
	SIP      string  `parquet:"sip,dict"`
	DIP      string  `parquet:"dip,dict"`
	SPort    int32   `parquet:"sport,dict"`
	DPort    int32   `parquet:"dport,dict"`
	Proto    string  `parquet:"proto,dict"`
	Flag     string  `parquet:"flag,dict"`
	Fwd      int32   `parquet:"fwd,dict"`
	STos     int32   `parquet:"stos,dict"`
	IPkt     int64   `parquet:"ipkt,dict"`
	IByt     int64   `parquet:"ibyt,dict"`
	OPkt     int64   `parquet:"opkt,dict"`
	OByt     int64   `parquet:"obyt,dict"`
	Input    int32   `parquet:"input,dict"`
	Output   int32   `parquet:"output,dict"`
	SAS      int32   `parquet:"sas,dict"`
	DAS      int32   `parquet:"das,dict"`
	DTos     int32   `parquet:"dtos,dict"`
	Dir      int32   `parquet:"dir,dict"`
	RIP      string  `parquet:"rip,dict"`
}

func structs(rows *columns.Rows) []flow {
	list := make([]flow, rows.Len)
	c := rows.Columns
	for i := range list {
		list[i] = flow{
			string(c[0].String(i)), c[1].Int64s[i], c[2].Int32s[i], c[3].Int32s[i], c[4].Int32s[i], c[5].Int32s[i],
			c[6].Int32s[i], c[7].Int32s[i], c[8].Float32s[i], string(c[9].String(i)), string(c[10].String(i)),
			c[11].Int32s[i], c[12].Int32s[i], string(c[13].String(i)), string(c[14].String(i)), c[15].Int32s[i],
			c[16].Int32s[i], c[17].Int64s[i], c[18].Int64s[i], c[19].Int64s[i], c[20].Int64s[i], c[21].Int32s[i],
			c[22].Int32s[i], c[23].Int32s[i], c[24].Int32s[i], c[25].Int32s[i], c[26].Int32s[i], string(c[27].String(i)),
		}
	}
	return list
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// BenchmarkPeer writes the same rows by parquet-go, with dictionaries, page statistics and the
// same Bloom filters.
func BenchmarkPeer(b *testing.B) {
	list := structs(flows(1, benchRows))
	for codec, its := range map[Codec]compress.Codec{
		Snappy: &parquet.Snappy, None: &parquet.Uncompressed, Zstd: &parquet.Zstd, Gzip: &parquet.Gzip,
	} {
		b.Run(codec.String(), func(b *testing.B) {
			var size counter
			w := parquet.NewGenericWriter[flow](&size, parquet.Compression(its), parquet.DataPageStatistics(false),
				parquet.BloomFilters(parquet.SplitBlockFilter(10, "sip"), parquet.SplitBlockFilter(10, "dip")))
			b.ReportAllocs()
			for b.Loop() {
				size.n = 0
				w.Reset(&size)
				if _, err := w.Write(list); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			report(b, size.n)
		})
	}
}
