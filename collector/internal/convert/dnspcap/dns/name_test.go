package dns

import (
	"strings"
	"testing"
)

func label(n int) string { return string([]byte{byte(n)}) + strings.Repeat("x", n) }

var (
	x63  = strings.Repeat("x", 63)
	long = label(63) + label(63) + label(63) // 192 bytes of text with the dots
)

// nameTests have an address record with a name at offset 12, and something behind it.
var nameTests = []struct {
	name, wire, behind, want string
}{
	{name: "the root", wire: "\x00", want: "<Root>"},
	{name: "case is kept", wire: "\x03wWw\x07Example\x00", want: "wWw.Example"},
	{name: "a dot within a label", wire: "\x03a.b\x01\\\x00", want: `a.b.\`},
	{name: "a comma", wire: "\x03a,b\x01,\x00", want: `a\054b.\054`},
	{name: "control characters", wire: "\x05\x00\x07\n\r\x1f\x01\x7f\x00", want: `\000\a\n\r\037.\177`},
	{name: "UTF-8", wire: "\x03\xe4\xb8\x96\x01z\x00", want: "世.z"},
	{name: "UTF-8 in two labels", wire: "\x01\xc3\x01\xa9\x00", want: "\ufffd.\ufffd"},
	{name: "253 bytes", wire: long + label(61) + "\x00", want: x63 + "." + x63 + "." + x63 + "." + strings.Repeat("x", 61)},
	{name: "254 bytes", wire: long + label(62) + "\x00", want: "<Name too long>"},
	{name: "254 bytes of many labels", wire: strings.Repeat("\x01a", 127) + "\x01a\x00", want: "<Name too long>"},

	{name: "a pointer forward", wire: "\xc0\x1d", behind: "_\x01b\x00", want: "b"},
	{name: "a pointer that seems to point to itself", wire: "\xc0\x10", want: "<Name contains a pointer that loops>"},
	{name: "a pointer to a zero", wire: "\xc0\x08", want: "<Root>"},
	{name: "a pointer to itself", wire: "\xc0\x0c", want: "<Name contains a pointer that loops>"},
	{name: "a loop", wire: "\x01a\xc0\x0c", want: "<Name contains a pointer that loops>"},
	{name: "a long loop", wire: label(63) + "\xc0\x0c", want: "<Name contains a pointer that loops>"},
	{name: "pointers to and fro", wire: "\xc0\x1c", behind: "\xc0\x1e\xc0\x1c", want: "<Name contains a pointer that loops>"},
	{name: "a pointer beyond the end", wire: "\xc0\x1c", want: ""},
	{name: "a pointer to a label that is cut", wire: "\xc0\x1c", behind: "\x02a", want: ""},
	{name: "a pointer cut", wire: "\xc0\x1c", behind: "\xc0", want: ""},

	{name: "a reserved label", wire: "\x01a\x80", want: ""},
	{name: "an extended label", wire: "\x01a\x42", want: "<Unknown extended label>"},
	{name: "an extended label at once", wire: "\x42", want: ""},
	{name: "a binary label alone", wire: "\x41\x08\xaa\x00", want: ""},
	{name: "a binary label first", wire: "\x41\x08\xaa\x07example\x00", want: `\[xaa/8]`},
	{name: "a binary label second", wire: "\x0aabcdefghij\x41\x04\xa0\x07example\x00", want: `abcdefghij\[xa0/4]`},
	{name: "a binary label of 0 bits", wire: "\x41\x00\xaa\x09example12\x00", want: `\[xaa/0].e`},
	{name: "a binary label cut", wire: "\xc0\x1c", behind: "\x41\x09\xaa", want: ""},
	{name: "a binary label without a length", wire: "\xc0\x1c", behind: "\x41", want: ""},
}

func nameMessage(wire, behind string) []byte {
	return testMessage(0x8180, [4]byte{0, 1}, testRecord(wire, typeA, address), behind)
}

func TestNames(t *testing.T) {
	for _, test := range nameTests {
		f := New(RespName, A)
		f.Add(nameMessage(test.wire, test.behind), false)
		if got := string(f.Append(nil, RespName)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// TestNameEnds makes sure that a record is read on from the right place, be its name wanted
// or not.
func TestNameEnds(t *testing.T) {
	for wire, found := range map[string]bool{
		"\x01a\x00":                           true,
		"\x01a\xc0\x0c":                       true,
		"\xc0\x04":                            true,
		"\x01a\x42":                           true,
		"\x41\x08\xaa\x01a\x00":               true,
		"\x41\x08\xaa\x00":                    false,
		"\x42":                                false,
		"\x81":                                false,
		"\xff\xff":                            false,
		strings.Repeat(label(63), 5) + "\x00": true,
		strings.Repeat(label(63), 5) + "\xc0\x0c": true,
	} {
		for _, fields := range [][]Field{{A}, {RespName, A}} {
			f := New(fields...)
			f.Add(nameMessage(wire, ""), false)
			if got := len(f.Append(nil, A)) > 0; got != found {
				t.Errorf("%q, %v: address found: %t", wire, fields, got)
			}
		}
	}
}

// TestPointerChains has chains of pointers, each to the one before it.
func TestPointerChains(t *testing.T) {
	for n, want := range map[int]string{254: "foo", 255: loopName} {
		const chain = 12 + 2 + 14 + 11 // behind a record of a pointer, and the head of another
		data := "\x03foo\x00"
		last := chain
		for range n {
			next := chain + len(data)
			data += string([]byte{0xc0 | byte(last>>8), byte(last)})
			last = next
		}
		f := New(RespName)
		f.Add(testMessage(0x8180, [4]byte{0, 2}, testRecord(string([]byte{0xc0 | byte(last>>8), byte(last)}), typeA, address), testRecord("\x00", 10, data)), false)
		if got := string(f.Append(nil, RespName)); got != want {
			t.Errorf("%d pointers: got %s, want %s", n, got, want)
		}
	}
}

// TestManySteps reads a message that is made to be slow: many names, each of them a long
// way through the same labels.
func TestManySteps(t *testing.T) {
	const size = 64000
	msg := testMessage(0x8180, [4]byte{}, strings.Repeat("\x01a", 8000)+"\x00")
	msg[6], msg[7] = 0xff, 0xff
	for len(msg) < size {
		msg = append(msg, testRecord("\xc0\x0c", typeSOA, "\xc0\x0c\xc0\x0c"+strings.Repeat("\x00", 20))...)
	}
	m := message{raw: msg, steps: maxSteps(len(msg))}
	for m.name(headerSize, nil) > 0 {
	}
	if m.steps >= 0 {
		t.Errorf("%d steps are left", m.steps)
	}
	f := New(CNAME)
	f.Add(msg, false)
	if got := f.Append(nil, CNAME); len(got) > 0 {
		t.Errorf("got %s", got)
	}
}
