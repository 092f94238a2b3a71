package convert

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mapLines puts nfdump's output through the mapping.
func mapLines(t testing.TB, m Method, text string) (string, *flowLines) {
	t.Helper()
	f := newFlowLines(m)
	var out []byte
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var err error
		if out, err = f.line(out, []byte(line)); err != nil {
			t.Fatalf("%.100q: %v", line, err)
		}
	}
	return string(out), f
}

// TestFlowGolden maps what each kind of nfdump printed of the same made-up flows.
func TestFlowGolden(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "flow-27.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"flow-48.csv", "flow-wide.csv", "flow-27.csv"} {
		in, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got, f := mapLines(t, Method{}, string(in))
		if got != string(want) {
			t.Errorf("%s becomes\n%s\nwant\n%s", name, got, want)
		}
		if rows := int64(strings.Count(string(want), "\n") - 1); f.rows() != rows {
			t.Errorf("%s: %d rows, want %d", name, f.rows(), rows)
		}
	}
}

const head48 = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc," +
	"mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr"

// row48 is a row of 48 columns whose values are their names, but for those given.
func row48(values map[string]string) string {
	fields := strings.Split(head48, ",")
	for i, name := range fields {
		if v, ok := values[name]; ok {
			fields[i] = v
		}
	}
	return strings.Join(fields, ",")
}

func TestFlowRows(t *testing.T) {
	const first = "2018-03-20 09:08:07"
	const received = "2018-11-20 19:08:07.123"
	const middle = ",td,sa,da,sp,dp,pr,"
	const tail = ",fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,dtos,dir,ra\n"
	tests := []struct{ name, line, want string }{
		{"received", row48(map[string]string{"ts": first, "tr": received, "flg": "...AP.SF"}), "2018-11-20 19:08:07,2018,11,20,19,8,7" + middle + ".AP.SF" + tail},
		{"no time received", row48(map[string]string{"ts": first, "tr": "1970-01-01 00:00:00.000", "flg": "........"}), "2018-03-20 09:08:07,2018,3,20,9,8,7" + middle + "......" + tail},
		{"no time received, since 1.7.5", row48(map[string]string{"ts": first + ".999", "tr": "0000-00-00 00:00:00.000", "flg": "........"}), "2018-03-20 09:08:07,2018,3,20,9,8,7" + middle + "......" + tail},
		{"no time at all", row48(map[string]string{"ts": "1970-01-01 00:00:00", "tr": "1970-01-01 00:00:00.000", "flg": "........"}), "1970-01-01 00:00:00,1970,1,1,0,0,0" + middle + "......" + tail},
		{"no time at all, since 1.7.5", row48(map[string]string{"ts": "0000-00-00 00:00:00.000", "tr": "0000-00-00 00:00:00.000", "flg": "........"}), "1970-01-01 00:00:00,1970,1,1,0,0,0" + middle + "......" + tail},
		{"midnight", row48(map[string]string{"ts": first, "tr": "2000-01-01 00:00:00.000", "flg": "UAPRSF"}), "2000-01-01 00:00:00,2000,1,1,0,0,0" + middle + "UAPRSF" + tail},
		{"congestion flags", row48(map[string]string{"ts": first, "tr": received, "flg": "CE....S."}), "2018-11-20 19:08:07,2018,11,20,19,8,7" + middle + "  0xc2" + tail},
		{"ECN echo", row48(map[string]string{"ts": first, "tr": received, "flg": ".E.A...."}), "2018-11-20 19:08:07,2018,11,20,19,8,7" + middle + "  0x50" + tail},
		{"a field too few", strings.TrimSuffix(row48(map[string]string{"ts": first}), ",tr"), ""},
		{"a field too many", row48(map[string]string{"ts": first}) + ",x", ""},
		{"hundreds of fields", first + strings.Repeat(",x", 500), ""},
		{"totals", "10,87993000,123000,326648,57,715", ""},
		{"no flows", "No matching flows", ""},
		{"empty line", "", ""},
	}
	for _, tt := range tests {
		got, _ := mapLines(t, Method{}, head48+"\n"+tt.line)
		if got != spotHeader+"\n"+tt.want {
			t.Errorf("%s: got  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestFlowTrailer(t *testing.T) {
	row := row48(map[string]string{"ts": "2018-03-20 09:08:07", "tr": "2018-03-20 09:08:07.000"})
	got, f := mapLines(t, Method{}, head48+"\n"+row+"\n2018-03-20 09:08:07,odd\nSummary\nflows,bytes\n"+row)
	if lines := strings.Count(got, "\n"); lines != 2 || f.rows() != 1 {
		t.Errorf("%d lines, %d rows: %q", lines, f.rows(), got)
	}
	if notes := f.notes(); !slices.Equal(notes, []string{"1 lines left out: not 48 columns, as the header says"}) {
		t.Errorf("notes are %q", notes)
	}
}

// TestFlowHeaderOrder: columns are found by name, wherever they are.
func TestFlowHeaderOrder(t *testing.T) {
	values := map[string]string{"ts": "2018-03-20 09:08:07", "tr": "2018-03-20 09:08:07.000", "flg": "........"}
	want, _ := mapLines(t, Method{}, head48+"\n"+row48(values))
	head, row := strings.Split(head48, ","), strings.Split(row48(values), ",")
	// The first column of a row has to be a time.
	slices.Reverse(head[1:])
	slices.Reverse(row[1:])
	got, _ := mapLines(t, Method{}, strings.Join(head, ",")+"\n"+strings.Join(row, ","))
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestProtoNames(t *testing.T) {
	for number, want := range map[string]string{"0": "0", "1": "ICMP", "6": "TCP", "17": "UDP", "47": "GRE", "50": "ESP", "58": "ICMP6",
		"89": "OSPF", "99": "99", "132": "SCTP", "137": "MPLS", "138": "138  ", "255": "255  ", "256": "256", "TCP": "TCP", "": ""} {
		if got := string(appendProto(nil, []byte(number))); got != want {
			t.Errorf("%q becomes %q, want %q", number, got, want)
		}
	}
}

func TestICMPPort(t *testing.T) {
	for port, want := range map[string]string{"0.8": "8", "8.0": "2048", "3.13": "781", "255.255": "65535", "443": "443", "256.0": "256.0", "1.x": "1.x", "": ""} {
		if got := string(appendPort(nil, []byte(port))); got != want {
			t.Errorf("%q becomes %q, want %q", port, got, want)
		}
	}
}

func TestFlowAllocates(t *testing.T) {
	_, f := mapLines(t, Method{}, wideHead)
	line := []byte("2019-08-12 18:51:57.000,2019-08-12 18:50:47.958,0.000,216.206.145.131,209.148.205.55,443,8.0,1,CE.A....,0,0,3000,4500000,0,0,1170,1264,209,812,0,I,66.110.1.17")
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { f.line(dst, line) }); n > 0 {
		t.Errorf("%v allocations a line", n)
	}
	if f.rows() == 0 {
		t.Error("no rows")
	}
}

func BenchmarkFlow48(b *testing.B) {
	_, f := mapLines(b, Method{}, head48)
	line := []byte(row48(map[string]string{"ts": "2018-03-20 09:08:07", "tr": "2018-03-20 09:08:07.000", "flg": "...AP..F"}))
	dst := make([]byte, 0, 1024)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		f.line(dst, line)
	}
}

func FuzzFlow(f *testing.F) {
	f.Add([]byte(head48 + "\n" + row48(map[string]string{"ts": "2018-03-20 09:08:07", "tr": "1970-01-01 00:00:00.000", "flg": "CE......"}) + "\nSummary\n"))
	f.Add([]byte(wideHead + "\n2019-08-12 18:51:57.000,2019-08-12 18:50:47.958,0.000,1.2.3.4,1.2.3.4,443,8.0,1,...A....,0,0,3000,4500000,0,0,1170,1264,209,812,0,I,66.110.1.17"))
	f.Add([]byte(spotHeader + "\n" + flowRow))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := newFlowLines(Method{})
		var out []byte
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			var err error
			if out, err = lines.line(out, line); err != nil {
				if !errors.Is(err, errAskAgain) && lines.state != wantHeader {
					t.Errorf("%q fails beyond its header: %v", text, err)
				}
				return
			}
		}
		if lines.state != mapped && lines.state != trailer {
			return
		}
		rows := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if rows[0] != spotHeader || int64(len(rows)-1) != lines.rows() {
			t.Errorf("%q becomes %d lines for %d rows", text, len(rows), lines.rows())
		}
		for _, row := range rows[1:] {
			fields := strings.Split(row, ",")
			if len(fields) != 27 || !startsWithDate([]byte(fields[0])) || len(fields[0]) != 19 {
				t.Fatalf("%q becomes row %q", text, row)
			}
			y, _ := strconv.Atoi(fields[1])
			mo, _ := strconv.Atoi(fields[2])
			if want := fmt.Sprintf("%04d-%02d", y, mo); !strings.HasPrefix(fields[0], want) {
				t.Errorf("row %q: %s", row, want)
			}
		}
	})
}
