package table

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readRows returns the rows of an nfdump's CSV: what begins with a time.
func readRows(t *testing.T, file string) (rows [][]byte) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if looksLikeTime(line) {
			rows = append(rows, bytes.TrimSpace(line))
		}
	}
	return rows
}

// TestStockFiles reads what stock nfdump 1.7.1 printed of files, and compares with what Spot's
// own nfdump printed of the same ones. Where a file holds no time of reception, that says
// 1970, and the time that a flow was first seen takes its place.
func TestStockFiles(t *testing.T) {
	files, err := filepath.Glob(shared + "data/flow/expected-nfdump-1.7.1/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("nfdump's output is not there: no %sdata/flow/expected-nfdump-1.7.1/*", shared)
	}
	compared := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".head2000")
		stock := readRows(t, file)
		spot := readRows(t, shared+"data/flow/expected-spot-nfdump-1.6.12/"+name)
		p := flow.NewParser(time.UTC)
		for i, row := range stock {
			got, gotHour, err := parse(p, row)
			if err != nil {
				t.Errorf("%s: row %d: %v", name, i, err)
				continue
			}
			if len(spot) < len(stock) {
				continue // Spot's can't read the file
			}
			want, wantHour, err := parse(p, mapTime(spot[i], row))
			if err != nil || !same(got, want) || gotHour != wantHour {
				t.Errorf("%s: row %d:\n got %v %v\nwant %v %v %v", name, i, got, gotHour, want, wantHour, err)
			}
			compared++
		}
	}
	if compared < 2000 {
		t.Errorf("only %d rows compared", compared)
	}
}

// mapTime gives a row of Spot's nfdump that says 1970 the first-seen time of the stock row.
func mapTime(spot, stock []byte) []byte {
	rest, found := bytes.CutPrefix(spot, []byte("1970-01-01 00:00:00,1970,1,1,0,0,0"))
	if !found {
		return spot
	}
	first, _ := time.Parse(time.DateTime, string(stock[:stampLen]))
	return fmt.Appendf(nil, "%s,%d,%d,%d,%d,%d,%d%s", stock[:stampLen],
		first.Year(), first.Month(), first.Day(), first.Hour(), first.Minute(), first.Second(), rest)
}

const stockRow = "2004-07-11 10:30:00,2004-07-11 10:30:10,10.010,172.16.1.66,192.168.170.100,1024,25,TCP,.......F,1,2,202,303,212,3234,12,14,775,8404,16,24,128,1," +
	"172.72.1.2,172.73.2.3,82,93,02:34:56:78:90:aa,ff:ee:dd:cc:bb:aa,aa:ee:dd:cc:bb:ff,aa:34:56:78:90:02,1010-0-0,2020-0-0,3030-0-0,4040-0-0,5050-0-0," +
	"6060-0-0,7070-0-0,8080-0-0,9090-0-0,100100-0-1,    0.000,    0.000,    0.000,127.0.0.1,5/6,1,2004-07-11 10:35:09.123"

// stockWith returns stockRow with field i replaced.
func stockWith(i int, value string) string {
	fields := strings.Split(stockRow, ",")
	fields[i] = value
	return strings.Join(fields, ",")
}

func TestStockRows(t *testing.T) {
	const rest = ",10.010,172.16.1.66,192.168.170.100,1024,25,TCP,.....F,1,2,202,303,212,3234,12,14,775,8404,128,1,127.0.0.1"
	const received = "2004-07-11 10:35:09,2004,7,11,10,35,9"
	const first = "2004-07-11 10:30:00,2004,7,11,10,30,0"
	tests := []struct{ row, same string }{
		{stockRow, received + rest},
		{stockWith(47, "2004-07-11 10:35:09"), received + rest},
		{stockWith(47, "1970-01-01 00:00:00.000"), first + rest},
		{stockWith(47, "0000-00-00 00:00:00.000"), first + rest},
		{stockWith(8, "CEUAPRSF"), received + strings.Replace(rest, ".....F", "  0xff", 1)},
		{stockWith(8, ".E.A...F"), received + strings.Replace(rest, ".....F", "  0x51", 1)},
		{stockWith(8, ".A...F"), received + strings.Replace(rest, ".....F", ".A...F", 1)},
	}
	p := flow.NewParser(time.UTC)
	for _, test := range tests {
		got, gotHour, err := parse(p, []byte(test.row))
		if err != nil {
			t.Errorf("%s: %v", test.row, err)
			continue
		}
		want, wantHour, err := parse(p, []byte(test.same))
		if err != nil || !same(got, want) || gotHour != wantHour {
			t.Errorf("%s:\n got %v %v\nwant %v %v %v", test.row, got, gotHour, want, wantHour, err)
		}
	}
	bad := map[string]string{
		stockWith(47, "unknown"): `treceived: "unknown" is not a time of the form YYYY-MM-DD hh:mm:ss`,
		stockWith(5, "8.0"):      `sport: "8.0" is not a whole number`,
		// One field more or less, or no time in the second, and it is no row of nfdump's.
		stockRow + ",x":                          `tryear: "2004-07-11 10:30:10" is not a whole number`,
		strings.Replace(stockRow, ",5/6", "", 1): `tryear: "2004-07-11 10:30:10" is not a whole number`,
		stockWith(1, "soon"):                     `tryear: "soon" is not a whole number`,
	}
	for row, want := range bad {
		if _, err := p.Parse([]byte(row)); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", row, err, want)
		}
	}
}

// TestOtherLengths: a row is read by the positions of its first 27 fields, however many more
// there are.
func TestOtherLengths(t *testing.T) {
	p := flow.NewParser(time.UTC)
	want, _, err := parse(p, []byte(base[flow]))
	if err != nil {
		t.Fatal(err)
	}
	for more := range 30 {
		row := base[flow] + strings.Repeat(",x", more)
		if got, _, err := parse(p, []byte(row)); err != nil || !same(got, want) {
			t.Errorf("%d fields: got %v, %v", 27+more, got, err)
		}
	}
	for _, table := range []*Table{dns, proxy} {
		separator := map[*Table]string{dns: ",", proxy: " "}[table]
		p := table.NewParser(time.UTC)
		want, _, err := parse(p, []byte(base[table]))
		if err != nil {
			t.Fatal(err)
		}
		row := base[table] + strings.Repeat(separator+"y", 50)
		if got, _, err := parse(p, []byte(row)); err != nil || !same(got, want) {
			t.Errorf("%s: got %v, %v", table.Name, got, err)
		}
	}
}
