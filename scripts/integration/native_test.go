//go:build integration

package integration

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spot-ingest/scripts/generate"
)

// withoutTools leaves the collector nothing but itself on its PATH.
func (s *site) withoutTools() {
	s.env = append(s.env, "PATH="+filepath.Dir(collectorBinary))
}

// emptyIPv6 makes the messages as if ip.src and ip.dst could not hold IPv6 addresses, which
// they can't with tshark, and tells of how many rows it took them.
func emptyIPv6(t *testing.T, all []message) (taken int) {
	t.Helper()
	for i, m := range all {
		rows := make([]string, len(m.rows))
		for n, row := range m.rows {
			rows[n] = withoutIPv6(row)
			if rows[n] != row {
				taken++
			}
		}
		record := *m.Record
		record.Value = segment{rows: rows}.value()
		all[i].Record, all[i].rows = &record, rows
	}
	return taken
}

// withoutIPv6 empties ip.src and ip.dst if both are IPv6 addresses.
func withoutIPv6(row string) string {
	c := strings.Split(row, ",") // frame.time is two pieces
	if len(c) < 6 {
		return row
	}
	src, err := netip.ParseAddr(c[4])
	dst, err2 := netip.ParseAddr(c[5])
	if err != nil || err2 != nil || !src.Is6() || !dst.Is6() {
		return row
	}
	c[4], c[5] = "", ""
	return strings.Join(c, ",")
}

// withoutIPv6Lines is withoutIPv6 for a whole text.
func withoutIPv6Lines(text []byte) []byte {
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		out.WriteString(withoutIPv6(line))
	}
	return []byte(out.String())
}

// A rawFile is generated, with the rows that it has to come out as.
type rawFile struct {
	name      string
	file, csv []byte
}

func nfcapdFile(t *testing.T, name string, o generate.NfcapdOptions) rawFile {
	t.Helper()
	var file, csv bytes.Buffer
	o.CSV = &csv
	if _, err := generate.Nfcapd(&file, o); err != nil {
		t.Fatal(err)
	}
	return rawFile{name, file.Bytes(), csv.Bytes()}
}

func captureFile(t *testing.T, name string, o generate.CaptureOptions) rawFile {
	t.Helper()
	var file, csv bytes.Buffer
	o.CSV = &csv
	if _, err := generate.Capture(&file, o); err != nil {
		t.Fatal(err)
	}
	return rawFile{name, file.Bytes(), csv.Bytes()}
}

func rawFiles(t *testing.T, kind string) []rawFile {
	t.Helper()
	o := func(seed uint64) generate.Options { return generate.Options{Seed: seed, Rows: 12_000, Odd: true} }
	if kind == "flow" {
		return []rawFile{
			nfcapdFile(t, "nfcapd.1", generate.NfcapdOptions{Options: o(1), Version: 1}),
			nfcapdFile(t, "nfcapd.1.lzo", generate.NfcapdOptions{Options: o(2), Version: 1, Compression: generate.LZO}),
			nfcapdFile(t, "nfcapd.2.lz4", generate.NfcapdOptions{Options: o(3), Version: 2, Compression: generate.LZ4}),
			nfcapdFile(t, "nfcapd.2.not-received", generate.NfcapdOptions{Options: o(4), Version: 2, NoReceived: true}),
		}
	}
	return []rawFile{
		captureFile(t, "micro.pcap", generate.CaptureOptions{Options: o(1)}),
		captureFile(t, "nano.pcap.gz", generate.CaptureOptions{Options: o(2), Format: generate.PcapNano, Gzip: true}),
		captureFile(t, "big-endian.pcap", generate.CaptureOptions{Options: o(3), Format: generate.PcapBigEndian}),
		captureFile(t, "next.pcapng", generate.CaptureOptions{Options: o(4), Format: generate.Pcapng}),
	}
}

// Whichever converter reads a file, the rows are the same: those that were put into it.
func TestConvertersAgree(t *testing.T) {
	for kind, tool := range map[string]string{"flow": "nfdump", "dns": "tshark"} {
		for _, converter := range []string{"native", tool} {
			t.Run(kind+" "+converter, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, sharedKafka(t, kafka4), kind, nil)
				s.pipeline(map[string]any{"converter": converter, "process_opt": map[string]string{"dns": tsharkOptions}[kind]})
				if converter == tool {
					need(t, tool)
					if kind == "flow" {
						sample(t, kind, defaultLimit) // skips where this nfdump's columns are not known
					}
				} else {
					s.withoutTools()
				}
				files := rawFiles(t, kind)
				for _, f := range files {
					s.arrive(f.name, f.file)
				}
				s.run(0, s.args("--once")...)
				sources := bySource(s.consume())
				for _, f := range files {
					csv := f.csv
					if converter == "tshark" {
						csv = withoutIPv6Lines(csv)
					}
					checkSegments(t, f.name, sources[f.name], cut(kind, csv, defaultLimit))
				}
			})
		}
	}
}

// frame.time is local time, also in the night in which clocks are put back.
func TestNativeZone(t *testing.T) {
	for name, start := range map[string]time.Time{
		"back":    time.Date(2018, 11, 4, 4, 30, 0, 0, time.UTC),
		"forward": time.Date(2018, 3, 11, 5, 30, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const zone = "America/New_York"
			tool(t, "tshark", "--version", "4.0.17")
			s := newSite(t, sharedKafka(t, kafka4), "dns", nil)
			s.pipeline(map[string]any{"process_opt": tsharkOptions})
			s.env = []string{"TZ=" + zone}
			s.withoutTools()
			f := captureFile(t, name+".pcap", generate.CaptureOptions{Options: generate.Options{Seed: 1, Rows: 3000, Start: start}})
			s.arrive(f.name, f.file)
			s.run(0, s.args("--once")...)
			all := s.consume()
			emptyIPv6(t, all)
			want := tshark(t, s.path("in", f.name), zone)
			if !bytes.Contains(want, []byte(" EST,")) || !bytes.Contains(want, []byte(" EDT,")) {
				t.Error("tshark does not tell winter from summer")
			}
			checkSegments(t, f.name, all, cut("dns", want, defaultLimit))
		})
	}
}
