package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"spot-ingest/listener/internal/columns"
)

// everyType has a column of each type, and of each one that is searched.
var everyType = columns.Schema{
	{Name: "i", Type: columns.Int32}, {Name: "l", Type: columns.Int64},
	{Name: "f", Type: columns.Float32}, {Name: "s", Type: columns.String},
	{Name: "searched_i", Type: columns.Int32, Searched: true}, {Name: "searched_l", Type: columns.Int64, Searched: true},
	{Name: "searched_f", Type: columns.Float32, Searched: true}, {Name: "searched_s", Type: columns.String, Searched: true},
}

// made returns n rows of everyType, whose row i has the values of(i).
func made(n int, of func(i int) (int32, int64, float32, string)) *columns.Rows {
	rows := columns.New(everyType)
	for i := range n {
		a, b, c, d := of(i)
		for at := 0; at < 8; at += 4 {
			add32(rows, at, a)
			add64(rows, at+1, b)
			rows.Columns[at+2].Float32s = append(rows.Columns[at+2].Float32s, c)
			rows.Columns[at+3].AddString([]byte(d))
		}
		rows.Len++
	}
	return rows
}

// kinds are rows of everyType such that each way of encoding is taken.
func kinds() map[string]*columns.Rows {
	r := rand.New(rand.NewPCG(7, 7))
	text := []rune(strings.Repeat("αβγ δ€🙂 ", 20))
	inf := float32(math.Inf(1))
	odd := []float32{-inf, inf, 0, float32(math.Copysign(0, -1)), -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32}
	return map[string]*columns.Rows{
		"empty":    made(0, nil),
		"one":      made(1, func(int) (int32, int64, float32, string) { return -1, 1 << 40, 2.5, "one" }),
		"no bytes": made(3, func(int) (int32, int64, float32, string) { return 0, 0, 0, "" }),
		"constant": made(35000, func(int) (int32, int64, float32, string) { return 2018, -9, 1.25, "10.0.0.1" }),
		"plain": made(35000, func(i int) (int32, int64, float32, string) {
			return r.Int32() - 1<<30, r.Int64() - 1<<62, r.Float32() - 0.5, fmt.Sprintf("%x", r.Uint64())
		}),
		"dictionary": made(35000, func(i int) (int32, int64, float32, string) {
			v := r.IntN(3000) - 1500
			return int32(v), int64(v) << 33, float32(v) / 3, fmt.Sprint("host-", v, ".example")
		}),
		"two": made(20001, func(i int) (int32, int64, float32, string) {
			v := r.IntN(2)
			return int32(v), int64(v), float32(v), []string{"TCP", "UDP"}[v]
		}),
		"runs": made(35003, func(i int) (int32, int64, float32, string) {
			v := i / 37
			return int32(v % 60), int64(1521536400 + v), float32(v / 100), fmt.Sprintf("2018-03-20 09:%02d:%02d", v/60%60, v%60)
		}),
		"descending": made(35000, func(i int) (int32, int64, float32, string) {
			return int32(-i), int64(-i), float32(-i), fmt.Sprintf("%08d", 35000-i)
		}),
		"wide indexes": made(75000, func(i int) (int32, int64, float32, string) {
			v := i % 66000
			return int32(v), int64(v), float32(v), fmt.Sprintf("%040d", v%30000)
		}),
		"not ASCII": made(2000, func(i int) (int32, int64, float32, string) {
			return int32(i), int64(i), float32(i), string(text[:len(text)*i/2000])
		}),
		"long": made(200, func(i int) (int32, int64, float32, string) {
			return math.MinInt32, math.MaxInt64, -0.5, strings.Repeat(string(rune('a'+i%3)), i*i)
		}),
		"floats": made(30000, func(i int) (int32, int64, float32, string) {
			return int32(i), int64(i), odd[i%len(odd)], ""
		}),
		"NaN": made(30000, func(i int) (int32, int64, float32, string) {
			if i == 20000 {
				return 1, 1, float32(math.NaN()), "\xff\xff"
			}
			return 0, 0, 1, strings.Repeat("\xff", 80)
		}),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, rows := range kinds() {
		t.Run(name, func(t *testing.T) {
			check(t, write(t, everyType, Snappy, rows), everyType, rows)
		})
	}
}

func TestCodecs(t *testing.T) {
	all := kinds()
	for _, codec := range []Codec{None, Zstd, Gzip} {
		t.Run(codec.String(), func(t *testing.T) {
			groups := []*columns.Rows{all["dictionary"], all["long"], all["constant"], all["not ASCII"]}
			check(t, write(t, everyType, codec, groups...), everyType, groups...)
		})
	}
}

// Encoders make row groups of all kinds one after the other, side by side for one file.
func TestRowGroups(t *testing.T) {
	var file bytes.Buffer
	f := NewFile(&file, everyType, "test")
	var added []*columns.Rows
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range 2 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			e := NewEncoder(everyType, Snappy)
			for _, rows := range kinds() { // in any order
				g, err := e.Encode(rows)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if err := f.Add(g); err != nil {
					t.Error(err)
				}
				added = append(added, rows)
				mu.Unlock()
			}
		}()
	}
	workers.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, file.Bytes(), everyType, added...)
}

func TestFlow(t *testing.T) {
	rows := flows(3, 50000)
	file := write(t, flowSchema, Snappy, rows)
	check(t, file, flowSchema, rows)
	for i, c := range open(t, file).Metadata().RowGroups[0].Columns {
		if c.MetaData.Encoding[0] != format.PlainDictionary {
			t.Errorf("%s has no dictionary", flowSchema[i].Name)
		}
		// Columns of one value should take next to nothing.
		if v := rows.Columns[i].Int32s; len(v) > 0 && slices.Min(v) == slices.Max(v) && c.MetaData.TotalCompressedSize > 500 {
			t.Errorf("%s, of one value, takes %d bytes", flowSchema[i].Name, c.MetaData.TotalCompressedSize)
		}
	}
}

func TestNoRowGroup(t *testing.T) {
	f := open(t, write(t, everyType, Snappy))
	if f.NumRows() != 0 || len(f.RowGroups()) != 0 || len(f.Schema().Fields()) != len(everyType) {
		t.Errorf("%d rows, %d row groups, schema %v", f.NumRows(), len(f.RowGroups()), f.Schema())
	}
}

func TestSchema(t *testing.T) {
	meta := open(t, write(t, everyType, None, kinds()["one"])).Metadata()
	if meta.Version != 1 || meta.CreatedBy != "spot-ingest version 1.2.3 (build test)" {
		t.Errorf("version %d, created by %q", meta.Version, meta.CreatedBy)
	}
	if len(meta.ColumnOrders) != len(everyType) || meta.ColumnOrders[0].TypeOrder == nil {
		t.Errorf("column orders %v", meta.ColumnOrders)
	}
	if root := meta.Schema[0]; root.NumChildren != int32(len(everyType)) || root.RepetitionType != nil || root.Type != nil {
		t.Errorf("root %+v", root)
	}
	for i, e := range meta.Schema[1:] {
		c := everyType[i]
		if e.Name != c.Name || int32(*e.Type) != physical[c.Type] || *e.RepetitionType != format.Required || e.TypeLength != nil {
			t.Errorf("%s: %+v", c.Name, e)
		}
		annotated := e.ConvertedType != nil && e.LogicalType != nil && e.LogicalType.UTF8 != nil
		if annotated != (c.Type == columns.String) {
			t.Errorf("%s: annotations %v, %v", c.Name, e.ConvertedType, e.LogicalType)
		}
	}
}

// A page is as large as a value is, if that is larger than a page should be.
func TestGiantStrings(t *testing.T) {
	schema := columns.Schema{{Name: "line", Type: columns.String, Searched: true}, {Name: "n", Type: columns.Int32}}
	giant := bytes.Repeat([]byte("GET http://example.com/ "), 100<<20/24)
	if testing.Short() {
		giant = giant[:20<<20]
	}
	rows, few := columns.New(schema), columns.New(schema)
	for i, line := range [][]byte{[]byte("a"), giant, {}, []byte("b"), giant[:3<<20]} {
		rows.Columns[0].AddString(line)
		add32(rows, 1, int32(i))
		rows.Len++
	}
	few.Columns[0].AddString([]byte("c"))
	add32(few, 1, 1)
	few.Len++

	var file bytes.Buffer
	e, f := NewEncoder(schema, Snappy), NewFile(&file, schema, "test")
	for _, r := range []*columns.Rows{rows, few} {
		g, err := e.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, file.Bytes(), schema, rows, few)
	if e.Memory() > 16<<20 {
		t.Errorf("%d bytes are held after the giant", e.Memory())
	}
	index, err := open(t, file.Bytes()).RowGroups()[0].ColumnChunks()[0].OffsetIndex()
	if err != nil || index.NumPages() != 4 {
		t.Errorf("%d pages, want 4; %v", index.NumPages(), err)
	}
}

func TestBloomFalsePositives(t *testing.T) {
	schema := columns.Schema{{Name: "s", Type: columns.String, Searched: true}, {Name: "i", Type: columns.Int32, Searched: true}}
	for _, distinct := range []int{1, 3, 1000, 26214, 40000} {
		rows := columns.New(schema)
		for i := range max(distinct, 2000) {
			rows.Columns[0].AddString(fmt.Appendf(nil, "%d.example.org", i%distinct))
			add32(rows, 1, int32(i%distinct))
			rows.Len++
		}
		group := open(t, write(t, schema, Snappy, rows)).RowGroups()[0]
		for c, chunk := range group.ColumnChunks() {
			filter := chunk.BloomFilter()
			if bits := filter.Size() * 8; bits < bloomBits*int64(distinct) || bits > 2*bloomBits*int64(distinct)+256 {
				t.Errorf("%s: %d bits for %d values", schema[c].Name, bits, distinct)
			}
			found := 0
			for i := range 30000 {
				probe := []byte(fmt.Sprintf("%d.example.org", -1-i))
				if schema[c].Type == columns.Int32 {
					probe = plain(columns.Int32, &columns.Values{Int32s: []int32{int32(-1 - i)}}, 0)
				}
				if ok, err := filter.Check(bloomValue(schema[c].Type, probe)); err != nil {
					t.Fatal(err)
				} else if ok {
					found++
				}
			}
			if found > 900 {
				t.Errorf("%s of %d values: %d of 30000 others are found", schema[c].Name, distinct, found)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	e := NewEncoder(everyType, Snappy)
	rows := made(2, func(int) (int32, int64, float32, string) { return 0, 0, 0, "" })
	rows.Columns[3].Ends = rows.Columns[3].Ends[:1]
	if _, err := e.Encode(rows); err == nil || !strings.Contains(err.Error(), "column s has 1 values for 2 rows") {
		t.Errorf("a column too short: %v", err)
	}
	if _, err := e.Encode(columns.New(flowSchema)); err == nil {
		t.Error("rows of another schema: no error")
	}
	one := kinds()["one"]
	full := errors.New("no space left on device")
	for after := range 6 {
		f := NewFile(&failing{after, full}, everyType, "test")
		g, err := e.Encode(one)
		if err != nil {
			t.Fatal(err)
		}
		err = f.Add(g)
		if err == nil {
			err = f.Close()
		}
		if (err == nil) != (after > 5) || err != nil && !errors.Is(err, full) {
			t.Errorf("after %d writes: %v", after, err)
		}
		if err := f.Close(); err == nil {
			t.Errorf("after %d writes: closed though it failed", after)
		}
	}
}

// A string that no page can hold is refused by its length: its bytes, zeros that no memory is
// taken for, are never looked at.
func TestTooLongString(t *testing.T) {
	if testing.Short() || math.MaxInt == math.MaxInt32 {
		t.Skip("takes 2 GiB of address space")
	}
	schema := columns.Schema{{Name: "line", Type: columns.String}}
	rows := columns.New(schema)
	rows.Columns[0] = columns.Values{Bytes: make([]byte, math.MaxInt32), Ends: []uint32{math.MaxInt32}}
	rows.Len = 1
	_, err := NewEncoder(schema, Snappy).Encode(rows)
	if !errors.Is(err, errTooLarge) || !strings.Contains(err.Error(), "column line: row 0: a string of 2147483647 bytes") {
		t.Errorf("error %v", err)
	}
}

// Memory is taken for pages at most, once an encoder has seen rows of a kind, and never for
// values.
func TestAllocations(t *testing.T) {
	rows, e := flows(4, 2*pageRows), NewEncoder(flowSchema, Snappy)
	allocations := testing.AllocsPerRun(2, func() {
		if _, err := e.Encode(rows); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 10*float64(len(flowSchema)) {
		t.Errorf("%v allocations for %d columns", allocations, len(flowSchema))
	}
}

type failing struct {
	after int
	err   error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func TestParseCodec(t *testing.T) {
	for codec := range codecs {
		if got, err := ParseCodec(Codec(codec).String()); err != nil || got != Codec(codec) {
			t.Errorf("%v: %v, %v", Codec(codec), got, err)
		}
	}
	if _, err := ParseCodec("lzo"); err == nil || !strings.Contains(err.Error(), `"lzo"`) {
		t.Errorf("lzo: %v", err)
	}
}
