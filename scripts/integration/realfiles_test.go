//go:build integration

package integration

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const defaultLimit = 1048576

// sendReal sends copies of all files of some folders in one run, and returns what arrived
// by source file, and the run. The files in failing must each fail, for a reason that
// begins so, and with them the run; the others must be the converter's.
func sendReal(t *testing.T, s *site, converter string, failing map[string]string, folders ...string) (map[string][]message, *process) {
	t.Helper()
	sent := make(map[string]bool)
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			sent[e.Name()] = true
			s.arriveFrom(e.Name(), func(w io.Writer) error {
				f, err := os.Open(filepath.Join(folder, e.Name()))
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = io.Copy(w, f)
				return err
			})
		}
	}
	code := 0
	if len(failing) > 0 {
		code = 1
	}
	p := s.run(code, s.args("--once")...)
	for name, reason := range failing {
		if !sent[name] {
			t.Errorf("%s is not among the files", name)
		}
		delete(sent, name)
		if !p.says(fmt.Sprintf("File %q could not be sent: convert %s: %s", s.path("in", name), name, reason)) {
			t.Errorf("the log does not say that %s failed: %s", name, reason)
		}
	}
	for name := range sent {
		if !p.says(fmt.Sprintf("All segments of %q published", name)) && !p.says(fmt.Sprintf("%q: CSV-converted file has no valid lines.", name)) {
			t.Errorf("the log does not say what became of %s", name)
		}
		if last := p.line(fmt.Sprintf("File %q: ", name)); !strings.HasSuffix(last, "; converter: "+converter+".") {
			t.Errorf("the log does not say that %s was read by %s: %q", name, converter, last)
		}
	}
	if want := fmt.Sprintf("%-32s %15d\n", "files failed", len(failing)); !p.says(want) {
		t.Errorf("the summary lacks %q", want)
	}
	return bySource(s.consume()), p
}

// eachKafka runs a test on both versions at once.
func eachKafka(t *testing.T, test func(t *testing.T, version string)) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(t, version)
		})
	}
}

// checkFlow compares what arrived of all files in the folders of data.
func checkFlow(t *testing.T, data string, sources map[string][]message, expected func(t *testing.T, data, path string) []string) (files int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(data, "[rd]e*", "*")) // real and derived
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		rows := expected(t, data, path)
		checkSegments(t, name, sources[name], cut("flow", []byte(strings.Join(rows, "\n")), defaultLimit))
		delete(sources, name)
		if len(rows) > 0 {
			files++
		}
	}
	for name := range sources {
		t.Errorf("nothing was expected of %q", name)
	}
	return files
}

func TestRealFlow(t *testing.T) {
	eachKafka(t, func(t *testing.T, version string) {
		data := recorded(t, "data", "flow")
		tool(t, "nfdump", "-V", "1.7.1")
		s := newSite(t, sharedKafka(t, version), "flow", nil)
		s.pipeline(map[string]any{"converter": "nfdump"})
		// What this nfdump can't read.
		failing := map[string]string{
			"nfcapd.v1-lzo-corrupt": "", "nfcapd.v1-none-legacy-records": "", "nfcapd.v1_truncated": "",
			"nfcapd.v2_nfgen_zstd": "", "nfcapd.v2_recv_zstd": "", "nfcapd.v2_truncated": "", "nfcapd.zero-length": "",
		}
		sources, _ := sendReal(t, s, `nfdump 1.7.1 ("converter" is "nfdump")`, failing, filepath.Join(data, "real"), filepath.Join(data, "derived"))
		if files := checkFlow(t, data, sources, expectedFlow); files < 14 {
			t.Errorf("only %d files with rows were compared", files)
		}
	})
}

// The collector alone makes the same rows, and reads what the tools can't.
func TestRealFlowNative(t *testing.T) {
	eachKafka(t, func(t *testing.T, version string) {
		data := recorded(t, "data", "flow")
		tool(t, "nfdump", "-V", "1.7.1")
		s := newSite(t, sharedKafka(t, version), "flow", nil)
		s.withoutTools()
		failing := map[string]string{
			"nfcapd.v1-lzo-corrupt": "damaged at byte 276: record 1 of 39181",
			"nfcapd.v2_truncated":   "damaged at byte 40: the file ends within a block",
			"nfcapd.zero-length":    "damaged at byte 0: the file is empty",
		}
		sources, p := sendReal(t, s, "native", failing, filepath.Join(data, "real"), filepath.Join(data, "derived"))
		if !p.says(`File "nfcapd.v1_truncated" is damaged; the rows before the damage were taken: convert nfcapd.v1_truncated: damaged at byte 276: `) {
			t.Error("the log does not say that nfcapd.v1_truncated is damaged")
		}
		if files := checkFlow(t, data, sources, expectedFlowNative); files < 18 {
			t.Errorf("only %d files with rows were compared", files)
		}
	})
}

// expectedFlowNative is expectedFlow, and more where nfdump prints nothing.
func expectedFlowNative(t *testing.T, data, path string) []string {
	t.Helper()
	twin := func(name string) []string { return expectedFlow(t, data, filepath.Join(data, "derived", name)) }
	switch name := filepath.Base(path); name {
	case "nfcapd.v2_nfgen_zstd":
		return twin("nfcapd.v2_nfgen_none")
	case "nfcapd.v2_recv_zstd":
		return twin("nfcapd.v2_recv_none")
	case "nfcapd.v1_truncated":
		return twin("nfcapd.v1_nfgen_none")[:15] // its first 3,000 bytes
	case "nfcapd.v1-none-legacy-records":
		return legacyRows(t, readFile(t, filepath.Join(data, "expected-spot-nfdump-1.6.12", name+".csv")), twin("nfcapd.v1_nfgen_none"))
	}
	return expectedFlow(t, data, path)
}

// legacyRows puts times into what Spot's own nfdump prints of the one file that it alone
// reads: it shows no time but that of reception, which the file has none of. The flows were
// made by the program that made nfgen's, which takes the clock on the wall for when they
// began: here it was in a zone two hours ahead.
func legacyRows(t *testing.T, printed []byte, nfgen []string) (rows []string) {
	t.Helper()
	for line := range strings.Lines(string(printed)) {
		if !strings.HasPrefix(line, "1970-01-01 00:00:00,") {
			continue
		}
		began, err := time.Parse(time.DateTime, nfgen[len(rows)][:len(time.DateTime)])
		if err != nil {
			t.Fatal(err)
		}
		began = began.Add(-2 * time.Hour)
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ",1970,1,1,0,0,0,")
		rows = append(rows, fmt.Sprintf("%s,%d,%d,%d,%d,%d,%d,%s", began.Format(time.DateTime),
			began.Year(), began.Month(), began.Day(), began.Hour(), began.Minute(), began.Second(), rest))
	}
	return rows
}

func TestRealDNS(t *testing.T) {
	eachKafka(t, func(t *testing.T, version string) {
		data := recorded(t, "data", "dns")
		tool(t, "tshark", "--version", "4.0.17")
		s := newSite(t, sharedKafka(t, version), "dns", nil)
		s.pipeline(map[string]any{"process_opt": tsharkOptions, "converter": "tshark"})
		failing := map[string]string{"garbage.pcap": "", "gopacket_be_test901-bad.pcapng": ""}
		sources, _ := sendReal(t, s, `tshark 4.0.17 ("converter" is "tshark")`, failing, filepath.Join(data, "real"), filepath.Join(data, "derived"))
		checkDNS(t, data, sources)
	})
}

// checkDNS compares what arrived of all files with what tshark was recorded to print.
func checkDNS(t *testing.T, data string, sources map[string][]message) {
	t.Helper()
	for name, text := range recordedDNS(t, data) {
		checkSegments(t, name, sources[name], cut("dns", text, defaultLimit))
		delete(sources, name)
	}
	for name := range sources {
		t.Errorf("nothing was expected of %q", name)
	}
}

// recordedDNS returns what tshark printed, by the names of its files.
func recordedDNS(t *testing.T, data string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(data, "expected-tshark-4.0.17", "*.csv"))
	if err != nil || len(paths) < 40 {
		t.Fatalf("only %d expected files: %v", len(paths), err)
	}
	texts := make(map[string][]byte)
	for _, path := range paths {
		texts[strings.TrimSuffix(filepath.Base(path), ".csv")] = readFile(t, path)
	}
	return texts
}

// The collector alone makes the same rows, and leaves no address out.
func TestRealDNSNative(t *testing.T) {
	eachKafka(t, func(t *testing.T, version string) {
		data := recorded(t, "data", "dns")
		s := newSite(t, sharedKafka(t, version), "dns", nil)
		s.pipeline(map[string]any{"process_opt": tsharkOptions})
		s.withoutTools()
		failing := map[string]string{
			"garbage.pcap":                   "not known: no pcap or pcapng file, it begins with the bytes 6e6f7420; tshark may know it: install the Debian package tshark",
			"gopacket_be_test901-bad.pcapng": "damaged at byte 480: ",
			"zero-length.pcap":               "damaged at byte 0: the file is empty",
		}
		sources, p := sendReal(t, s, "native", failing, filepath.Join(data, "real"), filepath.Join(data, "derived"))
		if !p.says(`File "ecs_cut-short.pcap" is damaged; the rows before the damage were taken: convert ecs_cut-short.pcap: damaged at byte 36477: `) {
			t.Error("the log does not say that ecs_cut-short.pcap is damaged")
		}
		filled := 0
		for name := range sources {
			filled += emptyIPv6(t, sources[name])
		}
		want := 0
		for _, text := range recordedDNS(t, data) {
			for line := range strings.Lines(string(text)) {
				if c := strings.Split(line, ","); len(c) > 6 && c[4] == "" && c[5] == "" {
					want++
				}
			}
		}
		if filled != want || want == 0 {
			t.Errorf("%d rows have IPv6 addresses, tshark prints %d without addresses", filled, want)
		}
		checkDNS(t, data, sources)
	})
}

func TestRealProxy(t *testing.T) {
	eachKafka(t, func(t *testing.T, version string) {
		data := recorded(t, "data", "proxy")
		s := newSite(t, sharedKafka(t, version), "proxy", nil)
		sources, _ := sendReal(t, s, "text", nil, data)
		paths, _ := filepath.Glob(filepath.Join(data, "*.log"))
		rows := 0
		for _, path := range paths {
			want := cut("proxy", readFile(t, path), defaultLimit)
			checkSegments(t, filepath.Base(path), sources[filepath.Base(path)], want)
			for _, s := range want {
				rows += len(s.rows)
			}
		}
		if rows == 0 {
			t.Error("no rows were compared")
		}
	})
}
