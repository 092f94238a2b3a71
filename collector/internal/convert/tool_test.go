package convert

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	flowRow  = "2018-03-20 09:00:00,2018,3,20,9,0,0,0.000,10.0.0.1,10.0.0.2,1,2,TCP,.A....,0,0,1,40,0,0,0,0,0,0,0,0,0.0.0.0"
	wideHead = "received,firstSeen,duration,srcAddr,dstAddr,srcPort,dstPort,proto,flags,fwdStatus,srcTos,inPackets,inBytes,outPackets,outBytes,input,output,srcAS,dstAS,dstTos,direction,routerIP"
)

// TestOutcomes plays every end that a tool can come to.
func TestOutcomes(t *testing.T) {
	dns := []string{"-E", "header=y"}
	tests := []struct {
		name   string
		tool   string
		opts   []string
		script []string
		want   string // the CSV
		kind   Kind   // 0: converted
		text   string // the error's, without "convert nfcapd.201803200900: "
		notes  string
	}{
		{name: "rows", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow},
			want: spotHeader + "\n" + flowRow + "\n"},
		{name: "last line without its end", tool: Nfdump, script: []string{"out " + spotHeader, "cut " + flowRow},
			want: spotHeader + "\n" + flowRow + "\n"},
		{name: "empty but healthy", tool: Nfdump, script: []string{"out " + spotHeader, "out Summary", "err Skip unknown record type 9", "err "},
			want: spotHeader + "\nSummary\n", notes: "Skip unknown record type 9"},
		{name: "rows and many complaints", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "errs 10000 Skip unknown record type 9"},
			want: spotHeader + "\n" + flowRow + "\n", notes: "Skip unknown record type 9 (10,000 times)"},
		{name: "rows and an error", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "err read() error: Short read"},
			want: spotHeader + "\n" + flowRow + "\n", notes: "read() error: Short read"},
		{name: "complaints with numbers", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "errs 5000 Record: # Time error - last < first"},
			want: spotHeader + "\n" + flowRow + "\n", notes: "Record: 0 Time error - last < first (5,000 times, with various numbers)"},
		{name: "many different complaints", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "odd 5000"},
			want:  spotHeader + "\n" + flowRow + "\n",
			notes: "x|xx|xxx|xxxx|xxxxx|and 4,995 more lines, the last: " + strings.Repeat("x", maxComplaint)},
		{name: "no rows and an error", tool: Nfdump, script: []string{"out " + spotHeader, "out No matched flows", "err read() error: Short read"},
			want: spotHeader + "\nNo matched flows\n", kind: NoRows, text: "nfdump printed no rows: read() error: Short read", notes: "read() error: Short read"},
		{name: "compressed blocks taken for records", tool: Nfdump, script: []string{"out " + spotHeader, "out Summary", "errs 3 Skip unknown record type 2310#"},
			want: spotHeader + "\nSummary\n", kind: NoRows,
			text: "nfdump printed no rows: Skip unknown record type 23100 (3 times, with various numbers)"},
		{name: "flow records too old for this nfdump", tool: Nfdump, script: []string{"out " + spotHeader, "errs 26 Skip lagecy record type: 1"},
			want: spotHeader + "\n", kind: NoRows, text: "nfdump printed no rows: Skip lagecy record type: 1 (26 times)"},
		{name: "the same, of late on stdout", tool: Nfdump, script: []string{"out " + wideHead, "outs 26 Convert v2 block: Unknown record type 1 skipped", "out No matching flows", "err Using 1 worker threads (cores=2)"},
			want: spotHeader + "\n", kind: NoRows, text: "nfdump printed no rows: Convert v2 block: Unknown record type 1 skipped (26 times)"},
		{name: "nothing printed", tool: Nfdump, kind: BadOutput, text: "nfdump: it printed no header line"},
		{name: "nothing printed but an error", tool: Nfdump, script: []string{"err GetNextFile() error"}, kind: NoRows,
			text: "nfdump printed no rows: GetNextFile() error"},
		{name: "quiet and empty", tool: Nfdump, opts: []string{"-q"}},
		{name: "exit code", tool: Nfdump, script: []string{"err Open file: bad version: 2", "exit 250"},
			kind: Exited, text: "nfdump exited with 250: Open file: bad version: 2"},
		{name: "exit code after rows, in the midst of one", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "cut 2018-03-20 09:00:00,20", "exit 1"},
			want: spotHeader + "\n" + flowRow + "\n", kind: Exited, text: "nfdump exited with 1 (after 1 rows)"},
		{name: "killed", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "kill"},
			want: spotHeader + "\n" + flowRow + "\n", kind: Killed, text: "nfdump was killed by signal 9 (killed), perhaps for want of memory (after 1 rows)"},
		{name: "hanging", tool: Nfdump, script: []string{"out " + spotHeader, "out " + flowRow, "hang"},
			want: spotHeader + "\n" + flowRow + "\n", kind: Hanging, text: "nfdump printed nothing for 200ms and was stopped (after 1 rows)"},
		{name: "hanging after its output", tool: Nfdump, script: []string{"out " + spotHeader, "close", "hang"},
			want: spotHeader + "\n", kind: Hanging, text: "nfdump printed nothing for 200ms and was stopped"},
		{name: "a child left behind", tool: Nfdump, script: []string{"out " + spotHeader, "child"}, // prints its pid
			want: spotHeader + "\n#\n"},
		{name: "line without end", tool: Nfdump, script: []string{"out " + spotHeader, "long " + strconv.Itoa(maxLine)},
			want: spotHeader + "\n", kind: BadOutput, text: "nfdump: it printed a line of more than 64 KiB, so this is not nfdump's CSV"},
		{name: "other columns, asked for", tool: Nfdump,
			script: []string{"out firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows", "unless csv:%tr", "out " + wideHead, "out No matching flows"},
			want:   spotHeader + "\n"},
		{name: "other columns, even when asked", tool: Nfdump, script: []string{"out firstSeen,duration"}, kind: BadOutput,
			text: `nfdump: its first line names no column tr, which the flow table needs, but reads "firstSeen,duration": nfdump 1.6.x and 1.7.1 to 1.7.8 are known to work, and so is Spot's own`},
		{name: "no header", tool: Nfdump, script: []string{"out 2018-03-20 09:00:00,2018-03-20 09:00:00,0.000"}, kind: BadOutput,
			text: "nfdump: it prints no header line to tell the columns by: take -q out of process_opt"},
		{name: "Spot's nfdump without header", tool: Nfdump, opts: []string{"-q"}, script: []string{"out " + flowRow}, want: flowRow + "\n"},
		{name: "the user's own columns", tool: Nfdump, opts: []string{"-o", "fmt:%ts"}, script: []string{"out Date first seen", "out 2018-03-20 09:00:00"},
			want: "Date first seen\n2018-03-20 09:00:00\n"},

		{name: "tshark as root", tool: Tshark, opts: dns, script: []string{`err Running as user "root" and group "root". This could be dangerous.`, "out frame.time"},
			want: "frame.time\n"},
		{name: "tshark complains of something else", tool: Tshark, opts: dns, script: []string{"err no such plugin", "out frame.time"},
			want: "frame.time\n", notes: "no such plugin"},
		{name: "tshark prints nothing", tool: Tshark, opts: dns, kind: BadOutput, text: "tshark: it printed no header line"},
		{name: "tshark without header", tool: Tshark},
		{name: "tshark: a cut capture", tool: Tshark, opts: dns, script: []string{"out frame.time", "outs 64 row #", "err tshark: cut short", "exit 2"},
			want: "frame.time\n" + rows(64), kind: Exited, text: "tshark exited with 2 (after 64 rows): tshark: cut short"},
		{name: "tshark: a long line", tool: Tshark, script: []string{"long " + strconv.Itoa(3*maxLine), "out ", "out y"},
			want: strings.Repeat("x", 3*maxLine) + "\ny\n"},
		{name: "tshark: much output", tool: Tshark, script: []string{"outs 50000 row #"}, want: rows(50000)},
		{name: "stdin is empty", tool: Tshark, script: []string{"stdin"}, want: "0 <nil>\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := fake(t, tt.tool, tt.script...)
			m.Options = tt.opts
			timeout := time.Minute
			if tt.kind == Hanging {
				timeout = 200 * time.Millisecond
			}
			out, stream, err := convertAll(t, m, Job{Path: rawFile(t, "raw"), Timeout: timeout})
			if stream == nil {
				t.Fatal(err)
			}
			if before, pid, found := strings.Cut(out, "\n"); strings.Contains(tt.want, "#") && found {
				pid, _ := strconv.Atoi(strings.TrimSpace(pid))
				waitGone(t, pid)
				out = before + "\n#\n"
			}
			if out != tt.want {
				t.Errorf("CSV is %.300q, want %.300q", out, tt.want)
			}
			var failed *Error
			switch {
			case tt.kind == 0 && err != nil:
				t.Errorf("error %v", err)
			case tt.kind != 0 && !errors.As(err, &failed):
				t.Errorf("error is %v", err)
			case tt.kind != 0:
				if failed.Kind != tt.kind || failed.Error() != "convert nfcapd.201803200900: "+tt.text {
					t.Errorf("error is %d, %q, want %d, %q", failed.Kind, failed, tt.kind, tt.text)
				}
			}
			if notes := strings.Join(stream.Notes(), "|"); tt.notes != "" && notes != tt.notes || tt.kind == 0 && notes != tt.notes {
				t.Errorf("notes are %q, want %q", notes, tt.notes)
			}
			if n, again := stream.Read(make([]byte, 1)); n != 0 || tt.kind == 0 && again != io.EOF || tt.kind != 0 && again != err {
				t.Errorf("the next Read returns %d, %v", n, again)
			}
		})
	}
}

func rows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "row %d\n", i)
	}
	return b.String()
}

func TestCommandLine(t *testing.T) {
	const wide = `"-o" "csv:%tr,%ts,%tds,%sa,%da,%sp,%dp,%pr,%flg,%fwd,%stos,%ipkt,%ibyt,%opkt,%obyt,%in,%out,%sas,%das,%dtos,%dir,%ra" "-W" "1"`
	tests := []struct {
		name string
		m    Method
		want string // with the path as FILE
	}{
		{"nfdump", Method{Name: Nfdump, Version: "1.7.1", Options: []string{"proto tcp"}, Zone: "UTC"}, `["-r" FILE "-o" "csv" "proto tcp"] TZ="UTC"`},
		{"old nfdump", Method{Name: Nfdump, Version: "1.6.12", Zone: "UTC"}, `["-r" FILE "-o" "csv"] TZ="UTC"`},
		{"new nfdump", Method{Name: Nfdump, Version: "1.7.5", Zone: "UTC"}, `["-r" FILE ` + wide + `] TZ="UTC"`},
		{"newer nfdump", Method{Name: Nfdump, Version: "1.10", Options: []string{"-q"}, Zone: "UTC"}, `["-r" FILE ` + wide + ` "-q"] TZ="UTC"`},
		{"tshark", Method{Name: Tshark, Options: []string{"-T", "fields", "a == 1"}, Zone: "Europe/Berlin"}, `["-r" FILE "-T" "fields" "a == 1"] TZ="Europe/Berlin"`},
		{"the machine's zone", Method{Name: Tshark}, `["-r" FILE] TZ=""`},
	}
	t.Setenv("TZ", "Asia/Tokyo")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			told := filepath.Join(t.TempDir(), "told")
			tt.m.Program = fake(t, tt.m.Name, "tell "+told, "exit 1").Program
			path := rawFile(t, "raw")
			convertAll(t, tt.m, Job{Path: path})
			got, err := os.ReadFile(told)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Replace(tt.want, "FILE", strconv.Quote(path), 1); string(got) != want {
				t.Errorf("called as %s\nwant %s", got, want)
			}
		})
	}
}

func TestCannotOpen(t *testing.T) {
	m := fake(t, Tshark)
	gone := m
	gone.Program = filepath.Join(t.TempDir(), "tshark")
	noProgram := m
	noProgram.Program = rawFile(t, "no program")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	file := rawFile(t, "raw")
	tests := []struct {
		name  string
		ctx   context.Context
		m     Method
		path  string
		kind  Kind
		cause error
		text  string
	}{
		{"tool gone", t.Context(), gone, file, NotStarted, fs.ErrNotExist, "it is not installed any more: install the Debian package tshark"},
		{"not a program", t.Context(), noProgram, file, NotStarted, fs.ErrPermission, "it can't be started"},
		{"file gone", t.Context(), m, file + ".gone", BadSource, fs.ErrNotExist, "no such file"},
		{"relative path", t.Context(), m, "-rf", BadSource, nil, "the path is not absolute"},
		{"no such method", t.Context(), Method{Name: "other"}, file, NotStarted, nil, `no converter "other" in this version`},
		{"no such format", t.Context(), Method{Name: Native, Format: "other"}, file, NotStarted, nil, `no native converter for "other" in this version`},
		{"context ended", ended, m, file, Stopped, context.Canceled, "context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stream, err := tt.m.Open(tt.ctx, Job{Path: tt.path})
			var failed *Error
			if !errors.As(err, &failed) || failed.Kind != tt.kind || tt.cause != nil && !errors.Is(err, tt.cause) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error is %v (%+v)", err, failed)
			}
			if stream != nil {
				t.Error("there is a stream all the same")
			}
		})
	}
}

func TestCancelAndClose(t *testing.T) {
	for _, by := range []string{"context", "Close"} {
		t.Run(by, func(t *testing.T) {
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m := fake(t, Tshark, "pid", "child", "flush", "hang")
			stage := filepath.Join(t.TempDir(), "x.csv")
			stream, err := m.Open(ctx, Job{Path: rawFile(t, "raw"), Stage: stage})
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stream)
			var pids []int
			for range 2 {
				line, err := lines.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				pid, _ := strconv.Atoi(strings.TrimSpace(line))
				pids = append(pids, pid)
			}
			if by == "context" {
				cancel()
				_, err := lines.ReadString('\n')
				var failed *Error
				if !errors.As(err, &failed) || failed.Kind != Stopped || !errors.Is(err, context.Canceled) || failed.Rows != 2 {
					t.Errorf("error is %v", err)
				}
			}
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
			for _, pid := range pids {
				waitGone(t, pid)
			}
			if _, err := stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("Read after Close: %v", err)
			}
			if left, _ := filepath.Glob(stage + "*"); left != nil {
				t.Errorf("staged: %q", left)
			}
			for runtime.NumGoroutine() > before { // the context's watcher ends by itself
				runtime.Gosched()
			}
		})
	}
}

// A reader that is slow must not make the tool look as if it hung.
func TestSlowReader(t *testing.T) {
	m := fake(t, Tshark, "outs 100000 row #")
	stream, err := m.Open(t.Context(), Job{Path: rawFile(t, "raw"), Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := stream.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	<-time.After(900 * time.Millisecond) // the tool waits meanwhile: its pipe is full
	if _, err := io.Copy(io.Discard, stream); err != nil {
		t.Error(err)
	}
}

// The tool dies with the process that started it, even if that is killed outright.
func TestDiesWithParent(t *testing.T) {
	m := fake(t, Tshark, "open "+rawFile(t, "raw"))
	parent := exec.Command(m.Program)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	parent.Process.Kill()
	parent.Wait()
	if err != nil || pid == 0 {
		t.Fatalf("the tool printed %q, %v", line, err)
	}
	waitGone(t, pid)
}

// openForParent is the part of the parent in TestDiesWithParent.
func openForParent(path string) {
	os.Setenv(fakeScript, "pid\nflush\nhang")
	stream, err := Method{Name: Tshark, Program: os.Args[0]}.Open(context.Background(), Job{Path: path})
	if err != nil {
		panic(err)
	}
	io.Copy(os.Stdout, stream)
}

func TestStage(t *testing.T) {
	tests := []struct {
		name   string
		script []string
		spoil  func(t *testing.T, stage string)
		want   string // what is staged; "" if nothing
		fails  bool
		note   string
	}{
		{name: "converted", script: []string{"outs 20000 row #"}, want: rows(20000)},
		{name: "failed", script: []string{"outs 20000 row #", "exit 1"}, fails: true},
		{name: "no folder", script: []string{"outs 20000 row #"}, note: "the CSV was not staged: open ",
			spoil: func(t *testing.T, stage string) { mustRemove(t, filepath.Dir(stage)) }},
		{name: "a symbolic link in its place", script: []string{"outs 20000 row #"}, note: "the CSV was not staged: open ",
			spoil: func(t *testing.T, stage string) {
				if err := os.Symlink(rawFile(t, "precious"), stage+".part"); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "disk full", script: []string{"outs 20000 row #"}, note: "no space left on device"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stage := filepath.Join(t.TempDir(), "staging", "x.csv")
			if err := os.Mkdir(filepath.Dir(stage), 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.spoil != nil {
				tt.spoil(t, stage)
			}
			stream, err := fake(t, Tshark, tt.script...).Open(t.Context(), Job{Path: rawFile(t, "raw"), Stage: stage})
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			if tt.name == "disk full" {
				stream.stage.file.Close()
				if stream.stage.file, err = os.OpenFile("/dev/full", os.O_WRONLY, 0); err != nil {
					t.Skipf("needs /dev/full: %v", err)
				}
			}
			out, err := io.ReadAll(stream)
			if string(out) != rows(20000) || (err != nil) != tt.fails {
				t.Errorf("%d bytes, error %v", len(out), err)
			}
			stream.Close()
			staged, _ := os.ReadFile(stage)
			if string(staged) != tt.want {
				t.Errorf("staged %d bytes, want %d", len(staged), len(tt.want))
			}
			if _, err := os.Stat(stage + ".part"); err == nil && tt.spoil == nil {
				t.Error("the unfinished copy is still there")
			}
			notes := strings.Join(stream.Notes(), "|")
			if tt.note == "" && notes != "" || !strings.Contains(notes, tt.note) {
				t.Errorf("notes are %q", notes)
			}
		})
	}
}

func mustRemove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}
