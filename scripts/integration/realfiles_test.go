//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The options that users have for tshark.
const tsharkOptions = "-E separator=, -E header=y -E occurrence=f -T fields -e frame.time -e frame.time_epoch -e frame.len " +
	"-e ip.src -e ip.dst -e dns.resp.name -e dns.resp.type -e dns.resp.class -e dns.flags.rcode -e dns.a 'dns.flags.response == 1'"

const defaultLimit = 1048576

// tool skips the test unless a tool prints the version whose output was recorded.
func tool(t *testing.T, program, flag, version string) {
	t.Helper()
	need(t, program)
	out, err := exec.Command(program, flag).Output()
	first, _, _ := bytes.Cut(out, []byte{'\n'})
	if err != nil || !bytes.Contains(first, []byte(version)) {
		t.Skipf("what is recorded was printed by %s %s, this one says %q (%v)", program, version, first, err)
	}
}

// sendReal sends copies of all files of some folders in one run, and returns what arrived
// by source file. The files in failing must each fail, and with them the run.
func sendReal(t *testing.T, s *site, failing []string, folders ...string) map[string][]message {
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
	for _, name := range failing {
		if !sent[name] {
			t.Errorf("%s is not among the files", name)
		}
		delete(sent, name)
		if !p.says(fmt.Sprintf("File %q could not be sent: convert %s: ", s.path("in", name), name)) {
			t.Errorf("the log does not say that %s failed", name)
		}
	}
	for name := range sent {
		if !p.says(fmt.Sprintf("All segments of %q published", name)) && !p.says(fmt.Sprintf("%q: CSV-converted file has no valid lines.", name)) {
			t.Errorf("the log does not say what became of %s", name)
		}
	}
	if want := fmt.Sprintf("%-32s %15d\n", "files failed", len(failing)); !p.says(want) {
		t.Errorf("the summary lacks %q", want)
	}
	return bySource(s.consume())
}

func TestRealFlow(t *testing.T) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			data := recorded(t, "data", "flow")
			tool(t, "nfdump", "-V", "1.7.1")
			s := newSite(t, sharedKafka(t, version), "flow", nil)
			// What this nfdump can't read.
			failing := []string{
				"nfcapd.v1-lzo-corrupt", "nfcapd.v1-none-legacy-records", "nfcapd.v1_truncated",
				"nfcapd.v2_nfgen_zstd", "nfcapd.v2_recv_zstd", "nfcapd.v2_truncated", "nfcapd.zero-length",
			}
			sources := sendReal(t, s, failing, filepath.Join(data, "real"), filepath.Join(data, "derived"))
			for _, name := range failing {
				checkSegments(t, name, sources[name], nil)
				delete(sources, name)
			}
			files := 0
			for _, folder := range []string{"real", "derived"} {
				paths, _ := filepath.Glob(filepath.Join(data, folder, "*"))
				for _, path := range paths {
					name := filepath.Base(path)
					if rows := expectedFlow(t, data, path); len(rows) > 0 {
						files++
						checkSegments(t, name, sources[name], cut("flow", []byte(strings.Join(rows, "\n")), defaultLimit))
					} else {
						checkSegments(t, name, sources[name], nil)
					}
				}
			}
			if files < 14 {
				t.Errorf("only %d files with rows were compared", files)
			}
		})
	}
}

// expectedFlow returns the rows of a file: what Spot's own nfdump printed where it could
// read the file, and otherwise what stock nfdump printed, in Spot's columns.
func expectedFlow(t *testing.T, data, path string) []string {
	t.Helper()
	stock := filepath.Join(data, "expected-nfdump-1.7.1", filepath.Base(path)+".csv")
	text, err := os.ReadFile(stock)
	if err != nil {
		// Only the head was recorded. It shows that this nfdump prints the same.
		head := readFile(t, stock+".head2000")
		text = nfdump(t, path)
		if !bytes.HasPrefix(text, head) {
			t.Fatalf("nfdump prints other rows of %s than recorded", path)
		}
	}
	rows := spotColumns(text)
	spot := strings.Split(string(readFile(t, filepath.Join(data, "expected-spot-nfdump-1.6.12", filepath.Base(path)+".csv"))), "\n")
	spot = spot[:min(len(spot), len(rows)+1)]
	if len(spot) < 2 || !strings.HasPrefix(spot[1], "19") && !strings.HasPrefix(spot[1], "20") {
		return rows
	}
	spot = spot[1:] // behind the header
	for i, row := range rows {
		if strings.HasPrefix(spot[i], "1970-01-01 00:00:00,") {
			// It knows no time of reception; ours is that of the first packet. The rest is the same.
			spot[i] = strings.Join(append(strings.Split(row, ",")[:7], strings.Split(spot[i], ",")[7:]...), ",")
		}
	}
	return spot
}

func nfdump(t *testing.T, path string) []byte {
	t.Helper()
	cmd := exec.Command("nfdump", "-r", path, "-o", "csv")
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nfdump -r %s: %v", path, err)
	}
	return out
}

// spotColumns maps nfdump's 48 columns to Spot's 27, by position. b[47] is the time of
// reception, b[0] that of the first packet.
func spotColumns(text []byte) (rows []string) {
	for line := range strings.SplitSeq(string(text), "\n") {
		b := strings.Split(line, ",")
		if len(b) != 48 || date.FindString(b[0]) == "" {
			continue
		}
		received := b[47][:19]
		if received == "1970-01-01 00:00:00" {
			received = b[0][:19]
		}
		row := []string{received}
		for _, part := range strings.FieldsFunc(received, func(c rune) bool { return c < '0' || c > '9' }) {
			n, _ := strconv.Atoi(part)
			row = append(row, strconv.Itoa(n))
		}
		row = append(row, b[2:8]...)
		row = append(row, spotFlags(b[8]))
		row = append(row, b[9:19]...)
		rows = append(rows, strings.Join(append(row, b[21], b[22], b[44]), ","))
	}
	return rows
}

// spotFlags leaves out the two flags that Spot does not know, CWR and ECE, or prints the
// byte if one of them is set.
func spotFlags(flags string) string {
	if strings.HasPrefix(flags, "..") {
		return flags[2:]
	}
	bits := 0
	for _, c := range flags {
		bits *= 2
		if c != '.' {
			bits++
		}
	}
	return fmt.Sprintf("  0x%2x", bits)
}

func TestRealDNS(t *testing.T) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			data := recorded(t, "data", "dns")
			tool(t, "tshark", "--version", "4.0.17")
			s := newSite(t, sharedKafka(t, version), "dns", nil)
			s.pipeline(map[string]any{"process_opt": tsharkOptions})
			failing := []string{"garbage.pcap", "gopacket_be_test901-bad.pcapng"}
			sources := sendReal(t, s, failing, filepath.Join(data, "real"), filepath.Join(data, "derived"))
			expected, _ := filepath.Glob(filepath.Join(data, "expected-tshark-4.0.17", "*.csv"))
			if len(expected) < 40 {
				t.Errorf("only %d expected files", len(expected))
			}
			for _, path := range expected {
				name := strings.TrimSuffix(filepath.Base(path), ".csv")
				checkSegments(t, name, sources[name], cut("dns", readFile(t, path), defaultLimit))
				delete(sources, name)
			}
			for name := range sources {
				t.Errorf("nothing was expected of %q", name)
			}
		})
	}
}

func TestRealProxy(t *testing.T) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			data := recorded(t, "data", "proxy")
			s := newSite(t, sharedKafka(t, version), "proxy", nil)
			sources := sendReal(t, s, nil, data)
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
}
