package table

import (
	"fmt"
	"testing"
	"time"

	"spot-ingest/listener/internal/columns"
)

// generate returns n rows, 60 a second, and their bytes.
func generate(table *Table, n int) (rows [][]byte, size int64) {
	for i := range n {
		h, m, s := i/216000%24, i/3600%60, i/60%60
		var row string
		switch table {
		case flow:
			row = fmt.Sprintf("2018-03-20 %02d:%02d:%02d,2018,3,20,%d,%d,%d,%d.%03d,10.0.%d.%d,192.0.2.%d,%d,443,TCP,.AP.SF,0,0,%d,%d,0,0,1,2,64512,0,0,0,198.51.100.7",
				h, m, s, h, m, s, i%30, i%1000, i%200, i%250, i%240, 1024+i%60000, 1+i%90, 60+i%50000)
		case dns:
			row = fmt.Sprintf("Mar 20, 2018 %02d:%02d:%02d.%09d UTC,%d.%09d,%d,10.0.0.53,10.0.%d.%d,www%d.example.org,1,0x0001,0,203.0.113.%d",
				h, m, s, i%1e9, 1521504000+i/60, i%1e9, 80+i%400, i%200, i%250, i%5000, i%250)
		case proxy:
			row = fmt.Sprintf("2018-03-20 %02d:%02d:%02d %d 10.0.%d.%d user%d - - OBSERVED \"Technology/Internet\" http://www.example.com/ 200 TCP_HIT GET text/html http "+
				"www%d.example.com 80 /path/%d ?q=%d html \"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36\" 192.0.2.8 %d 512 - \"none\" \"none\"",
				h, m, s, i%900, i%200, i%250, i%700, i%300, i, i%77, i%90000)
		}
		rows = append(rows, []byte(row))
		size += int64(len(row))
	}
	return rows, size
}

// BenchmarkParse parses and appends batches of 4,000 rows.
func BenchmarkParse(b *testing.B) {
	for _, table := range []*Table{flow, dns, proxy} {
		b.Run(table.Name, func(b *testing.B) {
			rows, size := generate(table, 4000)
			p := table.NewParser(zone(b, "America/New_York"))
			out := columns.New(table.Schema)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				for _, row := range rows {
					if _, err := p.Parse(row); err != nil {
						b.Fatal(err)
					}
					p.Append(out)
				}
			}
			n := float64(len(rows) * b.N)
			b.ReportMetric(n/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/row")
		})
	}
}

// TestNoAllocation: a good row costs none, once the parser has seen others like it.
func TestNoAllocation(t *testing.T) {
	shapes := map[string]*Table{
		stockRow: flow, base[flow]: flow, base[dns]: dns, base[proxy]: proxy,
		string(with(flow, 0, "2018-3-20 9:25:11")): flow, string(with(flow, 7, "-1.5e3")): flow, string(with(flow, 12, "caf\u00e9")): flow,
		string(with(dns, 2, " 1521537911.123456789 ")): dns, string(with(proxy, 1, "9:25:11")): proxy,
	}
	for _, table := range []*Table{flow, dns, proxy} {
		rows, _ := generate(table, 1)
		shapes[string(rows[0])] = table
	}
	for text, table := range shapes {
		row, p, out := []byte(text), table.NewParser(time.UTC), columns.New(table.Schema)
		allocs := testing.AllocsPerRun(100, func() {
			out.Reset()
			if _, err := p.Parse(row); err != nil {
				t.Fatal(err)
			}
			p.Append(out)
		})
		if allocs != 0 {
			t.Errorf("%v allocations for %.60q", allocs, text)
		}
	}
}
