package commitlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// writerVariable, if set, makes of this test program a process that writes to a log.
const writerVariable = "COMMITLOG_WRITER"

func TestMain(m *testing.M) {
	if spec := os.Getenv(writerVariable); spec != "" {
		if err := write(spec); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if templateFolder != "" {
		os.RemoveAll(templateFolder)
	}
	os.Exit(code)
}

// A writer is a process that commits batches, some of it at once with others.
type writer struct {
	Folder     string
	HDFS       []string // the name nodes of the HDFS that the folder is in, if it is in one
	Now        time.Time
	Partitions int // it writes to, one after the other
	Batches    int
	Step       string // at which it ends or stops itself,
	Nth        int    // when it comes there so often,
	Signal     unix.Signal
	OpenToo    bool // counted from the start, not once the log is open
}

// write is what a writer does. It prints a line for each batch.
func write(spec string) error {
	var w writer
	if err := json.Unmarshal([]byte(spec), &w); err != nil {
		return err
	}
	if len(w.HDFS) > 0 {
		client, err := connect("hdfs://test", w.HDFS)
		if err != nil {
			return err
		}
		mounts.Store(topOf(w.Folder), client)
	}
	o := options(w.Folder, &clock{at: w.Now})
	fault := faultAt(w.Step, w.Nth, func() error {
		fmt.Println("signal")
		// To this very thread, which must not get any further.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		return unix.Tgkill(os.Getpid(), unix.Gettid(), w.Signal)
	})
	if w.OpenToo {
		o.Fault = fault
	}
	l, err := Open(o)
	if err != nil {
		return err
	}
	l.o.Fault = fault
	for n := range w.Batches {
		partition := n % w.Partitions
		p, _ := l.Position(partition)
		c, err := batch(l, partition, p.Next, p.Next+7, 3)
		if !l.local && errors.Is(err, fs.ErrNotExist) {
			fmt.Println("taken")
			return l.Close()
		}
		if err != nil {
			return err
		}
		switch err := l.Commit(c); {
		case errors.Is(err, ErrStale):
			abandon(l, c)
			fmt.Println("stale")
		case errors.Is(err, ErrTaken):
			fmt.Println("taken")
			return l.Close()
		case err != nil:
			return err
		default:
			fmt.Println("ok")
		}
	}
	return l.Close()
}

// A process is a writer that runs.
type process struct {
	command *exec.Cmd
	out     bytes.Buffer
}

func run(t *testing.T, w writer) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{command: exec.Command(program)}
	// The race detector would let each writer wait a second at its end.
	p.command.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", writerVariable+"="+string(spec))
	p.command.Stderr = &p.out
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.command.Stdout = &p.out
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
}

// startAndStop starts a writer and waits until it has stopped itself.
func (p *process) startAndStop(t *testing.T) (out io.Reader) {
	t.Helper()
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.command.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the writer hasn't stopped: %v", err)
	}
	return out
}

// goOn lets a writer that has stopped go on to its end, and returns what it has printed.
func (p *process) goOn(t *testing.T, out io.Reader) (lines []string) {
	t.Helper()
	if err := unix.Kill(p.command.Process.Pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		lines = append(lines, s.Text())
	}
	p.end(t)
	return lines
}

// end waits for the writer and tells whether it was killed. It must not have failed.
func (p *process) end(t *testing.T) (killed bool) {
	t.Helper()
	err := p.command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status := exit.Sys().(interface{ Signaled() bool }); status.Signaled() {
			return true
		}
	}
	if err != nil {
		t.Fatalf("%v: %s", err, p.out.String())
	}
	return false
}

// times returns how often each step is tried.
func times(t *testing.T) int {
	if testing.Short() || strings.HasSuffix(t.Name(), "/hdfs") {
		return 1
	}
	return 5
}

// A writer is killed at each step, also while it opens the log and finishes what another
// one has left, and the next one finds each row once.
func TestKilled(t *testing.T) { overReal(t, testKilled) }

func testKilled(t *testing.T, tempFolder func(testing.TB) string) {
	for _, step := range Steps {
		for nth := 1; nth <= times(t); nth++ {
			o := fromTemplate(t, tempFolder)
			w := writer{o.Folder, nameNodesOf(o.Folder), o.Now(), 2, 4, step, nth, unix.SIGKILL, true}
			if step == stepMakeLog {
				o = options(tempFolder(t), newClock())
				w.Folder, w.HDFS = o.Folder, nameNodesOf(o.Folder)
			}
			// Three times in a row: a writer finds what the one before has left.
			for again := range 3 {
				p := run(t, w)
				p.start(t)
				if killed := p.end(t); !killed && again == 0 && nth == 1 {
					t.Fatalf("%s: the writer lives: %s", step, p.out.String())
				}
			}
			checkLog(t, o)
			// Nothing of a killed writer is left after two have come.
			checkLog(t, o)
			if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left > 0 {
				t.Errorf("%s: left in staging: %d", step, left)
			}
			if t.Failed() {
				t.Fatalf("killed at %q, time %d", step, nth)
			}
		}
	}
}

// Two writers commit the same partitions, and one of them is killed somewhere.
func TestTwoWritersKilled(t *testing.T) { overReal(t, testTwoWritersKilled) }

func testTwoWritersKilled(t *testing.T, tempFolder func(testing.TB) string) {
	random := rand.New(rand.NewPCG(1, 2))
	for range times(t) {
		for i, step := range Steps[2:] {
			if i%3 > 0 && strings.HasSuffix(t.Name(), "/hdfs") {
				continue // each takes long
			}
			o := fromTemplate(t, tempFolder)
			a := run(t, writer{o.Folder, nameNodesOf(o.Folder), o.Now(), 2, 12, step, 1 + random.IntN(10), unix.SIGKILL, false})
			b := run(t, writer{o.Folder, nameNodesOf(o.Folder), o.Now(), 3, 8, "", 0, 0, false})
			a.start(t)
			b.start(t)
			a.end(t)
			if b.end(t) {
				t.Fatal("the wrong one was killed")
			}
			checkLog(t, o)
			if t.Failed() {
				t.Fatalf("killed at %q", step)
			}
		}
	}
}

// A writer is stopped at each step while another one takes its partition, for a moment or
// for so long that what it knew has been removed. What it does then is done already, or
// must not be done.
func TestStopped(t *testing.T) { overReal(t, testStopped) }

func testStopped(t *testing.T, tempFolder func(testing.TB) string) {
	for _, long := range []bool{false, true} {
		for i, step := range Steps[2:] {
			nth := 1
			if step == stepMoveFile {
				nth = 2
			}
			if long && step != stepLinkRecord && strings.HasSuffix(t.Name(), "/hdfs") {
				continue // it takes as many requests as all the others
			}
			o := fromTemplate(t, tempFolder)
			p := run(t, writer{o.Folder, nameNodesOf(o.Folder), o.Now(), 1, 4, step, nth, unix.SIGSTOP, false})
			out := p.startAndStop(t)
			c := &clock{at: o.Now()}
			other := openLog(t, options(o.Folder, c))
			if long {
				overtake(t, other, c, 0, 4*perEpoch+1)
			} else {
				mustCommit(t, other, 0, 3, 2)
			}
			lines := p.goOn(t, out)
			got, after, _ := strings.Cut(strings.Join(lines, " "), "signal")
			linked := slices.Index(Steps, stepRecordLinked)
			// A batch is stale once: the one that was stopped, or the next.
			want := " ok stale"
			if i+2 < linked || i+2 == linked && long {
				want = " stale ok"
			}
			if !strings.HasPrefix(after, want) || strings.Count(after, "stale") != 1 || strings.Contains(got, "stale") {
				t.Errorf("stopped at %q, long %v: %q", step, long, lines)
			}
			if err := other.Close(); err != nil {
				t.Error(err)
			}
			o.Now = c.now
			checkLog(t, o)
			if t.Failed() {
				t.Fatalf("stopped at %q, long %v", step, long)
			}
		}
	}
}

// A writer is stopped at each step, and its folder taken by a process that holds it for
// dead. What it has committed then is visible; more it can't commit.
func TestStoppedAndTaken(t *testing.T) {
	for i, step := range Steps[2:] {
		o := fromTemplate(t, hdfsFolder)
		p := run(t, writer{o.Folder, nameNodesOf(o.Folder), o.Now(), 1, 4, step, 1, unix.SIGSTOP, false})
		out := p.startAndStop(t)
		staging := filepath.Join(o.Folder, stagingFolder)
		infos, err := fileSystemOf(o.Folder).ReadDir(staging)
		if err != nil || len(infos) != 1 {
			t.Fatalf("%s: %d folders in staging, %v", step, len(infos), err)
		}
		stopped := &Log{o: o, folder: o.Folder, staging: filepath.Join(staging, infos[0].Name())}
		if err := disown(stopped, thisIdentity(), noProcess); err != nil {
			t.Fatal(err)
		}
		checkLog(t, o)
		lines := strings.Join(p.goOn(t, out), " ")
		_, after, _ := strings.Cut(lines, "signal ")
		made := i+2 >= slices.Index(Steps, stepRecordLinked)
		if made != (after == "ok taken") || !made && after != "taken" && after != "stale taken" {
			t.Errorf("%s: %q", step, lines)
		}
		checkLog(t, o)
		if left := entries(t, staging); left > 0 {
			t.Errorf("%s: left in staging: %d", step, left)
		}
		if t.Failed() {
			t.Fatalf("stopped at %q", step)
		}
	}
}
