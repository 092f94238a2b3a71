package stream

import "testing"

func TestChain(t *testing.T) {
	cases := []struct {
		name  string
		p     []byte
		n     int // 0: all of p
		whole int
		ok    bool
	}{
		{"nothing", nil, 0, 0, true},
		{"too short to judge", msgA[:13], 0, 0, true},
		{"a message", msgA, 0, 1, true},
		{"a message and a half", join(msgA, msgB[:30]), 0, 1, true},
		{"a message that the capture cut", msgA[:20], 50, 1, true},
		{"a beginning", msgA[:30], 0, 0, true},
		{"header alone", bare(12), 0, 1, true},
		{"header with a tail but no records", framed(append(bare(12)[2:], 0, 0, 0, 0)), 0, 0, false},
		{"stateful operation", framed([]byte("\x00\x07\x30\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00")), 0, 1, true},
		{"root, any class", framed([]byte("\x00\x07\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xff")), 0, 1, true},
		{"update of no zone: OPT first", framed([]byte("\x00\x07\x81\x80\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00")), 0, 1, true},
		{"class unknown", framed([]byte("\x00\x07\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x09")), 0, 0, false},
		{"size where a question's class should be", framed([]byte("\x00\x07\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x29\x04\xd0")), 0, 0, false},
		{"label too long", framed([]byte("\x00\x07\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x7fxxxxxxxx")), 0, 0, false},
		{"compressed first name", framed([]byte("\x00\x07\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01")), 0, 0, false},
		{"opcode unknown", framed([]byte("\x00\x07\x39\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01")), 0, 0, false},
		{"more records than fit", framed([]byte("\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x02\x00\x01")), 0, 0, false},
		{"shorter than a header", bare(11), 0, 0, false},
		{"text", []byte("HTTP/1.1 200 OK\r\n\r\n"), 0, 0, false},
		{"end of a message", msgA[30:], 0, 0, false},
	}
	for _, c := range cases {
		n := c.n
		if n == 0 {
			n = len(c.p)
		}
		if whole, ok := chain(c.p, n); whole != c.whole || ok != c.ok {
			t.Errorf("%s: got %d, %v; want %d, %v", c.name, whole, ok, c.whole, c.ok)
		}
	}
}
