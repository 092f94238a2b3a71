//go:build integration

package integration

import (
	"bytes"
	"fmt"
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

// tshark prints what it finds in a capture, with the options that users have.
func tshark(t *testing.T, path, zone string) []byte {
	t.Helper()
	need(t, "tshark")
	args := strings.Fields(strings.ReplaceAll(tsharkOptions, "'dns.flags.response == 1'", "dns.flags.response==1"))
	cmd := exec.Command("tshark", append([]string{"-r", path}, args...)...)
	cmd.Env = append(os.Environ(), "TZ="+zone)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark -r %s: %v", path, err)
	}
	return out
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
