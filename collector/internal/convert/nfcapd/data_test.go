package nfcapd

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/rawfile"
)

// shared finds real files and what the tools printed of them, which lie beside the
// repository if somebody put them there.
func shared(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "..", "shared", "data", "flow"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("needs real files beside the repository: %v", err)
	}
	return dir
}

// readAll returns the rows of a file, and the error that ends it unless that is io.EOF.
func readAll(src io.Reader) (rows []string, r *Reader, err error) {
	r, err = NewReader(src)
	if err != nil {
		return nil, nil, err
	}
	var text []byte
	for err == nil {
		text, err = r.Next(text)
	}
	if err == io.EOF {
		err = nil
	}
	if len(text) == 0 {
		return nil, r, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), r, err
}

func readFile(tb testing.TB, path string) ([]string, *Reader, error) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	return readAll(f)
}

// by48 makes 27 columns of nfdump 1.7.1's 48, by position and as simply as can be.
func by48(row string) string {
	b := strings.Split(row, ",")
	when := b[47]
	if strings.HasPrefix(when, "1970-01-01 00:00:00") {
		when = b[0]
	}
	flags, bits := b[8], 0
	for i, c := range flags {
		if c != '.' {
			bits |= 128 >> i
		}
	}
	if flags = flags[2:]; bits > 63 {
		flags = fmt.Sprintf("  0x%2x", bits)
	}
	columns := append(spread(when), b[2:8]...)
	columns = append(append(columns, flags), b[9:19]...)
	return strings.Join(append(columns, b[21], b[22], b[44]), ",")
}

// spread returns the seven columns of a time.
func spread(when string) []string {
	columns := []string{when[:19]}
	for _, part := range []string{when[0:4], when[5:7], when[8:10], when[11:13], when[14:16], when[17:19]} {
		n, _ := strconv.Atoi(part)
		columns = append(columns, strconv.Itoa(n))
	}
	return columns
}

// rowsOf picks the rows out of what a tool printed.
func rowsOf(text string) []string {
	var rows []string
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 19 && line[4] == '-' && line[10] == ' ' && line[19] == ',' {
			rows = append(rows, line)
		}
	}
	return rows
}

func expected(tb testing.TB, path string) []string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	return rowsOf(string(text))
}

// sameRows compares up to the last row that is wanted.
func sameRows(t *testing.T, by string, got, want []string) {
	t.Helper()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("row %d of %d\n      got %s\n%s: %s", i+1, len(want), append(got, "nothing")[min(i, len(got))], by, want[i])
		}
	}
}

// realFiles are what there is, how many rows it has, and where it is damaged.
var realFiles = []struct {
	path   string
	rows   int
	damage int64 // -1 for none
}{
	{"real/nfcapd.v1-bz2-100k", 100000, -1},
	{"real/nfcapd.v1-empty", 0, -1},
	{"real/nfcapd.v1-lzo-corrupt", 0, 276},
	{"real/nfcapd.v1-lzo-small", 10, -1},
	{"real/nfcapd.v1-none-legacy-records", 26, -1},
	{"real/nfcapd.v2-none-ipv6", 3018, -1},
	{"derived/nfcapd.v1_nfgen_bz2", 26, -1},
	{"derived/nfcapd.v1_nfgen_lzo", 26, -1},
	{"derived/nfcapd.v1_nfgen_none", 26, -1},
	{"derived/nfcapd.v1_recv20k_lz4", 20000, -1},
	{"derived/nfcapd.v1_recv20k_none", 20000, -1},
	{"derived/nfcapd.v1_truncated", 15, 276},
	{"derived/nfcapd.v2_nfgen_bz2", 35, -1},
	{"derived/nfcapd.v2_nfgen_lz4", 35, -1},
	{"derived/nfcapd.v2_nfgen_none", 35, -1},
	{"derived/nfcapd.v2_nfgen_zstd", 35, -1},
	{"derived/nfcapd.v2_recv_lz4", 10, -1},
	{"derived/nfcapd.v2_recv_lzo", 10, -1},
	{"derived/nfcapd.v2_recv_none", 10, -1},
	{"derived/nfcapd.v2_recv_zstd", 10, -1},
	{"derived/nfcapd.v2_truncated", 0, 40}, // exporters only, up to where it ends
	{"derived/nfcapd.zero-length", 0, 0},
}

// TestRealFiles compares with what Spot's own nfdump and nfdump 1.7.1 printed, where they
// printed rows.
func TestRealFiles(t *testing.T) {
	dir := shared(t)
	for _, file := range realFiles {
		name := filepath.Base(file.path)
		t.Run(name, func(t *testing.T) {
			got, _, err := readFile(t, filepath.Join(dir, file.path))
			var damage *rawfile.Damage
			switch {
			case file.damage < 0 && err != nil:
				t.Errorf("error: %v", err)
			case file.damage >= 0 && (!errors.As(err, &damage) || damage.Offset != file.damage):
				t.Errorf("error %v, want damage at byte %d", err, file.damage)
			}
			if len(got) != file.rows {
				t.Errorf("%d rows, want %d", len(got), file.rows)
			}
			fork := expected(t, filepath.Join(dir, "expected-spot-nfdump-1.6.12", name+".csv"))
			sameRows(t, "Spot's nfdump", got, firstSeen(fork, got))
			stock := expected(t, filepath.Join(dir, "expected-nfdump-1.7.1", name+".csv"))
			head := expected(t, filepath.Join(dir, "expected-nfdump-1.7.1", name+".csv.head2000"))
			sameRows(t, "nfdump 1.7.1", got, map48(append(stock, head...)))
			for by, want := range map[string][]string{"Spot's nfdump": fork, "nfdump 1.7.1": stock} {
				if len(want) > 0 && len(want) != len(got) {
					t.Errorf("%d rows, but %d of %s", len(got), len(want), by)
				}
			}
			t.Logf("the same as %d rows of Spot's nfdump, %d of nfdump 1.7.1", len(fork), len(stock)+len(head))
		})
	}
}

// firstSeen takes the times from got where Spot's nfdump printed 1970 because there is no time of reception:
// the first-seen time is not among its columns, and nfdump 1.7.1 is there to compare that with.
func firstSeen(fork, got []string) []string {
	rows := make([]string, len(fork))
	for i, row := range fork {
		if strings.HasPrefix(row, "1970-01-01 00:00:00,") && i < len(got) {
			row = strings.Join(append(strings.SplitN(got[i], ",", 8)[:7], strings.SplitN(row, ",", 8)[7]), ",")
		}
		rows[i] = row
	}
	return rows
}

func map48(rows []string) []string {
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = by48(rows[i])
	}
	return out
}

// byNfdump returns what the installed nfdump prints of a file, if it is the one whose output is
// known word by word.
func byNfdump(t *testing.T, path string) []string {
	t.Helper()
	version, err := exec.CommandContext(t.Context(), "nfdump", "-V").Output()
	if err != nil || !strings.Contains(string(version), "1.7.1") {
		t.Skipf("needs nfdump 1.7.1 to compare with: %q, %v", version, err)
	}
	cmd := exec.CommandContext(t.Context(), "nfdump", "-r", path, "-o", "csv", "-q")
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nfdump -r %s: %v", path, err)
	}
	return map48(rowsOf(string(out)))
}

// TestLongFilesAgainstNfdump compares all rows of the files of which only the first are stored.
func TestLongFilesAgainstNfdump(t *testing.T) {
	dir := shared(t)
	for _, path := range []string{"real/nfcapd.v1-bz2-100k", "derived/nfcapd.v1_recv20k_lz4", "derived/nfcapd.v1_recv20k_none"} {
		want := byNfdump(t, filepath.Join(dir, path))
		got, _, err := readFile(t, filepath.Join(dir, path))
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d rows, %d of nfdump; %v", path, len(got), len(want), err)
		}
		sameRows(t, "nfdump", got, want)
	}
}

// TestBuiltFilesAgainstNfdump compares flows of all sorts, which also checks the builder.
func TestBuiltFilesAgainstNfdump(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for layout, file := range map[int][]byte{
		1: fileV1(0, blockOf(blockV1, uncompressed, someFlows(1, 3000, rnd)...)),
		2: fileV2(uncompressed, blockOf(blockV2, uncompressed, someFlows(2, 3000, rnd)...), appendix(uncompressed)),
	} {
		path := filepath.Join(t.TempDir(), "nfcapd.201908121850")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		got, want := rowsIn(t, file), byNfdump(t, path)
		if len(got) != 3000 || len(want) != 3000 {
			t.Fatalf("layout %d: %d rows, %d of nfdump", layout, len(got), len(want))
		}
		sameRows(t, "nfdump", got, want)
	}
}
