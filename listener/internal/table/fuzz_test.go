package table

import (
	"bytes"
	"slices"
	"testing"
	"unicode/utf8"

	"spot-ingest/listener/internal/columns"
)

// fuzzParse checks what holds for every row: a good one is text and adds one value to each
// column, and parsing it again, after others or not, gives the same.
func fuzzParse(f *testing.F, table *Table) {
	for _, other := range base {
		f.Add([]byte(other))
	}
	for i := range table.fields {
		for _, value := range []string{"", "-", "\xff", "1e400", "99999999999999999999", "2024-03-08 9:0:0", `"`} {
			f.Add(with(table, i, value))
		}
	}
	f.Add([]byte(stockRow))
	f.Add([]byte(stockWith(8, "CEUAPRSF")))
	used := table.NewParser(zone(f, "America/New_York"))
	f.Fuzz(func(t *testing.T, row []byte) {
		fresh := table.NewParser(zone(t, "America/New_York"))
		hour, err := fresh.Parse(row)
		again, errAgain := used.Parse(row)
		if err != nil || errAgain != nil {
			if err == nil || errAgain == nil || err.Error() != errAgain.Error() {
				t.Fatalf("%v, and then %v", err, errAgain)
			}
			if len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) {
				t.Fatalf("reason %q", err)
			}
			return
		}
		if hour != again {
			t.Fatalf("hour %v, and then %v", hour, again)
		}
		rows := columns.New(table.Schema)
		fresh.Append(rows)
		used.Append(rows)
		checkColumns(t, rows, 2)
		if !same(values(rows, 0), values(rows, 1)) {
			t.Fatalf("\n%q, and then\n%q", values(rows, 0), values(rows, 1))
		}
	})
}

// checkColumns makes sure that each column has n values of its type, and no others.
func checkColumns(t *testing.T, rows *columns.Rows, n int) {
	t.Helper()
	for i, c := range rows.Schema {
		v := &rows.Columns[i]
		want := [4]int{}
		want[c.Type] = n
		got := [4]int{
			columns.Int32: len(v.Int32s), columns.Int64: len(v.Int64s), columns.Float32: len(v.Float32s), columns.String: len(v.Ends),
		}
		if got != want || rows.Len != n {
			t.Fatalf("%s: %v values in %d rows, want %v", c.Name, got, rows.Len, want)
		}
		if !utf8.Valid(v.Bytes) {
			t.Fatalf("%s: %q is not UTF-8", c.Name, v.Bytes)
		}
	}
}

func FuzzParseFlow(f *testing.F)  { fuzzParse(f, flow) }
func FuzzParseDNS(f *testing.F)   { fuzzParse(f, dns) }
func FuzzParseProxy(f *testing.F) { fuzzParse(f, proxy) }

// FuzzSplitCommas compares with bytes.Split.
func FuzzSplitCommas(f *testing.F) {
	for _, row := range base {
		f.Add([]byte(row))
	}
	f.Add([]byte(",-,,-\x80,+,-,\xac\x2d,"))
	f.Fuzz(func(t *testing.T, row []byte) {
		var fields [maxFields]span
		n, ascii := splitCommas(row, &fields)
		want := bytes.Split(row, []byte{','})
		if n != len(want) {
			t.Fatalf("%d fields, want %d", n, len(want))
		}
		for i, field := range want[:min(n, maxFields)] {
			if got := row[fields[i].from:fields[i].to]; !bytes.Equal(got, field) {
				t.Fatalf("field %d is %q, want %q", i, got, field)
			}
		}
		if isASCII(row) != ascii {
			t.Fatalf("ascii is %v", ascii)
		}
	})
}

func isASCII(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
}

// FuzzTokenise checks what holds for the fields of every row: they lie in order, and what is
// between them is blank, or nothing behind a quoted one.
func FuzzTokenise(f *testing.F) {
	for _, word := range subjects[3].words {
		f.Add([]byte(word))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		var fields [maxFields]span
		n, ascii, ok := tokenise(row, &fields)
		if !ok {
			if row[n] != '"' || bytes.IndexByte(row[n+1:], '"') >= 0 {
				t.Fatalf("no quote at byte %d lacks a closing one", n)
			}
			return
		}
		if isASCII(row) != ascii {
			t.Fatalf("ascii is %v", ascii)
		}
		end := 0
		for i, s := range fields[:min(n, maxFields)] {
			from, to := int(s.from), int(s.to)
			between, field := row[end:from], row[from:to]
			if len(field) == 0 || len(bytes.Trim(between, " \t\r\n")) > 0 {
				t.Fatalf("field %d is %q, behind %q", i, field, between)
			}
			if quoted := field[0] == '"'; quoted && (len(field) < 2 || bytes.IndexByte(field[1:], '"') != len(field)-2) ||
				!quoted && bytes.ContainsAny(field, " \t\r\n") {
				t.Fatalf("field %d is %q", i, field)
			}
			end = to
		}
		if n <= maxFields && len(bytes.Trim(row[end:], " \t\r\n")) > 0 {
			t.Fatalf("%q is in no field", row[end:])
		}
	})
}

// FuzzNumbers: no number panics, and one that is good is the same with blanks around it.
func FuzzNumbers(f *testing.F) {
	for _, s := range subjects[:2] {
		for _, word := range s.words {
			f.Add([]byte(word))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		padded := slices.Concat([]byte(" \t"), text, []byte("\n"))
		whole, fault := parseWhole(text, &byteBlanks)
		if v, f := parseWhole(padded, &byteBlanks); v != whole || f != fault {
			t.Errorf("whole: %d %d, with blanks %d %d", whole, fault, v, f)
		}
		float, fault := parseFloat32(text, &byteBlanks)
		if v, f := parseFloat32(padded, &byteBlanks); (v != float && v == v) || f != fault {
			t.Errorf("float: %v %d, with blanks %v %d", float, fault, v, f)
		}
	})
}
