package generate

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var rowOptions = strings.Fields("-E separator=, -E occurrence=f -T fields -e frame.time -e frame.time_epoch -e frame.len" +
	" -e ip.src -e ip.dst -e dns.resp.name -e dns.resp.type -e dns.resp.class -e dns.flags.rcode -e dns.a" +
	" -e ipv6.src -e ipv6.dst -Y dns.flags.response==1")

// tshark returns what tshark prints of a file, and skips the test where there's none.
func tshark(t *testing.T, file string, options ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: tshark takes seconds")
	}
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed: what is generated isn't compared with what it prints")
	}
	cmd := exec.Command(path, append([]string{"-r", file}, options...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, &complaints)
	}
	return string(out)
}

func captureFile(t *testing.T, o CaptureOptions) (file string, totals CaptureTotals) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "generated.pcap")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if totals, err = Capture(f, o); err != nil {
		t.Fatal(err)
	}
	return file, totals
}

func TestTsharkPrintsTheRows(t *testing.T) {
	for i, f := range captureFormats {
		t.Run(f.name, func(t *testing.T) {
			var text bytes.Buffer
			o := CaptureOptions{Options: Options{Seed: uint64(i), Rows: 10000, Odd: i%2 == 1}, Format: f.format, Gzip: i == 3, CSV: &text}
			file, totals := captureFile(t, o)
			want := strings.Split(text.String(), "\n")
			got := strings.Split(tshark(t, file, rowOptions...), "\n")
			if int64(len(got)-1) != totals.Rows {
				t.Errorf("tshark prints %d rows, told was %+v", len(got)-1, totals)
			}
			for n := range min(len(got), len(want)) {
				if row := fillAddresses(got[n]); row != want[n] {
					t.Fatalf("row %d: tshark prints\n%s, want\n%s", n+1, row, want[n])
				}
			}
		})
	}
}

// fillAddresses moves the last two columns, IPv6 addresses, into ip.src and ip.dst where
// these are empty.
func fillAddresses(row string) string {
	c := strings.Split(row, ",")
	if len(c) != 13 {
		return row
	}
	if c[4] == "" && c[5] == "" {
		c[4], c[5] = c[11], c[12]
	}
	return strings.Join(c[:11], ",")
}

func TestTsharkFindsNothingWrong(t *testing.T) {
	for i, f := range captureFormats {
		t.Run(f.name, func(t *testing.T) {
			file, _ := captureFile(t, CaptureOptions{Options: Options{Seed: 100 + uint64(i), Rows: 10000}, Format: f.format})
			wrong := tshark(t, file, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
				"-Y", `_ws.malformed || _ws.expert.severity == error || tcp.analysis.lost_segment || tcp.analysis.retransmission ||`+
					` ip.checksum.status == "Bad" || udp.checksum.status == "Bad" || tcp.checksum.status == "Bad" || icmp.checksum.status == "Bad"`)
			if wrong != "" {
				t.Errorf("tshark finds fault with %d packets, the first being\n%s", strings.Count(wrong, "\n"), strings.SplitN(wrong, "\n", 2)[0])
			}
		})
	}
}
