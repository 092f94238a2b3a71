package generate

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

func TestMessageBytes(t *testing.T) {
	var m message
	for range 2 { // a message that is used again remembers nothing
		m.start(0x1234, flagResponse|flagRecursionDesired|flagRecursionAvailable)
		m.question("www.acme.com", typeA)
		m.pointer(countAnswer, "www.acme.com", typeCNAME, 300, "cdn.acme.com")
		m.address(countAnswer, "cdn.acme.com", 60, netip.MustParseAddr("192.0.2.1"))
		m.address(countAnswer, "cdn.acme.com", 60, netip.MustParseAddr("2001:db8::1"))
		m.text(countAdditional, "net", 1, "a", "bc")
		m.options(1232, true, []byte{0, 10, 0, 1, 0xff})
	}
	want := "1234 8180 0001 0003 0000 0002" +
		"03777777 0461636d65 03636f6d 00 0001 0001" + // www at 12, acme at 16, com at 21
		"c00c 0005 0001 0000012c 0006 0363646e c010" + // cdn at 42
		"c02a 0001 0001 0000003c 0004 c0000201" +
		"c02a 001c 0001 0000003c 0010 20010db8000000000000000000000001" +
		"036e6574 00 0010 0001 00000001 0005 0161 026263" +
		"00 0029 04d0 00008000 0005 000a0001ff"
	if got := hex.EncodeToString(m.b); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("message %s, want %s", got, want)
	}
	if got := string(m.seen.appendColumns(nil)); got != ",www.acme.com,5,0x0001,0,192.0.2.1" {
		t.Errorf("columns %q", got)
	}
}

func TestAnswerColumns(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.7")
	make := func(rcode uint16, add ...func(*message)) answer {
		var m message
		m.start(1, flagResponse|rcode)
		for _, a := range add {
			a(&m)
		}
		return m.seen
	}
	opt := func(m *message) { m.options(512, false, nil) }
	srv := func(m *message) { m.end(m.record(countAnswer, "_sip._tcp.acme.com", typeSRV, 1)) }
	glue := func(m *message) { m.address(countAdditional, "mx.acme.com", 1, addr) }
	for name, c := range map[string]struct {
		first, second answer
		want          string
	}{
		"nothing":                     {make(5), make(5), ",,,,5,"},
		"options only":                {make(3, opt), make(0), ",<Root>,41,,3,"},
		"a service has its own name":  {make(0, srv, glue), make(0), ",mx.acme.com,33,0x0001,0,192.0.2.7"},
		"what the first has not":      {make(2, opt), make(0, glue), ",<Root>,41,0x0001,2,192.0.2.7"},
		"what neither has":            {make(0, srv), make(0, srv), ",,33,0x0001,0,"},
		"nothing in the first of two": {make(2), make(0, glue, opt), ",mx.acme.com,1,0x0001,2,192.0.2.7"},
	} {
		c.first.follow(c.second)
		if got := string(c.first.appendColumns(nil)); got != c.want {
			t.Errorf("%s: columns %q, want %q", name, got, c.want)
		}
	}
}

func TestNamesFitMessages(t *testing.T) {
	for _, n := range hostNames(newRandom(1, 'c'), 2000) {
		for _, label := range strings.Split(shortenLabels(n), ".") {
			if len(label) == 0 || len(label) > 63 {
				t.Fatalf("label %q of %s: %d bytes", label, n, len(label))
			}
		}
	}
	for name, want := range map[string]string{
		"www.acme.com": "acme.com", "acme.com": "acme.com", "a.b.acme.co.uk": "acme.co.uk",
	} {
		if got := apexOf(name); got != want {
			t.Errorf("apex of %s: %s, want %s", name, got, want)
		}
	}
	if got := reverseName(netip.MustParseAddr("192.0.2.34")); got != "34.2.0.192.in-addr.arpa" {
		t.Errorf("reverse name %s", got)
	}
}
