package spark

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spot-ingest/pkg/cli"
)

// patience is how long something may take; it is never waited for in full.
const patience = 30 * time.Second

// launching makes a test be the listener that launches, in a process of its own: signals and
// standard streams are a process's.
const launching = "SPOT_TEST_LAUNCH"

// launchedListener is that process.
func launchedListener(t *testing.T) {
	g := &ground{t: t, dir: t.TempDir(), record: os.Getenv(recordLater)}
	t.Setenv(recordTo, g.record)
	if err := g.command(`{"kafka":{"kafka_server":"k"},"pipelines":{"flow":{"type":"flow"}},"spark-streaming":{"spark_packages":"none"}}`,
		[]string{"-t", "flow", "--topic", "T", "-p", "1"}, os.Getenv(launching)); err != nil {
		t.Fatal(err)
	}
	stop, kill := cli.TwoSignals()
	code, stderr := g.submit(stop, kill)
	fmt.Fprint(os.Stderr, stderr)
	fmt.Println("ended")
	os.Exit(code) // and the test's folder stays, as its caller has the one above it
}

const recordLater = "SPOT_TEST_RECORD_LATER"

// A launched is a listener that has started the stub.
type launched struct {
	t      *testing.T
	g      *ground
	cmd    *exec.Cmd
	lines  chan string // of stdout
	stderr strings.Builder
}

func launch(t *testing.T, do string) *launched {
	t.Helper()
	g := newGround(t)
	l := &launched{t: t, g: g, lines: make(chan string, 100)}
	l.cmd = exec.Command(os.Args[0], "-test.run=^TestSignals$")
	l.cmd.Env = append(os.Environ(), recordTo+"=", recordLater+"="+g.record, doing+"="+do, launching+"="+g.install("spark-submit"))
	l.cmd.Stderr = &l.stderr
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.cmd.Process.Kill() })
	go func() {
		defer close(l.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			l.lines <- s.Text()
		}
	}()
	return l
}

// expect waits for a line.
func (l *launched) expect(want string) {
	l.t.Helper()
	select {
	case got := <-l.lines:
		if got != want {
			l.t.Fatalf("got %q, want %q; %s", got, want, l.stderr.String())
		}
	case <-time.After(patience):
		l.t.Fatalf("nothing came, want %q", want)
	}
}

func (l *launched) signal(s syscall.Signal) {
	l.t.Helper()
	if err := l.cmd.Process.Signal(s); err != nil {
		l.t.Fatal(err)
	}
}

// end waits for the end of output and of the process.
func (l *launched) end() int {
	l.t.Helper()
	for range l.lines {
	}
	_ = l.cmd.Wait()
	return l.cmd.ProcessState.ExitCode()
}

func TestSignals(t *testing.T) {
	if os.Getenv(launching) != "" {
		launchedListener(t)
	}
	const usr1, term, hup, interrupt = syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT
	for _, s := range []syscall.Signal{usr1, term, hup, interrupt} {
		t.Run(s.String(), func(t *testing.T) {
			l := launch(t, "wait")
			l.expect("waiting")
			l.signal(s)
			l.expect("got terminated")
			l.expect("ended")
			if code := l.end(); code != 0 || l.stderr.String() != "" {
				t.Errorf("exit code %d, %s", code, l.stderr.String())
			}
			l.wantClean()
		})
	}
	t.Run("a second one", func(t *testing.T) {
		l := launch(t, "stay")
		l.expect("waiting")
		l.signal(interrupt)
		l.expect("got terminated")
		l.signal(term)
		l.expect("ended")
		if code := l.end(); code != 1 || !strings.Contains(l.stderr.String(), ErrKilled.Error()) {
			t.Errorf("exit code %d, %s", code, l.stderr.String())
		}
		l.wantClean()
	})
	t.Run("the launcher is killed", func(t *testing.T) {
		l := launch(t, "wait")
		l.expect("waiting")
		l.signal(syscall.SIGKILL)
		l.expect("got terminated")
		if code := l.end(); code != -1 {
			t.Errorf("exit code %d", code)
		}
	})
}

// wantClean looks for files of the job that were left.
func (l *launched) wantClean() {
	l.t.Helper()
	left, err := os.ReadDir(l.g.path("tmp"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "spot-listener-") {
			l.t.Errorf("left behind: %s", entry.Name())
		}
	}
}

func TestExitCodes(t *testing.T) {
	if os.Getenv(launching) != "" {
		launchedListener(t)
	}
	for what, want := range map[string]int{"exit 0": 0, "exit 1": 2, "exit 2": 2, "exit 143": 2} {
		t.Run(what, func(t *testing.T) {
			l := launch(t, what)
			l.expect("ended")
			failed := "Failed to submit Spark Job!\nlistener: error: " + l.g.path("spark/bin/spark-submit") +
				": exit status " + strings.TrimPrefix(what, "exit ") + "\n"
			if want == 0 {
				failed = ""
			}
			if code := l.end(); code != want || l.stderr.String() != failed {
				t.Errorf("exit code %d, %q", code, l.stderr.String())
			}
			l.wantClean()
		})
	}
}

// What Spark prints goes where this program's own output goes.
func TestStreams(t *testing.T) {
	l := launch(t, "print")
	l.expect("to stdout")
	l.expect("ended")
	if code := l.end(); code != 0 || l.stderr.String() != "to stderr\n" {
		t.Errorf("exit code %d, %q", code, l.stderr.String())
	}
}

// It reads nothing, and is the leader of its own group.
func TestRunProcess(t *testing.T) {
	out := t.TempDir() + "/out"
	script := `cat >"$0"; ps -o pid=,pgid= -p $$ >>"$0" 2>/dev/null || echo $$ $(cut -d' ' -f5 /proc/$$/stat) >>"$0"`
	if err := Run(context.Background(), context.Background(), []string{"/bin/sh", "-c", script, out}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text))
	if len(fields) != 2 || fields[0] != fields[1] || fields[1] == strconv.Itoa(unix.Getpgrp()) {
		t.Errorf("pid and group %q", fields)
	}
}

// whenThere calls a function once there is a file.
func whenThere(path string, then func()) {
	defer then()
	for end := time.Now().Add(patience); time.Now().Before(end); runtime.Gosched() {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
}

// What spark-submit leaves is ended, as Python's driver when Java is killed.
func TestRunLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		stop   bool
		code   int
	}{
		"at the end":     {`sleep 600 & echo $! >"$0"`, false, 0},
		"at a failure":   {`sleep 600 & echo $! >"$0"; exit 3`, false, 3},
		"after a signal": {`(trap 'kill $!' TERM; sleep 600 & wait) & echo $! >"$0.part"; mv "$0.part" "$0"; exec sleep 600`, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir() + "/pid"
			stop, cancel := context.WithCancel(context.Background())
			defer cancel()
			if c.stop {
				go whenThere(out, cancel)
			}
			err := Run(stop, context.Background(), []string{"/bin/sh", "-c", c.script, out})
			var exit *exec.ExitError
			if c.code == 0 && err != nil || c.code != 0 && (!errors.As(err, &exit) || exit.ExitCode() != c.code) {
				t.Errorf("got %v", err)
			}
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d is left: %v", pid, err)
			}
		})
	}
}

// A second signal does not wait for those that stay.
func TestRunKillsWhatIsLeft(t *testing.T) {
	kill, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := t.TempDir() + "/started"
	go whenThere(out, cancel)
	script := `(trap '' TERM; touch "$0"; exec sleep 600) & while [ ! -e "$0" ]; do :; done`
	if err := Run(context.Background(), kill, []string{"/bin/sh", "-c", script, out}); !errors.Is(err, ErrKilled) {
		t.Errorf("got %v", err)
	}
}

// In cluster mode a signal ends spark-submit only, which is said.
func TestStoppedInCluster(t *testing.T) {
	for mode, want := range map[string]bool{"client": false, "cluster": true} {
		g := newGround(t)
		err := g.command(`{"kafka":{"kafka_server":"k"},"pipelines":{"flow":{"type":"flow"}},"spark-streaming":{"spark_packages":"none"}}`,
			[]string{"-t", "flow", "--topic", "T", "-p", "1", "-d", mode}, g.install("spark-submit"))
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(doing, "wait")
		stop, cancel := context.WithCancel(context.Background())
		go whenThere(g.record+".list", cancel) // written before it waits
		if code, stderr := g.submit(stop, context.Background()); code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d, %q", mode, code, stderr)
		}
		if said := strings.Contains(g.log.String(), "the job goes on in the cluster"); said != want {
			t.Errorf("%s: %s", mode, g.log.String())
		}
	}
}

func TestRunNot(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ended, context.Background(), []string{"/bin/false"}); err != nil {
		t.Errorf("stopped before: %v", err)
	}
	missing := t.TempDir() + "/spark-submit"
	if err := Run(context.Background(), context.Background(), []string{missing}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}
