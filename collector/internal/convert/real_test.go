package convert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shared finds real captures and what the tools printed of them, which lie beside the
// repository if somebody put them there.
func shared(t *testing.T, kind string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "shared", "data", kind))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs real captures beside the repository: %v", err)
	}
	return dir
}

func toolFor(t *testing.T, recordType, options string) (Method, error) {
	tool := map[string]string{"flow": Nfdump, "dns": Tshark}[recordType]
	c, err := NewChooser(t.Context(), Wish{RecordType: recordType, ProcessOpt: options, Converter: tool})
	if err != nil {
		return Method{}, err
	}
	return c.Usual(), nil
}

// installed picks the method for a record type, if its tool is there in a version whose
// output is known word by word.
func installed(t *testing.T, recordType, options, version string) Method {
	t.Helper()
	m, err := toolFor(t, recordType, options)
	if err != nil {
		t.Skip(err)
	}
	if m.Version != version {
		t.Skipf("needs %s %s to compare with, not %s", m.Name, version, m.Version)
	}
	return m
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// by48 maps a row of 48 columns by position, as simply as can be.
func by48(row string) string {
	b := strings.Split(row, ",")
	t := b[47]
	if strings.HasPrefix(t, "1970-01-01 00:00:00") {
		t = b[0]
	}
	out := []string{t[:19]}
	for _, part := range []string{t[0:4], t[5:7], t[8:10], t[11:13], t[14:16], t[17:19]} {
		n, _ := strconv.Atoi(part)
		out = append(out, strconv.Itoa(n))
	}
	out = append(out, b[2:8]...)
	flags, byteOf := b[8], 0
	for i, c := range flags {
		if c != '.' {
			byteOf |= 128 >> i
		}
	}
	if byteOf > 63 {
		out = append(out, fmt.Sprintf("  0x%2x", byteOf))
	} else {
		out = append(out, flags[2:])
	}
	out = append(out, b[9:19]...)
	return strings.Join(append(out, b[21], b[22], b[44]), ",")
}

func rowsOf(text string) []string {
	var rows []string
	for _, line := range strings.Split(text, "\n") {
		if startsWithDate([]byte(line)) {
			rows = append(rows, line)
		}
	}
	return rows
}

// TestMappingOfRealOutput maps what nfdump 1.7.1 printed of real files and compares it
// with what Spot's own nfdump printed of them, where that could read them.
func TestMappingOfRealOutput(t *testing.T) {
	dir := shared(t, "flow")
	files, _ := filepath.Glob(filepath.Join(dir, "expected-nfdump-1.7.1", "*"))
	mappedRows, compared := 0, 0
	for _, file := range files {
		text := readFile(t, file)
		out, f := mapLines(t, Method{}, text)
		raw, got := rowsOf(text), rowsOf(out)
		if len(got) != len(raw) || f.rows() != int64(len(raw)) || !strings.HasPrefix(out, spotHeader+"\n") || strings.Count(out, "\n") != len(raw)+1 {
			t.Errorf("%s: %d rows of %d", file, len(got), len(raw))
			continue
		}
		for i := range raw {
			if want := by48(raw[i]); got[i] != want {
				t.Fatalf("%s: row %d\n got %s\nwant %s", file, i, got[i], want)
			}
		}
		mappedRows += len(got)
		name := strings.TrimSuffix(filepath.Base(file), ".head2000")
		want := rowsOf(readFile(t, filepath.Join(dir, "expected-spot-nfdump-1.6.12", name)))
		if len(want) == 0 || len(raw) == 0 {
			continue
		}
		if len(want) != len(got) && !strings.HasSuffix(file, ".head2000") {
			t.Errorf("%s: %d rows, but %d by Spot's nfdump", name, len(got), len(want))
			continue
		}
		for i := range got {
			compared++
			if strings.HasPrefix(want[i], "1970-01-01 00:00:00,") {
				// Spot's nfdump prints no received time as 1970; the mapping uses the first-seen one.
				want[i], got[i] = cutTime(want[i]), cutTime(got[i])
			}
			if got[i] != want[i] {
				t.Fatalf("%s: row %d\n     got %s\nby Spot's %s", name, i, got[i], want[i])
			}
		}
	}
	t.Logf("%d rows mapped, %d of them compared with Spot's nfdump", mappedRows, compared)
	if mappedRows == 0 || compared == 0 {
		t.Error("nothing was compared")
	}
}

// cutTime leaves out the first seven fields.
func cutTime(row string) string { return strings.Join(strings.Split(row, ",")[7:], ",") }

func TestRealNfdump(t *testing.T) {
	dir := shared(t, "flow")
	m := installed(t, "flow", "", "1.7.1")
	failures := map[string]string{
		"nfcapd.v1-lzo-corrupt":         "nfdump exited with 1: Corrupt data file. Inconsistent block size in nfdump.c line 381",
		"nfcapd.v1-none-legacy-records": "nfdump printed no rows: Skip lagecy record type: 1 (26 times)",
		"nfcapd.v1_truncated":           "nfdump printed no rows: read() error: Short read: Expected: 4824, received: 2712",
		"nfcapd.v2_nfgen_zstd":          "nfdump printed no rows: Unable to read appendix block of file: PATH",
		"nfcapd.v2_recv_zstd":           "nfdump printed no rows: Unable to read appendix block of file: PATH",
		"nfcapd.v2_truncated":           "nfdump printed no rows: Open file PATH: appendix offset error; GetNextFile() error in nfdump.c line 295",
		"nfcapd.zero-length":            "nfdump printed no rows: read() error in nffile.c line 572: No such file or directory; GetNextFile() error in nfdump.c line 295",
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "nfcapd.*[^v]"))
	tried := 0
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Contains(name, ".csv") {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, stream, err := convertAll(t, m, Job{Path: file, Timeout: time.Minute})
			if stream == nil {
				t.Fatal(err)
			}
			want, cut := filepath.Join(dir, "expected-nfdump-1.7.1", name+".csv"), false
			if _, err := os.Stat(want); err != nil {
				want, cut = want+".head2000", true
			}
			raw, got := rowsOf(readFile(t, want)), rowsOf(out)
			if len(got) < len(raw) || len(got) > len(raw) && !cut {
				t.Fatalf("%d rows, want %d", len(got), len(raw))
			}
			for i := range raw {
				if got[i] != by48(raw[i]) {
					t.Fatalf("row %d\n got %s\nwant %s", i, got[i], by48(raw[i]))
				}
			}
			checkFailure(t, err, file, failures[name])
			t.Logf("%d rows, notes %q", len(got), stream.Notes())
		})
	}
	if tried == 0 {
		t.Error("no files")
	}
}

// checkFailure compares an error with what it should say; PATH stands for the file's path.
func checkFailure(t *testing.T, err error, path, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	want = "convert " + filepath.Base(path) + ": " + strings.ReplaceAll(want, "PATH", path)
	var failed *Error
	if !errors.As(err, &failed) || err.Error() != want {
		t.Errorf("error is %v\nwant %s", err, want)
	}
}

const documentedOptions = "-E separator=, -E header=y -E occurrence=f -T fields -e frame.time -e frame.time_epoch -e frame.len -e ip.src -e ip.dst " +
	"-e dns.resp.name -e dns.resp.type -e dns.resp.class -e dns.flags.rcode -e dns.a 'dns.flags.response == 1'"

func TestRealTshark(t *testing.T) {
	dir := shared(t, "dns")
	m := installed(t, "dns", documentedOptions, "4.0.17")
	m.Zone = "UTC"
	failures := map[string]string{
		"ecs_cut-short.pcap":             `tshark exited with 2 (after 64 rows): tshark: The file "PATH" appears to have been cut short in the middle of a packet.`,
		"garbage.pcap":                   `tshark exited with 2: tshark: The file "PATH" isn't a capture file in a format TShark understands.`,
		"gopacket_be_test901-bad.pcapng": `tshark exited with 2: tshark: The file "PATH" contains record data that TShark doesn't support.; (pcapng: unknown SHB version 2.0)`,
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.pcap*"))
	tried := 0
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, ".csv") {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, stream, err := convertAll(t, m, Job{Path: file, Timeout: time.Minute})
			if stream == nil {
				t.Fatal(err)
			}
			if want := readFile(t, filepath.Join(dir, "expected-tshark-4.0.17", name+".csv")); out != want {
				t.Errorf("got\n%s\nwant\n%s", out, want)
			}
			checkFailure(t, err, file, failures[name])
			if notes := stream.Notes(); err == nil && len(notes) > 0 {
				t.Errorf("notes %q", notes)
			}
		})
	}
	if tried == 0 {
		t.Error("no files")
	}
}

// TestRealNames converts files with names that a shell, or an option parser, would trip over.
func TestRealNames(t *testing.T) {
	flow, dns := shared(t, "flow"), shared(t, "dns")
	names := []string{"-w x", "a b", `q"q`, "q'q", "$(touch hit)", "`touch hit`", "new\nline", "a:b", "*?[x]", "semi;touch hit", "\xff\xfe", "#x", "~"}
	for _, tt := range []struct {
		recordType, options, source string
		rows                        int
	}{
		{"flow", "", filepath.Join(flow, "real", "nfcapd.v1-lzo-small"), 10},
		{"dns", documentedOptions, filepath.Join(dns, "derived", "ecs.pcapng"), 65},
	} {
		m, err := toolFor(t, tt.recordType, tt.options)
		if err != nil {
			t.Logf("left out: %v", err)
			continue
		}
		content := readFile(t, tt.source)
		dir := t.TempDir()
		for _, name := range names {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _, err := convertAll(t, m, Job{Path: path, Timeout: time.Minute})
			if rows := strings.Count(out, "\n") - 1; err != nil || rows != tt.rows {
				t.Errorf("%q: %d rows, %v", name, rows, err)
			}
		}
		left, _ := os.ReadDir(dir)
		if len(left) != len(names) {
			t.Errorf("%d files, want %d", len(left), len(names))
		}
	}
	if _, err := os.Stat("hit"); err == nil {
		t.Error("a file name was executed")
	}
}
