package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// encapsulations are tshark's numbers of link types.
var encapsulations = map[LinkType]int{
	Null: 15, Ethernet: 1, PPP: 4, 10: 6, RawBSD: 7, RawOpenBSD: 7, PPPHDLC: 4, Raw: 7, Loop: 174, LinuxCooked: 25, IPv4: 129, IPv6: 130, LinuxCooked2: 210,
}

// tshark lists the packets of a capture, and tells whether all went well.
func tshark(t *testing.T, file string) (packets string, whole bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("tshark takes its time")
	}
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Skipf("needs tshark to compare with: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), path, "-n", "-r", file, "-T", "fields",
		"-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "frame.encap_type").Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var list strings.Builder
	for line := range strings.Lines(string(out)) {
		if !strings.HasSuffix(line, "\t\n") { // a frame that is no packet has no link type
			list.WriteString(line)
		}
	}
	return list.String(), err == nil
}

// frames lists packets as tshark does.
func frames(packets []Packet) string {
	var out strings.Builder
	for _, p := range packets {
		time := ""
		if !p.NoTime {
			time = fmt.Sprintf("%d.%09d", p.Seconds, p.Nanos)
		}
		encapsulation := strconv.Itoa(encapsulations[p.Link])
		fmt.Fprintf(&out, "%d\t%s\t%d\t%d\t%s\n", p.Number, time, p.Length, len(p.Data), encapsulation)
	}
	return out.String()
}

func compareWithTshark(t *testing.T, path string, capture []byte) {
	t.Helper()
	want, whole := tshark(t, path)
	packets, err := readBytes(capture)
	if got := frames(packets); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if (err == io.EOF) != whole {
		t.Errorf("ended by %v, while tshark took it for whole: %t", err, whole)
	}
}

// TestVariantsLikeTshark compares what the other tests write.
func TestVariantsLikeTshark(t *testing.T) {
	b := little
	links, resolutions := [2][]byte{b.section()}, [2][]byte{b.section()}
	for link := range encapsulations {
		links[0] = append(links[0], b.iface(uint16(link), 0)...)
		links[1] = append(links[1], b.packet(uint32(len(links[1])/68), 0, sample)...)
	}
	for n := range byte(35) { // tshark's own arithmetic overflows where units are finer
		if n > 9 {
			n |= 0x80
		}
		resolutions[0] = append(resolutions[0], b.iface(1, 0, b.resolution(n), b.offset(1000))...)
		resolutions[1] = append(resolutions[1], b.packet(uint32(len(resolutions[1])/68), 1234567890123456789, sample)...)
	}
	all := append(variants(),
		variant{name: "link types", capture: concat(links[:]...)},
		variant{name: "resolutions", capture: concat(resolutions[:]...)},
		variant{name: "version 2.2", capture: append(b.headerOf(magicMicro, 2, 2, 1), b.recordOf(0, 0, 1500, 34, sample)...)},
		variant{name: "version 2.3", capture: append(b.headerOf(magicMicro, 2, 3, 1), b.recordOf(0, 0, 1500, 34, sample)...)},
		variant{name: "cut", capture: concat(b.header(magicMicro, 1), b.record(1, 0, sample), b.record(1, 0, sample)[:20])},
		variant{name: "gzip cut", capture: packed(concat(b.header(magicMicro, 1), b.record(1, 0, sample), b.record(1, 0, sample)))[:60]},
		variant{name: "odd lengths", capture: concat(b.header(magicMicro, 1), b.recordOf(1, 0, 34, 10, sample), b.recordOf(1, 0, 34, 1<<32-1, sample))},
		variant{name: "custom blocks", capture: concat(b.section(), b.iface(1, 0), b.block(custom, b.numbers(32473, 0)), b.packet(0, 0, sample))},
		variant{name: "no interface", capture: concat(b.section(), b.iface(1, 0), b.packet(0, 0, sample), b.packet(1, 0, sample))},
	)
	dir := t.TempDir()
	for i, v := range all {
		t.Run(v.name, func(t *testing.T) {
			path := filepath.Join(dir, strconv.Itoa(i)+".cap")
			if err := os.WriteFile(path, v.capture, 0o600); err != nil {
				t.Fatal(err)
			}
			compareWithTshark(t, path, v.capture)
		})
	}
}

// TestRealLikeTshark compares captures that lie beside the repository, if somebody put
// them there.
func TestRealLikeTshark(t *testing.T) {
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "..", "..", "shared", "data", "dns"))
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.pcap*"))
	if len(files) == 0 {
		t.Skipf("needs real captures beside the repository, in %s", dir)
	}
	for _, path := range files {
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".csv") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			capture, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case len(capture) == 0:
				t.Skip("tshark takes an empty file for a whole one")
			case bytes.HasPrefix(capture, []byte("\x4d\x3c\xb2\xa1")) && strings.Contains(name, "invalid"):
				t.Skip("tshark doesn't carry fractions of more than a second")
			}
			if _, err := NewReader(bytes.NewReader(capture)); err != nil {
				if want, whole := tshark(t, path); want != "" || whole {
					t.Errorf("%v, but tshark shows %q", err, want)
				}
				return
			}
			compareWithTshark(t, path, capture)
		})
	}
}
