package dns

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A datagram is one to be wrapped in UDP, IPv4 and Ethernet.
type datagram struct {
	src, dst uint16
	payload  []byte
	captured int // of payload
}

// writeCapture writes datagrams to a file, one a packet.
func writeCapture(t *testing.T, datagrams []datagram) string {
	t.Helper()
	le, be := binary.LittleEndian, binary.BigEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0)
	for i, d := range datagrams {
		const headers = 14 + 20 + 8
		for _, v := range []int{1_500_000_000 + i, 0, headers + d.captured, headers + len(d.payload)} {
			b = le.AppendUint32(b, uint32(v))
		}
		b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0)
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(20+8+len(d.payload)))
		b = append(b, 0, 1, 0, 0, 64, 17, 0, 0, 10, byte(i>>16), byte(i>>8), byte(i), 192, 0, 2, 1)
		for _, v := range []int{int(d.src), int(d.dst), 8 + len(d.payload), 0} {
			b = be.AppendUint16(b, uint16(v))
		}
		b = append(b, d.payload[:d.captured]...)
	}
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tshark returns what tshark prints of fields of the datagrams, by '|' apart.
func tshark(t *testing.T, datagrams []datagram, fields ...string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("compares with tshark: not with -short")
	}
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("compares with tshark, which isn't installed")
	}
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(version, []byte("TShark (Wireshark) 4.0.")) {
		t.Skipf("compares with tshark 4.0, not with %q", version[:min(len(version), 30)])
	}
	args := []string{"-r", writeCapture(t, datagrams), "-T", "fields", "-E", "occurrence=f", "-E", "separator=|"}
	for _, f := range append([]string{"frame.number"}, fields...) {
		args = append(args, "-e", f)
	}
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(datagrams) {
		t.Fatalf("tshark printed %d lines for %d packets", len(lines), len(datagrams))
	}
	for i, line := range lines {
		_, lines[i], _ = strings.Cut(line, "|")
	}
	return lines
}

// TestTablesAsTshark makes sure that the other tests expect what tshark prints.
func TestTablesAsTshark(t *testing.T) {
	type expected struct{ name, line string }
	var (
		datagrams []datagram
		want      []expected
	)
	add := func(name string, msg []byte, port uint16, line string) {
		datagrams = append(datagrams, datagram{port, 40000, msg, len(msg)})
		want = append(want, expected{name, strings.ReplaceAll(line, comma, ",")})
	}
	for _, test := range rowTests {
		port := uint16(portDNS)
		if test.multicast {
			port = portMulticast
		}
		add(test.name, test.msg, port, test.want)
	}
	for _, test := range nameTests {
		if test.want == "" {
			add(test.name, nameMessage(test.wire, test.behind), portDNS, "|||0|")
		} else {
			add(test.name, nameMessage(test.wire, test.behind), portDNS, test.want+"|1|0x0001|0|192.0.2.1")
		}
	}
	for _, test := range rdataTests {
		f := New(documented...)
		f.Add(rdataMessage(test.kind, test.data), false)
		found := ""
		if test.ok {
			found = "192.0.2.1"
		}
		line := row(f, documented)
		add(test.name, rdataMessage(test.kind, test.data), portDNS, line[:strings.LastIndexByte(line, '|')+1]+found)
	}
	for i, got := range tshark(t, datagrams, namesOf(documented)...) {
		if got != want[i].line {
			t.Errorf("%s: tshark prints %s, expected %s", want[i].name, got, want[i].line)
		}
	}
}

func namesOf(fields []Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.String())
	}
	return names
}

// TestMutantsAsTshark compares every field of thousands of messages, most of them spoiled.
func TestMutantsAsTshark(t *testing.T) {
	g := newGenerator(1)
	datagrams := make([]datagram, 40_000)
	for i := range datagrams {
		d := &datagrams[i]
		d.payload, d.captured = g.mutate(g.message())
		d.src = []uint16{portDNS, portDNS, portDNS, portMulticast, portLLMNR}[g.IntN(5)]
		d.dst = 40000
		if g.oneIn(2) {
			d.src, d.dst = d.dst, d.src
		}
	}
	lines := tshark(t, datagrams, fieldNames[:]...)

	all := make([]Field, fieldCount)
	for i := range all {
		all[i] = Field(i)
	}
	f := New(all...)
	wrong := 0
	for i, d := range datagrams {
		f.Reset()
		f.Add(d.payload[:d.captured], PortUDP(d.src, d.dst) == MulticastDNS)
		want := strings.ReplaceAll(lines[i], ",", comma)
		if got := row(f, all); got != want {
			if wrong++; wrong <= 10 {
				t.Errorf("%d: port %d %x, captured %d\n got %s\nwant %s", i, d.src, d.payload, d.captured, got, want)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d messages differ", wrong, len(datagrams))
	}
}

// TestPortsAsTshark compares, for each port and for some pairs of them, what a response
// sent from there or to there is taken for. Multicast DNS tells itself by the class, whose
// top bit it doesn't print.
func TestPortsAsTshark(t *testing.T) {
	const other = 40000
	response := []byte("\x9d\xc4\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" +
		"\x03www\x07example\x03com\x00\x00\x01\x00\x01" + "\xc0\x0c\x00\x01\x80\x01\x00\x00\x0e\x10\x00\x04\xc0\x00\x02\x01")
	var datagrams []datagram
	for port := range 1 << 16 {
		datagrams = append(datagrams,
			datagram{uint16(port), other, response, len(response)}, datagram{other, uint16(port), response, len(response)})
	}
	pairs := []uint16{7, 53, 123, 137, 161, 1900, 3000, 4000, 4011, 5060, 5353, 5355, 6081, 7000, 8000, 9875, 34962, other}
	for _, src := range pairs {
		for _, dst := range pairs {
			datagrams = append(datagrams, datagram{src, dst, response, len(response)})
		}
	}
	want := map[Verdict]string{DNS: "0x8001", MulticastDNS: "0x0001", Unclaimed: "0x8001", Claimed: ""}
	for i, got := range tshark(t, datagrams, "dns.resp.class") {
		d := datagrams[i]
		if v := PortUDP(d.src, d.dst); got != want[v] {
			t.Errorf("from port %d to %d: verdict %d, tshark prints %q", d.src, d.dst, v, got)
		}
	}
}

// TestLooksLikeAsTshark compares what is taken for DNS between unclaimed ports.
func TestLooksLikeAsTshark(t *testing.T) {
	g := newGenerator(2)
	datagrams := make([]datagram, 20_000)
	for i := range datagrams {
		msg := g.message()
		if g.oneIn(2) {
			msg[2] &^= 0x78 // a plain query or its response
		}
		for at := 4; at < headerSize; at += 2 {
			limits := []int{0, 0, 1, 2, 10, 11, 100, 101, g.IntN(1 << 16)}
			binary.BigEndian.PutUint16(msg[at:], uint16(limits[g.IntN(9-at/3)]))
		}
		if g.oneIn(4) {
			msg = msg[:g.IntN(min(16, len(msg)))]
		}
		datagrams[i] = datagram{8053, 40000, msg, len(msg)}
		if g.oneIn(4) {
			datagrams[i].captured = g.IntN(len(msg) + 1)
		}
	}
	taken := 0
	for i, line := range tshark(t, datagrams, "dns.flags.response") {
		d := datagrams[i]
		got := LooksLike(d.payload[:d.captured], len(d.payload))
		if got != (line != "") {
			t.Errorf("%x, captured %d: %t", d.payload, d.captured, got)
		}
		if got {
			taken++
		}
	}
	if taken < len(datagrams)/20 || taken > len(datagrams)*19/20 {
		t.Errorf("%d of %d were taken for DNS: the test tells little", taken, len(datagrams))
	}
}
