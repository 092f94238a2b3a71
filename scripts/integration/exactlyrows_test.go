//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"spot-ingest/scripts/generate"

	"github.com/parquet-go/parquet-go"
)

// numberedRows are flow rows of which each has a number of its own, in the column ibyt. All
// that a row says is kept, as a checksum.
type numberedRows struct {
	mu    sync.Mutex
	sums  []uint64
	lost  map[int]bool // those that must not be in the table
	files int
}

var rowSeed = maphash.MakeSeed()

// numberColumn is ibyt among the columns of a row.
const numberColumn = 17

// file makes another file of rows. They are spread over twelve hours, that is over twelve
// partition folders.
func (n *numberedRows) file(rows int) (name string, text []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.files++
	var source, out bytes.Buffer
	_, err := generate.Flow(&source, generate.Options{
		Seed: uint64(n.files), Rows: int64(rows), Span: 12*time.Hour - time.Second, Bare: true,
	})
	if err != nil {
		panic(err) // a buffer takes everything
	}
	for line := range strings.Lines(source.String()) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ",")
		fields[numberColumn] = strconv.Itoa(len(n.sums))
		row := strings.Join(fields, ",")
		n.sums = append(n.sums, maphash.String(rowSeed, row))
		out.WriteString(row + "\n")
	}
	return fmt.Sprintf("%06d.csv", n.files), out.Bytes()
}

// lose tells that nobody can store a row any more.
func (n *numberedRows) lose(number int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lost == nil {
		n.lost = make(map[int]bool)
	}
	n.lost[number] = true
}

// len is how many rows must be in the table.
func (n *numberedRows) len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sums) - len(n.lost)
}

// compare wants exactly these rows to be in the Parquet files, each once.
func (n *numberedRows) compare(t *testing.T, files []string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	times := make([]uint8, len(n.sums))
	strange := 0
	for _, path := range files {
		err := eachFlow(path, func(r *flowRow) {
			row := r.text()
			known := r.Ibyt >= 0 && r.Ibyt < int64(len(times)) && n.sums[r.Ibyt] == maphash.String(rowSeed, row)
			if known && r.timely() && r.belongs(path) {
				times[r.Ibyt] = min(times[r.Ibyt]+1, 255)
				return
			}
			if strange++; strange <= 3 {
				t.Errorf("%s: a row that did not arrive: %s, unix_tstamp %d", path, row, r.UnixTime)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	missing, twice := 0, 0
	for number, times := range times {
		switch {
		case n.lost[number]:
			if times == 0 {
				continue
			}
			strange++
		case times == 0:
			missing++
		case times > 1:
			twice++
		default:
			continue
		}
		if missing+twice+strange <= 3 {
			t.Errorf("row %d is %d times in the table", number, times)
		}
	}
	if missing+twice+strange > 0 {
		t.Errorf("of %d rows %d are missing, %d are there more than once; %d did not arrive", len(times), missing, twice, strange)
	}
}

// A flowRow is a row as it lies in the table.
type flowRow struct {
	Received string  `parquet:"treceived"`
	UnixTime int64   `parquet:"unix_tstamp"`
	Year     int32   `parquet:"tryear"`
	Month    int32   `parquet:"trmonth"`
	Day      int32   `parquet:"trday"`
	Hour     int32   `parquet:"trhour"`
	Minute   int32   `parquet:"trminute"`
	Second   int32   `parquet:"trsec"`
	Duration float32 `parquet:"tdur"`
	Sip      string  `parquet:"sip"`
	Dip      string  `parquet:"dip"`
	Sport    int32   `parquet:"sport"`
	Dport    int32   `parquet:"dport"`
	Proto    string  `parquet:"proto"`
	Flag     string  `parquet:"flag"`
	Fwd      int32   `parquet:"fwd"`
	Stos     int32   `parquet:"stos"`
	Ipkt     int64   `parquet:"ipkt"`
	Ibyt     int64   `parquet:"ibyt"`
	Opkt     int64   `parquet:"opkt"`
	Obyt     int64   `parquet:"obyt"`
	Input    int32   `parquet:"input"`
	Output   int32   `parquet:"output"`
	Sas      int32   `parquet:"sas"`
	Das      int32   `parquet:"das"`
	Dtos     int32   `parquet:"dtos"`
	Dir      int32   `parquet:"dir"`
	Rip      string  `parquet:"rip"`
}

// text is the row as it was sent: the generator writes numbers in their shortest form, and
// durations, of less than 16 million milliseconds, survive as 32 bits.
func (r *flowRow) text() string {
	var b []byte
	str := func(s string) { b = append(append(b, s...), ',') }
	num := func(ns ...int32) {
		for _, n := range ns {
			b = append(strconv.AppendInt(b, int64(n), 10), ',')
		}
	}
	long := func(ns ...int64) {
		for _, n := range ns {
			b = append(strconv.AppendInt(b, n, 10), ',')
		}
	}
	str(r.Received)
	num(r.Year, r.Month, r.Day, r.Hour, r.Minute, r.Second)
	str(strconv.FormatFloat(float64(r.Duration), 'f', 3, 32))
	str(r.Sip)
	str(r.Dip)
	num(r.Sport, r.Dport)
	str(r.Proto)
	str(r.Flag)
	num(r.Fwd, r.Stos)
	long(r.Ipkt, r.Ibyt, r.Opkt, r.Obyt)
	num(r.Input, r.Output, r.Sas, r.Das, r.Dtos, r.Dir)
	return string(append(b, r.Rip...))
}

// timely tells whether unix_tstamp is what treceived says, in UTC.
func (r *flowRow) timely() bool {
	at, err := time.Parse(time.DateTime, r.Received)
	return err == nil && at.Unix() == r.UnixTime
}

// belongs tells whether the row lies in the folder of its hour.
func (r *flowRow) belongs(path string) bool {
	return strings.HasSuffix(filepath.Dir(path), fmt.Sprintf("/hive/y=%d/m=%d/d=%d/h=%d", r.Year, r.Month, r.Day, r.Hour))
}

// eachFlow reads a file of the table with a reader that is not the listener's.
func eachFlow(path string, do func(*flowRow)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	p, err := parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r := parquet.NewGenericReader[flowRow](p)
	defer r.Close()
	rows := make([]flowRow, 1024)
	for read := int64(0); read < p.NumRows(); {
		n, err := r.Read(rows)
		for i := range rows[:n] {
			do(&rows[i])
		}
		if read += int64(n); err != nil && read < p.NumRows() {
			return fmt.Errorf("%s, row %d of %d: %w", path, read, p.NumRows(), err)
		}
	}
	return nil
}
