package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"spot-ingest/scripts/generate"
)

// These tests run the collector with nothing else on the PATH.

func nativeSite(t *testing.T, kind string) *site {
	t.Helper()
	s := newSite(t, kind)
	s.env = append(s.env, "PATH="+s.path("nothing"))
	return s
}

// made is what a generator writes, as a whole.
func made(t *testing.T, generator func(io.Writer) (generate.Totals, error)) ([]byte, generate.Totals) {
	t.Helper()
	var file bytes.Buffer
	totals, err := generator(&file)
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), totals
}

func nfcapdFile(t *testing.T, o generate.NfcapdOptions) ([]byte, generate.Totals) {
	return made(t, func(w io.Writer) (generate.Totals, error) { return generate.Nfcapd(w, o) })
}

// wantTotals compares what has arrived with what was made.
func (s *site) wantTotals(want generate.Totals) {
	s.t.Helper()
	rows := s.rows()
	size := 0
	for _, row := range rows {
		size += len(row)
	}
	if int64(len(rows)) != want.Rows || int64(size) != want.RowBytes {
		s.t.Errorf("%d rows of %d bytes have arrived, %d of %d were made", len(rows), size, want.Rows, want.RowBytes)
	}
}

func TestNativeFlow(t *testing.T) {
	for name, o := range map[string]generate.NfcapdOptions{
		"v1":          {Version: 1, Compression: generate.LZO},
		"v2":          {Version: 2, Compression: generate.ZSTD},
		"no received": {Version: 2, Compression: generate.LZ4, NoReceived: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := nativeSite(t, "flow")
			o.Options = generate.Options{Seed: 1, Rows: 20_000}
			file, totals := nfcapdFile(t, o)
			s.write(string(file), "in", "nfcapd.201803200900")
			p := s.run(0, "-t", "flow", "--topic", topic, "--once", "--log-level", "DEBUG")
			s.wantTotals(totals)
			if !regexp.MustCompile(`nfcapd\.201803200900: [1-9]\d* records hold no row\.`).Match(p.stdout.text.Bytes()) {
				t.Error("the log doesn't count exporters and the like")
			}
			if !strings.Contains(p.stdout.text.String(), "0 lines skipped, 0 rejected; converter: native.\n") {
				t.Error("the log doesn't name the converter")
			}
		})
	}
}

func TestNativeDNS(t *testing.T) {
	s := nativeSite(t, "dns")
	file, totals := made(t, func(w io.Writer) (generate.Totals, error) {
		made, err := generate.Capture(w, generate.CaptureOptions{Options: generate.Options{Seed: 1, Rows: 20_000}, Gzip: true})
		return generate.Totals{Rows: made.Rows, RowBytes: made.RowBytes}, err
	})
	s.write(string(file), "in", "resolver.pcap.gz")
	p := s.run(0, "-t", "dns", "--topic", topic, "--once")
	s.wantTotals(totals)
	if !strings.Contains(p.stdout.text.String(), "converter: native.\n") {
		t.Error("the log doesn't name the converter")
	}
}

// The rows before the damage are sent at once; a file without any fails, and says where.
func TestNativeDamaged(t *testing.T) {
	s := nativeSite(t, "flow")
	file, totals := nfcapdFile(t, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 30_000}, Version: 2})
	s.write(string(file[:len(file)/2]), "in", "nfcapd.cut")
	s.write(string(file[:200]), "in", "nfcapd.head")
	s.write("", "in", "nfcapd.empty")
	s.write("GIF89a and other bytes that are none of ours", "in", "nfcapd.foreign")
	p := s.run(1, "-t", "flow", "--topic", topic, "--once")
	if n := len(s.rows()); n == 0 || int64(n) >= totals.Rows {
		t.Errorf("%d rows of %d", n, totals.Rows)
	}
	for _, sentence := range []string{
		`File "nfcapd.cut" is damaged; the rows before the damage were taken: convert nfcapd.cut: damaged at byte `,
		`could not be sent: convert nfcapd.head: damaged at byte `,
		`could not be sent: convert nfcapd.empty: damaged at byte 0: `,
		`could not be sent: convert nfcapd.foreign: not known: `,
		`install the Debian package nfdump`,
	} {
		if !strings.Contains(p.stdout.text.String(), sentence) {
			t.Errorf("the log lacks %q", sentence)
		}
	}
	if strings.Contains(p.stdout.text.String(), "it is tried once more") {
		t.Error("it was tried twice")
	}
}

// A file that seemed to be finished and goes on yields each of its rows once, whether it
// could be read at first or not.
func TestNativeGrows(t *testing.T) {
	s := nativeSite(t, "flow")
	file, totals := nfcapdFile(t, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 30_000}, Version: 1})
	p := s.start("-t", "flow", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	path := s.write(string(file[:100]), "in", "nfcapd.1")
	p.waitFor("could not be sent: convert nfcapd.1: damaged at byte")
	s.append(string(file[100:len(file)/3]), path)
	p.waitFor(`File "nfcapd.1" is damaged; the rows before the damage were taken`)
	p.waitFor(`All segments of "nfcapd.1" published`)
	s.append(string(file[len(file)/3:]), path)
	p.waitFor("has grown since it was sent")
	p.waitFor(`All segments of "nfcapd.1" published`)
	p.stop(syscall.SIGTERM)
	s.wantTotals(totals)
}

// A kind of capture that the collector doesn't know is tshark's, and the log says why.
func TestToolForUnknownKind(t *testing.T) {
	const row = "Mar 20, 2018 09:00:00.000000000 UTC,1521536400.000000000,100,192.0.2.1,192.0.2.2,example.com,1,0x0001,0,192.0.2.3"
	s := nativeSite(t, "dns")
	tshark := s.write("#!/bin/sh\nif [ \"$1\" = -v ]; then echo 'TShark (Wireshark) 4.0.17'; exit 0; fi\necho "+row+"\n", "nothing", "tshark")
	if err := os.Chmod(tshark, 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x69\x00\x00\x00", "in", "wifi.pcap")
	file, totals := made(t, func(w io.Writer) (generate.Totals, error) {
		made, err := generate.Capture(w, generate.CaptureOptions{Options: generate.Options{Seed: 1, Rows: 10}})
		return generate.Totals{Rows: made.Rows}, err
	})
	s.write(string(file), "in", "wired.pcap")
	p := s.run(0, "-t", "dns", "--topic", topic, "--once")
	if n := int64(len(s.rows())); n != totals.Rows+1 {
		t.Errorf("%d rows, want %d and one", n, totals.Rows)
	}
	for _, sentence := range []string{
		`File "wifi.pcap": 1 rows in 1 segments, 0 lines skipped, 0 rejected; converter: tshark 4.0.17 (link type 105 (IEEE 802.11)).`,
		`File "wired.pcap": 10 rows in `, `rejected; converter: native.`,
	} {
		if !strings.Contains(p.stdout.text.String(), sentence) {
			t.Errorf("the log lacks %q", sentence)
		}
	}
}
