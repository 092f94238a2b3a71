package stream

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	msgA, msgB, msgC, msgD = framed(message(1)), framed(message(2)), framed(message(3)), framed(message(4))
	long                   = framed(text(9, 300))
	huge                   = framed(text(10, 65000))
)

// odd is no sound DNS message.
var odd = framed([]byte("\x00\x07\xff\x80\xff\xff\xff\xff\xff\xff\xff\xff"))

const (
	size   = 50  // of msgA and so on
	length = 344 // of long
)

var handshake = []step{
	{client: true, seq: 499, flags: "S"},
	{seq: 999, ack: 500, flags: "SA"},
	client(1000, "A"),
}

// opened is a scenario that begins with a handshake; the server's first byte has number 1000.
func opened(name string, steps ...step) scenario {
	return scenario{name, append(slices.Clone(handshake), steps...)}
}

// midway is one whose beginning the capture hasn't got.
func midway(name string, steps ...step) scenario { return scenario{name, steps} }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// inSegments cuts data into segments of n bytes; the last one completes want.
func inSegments(seq uint32, data []byte, n int, want string) (steps []step) {
	for len(data) > n {
		steps = append(steps, server(seq, data[:n], ""))
		seq, data = seq+uint32(n), data[n:]
	}
	return append(steps, server(seq, data, want))
}

// bare is a message that is nothing but n bytes of a response's header.
func bare(n int) []byte { return framed(append([]byte{0, 7, 0x81, 0x80}, make([]byte, 8)...)[:n]) }

var scenarios = slices.Concat(inOrder, repeated, disordered, entered, torn, ports)

var inOrder = []scenario{
	opened("a message a segment", server(1000, msgA, "1"), server(1050, msgB, "2")),
	opened("several in one", server(1000, join(msgA, msgB, msgC[:10]), "1 2"), server(1110, join(msgC[10:], msgD), "3 4")),
	opened("split", server(1000, msgA[:20], ""), server(1020, join(msgA[20:], msgB), "1 2")),
	opened("length bytes split", server(1000, msgA[:1], ""), server(1001, msgA[1:2], ""), server(1002, msgA[2:], "1"), server(1050, msgB, "2")),
	opened("length bytes alone", server(1000, msgA[:2], ""), server(1002, msgA[2:], "1")),
	opened("length bytes split behind a message", server(1000, join(msgA, msgB[:1]), "1"), server(1051, msgB[1:], "2")),
	opened("64 KiB", append(inSegments(1000, huge, 1400, "10"), server(1000+uint32(len(huge)), msgB, "2"))...),
	opened("both sides", step{client: true, seq: 500, ack: 1000, flags: "A", data: msgA, wire: size, want: "1", tshark: "1"}, server(1000, msgB, "2")),
	opened("fin with data", server(1000, msgA[:20], ""), server(1020, msgA[20:], "1").with("FA"), client(1051, "FA")),
	opened("fin in a message", server(1000, msgA[:20], "").with("FA"), server(1021, msgB, "")),
	opened("data of a reset", server(1000, msgA, "").with("RA")),
	opened("data after a reset", server(1000, msgA[:20], ""), client(1020, "R"), server(1020, msgA[20:], "1"), server(1050, msgB, "2")),
	scenario{"data with the syn", []step{
		{client: true, seq: 499, flags: "S", data: msgC, wire: size, want: "3", tshark: "3"},
		server(999, msgA[:20], "").with("SA"), server(1020, join(msgA[20:], msgB), "1 2"),
	}},
	scenario{"sequence numbers wrap", []step{
		{client: true, seq: 499, flags: "S"}, {seq: 0xffffffeb, ack: 500, flags: "SA"},
		server(0xffffffec, msgA[:10], ""), server(0xfffffff6, msgA[10:30], ""), server(10, join(msgA[30:], msgB), "1 2"), server(80, msgC, "3"),
	}},
	scenario{"sequence numbers begin at 0", []step{
		{client: true, seq: 499, flags: "S"}, {seq: 0xffffffff, ack: 500, flags: "SA"},
		server(0, msgA[:10], ""), server(10, msgA[10:], "1"), server(size, msgC, "3"),
	}},
	opened("empty message", server(1000, join([]byte{0, 0}, msgA), "1"), server(1052, []byte{0, 0}, ""), server(1054, msgB, "2")),
	opened("short messages", server(1000, join(bare(5), bare(11), msgA), "7 7 1"), server(1070, msgB, "2")),
	opened("short message split", server(1000, bare(5)[:4], ""), server(1004, join(bare(5)[4:], msgA), "7 1")),
	opened("header alone", server(1000, join(bare(12), msgA), "7 1")),
	opened("something else", server(1000, []byte("HTTP/1.1 200 OK\r\n\r\n"), ""), server(1019, msgA, ""), server(1069, msgB, "")),
	opened("length 65535", server(1000, []byte("\xff\xff\x00\x01\x81\x80"), ""), server(1006, msgA, "")),
}

var repeated = []scenario{
	opened("message again", server(1000, msgA, "1"), server(1000, msgA, ""), server(1050, msgB, "2")),
	opened("first part again", server(1000, msgA[:20], ""), server(1000, msgA[:20], ""), server(1020, msgA[20:], "1")),
	opened("first part again, later", server(1000, msgA[:20], ""), server(1020, msgA[20:30], ""), server(1000, msgA[:20], ""), server(1030, msgA[30:], "1")),
	opened("first part again, other bytes", server(1000, msgA[:20], ""), server(1000, msgB[:20], ""), server(1020, msgA[20:], "1")),
	opened("middle again", server(1000, join(msgA, msgB), "1 2"), server(1010, msgA[10:], ""), server(1100, msgC, "3")),
	opened("again with more", server(1000, msgA, "1"), server(1000, join(msgA, msgB), "2").unlike(""), server(1100, msgC, "3")),
	opened("overlap with more", server(1000, msgA, "1"), server(1010, join(msgA[10:], msgB), "2").unlike(""), server(1100, msgC, "3")),
	opened("overlap in a message", server(1000, msgA[:20], ""), server(1010, msgA[10:], "1").unlike(""), server(1050, msgB, "2")),
	opened("after both fins", server(1000, msgA, "1").with("FA"), client(1051, "FA"), server(1000, msgA, "").with("FA")),
	opened("keep-alive", server(1000, msgA, "1"), server(1049, []byte{0}, ""), client(1050, "A"), server(1050, msgB, "2")),
	opened("keep-alive in a message", server(1000, msgA[:20], ""), server(1019, []byte{0}, ""), client(1020, "A"), server(1020, msgA[20:], "1")),
	opened("keep-alive first", server(999, []byte{0}, ""), server(1000, msgA, "1")),
	midway("keep-alive first, no syn", client(1000, "A"), server(999, []byte{0}, ""), server(1000, msgA, "1"), server(1050, msgB, "2")),
	opened("zero window probe", server(1000, msgA, "1"), client(1050, "A"), server(1050, msgB[:1], ""), client(1050, "A"), server(1050, msgB, "2")),
	opened("zero window probe taken", server(1000, msgA, "1"), client(1050, "A"), server(1050, msgB[:1], ""), client(1051, "A"), server(1051, msgB[1:], "2")),
	opened("zero window probe in a message", server(1000, msgA[:20], ""), server(1020, msgA[20:21], ""), client(1020, "A"), server(1020, msgA[20:], "1")),
}

var disordered = []scenario{
	opened("messages swapped", server(1000, msgA, "1"), server(1100, msgC, "3"), server(1050, msgB, "2").unlike(""), server(1150, msgD, "4")),
	opened("first two swapped", server(1050, msgB, "2"), server(1000, msgA, "1").unlike(""), server(1100, msgC, "3")),
	opened("parts swapped", server(1000, msgA[:20], ""), server(1030, msgA[30:], ""), server(1020, msgA[20:30], "1").unlike(""), server(1050, msgB, "2")),
	opened("parts reversed", server(1030, msgA[30:], ""), server(1020, msgA[20:30], ""), server(1000, msgA[:20], "1").unlike(""), server(1050, msgB, "2").unlike("")),
	opened("late part with the next message", server(1000, msgA[:20], ""), server(1030, join(msgA[30:], msgB), "2"), server(1020, msgA[20:30], "1").unlike(""), server(1100, msgC, "3")),
	opened("late one wider than the gap", server(1000, msgA, "1"), server(1100, msgC, "3"), server(1050, join(msgB, msgC), "2").unlike(""), server(1150, msgD, "4")),
	opened("later one again", server(1000, msgA, "1"), server(1100, msgC, "3"), server(1100, msgC, ""), server(1050, msgB, "2").unlike("")),
	opened("acknowledged first", client(1050, "A"), server(1000, msgA, "1").unlike(""), server(1050, msgB, "2")),
	opened("syn behind its data", server(1000, msgA, "1"), step{seq: 999, ack: 500, flags: "SA"}, server(1050, msgB, "2")),
	midway("earlier one after the first", server(1050, msgB, "2"), server(1000, msgA, "1").unlike(""), server(1050, msgB, ""), server(1000, msgA, ""), server(1100, msgC, "3")),
	opened("claims the bytes of a later one", server(1100, msgB, "2"), server(1000, long[:100], ""), server(1150, msgC, "3")),
}

var entered = []scenario{
	midway("in order", server(1000, msgA, "1"), server(1050, msgB, "2")),
	midway("split", server(1000, msgA[:20], ""), server(1020, msgA[20:], "1"), server(1050, msgB, "2")),
	midway("one byte first", server(1000, msgA[:1], ""), server(1001, msgA[1:], "1"), server(1050, msgB, "2")),
	midway("in a message", server(1020, msgA[20:], ""), server(1050, msgB, "2").unlike(""), server(1100, msgC, "3").unlike("")),
	midway("odd message", server(1000, odd, "7"), server(1014, msgA, "1")),
	opened("odd message behind others", server(1000, join(msgA, odd, msgB), "1 7 2")),
	opened("lost, then an odd message", server(1000, msgA, "1"), client(1100, "A"), server(1100, odd, "").unlike("7"), server(1114, msgC, "3")),
	opened("lost, acknowledged, then an odd message", server(1000, msgA[:20], ""), server(1100, msgC[:20], ""), client(1120, "A"), server(1120, join(msgC[20:], odd), "3 7")),
	opened("message lost", server(1000, msgA, "1"), server(1100, msgC, "3"), server(1150, msgD, "4")),
	opened("message lost, acknowledged", server(1000, msgA, "1"), client(1100, "A"), server(1100, msgC, "3")),
	opened("message lost, odd one behind the next", server(1000, msgA, "1"), server(1100, msgC, "3"), server(1150, odd, "7"), server(1164, msgD, "4")),
	opened("end of message lost", server(1000, msgA[:20], ""), server(1050, msgB, "2"), server(1100, msgC, "3")),
	opened("middle of message lost", server(1000, msgA[:20], ""), server(1030, msgA[30:], ""), server(1050, msgB, "2"), server(1100, msgC, "3")),
	opened("end of message and more lost", server(1000, msgA[:20], ""), client(1100, "A"), server(1100, msgC, "3"), server(1150, msgD, "4")),
	opened("beginning lost", server(1000, msgA, "1"), server(1070, msgB[20:], ""), server(1100, msgC, "3").unlike(""), server(1150, msgD, "4").unlike("")),
	opened("beginning lost, acknowledged", server(1000, msgA, "1"), client(1100, "A"), server(1070, msgB[20:], ""), server(1100, msgC[:20], ""), server(1120, msgC[20:], "3")),
	opened("lost, then split", server(1000, msgA, "1"), server(1100, msgC[:20], ""), server(1120, msgC[20:], "3"), server(1150, msgD, "4")),
	opened("lost, then split twice", server(1000, msgA, "1"), server(1100, msgC[:20], ""), server(1120, join(msgC[20:], msgD[:20]), "3"), server(1170, msgD[20:], "4")),
	opened("in a message lost, then split", server(1000, msgA[:20], ""), server(1050, msgB[:20], ""), server(1070, msgB[20:], "2"), server(1100, msgC, "3")),
	opened("lost, acknowledged after the part", server(1000, msgA[:20], ""), server(1100, msgC[:20], ""), client(1120, "A"), server(1120, join(msgC[20:], msgD), "3 4")),
	opened("far ahead and back", server(1000, msgA, "1"), server(1000+40<<20, msgB, "2"), server(1050+40<<20, msgC, "3"), server(1050, msgD, "4").unlike("")),
}

// torn are messages whose segments the snap length cut.
var torn = []scenario{
	opened("message", server(1000, msgA, "1~").cut(40), server(1050, msgB, "2")),
	opened("second message", server(1000, join(msgA, msgB), "1 2~").cut(90), server(1100, msgC, "3")),
	opened("within the header", server(1000, msgA, "1~").cut(8), server(1050, msgB, "2")),
	opened("within the length bytes", server(1000, msgA, "").cut(1), server(1050, msgB, "2")),
	opened("after the length bytes", server(1000, msgA, "").cut(2), server(1050, msgB, "2")),
	opened("nothing left", server(1000, msgA, "").cut(0), server(1050, msgB, "2")),
	opened("message in two", server(1000, msgA[:30], "1~").cut(10), server(1030, msgA[30:], ""), server(1050, msgB, "2")),
	opened("message in two, both cut", server(1000, long[:200], "9~").cut(60), server(1200, long[200:], "").cut(60), server(1000+length+2, msgB, "2").unlike("")),
	opened("second part", server(1000, long[:200], ""), server(1200, long[200:], "9~").cut(60).unlike(""), server(1000+length+2, msgB, "2").unlike("")),
	opened("second part and the next", server(1000, msgA[:30], ""), server(1030, join(msgA[30:], msgB), "1 2~").cut(40).unlike(""), server(1100, msgC, "3").unlike("")),
	opened("third message out of sight", server(1000, join(msgA, msgB, msgC), "1 2~").cut(80), server(1150, msgD, "4")),
	opened("next begins in sight", server(1000, join(msgA, msgB[:30]), "1 2~").cut(70), server(1080, msgB[30:], ""), server(1100, msgC, "3")),
	opened("again in full", server(1000, msgA, "1~").cut(40), server(1000, msgA, ""), server(1050, msgB, "2")),
	opened("behind a gap", server(1000, msgA, "1"), server(1100, msgC, "3~").cut(40), server(1150, msgD, "4")),
	opened("behind a gap that fills", server(1000, msgA, "1"), server(1100, msgC, "3~").cut(40), server(1050, msgB, "2").unlike(""), server(1150, msgD, "4")),
	opened("behind a gap, again", server(1000, msgA, "1"), server(1100, msgC, "3~").cut(40), server(1100, msgC, "").cut(45), server(1150, msgD, "4")),
	opened("before the end of its message", server(1000, msgA, "1"), server(1190, msgD[40:], ""), server(1100, join(msgC, msgD[:30]), "3 4~").cut(60).unlike(""),
		server(1050, msgB, "2").unlike(""), server(1200, msgA, "1").unlike("")),
	opened("first part again, cut", server(1000, msgA[:30], ""), server(1010, msgA[10:30], "").cut(5), server(1030, msgA[30:], "1")),
	opened("late part with what came before it", server(1000, msgA[:20], ""), server(1050, msgB, "2"), server(1020, join(msgA[20:], msgB), "").cut(60), server(1100, msgC, "3")),
	midway("no syn", server(1000, msgA, "1~").cut(40), server(1050, msgB, "2~").cut(40)),
}

// ports are connections on the ports of others.
var ports = []scenario{
	opened("used again", server(1000, msgA, "1"),
		step{client: true, seq: 5000499, flags: "S"}, step{seq: 7000999, ack: 5000500, flags: "SA"}, server(7001000, msgB, "2"), server(7001050, msgC, "3")),
	opened("used again, in a message", server(1000, msgA[:20], ""),
		step{client: true, seq: 5000499, flags: "S"}, step{seq: 7000999, ack: 5000500, flags: "SA"}, server(7001000, msgB, "2")),
	opened("used again, close by", server(1000, msgA[:20], ""),
		step{client: true, seq: 699, flags: "S"}, step{seq: 1009, ack: 700, flags: "SA"}, server(1010, msgB, "2"), server(1060, msgC, "3")),
	opened("used again after the end", server(1000, msgA, "1").with("FA"), client(1051, "FA"),
		step{client: true, seq: 599, flags: "S"}, step{seq: 999, ack: 600, flags: "SA"}, server(1000, msgB, "2")),
	opened("syn repeated", server(1000, msgA[:20], ""), step{seq: 999, ack: 500, flags: "SA"}, server(1020, msgA[20:], "1"),
		step{client: true, seq: 499, flags: "S"}, server(1050, msgB, "2")),
	midway("only the answer to the syn", server(100000, msgA, "1"), step{seq: 4999, ack: 500, flags: "SA"}, server(5000, msgB, "2").unlike(""), server(5050, msgC, "3").unlike("")),
}

func TestTable(t *testing.T) {
	table := NewTable()
	for i, sc := range scenarios {
		for j, s := range sc.steps {
			if got := responses(table, s.segment(uint16(20000+i))); got != s.want {
				t.Errorf("%s: step %d (number %d): got %q, want %q", sc.name, j, s.seq, got, s.want)
			}
			check(t, table)
		}
	}
	for i := range table.conns[1:] {
		c := &table.conns[i+1]
		table.drop(&c.half[0])
		table.drop(&c.half[1])
	}
	if table.held != 0 {
		t.Errorf("%d bytes held with nothing waiting", table.held)
	}
}

// TestTshark compares with tshark's rows, frame by frame. A step where we do better has tshark's row apart.
func TestTshark(t *testing.T) {
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not on the PATH")
	}
	file := filepath.Join(t.TempDir(), "streams.pcap")
	if err := os.WriteFile(file, capture(scenarios), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-r", file, "-T", "fields", "-e", "frame.number", "-e", "dns.id", "dns.flags.response == 1").Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]string{}
	for line := range strings.Lines(string(out)) {
		frame, ids, _ := strings.Cut(strings.TrimSpace(line), "\t")
		n, err := strconv.Atoi(frame)
		if err != nil {
			t.Fatalf("tshark printed %q", line)
		}
		rows[n] = ids
	}
	frame := 0
	for _, sc := range scenarios {
		for j, s := range sc.steps {
			frame++
			var want []string
			for _, id := range strings.Fields(strings.ReplaceAll(s.tshark, "~", "")) {
				n, _ := strconv.Atoi(id)
				want = append(want, "0x"+strconv.FormatUint(uint64(1<<16+n), 16)[1:])
			}
			if got := rows[frame]; got != strings.Join(want, ",") {
				t.Errorf("%s: step %d (number %d): tshark says %q, not %q", sc.name, j, s.seq, got, s.tshark)
			}
		}
	}
}

// TestRealGap follows a real capture in which the capture lost a packet.
func TestRealGap(t *testing.T) {
	b, err := os.ReadFile("../../../../../../shared/data/dns/real/suricata_dns-tcp-ts-gap.pcap")
	if err != nil {
		t.Skip("no real captures here: ", err)
	}
	table, got := NewTable(), []string{}
	for n, b := 1, b[24:]; len(b) > 16; n++ {
		end := 16 + binary.LittleEndian.Uint32(b[8:])
		if ids := responses(table, parse(b[16+14:end])); ids != "" {
			got = append(got, strconv.Itoa(n)+": "+ids)
		}
		b = b[end:]
	}
	if want := []string{"6: 0", "8: 1", "11: 2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// parse reads an IPv4 packet with TCP.
func parse(ip []byte) *Segment {
	be := binary.BigEndian
	ip = ip[:be.Uint16(ip[2:])]
	tcp := ip[int(ip[0]&15)*4:]
	s := &Segment{Key: Key{SrcPort: be.Uint16(tcp), DstPort: be.Uint16(tcp[2:])}, Seq: be.Uint32(tcp[4:]), Ack: be.Uint32(tcp[8:])}
	copy(s.Src[:], ip[12:16])
	copy(s.Dst[:], ip[16:20])
	s.FIN, s.SYN, s.RST, s.HasAck = tcp[13]&1 > 0, tcp[13]&2 > 0, tcp[13]&4 > 0, tcp[13]&16 > 0
	s.Payload = tcp[int(tcp[12]>>4)*4:]
	s.Length = len(s.Payload)
	return s
}
