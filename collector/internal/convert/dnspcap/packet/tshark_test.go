package packet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

// seen is what a frame shows: the DNS message's id, the outermost addresses, and
// the payload, in hexadecimal digits.
type seen struct {
	id, src4, dst4, src6, dst6, payload string
}

func (s seen) String() string {
	if s.id == "" {
		return "nothing"
	}
	return strings.Join([]string{s.id, s.src4, s.dst4, s.src6, s.dst6, s.payload}, " ")
}

// ours is what Decode found, in tshark's words.
func ours(p *Packet) seen {
	if !isDNS(p) {
		return seen{}
	}
	s := seen{payload: hex.EncodeToString(p.Payload)}
	b := p.Payload
	if p.Transport == TCP {
		b = b[2:]
	}
	s.id = "0x" + hex.EncodeToString(b[:2])
	if p.HasIPv4 {
		s.src4, s.dst4 = netip.AddrFrom4(p.Src4).String(), netip.AddrFrom4(p.Dst4).String()
	}
	if p.HasIPv6 {
		s.src6, s.dst6 = netip.AddrFrom16(p.Src6).String(), netip.AddrFrom16(p.Dst6).String()
	}
	return s
}

// tshark shows frames by tshark 4.0, or skips the test where there is none: other
// versions see some things otherwise.
func tshark(t *testing.T, frames []frame) []seen {
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark on the PATH to compare with")
	}
	if version, err := exec.Command(program, "--version").Output(); err != nil || !bytes.HasPrefix(version, []byte("TShark (Wireshark) 4.0.")) {
		t.Skipf("tshark on the PATH isn't version 4.0, which the cases are made for: %.40q, %v", version, err)
	}
	file := filepath.Join(t.TempDir(), "frames.pcapng")
	if err := os.WriteFile(file, pcapng(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", file, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,"}
	for _, field := range []string{"dns.id", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.payload", "tcp.payload"} {
		args = append(args, "-e", field)
	}
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var all []seen
	for line := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		for i := range columns {
			occurrences := strings.Split(columns[i], ",")
			columns[i] = occurrences[0]
			if i >= 5 { // the innermost payload
				columns[i] = occurrences[len(occurrences)-1]
			}
		}
		s := seen{}
		if columns[0] != "" {
			s = seen{columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]}
			if columns[6] != "" {
				s.payload = columns[6]
			}
		}
		all = append(all, s)
	}
	if len(all) != len(frames) {
		t.Fatalf("tshark shows %d of %d frames", len(all), len(frames))
	}
	return all
}

// pcapng writes frames of any link types to one capture.
func pcapng(frames []frame) []byte {
	le := binary.LittleEndian
	block := func(b []byte, kind uint32, body []byte) []byte {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		size := uint32(12 + len(body))
		b = le.AppendUint32(le.AppendUint32(b, kind), size)
		return le.AppendUint32(append(b, body...), size)
	}
	b := block(nil, 0x0a0d0d0a, unhex("4d3c2b1a 0100 0000 ffffffffffffffff"))
	interfaces := map[capture.LinkType]uint32{}
	for i, f := range frames {
		if _, ok := interfaces[f.link]; !ok {
			interfaces[f.link] = uint32(len(interfaces))
			b = block(b, 1, le.AppendUint32(le.AppendUint32(nil, uint32(f.link)), 262144))
		}
		data := f.data
		if f.cut > 0 {
			data = data[:f.cut]
		}
		const start = 1500000000000000
		time := uint64(start + i)
		body := le.AppendUint32(nil, interfaces[f.link])
		body = le.AppendUint32(le.AppendUint32(body, uint32(time>>32)), uint32(time))
		body = le.AppendUint32(le.AppendUint32(body, uint32(len(data))), uint32(len(f.data)))
		b = block(b, 6, append(body, data...))
	}
	return b
}

// TestAgainstTshark shows the same cases to tshark.
func TestAgainstTshark(t *testing.T) {
	var frames []frame
	var names, differs []string
	for _, c := range allCases() {
		for range c.frames {
			names, differs = append(names, c.name), append(differs, c.differs)
		}
		frames = append(frames, c.frames...)
	}
	compare(t, frames, func(i int) (name, why string) { return names[i], differs[i] })
}

func compare(t *testing.T, frames []frame, about func(i int) (name, why string)) {
	theirs := tshark(t, frames)
	agreed := map[string]bool{} // cases said to differ that don't
	decodeAll(NewDecoder(), frames, func(i int, p *Packet) {
		name, why := about(i)
		got, want := ours(p), theirs[i]
		if want.payload == "" || strings.HasPrefix(want.payload, got.payload) {
			// tshark has no such field for UDP-Lite, and shows what lies behind the
			// end that UDP's length sets, without looking at it.
			want.payload = got.payload
		}
		switch {
		case got != want && why == "":
			t.Errorf("frame %d, %s:\n  ours   %v\n  tshark %v\n  %x", i+1, name, got, want, frames[i].data)
		case why != "":
			agreed[name] = got == want
		}
	})
	for name, same := range agreed {
		if same {
			t.Errorf("%s is said to differ from tshark, and doesn't", name)
		}
	}
}

// TestRandomStacks compares some thousand random stacks of layers, some of them
// cut, padded or with lengths that lie.
func TestRandomStacks(t *testing.T) {
	random := rand.New(rand.NewSource(4))
	var frames []frame
	for id := range 4000 {
		frames = append(frames, randomFrame(random, id+1))
	}
	compare(t, frames, func(int) (name, why string) { return "random", "" })
}

// randomFrame stacks up to five layers on a message, from the inside outwards.
func randomFrame(random *rand.Rand, id int) frame {
	pick := func(n int) bool { return random.Intn(n) == 0 }
	b, protocol := udp(53, 40000, message(id, 1)), protoUDP
	if pick(8) {
		b, protocol = tcp(segment{dst: 10000 + id, flags: 0x18}, message(id, 1)), protoTCP
	}
	six := false
	wrap := func() {
		six = pick(3)
		length := 0
		if pick(16) {
			length = 30 + random.Intn(120)
		}
		if six {
			for pick(4) {
				b = extension(protocol, b)
				protocol = []int{protoHopByHop, protoDestination}[random.Intn(2)]
			}
			b = v6{next: protocol, length: length}.wrap(b)
		} else {
			b = v4{protocol: protocol, total: length, opts: make([]byte, 4*random.Intn(2))}.wrap(b)
		}
	}
	wrap()
	ethertype := func() int {
		if six {
			return typeIPv6
		}
		return typeIPv4
	}
	for range random.Intn(5) {
		switch random.Intn(7) {
		case 0:
			if protocol = protoIPv4; six {
				protocol = protoIPv6
			}
		case 1:
			b, protocol = gre(0x2000, ethertype(), "00000001", b), protoGRE
		case 2:
			b, protocol = gre(0, typeBridged, "", eth(ethertype(), b)), protoGRE
		case 3:
			b, protocol = udp(50000, 4789, vxlan(eth(typeVLAN, vlan(5, ethertype(), b)))), protoUDP
		case 4:
			b, protocol = udp(50000, 6081, cat(unhex("0000"), u16(ethertype()), unhex("00000500"), b)), protoUDP
		case 5:
			b, protocol = gre(0, typeMPLS, "", mpls(16, true, b)), protoGRE
		case 6:
			if b, protocol = icmp(3, b), protoICMP; six {
				b, protocol = icmp(1, b[8:]), protoICMPv6
			}
		}
		wrap()
	}
	f := wire(eth(ethertype(), b))
	switch random.Intn(6) {
	case 0:
		f = on(capture.LinuxCooked, cooked(1, ethertype(), b))
	case 1:
		f = on(capture.Raw, b)
	case 2:
		f = wire(eth(typeMPLS, mpls(16, true, b)))
	case 3:
		f = wire(eth(typeVLAN, vlan(5, ethertype(), b)))
	}
	if pick(8) {
		f = f.padded(random.Intn(30))
	}
	if pick(8) {
		f = f.cutTo(1 + random.Intn(len(f.data)-1))
	}
	return f
}

// TestRandomFragments compares datagrams in random fragments: out of order, more
// than once, overlapping, forged, with several ends.
func TestRandomFragments(t *testing.T) {
	random := rand.New(rand.NewSource(4))
	var frames []frame
	for i := range 1000 {
		s := new(table).split(i%2 == 1)
		s.payload = udp(53, 40000, message(i+1, 6))
		source := 26 // where the sender's last two bytes lie
		if s.six {
			source = 14 + 8 + 14 - 2
		}
		for range 2 + random.Intn(10) {
			from := 8 * random.Intn(len(s.payload)/8+1)
			to := min(len(s.payload), from+8*(1+random.Intn(8)))
			if random.Intn(3) == 0 {
				from = 0
			}
			f := s.raw(from, to, to < len(s.payload) || random.Intn(8) == 0)
			switch random.Intn(8) {
			case 0:
				f = s.forged(from, to)
			case 1:
				f = s.raw(from, to, random.Intn(4) > 0)
			case 2:
				f = f.padded(random.Intn(20))
			}
			copy(f.data[source+2:], u16(i))
			frames = append(frames, f)
		}
	}
	compare(t, frames, func(int) (name, why string) { return "random", "" })
}
