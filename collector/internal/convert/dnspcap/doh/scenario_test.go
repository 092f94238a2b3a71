package doh

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/stream"
)

// A scenario is a conversation. Frames 1 to 3 are its handshake; most greet in 4 and 5.
type scenario struct {
	name string
	port uint16 // 0: 80
	run  func(*conversation)
	want string // the frames with messages, and the names in these: "6=one two, 8=three"

	// theirs is what tshark prints if it isn't the same; "nothing" if no rows at all.
	theirs string
}

// served is a scenario's server that sends these payloads after the greeting.
func served(payloads ...string) func(*conversation) {
	return func(c *conversation) {
		c.greet()
		c.sendServer(payloads...)
	}
}

// upgraded switches from HTTP/1.1.
func upgraded(c *conversation) {
	c.sendClient("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	c.sendServer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + frameOf(settings, 0, 0))
	c.sendClient(preface + frameOf(settings, 0, 0))
	c.sendServer(headers(1) + data(1, answer("one")))
}

var (
	one, two, three = answer("one"), answer("two"), answer("three")

	plain      = headers(1) + data(1, one)
	bare       = one[:4] + "\x00\x00\x00\x00\x00\x00\x00\x00" // a header alone
	padded20   = headers(1) + withPadding(1, one, 20)
	pieces     = part(1, one[:10]) + part(1, "") + part(1, one[10:30]) + data(1, one[30:])
	notTheOnes = frameOf(0x5, 4, 1, "\x00\x00\x00\x02\x82") + frameOf(0x63, 0xff, 1, "abc") + frameOf(windowUpdate, 0, 1, "\x00\x00\x00\x01")
)

var scenarios = []scenario{
	{name: "one segment", run: served(plain), want: "6=one"},
	{name: "header split", run: served(plain[:len(plain)-len(one)-4], plain[len(plain)-len(one)-4:]), want: "7=one"},
	{name: "data split", run: served(plain[:40], plain[40:60], plain[60:]), want: "8=one"},
	{name: "last byte apart", run: served(plain[:len(plain)-1], plain[len(plain)-1:]), want: "7=one"},
	{name: "several DATA", run: served(headers(1), pieces), want: "7=one"},
	{name: "padding", run: served(padded20), want: "6=one"},
	{name: "padding split", run: served(padded20[:len(padded20)-5], padded20[len(padded20)-5:]), want: "7=one"},
	{name: "padding of length 0", run: served(headers(1) + withPadding(1, one, 0)), want: "6=one"},
	{name: "padding alone at the end", run: served(headers(1)+part(1, one), withPadding(1, "", 3)), want: "7=one"},
	{name: "more padding than payload", run: served(headers(1)+frameOf(dataFrame, endStream|padded, 1, "\x50", one), headers(3)+data(3, two)),
		want: "7=two", theirs: "6=one, 7=two"},
	{name: "end in an own frame", run: served(headers(1)+part(1, one), data(1, "")), want: "7=one"},
	{name: "trailers", run: served(headers(1)+part(1, one), trailers(1)), want: "7=one"},
	{name: "no end", run: served(headers(1)+part(1, one), frameOf(settings, ack, 0)), want: ""},
	{name: "interleaved", run: served(headers(1)+headers(3)+part(1, one[:10])+part(3, two[:12]), data(3, two[12:]), data(1, one[10:])), want: "7=two, 8=one"},
	{name: "two in a segment", run: served(headers(1) + headers(3) + data(1, one) + data(3, two)), want: "6=one two"},
	{name: "twice on a stream", run: served(plain, data(1, two), data(1, "")), want: "6=one, 7=two"},
	{name: "frames of other types", run: served(headers(1) + notTheOnes + data(1, one)), want: "6=one"},
	{name: "content in both directions", run: func(c *conversation) {
		c.sendClient(preface + frameOf(settings, 0, 0) + request(1, true) + data(1, two))
		c.sendServer(frameOf(settings, 0, 0) + plain)
	}, want: "4=two, 5=one"},
	{name: "reset by the client", run: func(c *conversation) {
		served(headers(1) + part(1, one))(c)
		c.sendClient(frameOf(resetFrame, 0, 1, "\x00\x00\x00\x08"))
		c.sendServer(data(1, ""))
	}, want: "8=one"},
	{name: "reset by the server", run: served(headers(1)+part(1, one)+frameOf(resetFrame, 0, 1, "\x00\x00\x00\x08"), data(1, "")), want: "7=one"},
	{name: "header alone", run: served(headers(1) + data(1, bare)), want: "6=-"},
	{name: "two octets too many", run: served(headers(1) + data(1, one+"ab")), want: "", theirs: "6=one"},
	{name: "record cut", run: served(headers(1) + data(1, one[:len(one)-2])), want: "", theirs: "6=one"},
	{name: "of another opcode", run: served(headers(1) + data(1, one[:2]+"\xa8"+one[3:])), want: "", theirs: "6=one"},
	{name: "of no type", run: served(frameOf(headersFrame, endHeaders, 1, "\x88") + data(1, one)), want: "6=one", theirs: "nothing"},

	{name: "port of http-alt", port: 8080, run: served(plain), want: "6=one"},
	{name: "port of a proxy", port: 3128, run: served(plain), want: "6=one"},
	{name: "ports in the list's midst", port: 5985, run: served(plain), want: "6=one"},
	{name: "port of ipp", port: 631, run: served(plain), want: ""},
	{name: "port of https", port: 443, run: served(plain), want: ""},
	{name: "any port", port: 9999, run: served(plain), want: ""},
	{name: "upgrade", run: upgraded, want: "7=one"},
	{name: "upgrade on any port", port: 9999, run: upgraded, want: "", theirs: "7=one"},
	{name: "server first", run: func(c *conversation) {
		c.sendServer(frameOf(settings, 0, 0))
		c.sendClient(preface + frameOf(settings, 0, 0) + request(1, false))
		c.sendServer(plain)
	}, want: "6=one"},
	{name: "server first, not acknowledged yet", run: func(c *conversation) {
		c.sendServer(frameOf(settings, 0, 0))
		c.sendClient(preface + frameOf(settings, 0, 0) + request(1, false))
		c.segments[len(c.segments)-1].Ack -= frameHeader
		c.flags(0, "A")
		c.sendServer(plain)
	}, want: "7=one"},
	{name: "no preface", run: func(c *conversation) {
		c.sendClient(frameOf(settings, 0, 0) + request(1, false))
		c.sendServer(frameOf(settings, 0, 0) + plain)
	}, want: ""},

	{name: "retransmitted", run: func(c *conversation) {
		served(headers(1), data(1, one))(c)
		c.next[1] -= frameHeader + uint32(len(one))
		c.sendServer(data(1, one))
	}, want: "7=one"},
	{name: "overlapping", run: func(c *conversation) {
		served(headers(1), data(1, one)[:20])(c)
		c.next[1] -= 5
		c.sendServer(data(1, one)[15:])
	}, want: "8=one", theirs: "nothing"},
	{name: "out of order", run: func(c *conversation) {
		served(headers(1), data(1, one)[:20], data(1, one)[20:30], data(1, one)[30:], headers(3)+data(3, two))(c)
		n := len(c.segments)
		c.segments[n-4], c.segments[n-2] = c.segments[n-2], c.segments[n-4]
	}, want: "9=one, 10=two", theirs: "nothing"},
	{name: "a frame lost", run: func(c *conversation) {
		served(headers(1)+headers(3), data(1, one))(c)
		c.segments = c.segments[:len(c.segments)-1]
		c.flags(0, "A")
		c.sendServer(data(3, two))
	}, want: "8=two"},
	{name: "half a frame lost", run: func(c *conversation) {
		served(headers(1), data(1, one)[:20], data(1, one)[20:])(c)
		n := len(c.segments)
		c.segments = append(c.segments[:n-2], c.segments[n-1])
		c.flags(0, "A")
		c.sendServer(headers(3)+part(3, two), data(3, ""), headers(5)+data(5, three))
	}, want: "10=two, 11=three", theirs: "nothing"},
	{name: "cut by the snap length", run: func(c *conversation) {
		served(headers(1) + data(1, one) + headers(3) + data(3, two))(c)
		c.cut(10)
		c.sendServer(headers(5) + data(5, three))
	}, want: "6=one, 7=three"},
	{name: "at the end of the connection", run: func(c *conversation) {
		served(headers(1) + data(1, one)[:20])(c)
		c.segment(1, "FA", data(1, one)[20:])
	}, want: "7=one"},
	{name: "after a reset", run: func(c *conversation) {
		served(plain)(c)
		c.flags(0, "RA")
		c.sendServer(headers(3) + data(3, two))
	}, want: "6=one, 8=two"},
	{name: "ports used again", run: func(c *conversation) {
		served(plain, headers(3)+part(3, two))(c)
		c.next = [2]uint32{900000000, 700000000}
		c.open()
		served(headers(3)+data(3, three), data(1, ""))(c)
	}, want: "6=one, 13=three", theirs: "6=one, 13=two"}, // it adds to what the old stream 3 left
}

// conversations gives each scenario a port of its own.
func conversations() (all []*conversation) {
	for i, s := range scenarios {
		if s.port == 0 {
			s.port = 80
		}
		c := begin(uint16(40000+i), s.port)
		s.run(c)
		all = append(all, c)
	}
	return all
}

func TestScenarios(t *testing.T) {
	for i, c := range conversations() {
		if got := list(names(t, c.segments), 0, len(c.segments)); got != scenarios[i].want {
			t.Errorf("%s: got %q, want %q", scenarios[i].name, got, scenarios[i].want)
		}
	}
}

// TestTshark compares what the scenarios say of tshark with what it prints.
func TestTshark(t *testing.T) {
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Skipf("needs tshark to compare with: %v", err)
	}
	var segments []*stream.Segment
	for _, c := range conversations() {
		segments = append(segments, c.segments...)
	}
	file := filepath.Join(t.TempDir(), "doh.pcap")
	if err := os.WriteFile(file, captureOf(t, segments), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "-n", "-r", file, "-T", "fields",
		"-e", "frame.number", "-e", "dns.qry.name", "dns.flags.response == 1").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	for line := range strings.Lines(string(out)) {
		number, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		if names == "" {
			names = "-"
		}
		found[n-1] = strings.ReplaceAll(names, ",", " ")
	}
	from := 0
	for i, c := range conversations() {
		want := scenarios[i].want
		if theirs := scenarios[i].theirs; theirs != "" {
			want = strings.TrimPrefix(theirs, "nothing")
		}
		if got := list(found, from, from+len(c.segments)); got != want {
			t.Errorf("%s: tshark prints %q, not %q", scenarios[i].name, got, want)
		}
		from += len(c.segments)
	}
}

// list prints what was found in the frames of the indices from one to before another.
func list(found map[int]string, from, to int) string {
	var out []string
	for i := from; i < to; i++ {
		if found[i] != "" {
			out = append(out, fmt.Sprintf("%d=%s", i-from+1, found[i]))
		}
	}
	return strings.Join(out, ", ")
}
