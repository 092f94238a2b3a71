package convert

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/native-decoding.md anew")

const comparison = "../../../docs/native-decoding.md"

// TestComparison decodes all real files beside the repository, compares the rows with what
// the tools printed of them, and the tables made of that with those in docs.
func TestComparison(t *testing.T) {
	data, err := filepath.Abs("../../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(data); err != nil {
		t.Skipf("needs real files beside the repository: %v", err)
	}
	var text bytes.Buffer
	compareFlow(t, &text, filepath.Join(data, "flow"))
	compareDNS(t, &text, filepath.Join(data, "dns"))
	const mark = "<!-- The tables are written by: go test ./collector/internal/convert -run Comparison -update -->\n"
	doc, err := os.ReadFile(comparison)
	if err != nil {
		t.Fatal(err)
	}
	head, tables, found := bytes.Cut(doc, []byte(mark))
	switch {
	case !found:
		t.Fatalf("%s lacks the line %s", comparison, mark)
	case *update:
		if err := os.WriteFile(comparison, append(append(head, mark...), text.Bytes()...), 0o644); err != nil {
			t.Fatal(err)
		}
	case !bytes.Equal(tables, text.Bytes()):
		t.Errorf("%s differs; it should say\n%s", comparison, &text)
	}
}

// decoded is what the native converter makes of a file: its rows, and the error behind
// them if the file is damaged.
func decoded(t *testing.T, format, path string) ([]string, error) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := Method{Name: Native, Format: format, Zone: "UTC"}.Open(t.Context(), Job{Path: path, To: info.Size()})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	text, err := io.ReadAll(stream)
	for _, note := range stream.Notes() {
		t.Logf("%s: %s", filepath.Base(path), note)
	}
	return rowsIn(string(text)), err
}

func rowsIn(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// files are the names in folders of dir, sorted, with the folder.
func files(t *testing.T, dir string, folders ...string) []string {
	t.Helper()
	var all []string
	for _, folder := range folders {
		found, err := filepath.Glob(filepath.Join(dir, folder, "*"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return all
}

// ending says in a table how a file ended.
func ending(err error, remark string) string {
	var failed *Error
	if errors.As(err, &failed) {
		if remark != "" {
			remark = "; " + remark
		}
		return failed.Err.Error() + remark
	}
	return remark
}

// printed reads a tool's output; nil without.
func printed(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var rows []string
	for _, line := range rowsIn(string(text)) {
		if startsWithDate([]byte(line)) {
			rows = append(rows, line)
		}
	}
	return rows
}

// Why a tool printed fewer rows.
var flowRemarks = map[string]string{
	"nfcapd.v1-bz2-100k":            "Spot's nfdump reads no bzip2",
	"nfcapd.v1_nfgen_bz2":           "Spot's nfdump reads no bzip2",
	"nfcapd.v1_recv20k_lz4":         "Spot's nfdump reads no LZ4",
	"nfcapd.v1-none-legacy-records": "nfdump 1.7.1 skips flow records of type 1",
	"nfcapd.v1_truncated":           "the tools print nothing of a block that is cut short",
	"nfcapd.v2_nfgen_zstd":          "Debian's nfdump 1.7.1 reads no zstd",
	"nfcapd.v2_recv_zstd":           "Debian's nfdump 1.7.1 reads no zstd",
	"nfcapd.v2_truncated":           "no flow before the cut",
}

func compareFlow(t *testing.T, text io.Writer, dir string) {
	fmt.Fprint(text, "\n## nfcapd files\n\n| file | rows | Spot's nfdump | nfdump 1.7.1 | |\n| --- | ---: | --- | --- | --- |\n")
	for _, path := range files(t, dir, "real", "derived") {
		name := filepath.Base(path)
		got, err := decoded(t, formatNfcapd, path)
		remark := flowRemarks[name]
		fork := printed(filepath.Join(dir, "expected-spot-nfdump-1.6.12", name+".csv"))
		if remark == "" && len(fork) == 0 && len(got) > 0 {
			remark = "Spot's nfdump reads no layout 2"
		}
		for i, row := range fork { // 1970 where there is no time of reception: ours is the first-seen time
			if strings.HasPrefix(row, "1970-01-01 00:00:00,") && i < len(got) {
				fork[i] = strings.Join(append(strings.SplitN(got[i], ",", 8)[:7], strings.SplitN(row, ",", 8)[7]), ",")
			}
		}
		stock := printed(filepath.Join(dir, "expected-nfdump-1.7.1", name+".csv"))
		head := printed(filepath.Join(dir, "expected-nfdump-1.7.1", name+".csv.head2000"))
		fmt.Fprintf(text, "| %s | %d | %s | %s | %s |\n", name, len(got),
			verdict(t, name, got, fork, len(fork)), verdict(t, name, got, mapped27(t, append(stock, head...)), len(stock)), ending(err, remark))
	}
}

// mapped27 makes the 27 columns of what nfdump 1.7.1 printed, as the collector does.
func mapped27(t *testing.T, rows []string) []string {
	t.Helper()
	const header = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc," +
		"mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr"
	lines := newFlowLines(Method{Name: Nfdump, Version: "1.7.1"})
	var out []byte
	var err error
	for _, line := range append([]string{header}, rows...) {
		if out, err = lines.line(out, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	return rowsIn(string(out))[1:]
}

// verdict compares all that is recorded of a tool's rows; whole is their number if all are.
func verdict(t *testing.T, name string, got, want []string, whole int) string {
	t.Helper()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("%s, row %d:\n got %s\nwant %s", name, i+1, append(got, "nothing")[min(i, len(got))], want[i])
			return "different"
		}
	}
	switch {
	case len(want) == 0:
		return "no rows"
	case whole == 0:
		return fmt.Sprintf("equal (the first %d)", len(want))
	case whole != len(got):
		t.Errorf("%s: %d rows, want %d", name, len(got), whole)
		return "different"
	}
	return "equal"
}

func compareDNS(t *testing.T, text io.Writer, dir string) {
	fmt.Fprint(text, "\n## Captures\n\n| file | rows | tshark 4.0.17 | |\n| --- | ---: | --- | --- |\n")
	for _, path := range files(t, dir, "real", "derived") {
		name := filepath.Base(path)
		got, err := decoded(t, formatPcap, path)
		recorded, readErr := os.ReadFile(filepath.Join(dir, "expected-tshark-4.0.17", name+".csv"))
		if readErr != nil {
			t.Fatal(readErr)
		}
		want := rowsIn(string(recorded))
		if len(want) > 0 {
			want = want[1:] // a header
		}
		filled := 0
		plain := slices.Clone(got)
		for i := range plain {
			if i < len(want) && plain[i] != want[i] && withoutIPv6(plain[i]) == want[i] {
				plain[i] = want[i]
				filled++
			}
		}
		said := "no rows"
		if len(want) > 0 {
			said = verdict(t, name, plain, want, len(want))
		} else if len(got) > 0 {
			t.Errorf("%s: %d rows, tshark printed none: %s", name, len(got), got[0])
		}
		remark := ""
		if filled > 0 {
			said += ", but for addresses"
			remark = fmt.Sprintf("%d with IPv6 addresses, which tshark leaves out", filled)
		}
		fmt.Fprintf(text, "| %s | %d | %s | %s |\n", name, len(got), said, ending(err, remark))
	}
}

// withoutIPv6 empties ip.src and ip.dst if they hold IPv6 addresses.
func withoutIPv6(row string) string {
	pieces := strings.Split(row, ",")
	for _, i := range []int{4, 5} { // frame.time is two pieces
		if i < len(pieces) && strings.Contains(pieces[i], ":") {
			pieces[i] = ""
		}
	}
	return strings.Join(pieces, ",")
}
