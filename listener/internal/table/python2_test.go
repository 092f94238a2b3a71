package table

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A question is a kind of value that Python 2.7 reads and we read too, and such a value.
// Kind "zone" sets the time zone of those behind it.
type question struct{ kind, value string }

// ask returns Python 2.7's answers, an empty one to each zone.
func ask(t *testing.T, questions []question) []string {
	t.Helper()
	if exec.Command("python2.7", "-c", "").Run() != nil {
		t.Skip("no python2.7 on the PATH that runs, to compare with")
	}
	var in bytes.Buffer
	for _, q := range questions {
		if q.kind == "zone" {
			fmt.Fprintf(&in, "zone %s\n", q.value)
		} else {
			fmt.Fprintf(&in, "%s %x\n", q.kind, q.value)
		}
	}
	cmd := exec.Command("python2.7", filepath.Join("testdata", "python2.py"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	lines := strings.Split(string(out), "\n")
	answers := make([]string, len(questions))
	for i, q := range questions {
		if q.kind != "zone" {
			answers[i], lines = lines[0], lines[1:]
		}
	}
	if len(lines) != 1 {
		t.Fatalf("%d lines more than questions", len(lines)-1)
	}
	return answers
}

// compare reports where our answers differ from Python's.
func compare(t *testing.T, questions []question, answers []string) {
	t.Helper()
	z, errors := time.UTC, 0
	for i, want := range answers {
		q := questions[i]
		if q.kind == "zone" {
			z = zone(t, q.value)
			continue
		}
		if got := answer(q, z); got != want {
			t.Errorf("%s %q in %s: we say %q, Python 2.7 %q", q.kind, q.value, z, got, want)
		}
		if want == "error" {
			errors++
		}
	}
	t.Logf("%d values compared, %d of them bad", len(questions), errors)
}

// answer reads a value and writes it as testdata/python2.py does.
func answer(q question, z *time.Location) string {
	b, c := []byte(q.value), clock{zone: z}
	blanks := &byteBlanks
	if strings.HasPrefix(q.kind, "unicode.") {
		blanks = &unicodeBlanks
	}
	switch q.kind {
	case "bytes.int", "unicode.int":
		v, fault := parseWhole(b, blanks)
		if fault == none {
			return fmt.Sprint(v)
		}
		// Python's numbers have no range.
		large, _ := new(big.Int).SetString(string(trim(b, blanks)), 10)
		if fault == outOfRange && large != nil && !large.IsInt64() {
			return large.String()
		}
	case "bytes.float", "unicode.float":
		f, fault := parseFloat64(b, blanks)
		switch {
		case fault == outOfRange: // Python makes it infinite
			sign := 1
			if trim(b, blanks)[0] == '-' {
				sign = -1
			}
			return fmt.Sprintf("%016x", math.Float64bits(math.Inf(sign)))
		case math.IsNaN(f):
			return "nan"
		case fault == none:
			return fmt.Sprintf("%016x", math.Float64bits(f))
		}
	case "time":
		if t, ok := parseTime(b); ok {
			return t.Format("2006-01-02T15:04:05")
		}
	case "tokens":
		return tokens(b)
	case "local":
		if unix, fault := c.unix(b); fault == none {
			return fmt.Sprint(unix)
		}
	case "hour":
		f, fault := parseFloat64(b, blanks)
		if fault != none || !isInstant(f) {
			break
		}
		if h, fault := c.hourOf(roundedSeconds(f)); fault == none {
			return fmt.Sprintf("%d %02d %02d", int64(f), h.Day, h.Hour)
		}
	}
	return "error"
}

// tokens splits a row of any number of fields.
func tokens(row []byte) string {
	var fields [maxFields]span
	n, _, ok := tokenise(row, &fields)
	if !ok {
		return "error"
	}
	var out []string
	for _, f := range fields[:min(n, maxFields)] {
		out = append(out, fmt.Sprintf("%x", row[f.from:f.to]))
	}
	return strings.Join(out, " ")
}

// mutate returns n texts made of the words by joining, repeating, cutting and changing bytes.
func mutate(n int, words []string, alphabet string) []string {
	r := rand.New(rand.NewPCG(1, 2))
	out := append([]string(nil), words...)
	for range n {
		b := []byte(words[r.IntN(len(words))])
		for range r.IntN(4) {
			at := r.IntN(len(b) + 1)
			c := alphabet[r.IntN(len(alphabet))]
			switch r.IntN(3) {
			case 0:
				b = append(b[:at:at], append([]byte{c}, b[at:]...)...)
			case 1:
				if at < len(b) {
					b = append(b[:at:at], b[at+1:]...)
				}
			default:
				if at < len(b) {
					b[at] = c
				}
			}
		}
		out = append(out, string(b))
	}
	return out
}

// A subject is a kind of value, with values that are compared with recorded answers, and from
// which more are made to compare with Python itself.
type subject struct {
	kinds    []string
	words    []string
	alphabet string
	made     int
	zones    []string
	skip     func(string) bool
}

var subjects = []subject{{
	kinds: []string{"unicode.int", "bytes.int"},
	words: []string{"", " ", "0", "12", "+3", "-5", "-0", "+00", "007", "1_000", "12l7", "0x1f", "0o7", "1e5", "1.0", "--5", "+-5", "1 2", "12\x00",
		"999999999999999999", "1000000000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "92233720368547758070", "\x1c12", "12\x1f", "\t\n\v\f\r 12 \r\f\v\n\t", "00000000000000000000000000012"},
	alphabet: "0123456789+-_. \t\v\x1c\x1f\x00LxEe", made: 4000,
	skip: isOddity,
}, {
	kinds: []string{"unicode.float", "bytes.float"},
	words: []string{"", "0", "0.000", "1.5", "-1.5", "12.345", "1.", ".5", ".", "1.e5", "e5", "1e", "1e+", "1E+05", "1e5", "nan", "-NaN", "+nan", "inf", "-INF",
		"Infinity", "infinit", "1e400", "-1e400", "1e-400", "5e-324", "0x1p3", "1_0.5", "1d5", "1,5", "1 2", "- 1", "3.4028235e38", "123456789012345",
		"1234567890.12345", "0.1", "0.123456789", "0.1234567891", "1521537911.123456789", "\x1c1.5", "1.5\x1f", "\t1.5\n", "9007199254740993", "1.5\x00",
		"999999999999.9999999999"},
	alphabet: "0123456789+-_. \t\x1d\x00naifEe", made: 4000,
}, {
	kinds: []string{"time"},
	words: []string{"2024-03-08 09:01:02", "2024-3-8 9:1:2", "2024-10- 1 09:01:02", "2024-02-29 0:0:0", "2023-02-29 00:00:00", "1900-02-29 00:00:00",
		"2024-03-08 \t\r\n\v\f09:01:02", "2024-03-08\x1c09:01:02", "2024-03-08 23:59:59", "2024-03-08 24:00:00", "2016-12-31 23:59:60", "2016-12-31 23:59:61",
		"0001-01-01 00:00:00", "0000-01-01 00:00:00", "9999-12-31 23:59:59", "2024-00-01 00:00:00", "2024-13-01 00:00:00", "2024-12-32 00:00:00",
		"2024-04-31 00:00:00", "24-03-08 00:00:00", "2024-03-08T09:01:02", " 2024-03-08 09:01:02", "2024-03-08 09:01:02 ", "2024-03-08 09:01:02.5",
		"2024-03-08 09:01: 2", "2024-10-010 09:01:02", "2024-0308 00:00:00"},
	alphabet: "0123456789-: \t\x1c\x00", made: 6000,
}, {
	kinds: []string{"tokens"},
	words: []string{base[proxy], `a "b c" d`, `a"b c"d`, `"a"b`, `"a""b"`, `""`, `"" ""`, `"open`, `a "open`, `x" y`, "\v\f\x1c\x1f\x00", "\ta\r\nb ",
		`it's 'so so'`, `\" \\`, "#a #b", "caf\u00e9 \u00a0\u3000 \xff\"\xfe\"", ``, ` `},
	alphabet: "\"\"\"   ab'\\#\t\r\n\v\f\x00\x1c\x80\xff", made: 6000,
}, {
	kinds: []string{"hour"},
	words: []string{"1521537911.123456789", "1521537911", "1710053999.9999995", "1710053999.9999994", "1710054000", "1730613599.999999499", "1730613600.4999995",
		"-0.5", "-0.0000004", "-1", "-0.0000006", "0", "3599.9999996", "17098884001", "-62135510400", "253402300799.5", "253402300800", "-62135596801", "1e9",
		"1e400", "nan", "inf", "x", " 1710054000\x1f"},
	alphabet: "0123456789.-e", made: 1000,
	zones: []string{"UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"},
}, {
	kinds: []string{"local"},
	words: []string{"1900-01-02 00:00:00", "1899-12-31 23:59:59", "1969-12-31 23:59:59", "1970-01-01 00:00:00", "2024-03-10 01:59:59", "2024-03-10 02:00:00",
		"2024-03-10 02:30:00", "2024-03-10 03:00:00", "2024-11-03 00:59:59", "2024-11-03 01:00:00", "2024-11-03 01:59:59", "2024-11-03 02:00:00",
		"2024-10-06 02:15:00", "2024-04-07 01:45:00", "2011-12-30 12:00:00", "2100-07-01 12:00:00", "9999-12-31 23:59:59"},
	zones: []string{"UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Europe/Moscow", "Australia/Lord_Howe", "Pacific/Apia", "America/Caracas",
		"America/Sao_Paulo", "Asia/Pyongyang", "Asia/Kathmandu", "Europe/Dublin", "Africa/Casablanca", "Africa/Windhoek"},
}}

// questions returns the subject's words, and as many more made of them as are wanted.
func (s subject) questions(more int) []question {
	zones := s.zones
	if zones == nil {
		zones = []string{"UTC"}
	}
	var out []question
	for _, name := range zones {
		out = append(out, question{"zone", name})
		for _, text := range mutate(more, s.words, s.alphabet) {
			for _, kind := range s.kinds {
				if s.skip == nil || !s.skip(text) {
					out = append(out, question{kind, text})
				}
			}
		}
	}
	return out
}

// isOddity knows what Python 2 reads as a whole number and we don't: a blank behind the sign.
func isOddity(s string) bool {
	const blanks = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
	s = strings.TrimLeft(s, blanks)
	return len(s) > 1 && (s[0] == '-' || s[0] == '+') && strings.ContainsRune(blanks, rune(s[1]))
}

var update = flag.Bool("update", false, "ask Python 2.7 anew for testdata/python2.txt")

// TestPythonRecorded reads values as Python 2.7 did when testdata/python2.txt was written.
func TestPythonRecorded(t *testing.T) {
	var questions []question
	for _, s := range subjects {
		questions = append(questions, s.questions(0)...)
	}
	const file = "testdata/python2.txt"
	if *update {
		var b []byte
		for _, answer := range ask(t, questions) {
			b = append(append(b, answer...), '\n')
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(answers) != len(questions) {
		t.Fatalf("%s has %d answers to %d questions: write it anew with -update", file, len(answers), len(questions))
	}
	compare(t, questions, answers)
}

// TestPython asks Python 2.7 itself, where there is one, for more than is recorded.
func TestPython(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.kinds[0], func(t *testing.T) {
			questions := s.questions(s.made)
			if s.kinds[0] == "local" {
				questions = aroundChanges(t, s.zones)
			}
			compare(t, questions, ask(t, questions))
		})
	}
}

// aroundChanges asks for times around each change of some zones' offsets, among them changes
// of half an hour and of a day, those from one standard time to another, and those of
// "negative summer time" (Europe/Dublin).
func aroundChanges(t *testing.T, zones []string) (questions []question) {
	for _, name := range zones {
		z := zone(t, name)
		questions = append(questions, question{"zone", name})
		for at := time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2028; {
			_, change := at.In(z).ZoneBounds()
			if change.IsZero() {
				break
			}
			before := change.Unix() + offsetAt(change.Unix()-1, z)
			for _, after := range []int64{-86400, -7200, -3600, -1801, -1800, -1, 0, 1, 899, 1799, 1800, 3599, 3600, 7200, 43200, 86400} {
				questions = append(questions, question{"local", time.Unix(before+after, 0).UTC().Format(time.DateTime)})
			}
			at = change
		}
	}
	return questions
}

// TestShortDecimal: the quick way gives what the exact one gives.
func TestShortDecimal(t *testing.T) {
	for _, text := range mutate(50000, []string{"0.000", "12.345", "299.999", "7", "123456789012345", "0.123456789", "12345.123456789"}, "0123456789.") {
		quick, ok := shortDecimal([]byte(text))
		exact, fault := parseFloat64([]byte(text), &byteBlanks)
		if ok && (fault != none || quick != exact) {
			t.Errorf("%q is %v, want %v", text, quick, exact)
		}
	}
}

// TestRemembered parses times in an order in which much or nothing of what the clock
// remembers holds, and compares with a clock that remembers nothing.
func TestRemembered(t *testing.T) {
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"} {
		z := zone(t, name)
		remembers := clock{zone: z}
		r := rand.New(rand.NewPCG(3, 4))
		for _, change := range []int64{1710054000, 1730613600, 1712415600, 1728142200, 1325239200, 0} {
			at := change - 20000
			for range 4000 {
				at += r.Int64N(70) - 30
				text := []byte(time.Unix(at, 0).UTC().Format(time.DateTime))
				if r.IntN(20) == 0 {
					text[18] = 'x'
				}
				fresh := clock{zone: z}
				got, gotFault := remembers.unix(text)
				if want, wantFault := fresh.unix(text); got != want || gotFault != wantFault {
					t.Fatalf("%s %s is %d, want %d", name, text, got, want)
				}
				hour, _ := remembers.hourOf(at)
				if want := hourOf(time.Unix(at, 0).In(z)); hour != want {
					t.Fatalf("%s %d is in hour %v, want %v", name, at, hour, want)
				}
			}
		}
	}
}
