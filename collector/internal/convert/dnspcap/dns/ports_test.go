package dns

import "testing"

func TestPorts(t *testing.T) {
	for _, test := range []struct {
		src, dst uint16
		want     Verdict
	}{
		{53, 40000, DNS},
		{40000, 53, DNS},
		{5353, 5353, MulticastDNS},
		{5355, 50000, DNS},
		{5353, 5355, MulticastDNS},
		{53, 5353, DNS},
		{53, 137, DNS},
		{137, 5353, Claimed}, // NetBIOS names
		{53, 13, Claimed},
		{8053, 40000, Unclaimed},
		{5060, 40000, Unclaimed}, // SIP declines what isn't SIP
		{40000, 123, Claimed},
		{40000, 34962, Claimed},
		{8755, 40000, Claimed},
		{40000, 8755, Unclaimed},
		{1985, 40000, Unclaimed},
		{40000, 1985, Claimed},
		{0, 65535, Unclaimed},
	} {
		if got := PortUDP(test.src, test.dst); got != test.want {
			t.Errorf("from %d to %d: %d, want %d", test.src, test.dst, got, test.want)
		}
	}
	for _, port := range []uint16{53, 5353} {
		if !PortTCP(port, 40000) || !PortTCP(40000, port) {
			t.Errorf("TCP port %d isn't DNS", port)
		}
	}
	if PortTCP(5355, 40000) {
		t.Error("TCP port 5355 is DNS")
	}
}

func TestLooksLike(t *testing.T) {
	for _, test := range []struct {
		name   string
		msg    []byte
		length int // more than is captured, if not 0
		want   bool
	}{
		{name: "a query", msg: testMessage(0x0100, [4]byte{1}, question), want: true},
		{name: "a query with EDNS", msg: testMessage(0x0100, [4]byte{1, 0, 0, 10}, question), want: true},
		{name: "a query of nothing", msg: testMessage(0x0100, [4]byte{}, question)},
		{name: "a query with an answer", msg: testMessage(0x0100, [4]byte{1, 1}, question)},
		{name: "a query with an authority", msg: testMessage(0x0100, [4]byte{1, 0, 1}, question)},
		{name: "a response", msg: testMessage(0x8180, [4]byte{1, 1}, question), want: true},
		{name: "a response to nothing", msg: testMessage(0x8180, [4]byte{}, "\x00"), want: true},
		{name: "a full response", msg: testMessage(0x87ff, [4]byte{1, 100, 10, 10}, question), want: true},
		{name: "two questions", msg: testMessage(0x8180, [4]byte{2}, question)},
		{name: "101 answers", msg: testMessage(0x8180, [4]byte{1, 101}, question)},
		{name: "11 authorities", msg: testMessage(0x8180, [4]byte{1, 1, 11}, question)},
		{name: "11 additionals", msg: testMessage(0x8180, [4]byte{1, 1, 1, 11}, question)},
		{name: "an update", msg: testMessage(0xa800, [4]byte{1}, question)},
		{name: "a header", msg: testMessage(0x8180, [4]byte{1})},
		{name: "a header, cut there", msg: testMessage(0x8180, [4]byte{1}), length: 13, want: true},
		{name: "less than a header", msg: testMessage(0x8180, [4]byte{1})[:11], length: 40},
		{name: "nothing"},
	} {
		if got := LooksLike(test.msg, max(test.length, len(test.msg))); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
