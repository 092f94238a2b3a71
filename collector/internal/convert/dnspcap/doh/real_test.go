package doh

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
	"spot-ingest/collector/internal/convert/dnspcap/packet"
	"spot-ingest/collector/internal/convert/dnspcap/stream"
	"spot-ingest/collector/internal/convert/rawfile"
)

// TestReal finds in real captures the responses whose rows tshark printed, and no others.
func TestReal(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "..", "..", "shared", "data", "dns")
	files, _ := filepath.Glob(filepath.Join(dir, "real", "*.pcap*"))
	if len(files) == 0 {
		t.Skipf("needs real captures beside the repository, in %s", dir)
	}
	want := map[string]string{"suricata_dns_over_https.pcap": rowTimes(t, filepath.Join(dir, "expected-tshark-4.0.17", "suricata_dns_over_https.pcap.csv"))}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if got := responseTimes(t, file); got != want[filepath.Base(file)] {
				t.Errorf("responses at\n%swant\n%s", got, want[filepath.Base(file)])
			}
		})
	}
}

// rowTimes lists frame.time_epoch of a table of tshark's, in which the time of day before it takes up two columns.
func rowTimes(t *testing.T, file string) string {
	t.Helper()
	table, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(table), "\n")
	var times strings.Builder
	for row := range strings.Lines(rows) {
		fmt.Fprintln(&times, strings.Split(row, ",")[2])
	}
	return times.String()
}

func responseTimes(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packets, err := capture.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var (
		table   = NewTable()
		decoder = packet.NewDecoder()
		frame   capture.Packet
		p       packet.Packet
		times   strings.Builder
	)
	for {
		err := packets.Next(&frame)
		if damage := new(rawfile.Damage); err == io.EOF || errors.As(err, &damage) {
			return times.String()
		} else if err != nil {
			t.Fatal(err)
		}
		decoder.Decode(frame.Link, frame.Data, frame.Length, &p)
		if p.Transport != packet.TCP {
			continue
		}
		table.Add(&stream.Segment{
			Key: stream.Key{Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort},
			Seq: p.Seq, Ack: p.Ack, SYN: p.SYN, FIN: p.FIN, RST: p.RST, HasAck: p.HasAck,
			Payload: p.Payload, Length: p.Length,
		}, func(m []byte, _ int) {
			if m[2]&0x80 != 0 {
				fmt.Fprintf(&times, "%d.%09d\n", frame.Seconds, frame.Nanos)
			}
		})
		check(t, table)
	}
}
