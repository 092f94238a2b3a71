package table

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"
	_ "time/tzdata"

	"spot-ingest/listener/internal/columns"
)

// shared is where recordings of the original and files of real tools are kept.
const shared = "../../../../shared/"

// zone loads a zone by name.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// values returns row i as one value a column: int64, float32 or string.
func values(rows *columns.Rows, i int) []any {
	var out []any
	for c := range rows.Columns {
		v := &rows.Columns[c]
		switch rows.Schema[c].Type {
		case columns.Int32:
			out = append(out, int64(v.Int32s[i]))
		case columns.Int64:
			out = append(out, v.Int64s[i])
		case columns.Float32:
			out = append(out, v.Float32s[i])
		case columns.String:
			out = append(out, string(v.String(i)))
		}
	}
	return out
}

// parse parses one row and returns its values, and its hour.
func parse(p *Parser, row []byte) ([]any, Hour, error) {
	h, err := p.Parse(row)
	if err != nil {
		return nil, h, err
	}
	rows := columns.New(p.table.Schema)
	p.Append(rows)
	return values(rows, 0), h, nil
}

// same compares rows; a number that is none equals itself.
func same(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, isFloat := a[i].(float32)
		y, _ := b[i].(float32)
		if a[i] != b[i] && !(isFloat && x != x && y != y) {
			return false
		}
	}
	return true
}

// base are good rows, one a table, which tests change field by field.
var base = map[*Table]string{
	flow: "2018-03-20 09:25:11,2018,3,20,9,25,11,1.500,10.0.0.1,192.0.2.7,51234,443,TCP,.AP.SF,0,4,12,3456,7,890,1,2,64512,64513,8,1,198.51.100.7",
	dns:  "Mar 20, 2018 09:25:11.123456789 UTC,1521537911.123456789,97,10.0.0.53,10.0.5.112,www.example.org,1,0x0001,0,203.0.113.9",
	proxy: `2018-03-20 09:25:11 123 10.0.0.1 jdoe staff - OBSERVED "A/B" http://www.example.com/ 200 TCP_HIT GET text/html http ` +
		`www.example.com 80 /index.html ?q=1 html "Mozilla/5.0 (X11; Linux)" 192.0.2.1 1024 512 - "none" x`,
}

// with returns the base row with field i replaced.
func with(table *Table, i int, value string) []byte {
	p := table.NewParser(time.UTC)
	if _, err := p.Parse([]byte(base[table])); err != nil {
		panic(err)
	}
	f := p.fields[i]
	return []byte(base[table][:f.from] + value + base[table][f.to:])
}

func TestGoodRows(t *testing.T) {
	want := map[*Table][]any{
		flow: {"2018-03-20 09:25:11", int64(1521537911), int64(2018), int64(3), int64(20), int64(9), int64(25), int64(11),
			float32(1.5), "10.0.0.1", "192.0.2.7", int64(51234), int64(443), "TCP", ".AP.SF", int64(0), int64(4),
			int64(12), int64(3456), int64(7), int64(890), int64(1), int64(2), int64(64512), int64(64513), int64(8), int64(1), "198.51.100.7"},
		dns: {"Mar 20,  2018 09:25:11.123456789 UTC", int64(1521537911), int64(97), "10.0.5.112", "10.0.0.53", "www.example.org",
			"0x0001", int64(1), int64(0), "203.0.113.9"},
		proxy: {"2018-03-20", "09:25:11", "10.0.0.1", "www.example.com", "GET", `"Mozilla/5.0 (X11; Linux)"`, "text/html", int64(123),
			"jdoe", "staff", "-", "OBSERVED", `"A/B"`, "http://www.example.com/", "200", "TCP_HIT", "http", "80", "/index.html", "?q=1",
			"html", "192.0.2.1", int64(1024), int64(512), "-", `"none"`, "x", "www.example.com/index.html?q=1"},
	}
	for table, row := range base {
		got, hour, err := parse(table.NewParser(time.UTC), []byte(row))
		if err != nil {
			t.Fatal(err)
		}
		if !same(got, want[table]) {
			t.Errorf("%s:\n got %q\nwant %q", table.Name, got, want[table])
		}
		if want := (Hour{2018, 3, 20, 9}); hour != want {
			t.Errorf("%s: hour %v, want %v", table.Name, hour, want)
		}
	}
}

func TestBadRows(t *testing.T) {
	long := string(bytes.Repeat([]byte("é"), 100))
	tests := []struct {
		table *Table
		row   []byte
		want  string
	}{
		{flow, nil, `field 27 (rip) is missing: the row has 1 field`},
		{flow, []byte(",,,"), `field 27 (rip) is missing: the row has 4 fields`},
		{flow, with(flow, 10, "0x50"), `sport: "0x50" is not a whole number`},
		{flow, with(flow, 10, ""), `sport: "" is not a whole number`},
		{flow, with(flow, 11, "2147483648"), `dport: "2147483648" is beyond INT`},
		{flow, with(flow, 16, "9223372036854775808"), `ipkt: "9223372036854775808" is beyond BIGINT`},
		{flow, with(flow, 7, "1e39"), `tdur: "1e39" is beyond FLOAT`},
		{flow, with(flow, 7, "fast"), `tdur: "fast" is not a number`},
		{flow, with(flow, 7, long), `tdur: "` + long[:64] + `"… is not a number`},
		{flow, with(flow, 7, "x"+long), `tdur: "x` + long[:62] + `"… is not a number`},
		{flow, with(flow, 1, "32768"), `tryear: "32768" is beyond SMALLINT, the type of partition column y`},
		{flow, with(flow, 4, "128"), `trhour: "128" is beyond TINYINT, the type of partition column h`},
		{flow, with(flow, 0, "2018-03-20 09:25:60"), `treceived: "2018-03-20 09:25:60" is not a time of the form YYYY-MM-DD hh:mm:ss`},
		{flow, with(flow, 0, "1899-12-31 23:59:59"), `treceived: "1899-12-31 23:59:59" is before the year 1900`},
		{flow, with(flow, 26, "198.51.100.7\xff\xfe"), `the row is not UTF-8 from byte 134 on: "\xff\xfe"`},
		{dns, []byte("x"), `field 11 (dns_a) is missing: the row has 1 field`},
		{dns, with(dns, 2, "now"), `unix_tstamp: "now" is not a number`},
		{dns, with(dns, 2, "nan"), `unix_tstamp: "nan" seconds are not within the years 1 to 9999`},
		{dns, with(dns, 2, "1e400"), `unix_tstamp: "1e400" seconds are not within the years 1 to 9999`},
		{dns, with(dns, 2, "253402300800"), `unix_tstamp: "253402300800" seconds are not within the years 1 to 9999`},
		{dns, with(dns, 7, "0x1"), `dns_qry_type: "0x1" is not a whole number`},
		{proxy, nil, `field 27 (bcappoper) is missing: the row has 0 fields`},
		{proxy, []byte(`"2018-03-20 09:25:11"`), `field 27 (bcappoper) is missing: the row has 1 field`},
		{proxy, with(proxy, 26, `"last word`), `no closing quote for the one at byte 212: "\"last word"`},
		{proxy, with(proxy, 1, "09:25:11.5"), `p_date, p_time: "2018-03-20", "09:25:11.5" are not a time of the form YYYY-MM-DD hh:mm:ss`},
		{proxy, with(proxy, 2, "-"), `duration: "-" is not a whole number`},
		{proxy, with(proxy, 22, "99999999999"), `scbytes: "99999999999" is beyond INT`},
	}
	for _, test := range tests {
		_, err := test.table.NewParser(time.UTC).Parse(test.row)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s %.60q:\n got %v\nwant %s", test.table.Name, test.row, err, test.want)
		}
	}
}

// TestReasonIsShort: a bad row of a megabyte has a short reason.
func TestReasonIsShort(t *testing.T) {
	for table, row := range base {
		huge := bytes.Repeat([]byte{'"', 0xff}, 1<<19)
		for _, row := range [][]byte{huge, append([]byte(row+" "), huge...), with(table, 2, string(bytes.Repeat([]byte{1}, 1<<20)))} {
			_, err := table.NewParser(time.UTC).Parse(row)
			if err == nil || len(err.Error()) > 500 {
				t.Errorf("%s: the reason is %.1000v", table.Name, err)
			}
		}
	}
}

// TestRanges parses the least and greatest values of each type of column.
func TestRanges(t *testing.T) {
	tests := []struct {
		column, field     int
		good, bad         []string
		first, last, zero any
	}{
		{11, 10, []string{"-2147483648", "2147483647", "-0"}, []string{"-2147483649", "2147483648", "18446744073709551616"},
			int64(math.MinInt32), int64(math.MaxInt32), int64(0)},
		{17, 16, []string{"-9223372036854775808", " +0009223372036854775807\t", "0000000000000000000000000"},
			[]string{"-9223372036854775809", "9223372036854775808", "92233720368547758080", "18446744073709551616", "1e3"},
			int64(math.MinInt64), int64(math.MaxInt64), int64(0)},
		{8, 7, []string{"-3.4028235e38", "3.4028235E+38", "1e-400"}, []string{"-3.41e38", "3.41e38", "1e400"},
			float32(-math.MaxFloat32), float32(math.MaxFloat32), float32(0)},
	}
	p := flow.NewParser(time.UTC)
	for _, test := range tests {
		for i, want := range []any{test.first, test.last, test.zero} {
			got, _, err := parse(p, with(flow, test.field, test.good[i]))
			if err != nil || got[test.column] != want {
				t.Errorf("%q is %v, %v, want %v", test.good[i], got, err, want)
			}
		}
		for _, bad := range test.bad {
			if _, err := p.Parse(with(flow, test.field, bad)); err == nil {
				t.Errorf("%q is good in column %s", bad, flow.columns[test.column].name)
			}
		}
	}
}

func TestHour(t *testing.T) {
	h := Hour{2018, 3, 20, 9}
	if got, want := h.String(), "2018032009"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	folders := map[*Table]map[Hour]string{
		flow:  {h: "y=2018/m=3/d=20/h=9", {-5, 0, -1, 127}: "y=-5/m=0/d=-1/h=127"},
		dns:   {h: "y=2018/m=3/d=20/h=9", {1970, 12, 1, 0}: "y=1970/m=12/d=1/h=0"},
		proxy: {h: "y=2018/m=03/d=20/h=09", {1, 1, 1, 0}: "y=1/m=01/d=01/h=00"},
	}
	for table, want := range folders {
		for h, want := range want {
			if got := table.Folder(h); got != want {
				t.Errorf("%s: %s, want %s", table.Name, got, want)
			}
		}
	}
}

// TestAfterBadRow: a bad row leaves nothing behind in the rows after it.
func TestAfterBadRow(t *testing.T) {
	for table, row := range base {
		p := table.NewParser(time.UTC)
		want, hour, err := parse(p, []byte(row))
		if err != nil {
			t.Fatal(err)
		}
		for i := range table.fields {
			p.Parse(with(table, i, "\x00"))
			got, h, err := parse(p, []byte(row))
			if err != nil || h != hour || !same(got, want) {
				t.Errorf("%s, after field %d was bad: %v %v", table.Name, i, got, err)
			}
		}
	}
}

func ExampleParser() {
	p := flow.NewParser(time.UTC)
	rows := columns.New(flow.Schema)
	for _, row := range []string{
		"2018-03-20 09:25:11,2018,3,20,9,25,11,0.064,10.0.0.1,192.0.2.7,51234,443,TCP,.AP.SF,0,0,12,3456,0,0,1,2,0,0,0,0,198.51.100.7",
		"2018-03-20 09:25:12,2018,3,20,9,25,12,0.000,10.0.0.1,192.0.2.7,0x50,443,TCP,.AP.SF,0,0,12,3456,0,0,1,2,0,0,0,0,198.51.100.7",
	} {
		hour, err := p.Parse([]byte(row))
		if err != nil {
			fmt.Println("bad row:", err)
			continue
		}
		p.Append(rows)
		fmt.Println(flow.Folder(hour))
	}
	fmt.Println("rows:", rows.Len)
	// Output:
	// y=2018/m=3/d=20/h=9
	// bad row: sport: "0x50" is not a whole number
	// rows: 1
}
