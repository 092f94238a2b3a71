package generate

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// nfdump reads the files, and prints the rows that the generator says.
func TestNfdumpReadsNfcapd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts nfdump: not with -short")
	}
	nfdump, err := exec.LookPath("nfdump")
	if err != nil {
		t.Skip("needs nfdump: ", err)
	}
	options := Options{Seed: 21, Rows: 12000}
	odd := Options{Seed: 22, Rows: 12000, Odd: true}
	for _, o := range []NfcapdOptions{
		{Options: options, Version: 1},
		{Options: options, Version: 1, Compression: LZO},
		{Options: options, Version: 1, Compression: LZ4},
		{Options: options, Version: 1, NoReceived: true},
		{Options: odd, Version: 1, Compression: LZO},
		{Options: Options{Seed: 23, Rows: 1, Bare: true}, Version: 1, Compression: LZ4},
		{Options: options},
		{Options: options, Compression: LZO},
		{Options: options, Compression: LZ4},
		{Options: options, Compression: LZ4, NoReceived: true},
		{Options: odd},
		{Options: Options{Seed: 23, Rows: 1, Bare: true}, Compression: LZO},
	} {
		t.Run(fmt.Sprintf("v%d compression %d rows %d odd %v received %v", o.Version, o.Compression, o.Rows, o.Odd, !o.NoReceived), func(t *testing.T) {
			s := sampleNfcapd(t, o)
			cmd := exec.Command(nfdump, "-r", s.path, "-o", "csv", "-q")
			cmd.Env = append(os.Environ(), "TZ=UTC")
			var complaints bytes.Buffer
			cmd.Stderr = &complaints
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, complaints.String())
			}
			if c := unexpected(complaints.String()); c != "" {
				t.Errorf("nfdump complains: %s", c)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if n := strings.Count(lines[0], ",") + 1; n != 48 {
				t.Skipf("this nfdump prints %d columns, not the 48 of 1.6 and 1.7.1", n)
			}
			if len(lines) != len(s.rows) {
				t.Fatalf("nfdump prints %d rows, want %d", len(lines), len(s.rows))
			}
			for i := range lines {
				if got := rowOf48(t, lines[i]); got != s.rows[i] {
					t.Fatalf("row %d:\n got %s\nwant %s", i, got, s.rows[i])
				}
			}
		})
	}
}

// unexpected returns what nfdump says but that it skips records of types that it has no use
// for: samplers of layout 1, and those mixed in on purpose.
func unexpected(complaints string) string {
	return strings.TrimSpace(regexp.MustCompile(`(?m)^Skip unknown record type (3|9)$`).ReplaceAllString(complaints, ""))
}

// rowOf48 makes the row of 27 columns out of the 48 that nfdump prints.
func rowOf48(t *testing.T, line string) string {
	t.Helper()
	b := strings.Split(line, ",")
	if len(b) != 48 {
		t.Fatalf("%d columns, want 48: %s", len(b), line)
	}
	received := b[47][:19]
	if received == "1970-01-01 00:00:00" { // unknown
		received = b[0]
	}
	at, err := time.Parse(time.DateTime, received)
	if err != nil {
		t.Fatal(err)
	}
	flags := b[8][2:]
	if strings.ContainsAny(b[8][:2], "CE") { // congestion: no letters for them
		var bits byte
		for i := range 8 {
			if bits <<= 1; b[8][i] != '.' {
				bits |= 1
			}
		}
		flags = fmt.Sprintf("  0x%2x", bits)
	}
	row := []string{received, at.Format("2006,1,2"), fmt.Sprintf("%d,%d,%d", at.Hour(), at.Minute(), at.Second())}
	row = append(row, b[2:8]...)
	row = append(row, flags)
	row = append(row, b[9:19]...)
	return strings.Join(append(row, b[21], b[22], b[44]), ",")
}
