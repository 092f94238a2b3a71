package chunk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"spot-ingest/pkg/codec"
)

// readAll returns all segments of a Reader, each in an Encoder of its own.
func readAll(t testing.TB, r *Reader) []Segment {
	t.Helper()
	var segments []Segment
	for {
		seg := Segment{Value: codec.NewEncoder(0, 0)}
		err := r.Next(&seg)
		if err == io.EOF {
			if err := r.Next(&seg); err != io.EOF {
				t.Errorf("after io.EOF comes %v", err)
			}
			return segments
		}
		if err != nil {
			t.Fatal(err)
		}
		segments = append(segments, seg)
	}
}

// check compares a Reader's segments and counts with the reference's.
func check(t testing.TB, r *Reader, cuts []cut, stats Stats) {
	t.Helper()
	segments := readAll(t, r)
	for i, seg := range segments {
		if i >= len(cuts) {
			break
		}
		want := cuts[i]
		got := fmt.Sprint(seg.Number, seg.FirstLine, seg.Rows, seg.Size, seg.TimeMS, seg.End)
		if w := fmt.Sprint(i, want.firstLine, len(want.rows), want.size, want.timeMS, want.end); got != w {
			t.Fatalf("segment (number, first line, rows, size, time, end)\n got %s\nwant %s", got, w)
		}
		if value := referenceValue(want.rows); !bytes.Equal(seg.Value.Bytes(), value) {
			t.Fatalf("segment %d holds\n     %q\nwant %q", i, seg.Value.Bytes(), value)
		}
	}
	if len(segments) != len(cuts) {
		t.Fatalf("%d segments, want %d", len(segments), len(cuts))
	}
	if got := r.Stats(); !reflect.DeepEqual(got, stats) {
		t.Fatalf("stats\n got %+v\nwant %+v", got, stats)
	}
}

func TestParseType(t *testing.T) {
	for _, typ := range []Type{Flow, DNS, Proxy} {
		if got, err := ParseType(typ.String()); got != typ || err != nil {
			t.Errorf("ParseType(%q) = %v, %v", typ.String(), got, err)
		}
	}
	for _, name := range []string{"", "Flow", "flows", "flow_internals"} {
		if _, err := ParseType(name); err == nil {
			t.Errorf("ParseType(%q) knows it", name)
		}
	}
	if got := Type(7).String(); got != "Type(7)" {
		t.Errorf("an unknown type is called %s", got)
	}
}

// TestTime takes one line after the other and what becomes of it.
func TestTime(t *testing.T) {
	tests := []struct {
		typ  Type
		line string
		want string // the time in ms, or the reason
	}{
		{Flow, "2018-03-20 09:25:11,2018,3", "1521537911000"},
		{Flow, "x12018-03-20 09:25:119y,2018", "1521537911000"},
		{Flow, "2018-03-20 09:25:11", "1521537911000"},
		{Flow, "a,2018-03-20 09:25:11", "no time"},
		{Flow, "2018-03-20  09:25:11,", "no time"},
		{Flow, "2018-03-20\t09:25:11,", "no time"},
		{Flow, "2018-02-31 09:25:11 2018-03-20 09:25:11,", "bad time"},
		{Flow, "1970-01-01 00:00:00,1970", "0"},
		{Flow, "0001-01-01 00:00:00,1", "-62135596800000"},
		{Flow, "0000-01-01 00:00:00,0", "bad time"},
		{Flow, "\xff2018-03-20 09:25:11", "1521537911000"},
		{Proxy, "2018-03-20 09:25:11 1 c", "1521537911000"},
		{Proxy, "2018-03-20\t \v\f\r09:25:11 1 c", "1521537911000"},
		{Proxy, "x2018-03-20 09:25:11y", "1521537911000"},
		{Proxy, "2018-03-20 x09:25:11", "no time"},
		{Proxy, "2018-03-20 09:25:1 1", "no time"},
		{Proxy, "a 2018-03-20 09:25:11", "no time"},
		{Proxy, "2018-03-20", "no time"},
		{Proxy, "2018-03-20 24:00:00 x", "bad time"},
		{Proxy, "#Fields: date time", "no time"},
		{DNS, "a,b,1521537911.123456789,c", "1521537911123"},
		{DNS, ",,1521537911.123456789", "1521537911123"},
		{DNS, "a,b,x11521537911.123456789", "1521537911123"},
		{DNS, "a,b,11111111111521537911.123456789", "bad time"}, // the first that fits has a digit as its dot
		{DNS, "a,1521537911.123456789", "few fields"},
		{DNS, "a,b", "few fields"},
		{DNS, "a,b,", "no time"},
		{DNS, "a,b,c,1521537911.123456789", "no time"},
		{DNS, "a,b,1521537911\xff123456789", "bad time"},
		{DNS, "a,b,1521537911\xc3\xa9123456789", "no time"},
		{DNS, "a,b,frame.time_epoch,c", "no time"},
	}
	for _, test := range tests {
		r := NewReader(strings.NewReader(test.line), test.typ, 1000, 0)
		seg := Segment{Value: codec.NewEncoder(0, 0)}
		got := ""
		if err := r.Next(&seg); err == nil {
			got = fmt.Sprint(seg.TimeMS)
		}
		switch s := r.Stats(); {
		case s.NoTime == 1:
			got += "no time"
		case s.BadTime == 1:
			got += "bad time"
		case s.FewFields == 1:
			got += "few fields"
		}
		if got != test.want {
			t.Errorf("%v %q: %s, want %s", test.typ, test.line, got, test.want)
		}
	}
}

// flowLine returns a flow row of n bytes.
func flowLine(n int) string {
	const head = "2018-03-20 09:25:11,"
	return head + strings.Repeat("x", n-len(head))
}

// TestLimit moves lines across the limits, byte by byte.
func TestLimit(t *testing.T) {
	const limit = 1000
	latin1 := flowLine(60) + strings.Repeat("\xe9", 400) // counts 860 + 37
	utf8 := flowLine(60) + strings.Repeat("é", 400)
	tests := []struct {
		name  string
		lines []string
		rows  []int // of each segment
	}{
		{"two stay under it", []string{flowLine(463), flowLine(462)}, []int{2}},
		{"two reach it", []string{flowLine(463), flowLine(463)}, []int{1, 1}},
		{"one stays under it", []string{flowLine(limit - 38), flowLine(30)}, []int{1, 1}},
		{"one reaches it", []string{flowLine(30), flowLine(limit - 37), flowLine(30)}, []int{1, 1, 1}},
		{"one is beyond it", []string{flowLine(30), flowLine(limit), flowLine(30), flowLine(30)}, []int{1, 1, 2}},
		{"white space does not count", []string{flowLine(463) + " \t\r", "\v" + flowLine(462)}, []int{2}},
		{"Latin-1 grows up to it", []string{latin1, flowLine(65)}, []int{2}},
		{"Latin-1 grows across it", []string{latin1, flowLine(66)}, []int{1, 1}},
		{"UTF-8 counts its bytes", []string{utf8, flowLine(65)}, []int{2}},
		{"UTF-8 across it", []string{utf8, flowLine(66)}, []int{1, 1}},
		{"longest that is held", []string{flowLine(30), flowLine(limit + slack), flowLine(30)}, []int{1, 1, 1}},
		{"one less", []string{flowLine(30), flowLine(limit + slack - 1), flowLine(30)}, []int{1, 1, 1}},
		{"one more", []string{flowLine(30), flowLine(limit + slack + 1), flowLine(30)}, []int{2}},
		{"longest with Latin-1", []string{flowLine(limit+slack-1) + "\xff"}, []int{1}},
		{"far more", []string{flowLine(5 << 20), flowLine(30), flowLine(4 << 20)}, []int{1}},
	}
	for _, test := range tests {
		for _, end := range []string{"", "\n"} {
			input := []byte(strings.Join(test.lines, "\n") + end)
			t.Run(fmt.Sprintf("%s%q", test.name, end), func(t *testing.T) {
				cuts, stats := reference(input, Flow, limit, limit+slack, 0)
				var rows []int
				for _, c := range cuts {
					rows = append(rows, len(c.rows))
				}
				if !reflect.DeepEqual(rows, test.rows) {
					t.Errorf("rows a segment: %d, want %d", rows, test.rows)
				}
				check(t, NewReader(bytes.NewReader(input), Flow, limit, 0), cuts, stats)
				check(t, NewReader(iotest.HalfReader(bytes.NewReader(input)), Flow, limit, 0), cuts, stats)
			})
		}
	}
}

func TestOversizedAreListed(t *testing.T) {
	const limit = 100
	long := strings.Repeat("y", limit+slack+1)
	input := "\n" + long + "\n" + flowLine(30) + "\n" + long + "z"
	r := NewReader(strings.NewReader(input), Flow, limit, 0)
	if segments := readAll(t, r); len(segments) != 1 || segments[0].FirstLine != 2 {
		t.Errorf("segments %+v, want one with line 2", segments)
	}
	got := r.Stats().Oversize
	want := []Oversize{{1, 1, int64(len(long))}, {3, int64(len(long)) + 33, int64(len(long)) + 1}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for _, o := range got {
		if part := input[o.Offset : o.Offset+o.Length]; strings.Trim(part, "yz") != "" || strings.Contains(part, "\n") {
			t.Errorf("offset and length of line %d are not its own", o.Line)
		}
	}

	r = NewReader(strings.NewReader(strings.Repeat("yyy\n", 250)), Flow, limit, 0)
	r.lines.max = 2
	readAll(t, r)
	if s := r.Stats(); s.Oversized != 250 || len(s.Oversize) != 100 || s.Oversize[99].Line != 99 {
		t.Errorf("%d oversized lines, %d listed, want 250 and the first 100", s.Oversized, len(s.Oversize))
	}
}

// sample mixes rows and all that is none.
func sample(typ Type) string {
	stamp := map[Type]string{
		Flow:  "2018-03-20 %02d:25:11,",
		DNS:   "Mar 20, 2018 %02d:25:11 UTC,1521537911.123456789,",
		Proxy: "2018-03-20 %02d:25:11 ",
	}[typ]
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, stamp+"%d,%s\n", 9+i/7%3, i, strings.Repeat("r", i%23))
		switch i % 9 {
		case 2:
			b.WriteString(" \t\r\n\n")
		case 4:
			b.WriteString("Summary\r\n")
		case 6:
			fmt.Fprintf(&b, stamp+"\xe9\xff\r\n", 9+i/7%3)
		}
	}
	return b.String()
}

// TestSources reads the same bytes in ways that a source may hand them out.
func TestSources(t *testing.T) {
	sources := map[string]func(io.Reader) io.Reader{
		"whole":          func(r io.Reader) io.Reader { return r },
		"byte by byte":   iotest.OneByteReader,
		"halves":         iotest.HalfReader,
		"error with end": iotest.DataErrReader,
	}
	for _, typ := range []Type{Flow, DNS, Proxy} {
		for _, input := range []string{sample(typ), strings.TrimSuffix(sample(typ), "\r\n"), strings.ReplaceAll(sample(typ), "\n", "\r\n")} {
			cuts, stats := reference([]byte(input), typ, 500, 500+slack, 0)
			if len(cuts) < 9 || stats.Rows == stats.Lines {
				t.Fatalf("%v: the sample is too plain: %d cuts, %+v", typ, len(cuts), stats)
			}
			for name, source := range sources {
				t.Run(typ.String()+" "+name, func(t *testing.T) {
					check(t, NewReader(source(strings.NewReader(input)), typ, 500, 0), cuts, stats)
				})
			}
		}
	}
}

func TestSkip(t *testing.T) {
	input := sample(Flow)
	_, all := reference([]byte(input), Flow, 500, 500+slack, 0)
	for _, skip := range []int64{1, 7, all.Rows - 1, all.Rows, all.Rows + 5} {
		cuts, stats := reference([]byte(input), Flow, 500, 500+slack, skip)
		check(t, NewReader(strings.NewReader(input), Flow, 500, skip), cuts, stats)
	}
}

// TestReadError breaks a source at each of its bytes.
func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	input := sample(Flow)[:700]
	for n := range input {
		r := NewReader(io.MultiReader(strings.NewReader(input[:n]), iotest.ErrReader(broken)), Flow, 300, 0)
		cuts, _ := reference([]byte(input[:strings.LastIndexByte(input[:n], '\n')+1]), Flow, 300, 300+slack, 0)
		seg := Segment{Value: codec.NewEncoder(0, 0)}
		delivered := 0
		var err error
		for err = r.Next(&seg); err == nil; err = r.Next(&seg) {
			if !bytes.Equal(seg.Value.Bytes(), referenceValue(cuts[delivered].rows)) {
				t.Fatalf("broken after %d bytes: segment %d differs", n, delivered)
			}
			delivered++
		}
		if err != broken {
			t.Fatalf("broken after %d bytes: %v", n, err)
		}
		// The last one might have gone on.
		if want := max(0, len(cuts)-1); delivered != want {
			t.Fatalf("broken after %d bytes: %d segments, want %d", n, delivered, want)
		}
		if err := r.Next(&seg); err != broken {
			t.Fatalf("after the error comes %v", err)
		}
	}
}

func TestReadErrorInOversizedLine(t *testing.T) {
	broken := errors.New("broken")
	source := io.MultiReader(strings.NewReader(strings.Repeat("y", 3*slack)), iotest.ErrReader(broken))
	r := NewReader(source, Flow, 1000, 0)
	if err := r.Next(&Segment{Value: codec.NewEncoder(0, 0)}); err != broken {
		t.Errorf("got %v", err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestSourceWithoutProgress(t *testing.T) {
	r := NewReader(nothing{}, Flow, 1000, 0)
	if err := r.Next(&Segment{Value: codec.NewEncoder(0, 0)}); err != io.ErrNoProgress {
		t.Errorf("got %v, want io.ErrNoProgress", err)
	}
}
