package dnspcap

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"spot-ingest/collector/internal/convert/rawfile"
	"spot-ingest/scripts/generate"
)

// rowsOf reads a capture to its end, and returns the error behind it unless that is io.EOF.
func rowsOf(tb testing.TB, src io.Reader, words ...string) ([]string, *Reader, error) {
	tb.Helper()
	o, err := ParseOptions(words)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := NewReader(src, o)
	if err != nil {
		return nil, nil, err
	}
	var text []byte
	for err == nil {
		text, err = r.Next(text)
	}
	if err == io.EOF {
		err = nil
	}
	rows := strings.Split(string(text), "\n")
	return rows[:len(rows)-1], r, err
}

// TestGenerated compares with the rows that captures were made to hold: of all formats,
// over UDP and TCP, IPv4 and IPv6, in VLANs and fragments.
func TestGenerated(t *testing.T) {
	for name, o := range map[string]generate.CaptureOptions{
		"pcap":       {},
		"big-endian": {Format: generate.PcapBigEndian},
		"nano":       {Format: generate.PcapNano},
		"pcapng":     {Format: generate.Pcapng},
		"gzip":       {Gzip: true},
		"odd":        {Options: generate.Options{Odd: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var file, csv bytes.Buffer
			o.Seed, o.Rows, o.CSV = 7, 20_000, &csv
			made, err := generate.Capture(&file, o)
			if err != nil {
				t.Fatal(err)
			}
			rows, r, err := rowsOf(t, &file)
			if err != nil || int64(len(rows)) != made.Rows || r.Rows() != made.Rows {
				t.Errorf("%d rows, %d counted, %d made, %v", len(rows), r.Rows(), made.Rows, err)
			}
			want := strings.Split(csv.String(), "\n")
			for i, row := range rows {
				if row != want[i] {
					t.Fatalf("row %d\n got %s\nwant %s", i+1, row, want[i])
				}
			}
			if r.Skipped() != made.Packets-made.Rows {
				t.Errorf("%d packets without a row, %d of %d were made", r.Skipped(), made.Packets-made.Rows, made.Packets)
			}
			if notes := r.Notes(); len(notes) > 0 {
				t.Errorf("notes: %q", notes)
			}
		})
	}
}

// response is an Ethernet frame with a UDP datagram from port 53 over IPv4 or IPv6: the
// answer 192.0.2.3 to a question for this name, given as labels.
func response(v6 bool, labels ...string) []byte {
	msg := []byte{0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}
	for _, label := range labels {
		msg = append(append(msg, byte(len(label))), label...)
	}
	msg = append(msg, 0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 3)
	n := byte(8 + len(msg))
	udp := append([]byte{0, 53, 0x80, 1, 0, n, 0, 0}, msg...)
	frame := make([]byte, 12)
	if v6 {
		frame = append(frame, 0x86, 0xdd, 0x60, 0, 0, 0, 0, n, 17, 64)
		frame = append(frame, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
		frame = append(frame, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)
	} else {
		frame = append(frame, 8, 0, 0x45, 0, 0, 20+n, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
	}
	return append(frame, udp...)
}

func pcap(tb testing.TB, packets ...generate.Packet) []byte {
	tb.Helper()
	var file bytes.Buffer
	if err := generate.WritePackets(&file, generate.PcapNano, 1, packets...); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

var noon = time.Date(2018, 3, 20, 12, 0, 0, 5, time.UTC)

// What is better than tshark's: addresses of IPv6, and a comma that stays in its column.
func TestImprovements(t *testing.T) {
	file := pcap(t,
		generate.Packet{Time: noon, Data: response(true, "a", "example")},
		generate.Packet{Time: noon, Data: response(false, "a,b", "example")})
	rows, _, err := rowsOf(t, bytes.NewReader(file))
	want := []string{
		"Mar 20, 2018 12:00:00.000000005 UTC,1521547200.000000005,105,2001:db8::1,2001:db8::2,a.example,1,0x0001,0,192.0.2.3",
		`Mar 20, 2018 12:00:00.000000005 UTC,1521547200.000000005,87,192.0.2.1,192.0.2.2,a\054b.example,1,0x0001,0,192.0.2.3`,
	}
	if err != nil || strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, %v\nwant %q", rows, err, want)
	}
}

func TestColumns(t *testing.T) {
	file := pcap(t, generate.Packet{Time: noon, Data: response(false, "x")}, generate.Packet{Time: noon, Data: response(true, "x")})
	words := append(strings.Fields("-T fields -E separator=, -E occurrence=f -e frame.number -e ipv6.src -e ipv6.dst -e ip.dst -e dns.qry.name -e dns.id -e frame.len"),
		"dns.flags.response == 1")
	rows, _, err := rowsOf(t, bytes.NewReader(file), words...)
	want := []string{"1,,,192.0.2.2,x,0x1234,77", "2,2001:db8::1,2001:db8::2,2001:db8::2,x,0x1234,97"}
	if err != nil || strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, %v\nwant %q", rows, err, want)
	}
}

func TestFrameTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("needs a time zone database: %v", err)
	}
	for _, tt := range []struct {
		zone    *time.Location
		seconds int64
		nanos   int32
		want    string
	}{
		{time.UTC, 0, 0, "Jan  1, 1970 00:00:00.000000000 UTC,0.000000000"},
		{time.UTC, -1, 999999999, "Dec 31, 1969 23:59:59.999999999 UTC,-1.999999999"},
		{time.UTC, -2, 0, "Dec 31, 1969 23:59:58.000000000 UTC,-2.000000000"},
		{time.UTC, -2, 500000000, "Dec 31, 1969 23:59:58.500000000 UTC,-2.500000000"},
		{berlin, 1521547200, 123456789, "Mar 20, 2018 13:00:00.123456789 CET,1521547200.123456789"},
		{berlin, 1540688399, 1, "Oct 28, 2018 02:59:59.000000001 CEST,1540688399.000000001"},
		{berlin, 1540688400, 1, "Oct 28, 2018 02:00:00.000000001 CET,1540688400.000000001"},
	} {
		text := timeText{zone: tt.zone}
		for range 2 { // made, and kept
			got := append(text.appendFrameTime(nil, tt.seconds, tt.nanos), ',')
			if got = appendEpoch(got, tt.seconds, tt.nanos); string(got) != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		}
	}
}

// A capture cut at any byte yields the rows of the packets that are whole, and says where
// it ends.
func TestCut(t *testing.T) {
	file := pcap(t, generate.Packet{Time: noon, Data: response(false, "one")}, generate.Packet{Time: noon, Data: response(true, "two")})
	all, _, err := rowsOf(t, bytes.NewReader(file))
	if err != nil || len(all) != 2 {
		t.Fatalf("%q, %v", all, err)
	}
	for n := range file {
		rows, _, err := rowsOf(t, bytes.NewReader(file[:n]))
		if len(rows) > 1 || len(rows) == 1 && rows[0] != all[0] {
			t.Errorf("of %d bytes: %q", n, rows)
		}
		var damage *rawfile.Damage
		atPacket := n == 24 || n == 24+16+len(response(false, "one"))
		if atPacket != (err == nil) || err != nil && !errors.As(err, &damage) {
			t.Errorf("of %d bytes: %v", n, err)
		}
	}
}

// FuzzReader reads anything: what comes out are rows of as many columns as were asked for.
func FuzzReader(f *testing.F) {
	f.Add(pcap(f, generate.Packet{Time: noon, Data: response(false, "a,b", "example")}))
	for _, o := range []generate.CaptureOptions{{}, {Format: generate.Pcapng}, {Format: generate.PcapBigEndian, Gzip: true}} {
		o.Seed, o.Rows, o.Odd = 3, 5, true
		var file bytes.Buffer
		if _, err := generate.Capture(&file, o); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, _, err := rowsOf(t, bytes.NewReader(file))
		var damage *rawfile.Damage
		var unknown *rawfile.Unknown
		if err != nil && !errors.As(err, &damage) && !errors.As(err, &unknown) {
			t.Fatalf("ends with %v", err)
		}
		for _, row := range rows {
			// Ten columns, and the comma within the first. A packet may have no time.
			if commas := strings.Count(row, ","); commas != 10 && !(commas == 9 && strings.HasPrefix(row, ",,")) {
				t.Fatalf("row %q", row)
			}
		}
	})
}

// A row isn't kept until many have come.
func TestSparseRows(t *testing.T) {
	packets := make([]generate.Packet, pieceFrames+10)
	for i := range packets {
		packets[i] = generate.Packet{Time: noon, Data: make([]byte, 60)}
	}
	packets[3].Data = response(false, "rare")
	o, err := ParseOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(pcap(t, packets...)), o)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := r.Next(nil); err != nil || bytes.Count(rows, []byte("\n")) != 1 {
		t.Errorf("%q, %v", rows, err)
	}
	if rows, err := r.Next(nil); err != io.EOF || len(rows) > 0 {
		t.Errorf("%q, %v", rows, err)
	}
}

// What is dropped at a limit, or isn't known, is said.
func TestNotes(t *testing.T) {
	fragment := response(false, "cut")
	fragment[14+6] = 0x20 // more fragments follow, and never come
	var fragments []generate.Packet
	for i := range 1030 {
		data := bytes.Clone(fragment)
		data[14+4], data[14+5] = byte(i>>8), byte(i)
		fragments = append(fragments, generate.Packet{Time: noon, Data: data})
	}
	_, r, err := rowsOf(t, bytes.NewReader(pcap(t, fragments...)))
	if want := []string{"6 incomplete datagrams given up: more were on their way than are kept"}; err != nil || !slices.Equal(r.Notes(), want) {
		t.Errorf("%q, %v; want %q", r.Notes(), err, want)
	}
	var wifi bytes.Buffer
	if err := generate.WritePackets(&wifi, generate.Pcap, 105, generate.Packet{Time: noon, Data: fragment}); err != nil {
		t.Fatal(err)
	}
	_, r, err = rowsOf(t, &wifi)
	if want := []string{"1 packets left out: link type 105 (IEEE 802.11)"}; err != nil || !slices.Equal(r.Notes(), want) {
		t.Errorf("%q, %v; want %q", r.Notes(), err, want)
	}
}
