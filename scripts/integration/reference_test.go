//go:build integration

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A segment is what has to arrive as one record.
type segment struct {
	rows   []string
	timeMS int64
}

// value is the record's value, byte for byte.
func (s segment) value() []byte {
	v := binary.AppendVarint([]byte{0}, int64(len(s.rows)))
	for _, row := range s.rows {
		v = append(binary.AppendVarint(v, int64(len(row))), row...)
	}
	return append(v, 0)
}

const space = " \t\n\v\f\r"

var (
	date  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	epoch = regexp.MustCompile(`(?s)\d{10}.\d{9}`)
	words = regexp.MustCompile(`[^ \t\n\v\f\r]+`)
)

// cut is the rule by which a text becomes segments, written down once more: a valid line
// joins the open segment if it is of the same hour and the size stays below the limit.
func cut(kind string, text []byte, limit int) (segments []segment) {
	hour, size := "", 0
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		row := strings.Trim(string(line), space)
		key, timeMS, ok := timeOf(kind, row)
		if !ok {
			continue
		}
		if !utf8.ValidString(row) {
			row = fromLatin1(row)
		}
		if last := len(segments) - 1; last >= 0 && key == hour && size+len(row)+37 < limit {
			segments[last].rows = append(segments[last].rows, row)
			size += len(row) + 37
			continue
		}
		hour, size = key, len(row)+37
		segments = append(segments, segment{[]string{row}, timeMS})
	}
	return segments
}

func fromLatin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// timeOf finds a row's hour and time stamp. It is not ok if the row has none that exists.
func timeOf(kind, row string) (hour string, timeMS int64, ok bool) {
	if kind == "dns" {
		fields := strings.Split(row, ",")
		if len(fields) < 3 {
			return "", 0, false
		}
		stamp := epoch.FindString(fromLatin1(fields[2]))
		if len(stamp) != 20 || stamp[10] != '.' {
			return "", 0, false // beyond the year 9999, or no number
		}
		seconds, err := strconv.ParseFloat(stamp, 64)
		micros := math.Round((seconds - math.Floor(seconds)) * 1e6)
		timeMS = int64(math.Floor(seconds))*1000 + int64(micros)/1000
		return row[:min(15, len(row))], timeMS, err == nil
	}
	where, _, _ := strings.Cut(row, ",")
	if kind == "proxy" {
		where = strings.Join(words.FindAllString(row, 2), " ")
	}
	stamp := date.FindString(where)
	if stamp == "" || stamp[:4] == "0000" {
		return "", 0, false
	}
	minute, err := time.Parse("2006-01-02 15:04", stamp[:16])
	seconds, _ := strconv.Atoi(stamp[17:])
	return stamp[:13], minute.Add(time.Duration(seconds) * time.Second).UnixMilli(), err == nil && seconds <= 61
}

// checkSegments wants the messages of one source to be exactly these segments. Records
// bear no number and come in any order: each is found by what it holds.
func checkSegments(t *testing.T, source string, got []message, want []segment) {
	t.Helper()
	type key struct {
		timeMS int64
		value  [sha256.Size]byte
	}
	missing := make(map[key][]int)
	for n, s := range want {
		k := key{s.timeMS, sha256.Sum256(s.value())}
		missing[k] = append(missing[k], n)
	}
	ids := make(map[string]bool)
	extra := 0
	for _, m := range got {
		ids[m.segment] = true
		k := key{m.timeMS, sha256.Sum256(m.Value)}
		if len(missing[k]) > 0 {
			missing[k] = missing[k][1:]
			continue
		}
		if extra++; extra <= 3 {
			t.Errorf("%q: not expected: %s", source, sketch(segment{m.rows, m.timeMS}))
		}
	}
	var lost []int
	for _, numbers := range missing {
		lost = append(lost, numbers...)
	}
	slices.Sort(lost)
	if len(lost) > 0 || extra > 0 {
		t.Errorf("%q: of %d segments %d are missing, and %d are too much", source, len(want), len(lost), extra)
	}
	for _, n := range lost[:min(3, len(lost))] {
		t.Errorf("%q: segment %d is missing: %s", source, n, sketch(want[n]))
	}
	if len(ids) != len(got) {
		t.Errorf("%q: %d segments have %d ids", source, len(got), len(ids))
	}
}

func sketch(s segment) string {
	return fmt.Sprintf("%d rows at %d ms, from %.150q to %.150q", len(s.rows), s.timeMS, s.rows[0], s.rows[len(s.rows)-1])
}
