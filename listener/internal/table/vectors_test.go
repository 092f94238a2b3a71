package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	source "spot-ingest/scripts/generate"
)

// vectorsFile holds rows, and what becomes of them. The Spark job's tests read it too: the
// two engines must agree on every one.
const vectorsFile = "testdata/vectors.jsonl"

// A vector is a row in a time zone, and its values and folder, or the reason why it is bad.
type vector struct {
	Table  string  `json:"table"`
	Zone   string  `json:"zone"`
	Text   *string `json:"row,omitempty"`
	Base64 []byte  `json:"row_b64,omitempty"` // of a row that is not UTF-8
	Values []any   `json:"values,omitempty"`
	Folder string  `json:"folder,omitempty"`
	Reason string  `json:"reason,omitempty"`
}

// TestVectors makes sure that the recorded vectors are what this package makes of their rows,
// and all that are wanted.
func TestVectors(t *testing.T) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	count, bad := 0, 0
	for _, v := range vectors(t) {
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
		count++
		if v.Reason != "" {
			bad++
		}
	}
	t.Logf("%d rows, %d of them bad", count, bad)
	if *update {
		if err := os.WriteFile(vectorsFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(recorded, b.Bytes()) {
		return
	}
	got, want := bytes.Split(b.Bytes(), []byte("\n")), bytes.Split(recorded, []byte("\n"))
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s:%d:\n got %s\nwant %s\nwrite the file anew with -update", vectorsFile, i+1, got[i], want[i])
		}
	}
	t.Fatalf("%s has %d lines, want %d: write it anew with -update", vectorsFile, len(want)-1, len(got)-1)
}

// vectors returns all vectors, each once.
func vectors(t *testing.T) []vector {
	var out []vector
	parsers := make(map[string]*Parser)
	seen := make(map[string]bool)
	add := func(table *Table, tz string, row []byte) {
		key := table.Name + " " + tz
		if seen[key+" "+string(row)] {
			return
		}
		seen[key+" "+string(row)] = true
		if parsers[key] == nil {
			parsers[key] = table.NewParser(zone(t, tz))
		}
		out = append(out, newVector(parsers[key], tz, row))
	}
	addUsual(t, add)
	addNumbers(add)
	addTimes(t, add)
	addTexts(add)
	addStock(add)
	addMutants(add)
	return out
}

func newVector(p *Parser, tz string, row []byte) vector {
	v := vector{Table: p.table.Name, Zone: tz}
	if utf8.Valid(row) {
		text := string(row)
		v.Text = &text
	} else {
		v.Base64 = row
	}
	values, hour, err := parse(p, row)
	if err != nil {
		v.Reason = err.Error()
		return v
	}
	v.Folder = p.table.Folder(hour)
	for _, value := range values {
		if f, ok := value.(float32); ok && (math.IsNaN(float64(f)) || math.IsInf(float64(f), 0)) {
			value = fmt.Sprint(f) // JSON has no such numbers
		}
		v.Values = append(v.Values, value)
	}
	return v
}

// addUsual adds rows as they come, some of them torn.
func addUsual(t *testing.T, add func(*Table, string, []byte)) {
	makers := map[*Table]func(io.Writer, source.Options) (source.Totals, error){
		flow: source.Flow, dns: source.DNS, proxy: source.Proxy,
	}
	for _, table := range []*Table{flow, dns, proxy} {
		add(table, "UTC", []byte(base[table]))
		add(table, "UTC", []byte(base[table]+" "))
		var b bytes.Buffer
		if _, err := makers[table](&b, source.Options{Seed: 7, Rows: 25, Odd: true}); err != nil {
			t.Fatal(err)
		}
		for _, line := range bytes.Split(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("\n")) {
			add(table, "America/New_York", line)
		}
	}
}

// addNumbers adds rows with numbers of all kinds in the columns of all types.
func addNumbers(add func(*Table, string, []byte)) {
	edges := []string{
		"2147483647", "2147483648", "-2147483648", "-2147483649", "99999999999", "+9223372036854775807", "-0000000000000000000000009223372036854775809",
		"999999999", "1000000000", "1\n", "\n1", "\u0661", "\u00a01", "1\u0085", "\uff11", "1d", "1f", "1L", "0x1p3", "12 ", " 12", "\x00", "\x7f", "- 5", "true", "null",
	}
	floats := []string{"3.4028235e38", "3.41e38", "-3.41e38", "3.4028236e38", "1.17549435e-38", "1e-46", "0.1", "16777217", "1e99999999999", "0e99999999999", "1e-99999999999"}
	for _, word := range append(append([]string(nil), subjects[0].words...), edges...) {
		add(flow, "UTC", with(flow, 10, word))
		add(flow, "UTC", with(flow, 16, word))
		add(flow, "UTC", with(flow, 7, word))
		add(dns, "UTC", with(dns, 7, word))
		if !strings.ContainsAny(word, " \t\r\n") {
			add(proxy, "UTC", with(proxy, 22, word))
		}
	}
	for _, word := range append(append([]string(nil), subjects[1].words...), floats...) {
		add(flow, "UTC", with(flow, 7, word))
		add(dns, "UTC", with(dns, 2, word))
	}
	for _, field := range []int{1, 2, 3, 4, 5} {
		for _, word := range []string{"-1", "0", "127", "128", "-128", "-129", "32767", "32768", "-32768", "-32769", "007", "+7"} {
			add(flow, "Europe/Berlin", with(flow, field, word))
		}
	}
	for _, table := range []*Table{flow, dns, proxy} {
		for i := range table.fields {
			add(table, "UTC", with(table, i, "x"))
		}
	}
}

// addTimes adds rows with times of all kinds, and around changes of the zones' offsets.
func addTimes(t *testing.T, add func(*Table, string, []byte)) {
	more := []string{
		"1899-12-31 23:59:59", "1900-01-01 00:00:00", "0999-12-31 00:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:59", "2000-02-29 12:00:00", "2100-02-29 12:00:00",
		"2018-03-20 09:25:11\n", "2018-03-20 09:25:11.000", "2018-03-20  9:5:1", "2018-3-\t2 09:25:11", "\u0662018-03-20 09:25:11", "",
	}
	for _, word := range append(append([]string(nil), subjects[2].words...), more...) {
		add(flow, "Asia/Kolkata", with(flow, 0, word))
		day, clock, _ := strings.Cut(word, " ")
		row := with(proxy, 0, day)
		add(proxy, "Asia/Kolkata", bytes.Replace(row, []byte(" 09:25:11 "), []byte(" "+clock+" "), 1))
	}
	zones := []string{"UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Europe/Moscow"}
	for _, name := range zones {
		for _, word := range subjects[5].words {
			add(flow, name, with(flow, 0, word))
		}
		for _, word := range subjects[4].words {
			add(dns, name, with(dns, 2, word))
		}
		addChanges(t, add, name)
	}
}

func addChanges(t *testing.T, add func(*Table, string, []byte), name string) {
	z := zone(t, name)
	at := time.Date(2011, 6, 1, 0, 0, 0, 0, time.UTC)
	for range 4 {
		_, at = at.In(z).ZoneBounds()
		if at.IsZero() {
			return
		}
		before := at.Unix() + offsetAt(at.Unix()-1, z)
		for _, after := range []int64{-86400, -7200, -3600, -1800, -1, 0, 1799, 3599, 3600, 7200, 43200, 86400} {
			local := time.Unix(before+after, 0).UTC().Format(time.DateTime)
			add(flow, name, with(flow, 0, local))
			add(dns, name, with(dns, 2, fmt.Sprintf("%d.9999996", at.Unix()+after)))
		}
	}
}

// addTexts adds rows with texts of all kinds, and with too few fields or too many.
func addTexts(add func(*Table, string, []byte)) {
	texts := []string{
		"", " ", "caf\u00e9", "\u65e5\u672c\U0001f600", "\u00a0\u3000\ufeff\u0085\u2028", "\ufffd", "\x00", "\a\b\f\v\x1b\x7f", `\`, `\"`, "'", "%s", "$1",
		"\xff", "a\xffb", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98", "\u00ad\u200b\ue000\U000e0001\u0378",
		strings.Repeat("\u00e9", 100), "x" + strings.Repeat("\u00e9", 100), strings.Repeat("\U0001f600", 20), "xyz" + strings.Repeat("\U0001f600", 20),
		strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("\x80", 70), strings.Repeat("x", 63) + "\xe2\x82\xac", strings.Repeat("x", 2000),
	}
	for _, text := range texts {
		add(flow, "UTC", with(flow, 12, text))
		add(flow, "UTC", with(flow, 26, text))
		add(flow, "UTC", with(flow, 11, text))
		add(flow, "UTC", with(flow, 0, text))
		add(flow, "UTC", []byte(base[flow]+","+text))
		add(dns, "UTC", with(dns, 6, text))
		add(dns, "UTC", with(dns, 2, text))
		add(dns, "UTC", with(dns, 0, text+"\n"))
		add(proxy, "UTC", with(proxy, 17, text))
		add(proxy, "UTC", with(proxy, 18, `"`+text+`"`))
		add(proxy, "UTC", with(proxy, 1, text))
		add(proxy, "UTC", with(proxy, 26, `"`+text))
		add(proxy, "UTC", []byte(base[proxy]+" "+text))
	}
	for _, text := range subjects[3].words {
		add(proxy, "UTC", []byte(text))
		add(proxy, "UTC", []byte(base[proxy]+text))
		add(proxy, "UTC", []byte(text+base[proxy]))
		add(proxy, "UTC", with(proxy, 15, text))
	}
	for _, row := range []string{"", ",", ",,,", " ", "x", "\n", base[flow][:100], base[dns][:60], base[proxy][:120], strings.Repeat(",", 26), strings.Repeat(",", 47)} {
		for _, table := range []*Table{flow, dns, proxy} {
			add(table, "UTC", []byte(row))
		}
	}
	for more := range 23 {
		add(flow, "UTC", []byte(base[flow]+strings.Repeat(",x", more)))
	}
}

// addStock adds rows of 48 columns.
func addStock(add func(*Table, string, []byte)) {
	words := []string{"", "x", ".A...F", "CEUAPRSF", ".E.A...F", "C.......", "........", "1970-01-01 00:00:00.000", "0000-00-00 00:00:00", "2004-07-11 10:35:09", "2004-02-30 10:35:09.1",
		"0004-00-00 00:00:00", "1899-07-11 10:35:09", "soon", "\u00e9", "\xff", "8.0", "\"\xfe\u00e9"}
	for _, field := range []int{0, 1, 2, 3, 5, 8, 11, 18, 19, 30, 44, 47} {
		for _, word := range words {
			add(flow, "America/New_York", []byte(stockWith(field, word)))
		}
	}
	add(flow, "UTC", []byte(stockRow))
	add(flow, "UTC", []byte(stockRow+",x"))
	add(flow, "UTC", []byte(strings.Replace(stockRow, ",5/6", "", 1)))
}

// addMutants adds rows with some bytes of them changed.
func addMutants(add func(*Table, string, []byte)) {
	for _, table := range []*Table{flow, dns, proxy} {
		rows := []string{base[table]}
		if table == flow {
			rows = append(rows, stockRow)
		}
		for _, row := range mutate(120, rows, "0123456789+-.,:e\" \t\x00\x1c\x80\xc3\xa9\xff") {
			add(table, "Europe/Berlin", []byte(row))
		}
	}
}
