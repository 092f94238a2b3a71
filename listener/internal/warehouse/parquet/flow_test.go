package parquet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"spot-ingest/listener/internal/columns"
)

var flowSchema = columns.Schema{
	{Name: "treceived", Type: columns.String},
	{Name: "unix_tstamp", Type: columns.Int64},
	{Name: "tryear", Type: columns.Int32},
	{Name: "trmonth", Type: columns.Int32},
	{Name: "trday", Type: columns.Int32},
	{Name: "trhour", Type: columns.Int32},
	{Name: "trminute", Type: columns.Int32},
	{Name: "trsec", Type: columns.Int32},
	{Name: "tdur", Type: columns.Float32},
	{Name: "sip", Type: columns.String, Searched: true},
	{Name: "dip", Type: columns.String, Searched: true},
	{Name: "sport", Type: columns.Int32},
	{Name: "dport", Type: columns.Int32},
	{Name: "proto", Type: columns.String},
	{Name: "flag", Type: columns.String},
	{Name: "fwd", Type: columns.Int32},
	{Name: "stos", Type: columns.Int32},
	{Name: "ipkt", Type: columns.Int64},
	{Name: "ibyt", Type: columns.Int64},
	{Name: "opkt", Type: columns.Int64},
	{Name: "obyt", Type: columns.Int64},
	{Name: "input", Type: columns.Int32},
	{Name: "output", Type: columns.Int32},
	{Name: "sas", Type: columns.Int32},
	{Name: "das", Type: columns.Int32},
	{Name: "dtos", Type: columns.Int32},
	{Name: "dir", Type: columns.Int32},
	{Name: "rip", Type: columns.String},
}

// flows are made-up rows of the flow table: those of one hour in the order in which they were
// received, between hosts of which some are far busier than others, clients on random ports,
// servers on well-known ones.
func flows(seed uint64, n int) *columns.Rows {
	r := rand.New(rand.NewPCG(seed, 0))
	inside, outside := addresses(r, 4000, true), addresses(r, 30000, false)
	busyInside, busyOutside := rand.NewZipf(r, 1.1, 20, 3999), rand.NewZipf(r, 1.2, 30, 29999)
	rows := columns.New(flowSchema)
	start := time.Date(2018, 3, 20, 9, 0, 0, 0, time.UTC)
	flags := []string{".A....", ".AP.SF", ".AP...", "....S.", ".AP..F", ".A.RS.", "......"}
	servers := []int32{443, 443, 443, 80, 80, 53, 53, 53, 22, 25, 123, 445, 3389, 8080}
	for i := range n {
		at := start.Add(time.Duration(i) * time.Hour / time.Duration(n))
		server := servers[r.IntN(len(servers))]
		proto, flag := "TCP", flags[r.IntN(6)]
		if server == 53 || server == 123 {
			proto, flag = "UDP", flags[6]
		}
		packets := int64(math.Exp(r.ExpFloat64()))
		duration := float32(0)
		if packets > 1 {
			duration = float32(r.IntN(int(min(packets*100, 300000)))) / 1000
		}
		size := packets*int64(40+r.IntN(40)) + int64(float64(packets-1)*r.Float64()*1400)
		sip, dip := inside[busyInside.Uint64()], outside[busyOutside.Uint64()]
		sport, dport := int32(32768+r.IntN(28232)), server
		input, output, sas, das := int32(3), int32(12), int32(0), int32(1000+len(dip)*100)
		if r.IntN(2) == 0 {
			sip, dip, sport, dport = dip, sip, dport, sport
			input, output, sas, das = output, input, das, sas
		}
		rows.Columns[0].AddString([]byte(at.Format("2006-01-02 15:04:05")))
		add64(rows, 1, at.Unix())
		add32(rows, 2, int32(at.Year()), int32(at.Month()), int32(at.Day()), int32(at.Hour()), int32(at.Minute()), int32(at.Second()))
		rows.Columns[8].Float32s = append(rows.Columns[8].Float32s, duration)
		rows.Columns[9].AddString([]byte(sip))
		rows.Columns[10].AddString([]byte(dip))
		add32(rows, 11, sport, dport)
		rows.Columns[13].AddString([]byte(proto))
		rows.Columns[14].AddString([]byte(flag))
		add32(rows, 15, 0, int32(r.IntN(20)/19*8))
		add64(rows, 17, packets, size, 0, 0)
		add32(rows, 21, input, output, sas, das, 0, 0)
		rows.Columns[27].AddString([]byte("192.0.2.1"))
		rows.Len++
	}
	return rows
}

// addresses are n IPv4 addresses, in 10.0.0.0/8 or anywhere.
func addresses(r *rand.Rand, n int, inside bool) []string {
	list := make([]string, n)
	for i := range list {
		first := 10
		if !inside {
			first = 11 + r.IntN(212)
		}
		list[i] = fmt.Sprintf("%d.%d.%d.%d", first, r.IntN(256), r.IntN(256), 1+r.IntN(254))
	}
	return list
}

func add32(rows *columns.Rows, at int, values ...int32) {
	for i, v := range values {
		rows.Columns[at+i].Int32s = append(rows.Columns[at+i].Int32s, v)
	}
}

func add64(rows *columns.Rows, at int, values ...int64) {
	for i, v := range values {
		rows.Columns[at+i].Int64s = append(rows.Columns[at+i].Int64s, v)
	}
}
