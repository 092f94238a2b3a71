package dns

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// testMessage makes a message of its flags, its counts and the rest.
func testMessage(flags uint16, counts [4]byte, rest ...string) []byte {
	msg := []byte{0x12, 0xab, byte(flags >> 8), byte(flags)}
	for _, n := range counts {
		msg = append(msg, 0, n)
	}
	return append(msg, strings.Join(rest, "")...)
}

// testRecord makes a record of IN, with a TTL of 60.
func testRecord(name string, kind uint16, data string) string {
	return name + string([]byte{byte(kind >> 8), byte(kind), 0, 1, 0, 0, 0, 60, byte(len(data) >> 8), byte(len(data))}) + data
}

// row joins fields' texts with '|'.
func row(f *Fields, fields []Field) string {
	var b []byte
	for i, field := range fields {
		if i > 0 {
			b = append(b, '|')
		}
		b = f.Append(b, field)
	}
	return string(b)
}

const (
	question = "\x01q\x00\x00\x01\x00\x01"
	address  = "\xc0\x00\x02\x01" // 192.0.2.1
)

const owner = "\x01a\x00"

// rowTests have the documented fields: dns.resp.name, type, class, rcode, a.
var rowTests = []struct {
	name      string
	msg       []byte
	multicast bool
	want      string
	query     bool
}{
	{name: "an address", msg: testMessage(0x8180, [4]byte{1, 1}, question, testRecord(owner, typeA, address)), want: "a|1|0x0001|0|192.0.2.1"},
	{name: "none", msg: testMessage(0x8183, [4]byte{1}, question), want: "|||3|"},
	{name: "a query", msg: testMessage(0x0105, [4]byte{1, 1}, question, testRecord(owner, typeA, address)), want: "a|1|0x0001||192.0.2.1", query: true},
	{name: "an authority", msg: testMessage(0x8180, [4]byte{1, 0, 1}, question, testRecord(owner, typeNS, "\xc0\x0c")), want: "a|2|0x0001|0|"},
	{name: "the address follows", msg: testMessage(0x8180, [4]byte{0, 1, 0, 1}, testRecord(owner, typeNS, "\xc0\x0c"), testRecord("\x01b\x00", typeA, address)),
		want: "a|2|0x0001|0|192.0.2.1"},
	{name: "EDNS", msg: testMessage(0x8180, [4]byte{0, 0, 0, 1}, testRecord("\x00", typeOPT, "")), want: "<Root>|41||0|"},
	{name: "EDNS first", msg: testMessage(0x8180, [4]byte{0, 1, 0, 1}, testRecord("\x00", typeOPT, ""), testRecord(owner, typeA, address)),
		want: "<Root>|41|0x0001|0|192.0.2.1"},
	{name: "a service has no name", msg: testMessage(0x8400, [4]byte{0, 1}, testRecord(owner, typeSRV, "\x00\x01\x00\x02\x00\x03\xc0\x0c")), want: "|33|0x0001|0|"},
	{name: "a service before an address", msg: testMessage(0x8400, [4]byte{0, 2}, testRecord(owner, typeSRV, "\x00\x01\x00\x02\x00\x03\xc0\x0c"),
		testRecord("\x01b\x00", typeA, address)), want: "b|33|0x0001|0|192.0.2.1"},
	{name: "a flag in the class", msg: testMessage(0x8400, [4]byte{0, 1}, owner+"\x00\x01\x80\x01\x00\x00\x00\x3c\x00\x04"+address), want: "a|1|0x8001|0|192.0.2.1"},
	{name: "multicast", msg: testMessage(0x8400, [4]byte{0, 1}, owner+"\x00\x01\x80\x01\x00\x00\x00\x3c\x00\x04"+address), multicast: true,
		want: "a|1|0x0001|0|192.0.2.1"},
	{name: "an address of 5 bytes", msg: testMessage(0x8180, [4]byte{0, 1}, testRecord(owner, typeA, address+"\x00")), want: "a|1|0x0001|0|192.0.2.1"},
	{name: "an address of 3 bytes", msg: testMessage(0x8180, [4]byte{0, 1}, testRecord(owner, typeA, address[:3])), want: "a|1|0x0001|0|"},
	{name: "an address of 3 bytes, more behind", msg: testMessage(0x8180, [4]byte{0, 1}, testRecord(owner, typeA, address[:3]), "\x99"), want: "a|1|0x0001|0|192.0.2.153"},
	{name: "an address of no bytes", msg: testMessage(0x8180, [4]byte{0, 1}, testRecord(owner, typeA, ""), address), want: "a|1|0x0001|0|"},
	{name: "more records than there are", msg: testMessage(0x8180, [4]byte{0, 9}, testRecord(owner, typeA, address)), want: "a|1|0x0001|0|192.0.2.1"},
	{name: "more questions than there are", msg: testMessage(0x8180, [4]byte{2, 1}, question, testRecord(owner, typeA, address)), want: "|||0|"},
	{name: "a record cut", msg: testMessage(0x8180, [4]byte{0, 1}, testRecord(owner, typeA, address)[:16]), want: "|||0|"},
	{name: "a header cut", msg: []byte("\x00\x00\x81\x82"), want: "|||2|"},
	{name: "no header", msg: []byte("\x00\x00\x81"), want: "||||", query: true},
	{name: "nothing", want: "||||", query: true},
}

func TestRows(t *testing.T) {
	for _, test := range rowTests {
		f := New(documented...)
		f.Add(test.msg, test.multicast)
		if got := row(f, documented); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if f.IsResponse() == test.query {
			t.Errorf("%s: taken for a response: %t", test.name, f.IsResponse())
		}
	}
}

func TestEveryField(t *testing.T) {
	all := make([]Field, fieldCount)
	for i := range all {
		all[i] = Field(i)
		if got, ok := FieldNamed(all[i].String()); !ok || got != all[i] {
			t.Errorf("%s is found as %d, %t", all[i], got, ok)
		}
	}
	if _, ok := FieldNamed("dns.time"); ok {
		t.Error("dns.time is found")
	}
	f := New(all...)
	f.Add(testMessage(0x8483, [4]byte{1, 2, 3, 4}, question, testRecord("\xc0\x0c", typeCNAME, "\x03foo\xc0\x0c"),
		testRecord("\x00", typeAAAA, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x01")), false)
	want := "q|5|0x0001|60|6|3||2001:db8::1|foo.q|q|1|0x0001|0x12ab|1|0|1|2|3|4|||"
	if got := row(f, all); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	f.Reset()
	f.Add(testMessage(0xa800, [4]byte{1, 2, 3, 4}), false)
	if got, want := row(f, all), "|||||0|||||||0x12ab|1|5||||4|1|2|3"; got != want {
		t.Errorf("an update: got %s, want %s", got, want)
	}
}

func TestSeveralMessages(t *testing.T) {
	f := New(documented...)
	f.Add(testMessage(0x0100, [4]byte{1}, question), false)
	f.Add(testMessage(0x8180, [4]byte{0, 1}, "\xbf"), false)
	f.Add(testMessage(0x8185, [4]byte{0, 1}, testRecord("\x01a\x00", typeNS, "\x00")), false)
	f.Add(testMessage(0x8183, [4]byte{0, 1}, testRecord("\x01b\x00", typeA, address)), false)
	if got, want := row(f, documented), "a|2|0x0001|0|192.0.2.1"; got != want || !f.IsResponse() {
		t.Errorf("got %s, %t, want %s", got, f.IsResponse(), want)
	}
	f.Reset()
	if got := row(f, documented); got != "||||" || f.IsResponse() {
		t.Errorf("after a reset: %s, %t", got, f.IsResponse())
	}
}

func TestZeroFields(t *testing.T) {
	var f Fields
	f.Add(testMessage(0x8180, [4]byte{0, 1}, testRecord("\x01a\x00", typeA, address)), false)
	if got := row(&f, documented); got != "||||" || !f.IsResponse() {
		t.Errorf("got %s, %t", got, f.IsResponse())
	}
}

func TestIPv6(t *testing.T) {
	for address, want := range map[string]string{
		"00000000000000000000000000000000": "::",
		"00000000000000000000000000000001": "::1",
		"0000000000000000000000000000ffff": "::ffff",
		"00000000000000000000000000010000": "::0.1.0.0",
		"000000000000000000000000c0000201": "::192.0.2.1",
		"00000000000000000000ffffc0000201": "::ffff:192.0.2.1",
		"20010db8000000010000000000000001": "2001:db8:0:1::1",
		"20010db8000100020003000400050000": "2001:db8:1:2:3:4:5:0",
	} {
		b, err := hex.DecodeString(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendIPv6(nil, [16]byte(b)); string(got) != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// FuzzFields makes sure of what every row must be, and that what a cut message says isn't
// taken back by the whole one.
func FuzzFields(f *testing.F) {
	g := newGenerator(3)
	for range 200 {
		msg, captured := g.mutate(g.message())
		f.Add(msg, uint16(captured), g.oneIn(2))
	}
	all := make([]Field, fieldCount)
	for i := range all {
		all[i] = Field(i)
	}
	whole, part, few := New(all...), New(all...), New(documented...)
	f.Fuzz(func(t *testing.T, msg []byte, captured uint16, multicast bool) {
		whole.Reset()
		whole.Add(msg, multicast)
		part.Reset()
		part.Add(msg[:min(len(msg), int(captured))], multicast)
		few.Reset()
		few.Add(msg, multicast)
		for _, field := range all {
			text := whole.Append(nil, field)
			if len(text) > 4*maxText || bytes.ContainsAny(text, ",\n\r\x00\t") {
				t.Errorf("%s is %q", field, text)
			}
			if cut := part.Append(nil, field); len(cut) > 0 && !bytes.Equal(cut, text) {
				t.Errorf("%s is %q, and %q of a part", field, text, cut)
			}
		}
		if got, want := row(few, documented), row(whole, documented); got != want {
			t.Errorf("few fields are %s, among all %s", got, want)
		}
	})
}
