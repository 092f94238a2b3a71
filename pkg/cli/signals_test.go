package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const never = time.Hour

// stopping is the program that TestSignals starts: it tells what happens to its contexts,
// and goes on until it is ended.
func stopping() {
	drain, limit := never, never
	for _, word := range strings.Fields(os.Getenv("CLI_TEST_SIGNALS")) {
		switch word {
		case "drain":
			drain = 0
		case "limit":
			limit = 0
		case "nohup":
			signal.Ignore(syscall.SIGHUP)
		case "two":
			waiting()
		}
	}
	stop, drained := Signals("program", drain, limit, "could not stop in time")
	fmt.Println("started")
	if limit == 0 {
		select {} // no telling whether a line would be out before the end
	}
	<-stop.Done()
	fmt.Println("stop")
	<-drained.Done()
	fmt.Println("drained")
	select {}
}

// waiting is a program that waits for another, and is not ended by signals.
func waiting() {
	first, second := TwoSignals()
	fmt.Println("started")
	<-first.Done()
	fmt.Println("first", second.Err())
	<-second.Done()
	fmt.Println("second")
	os.Exit(1)
}

func TestSignals(t *testing.T) {
	if os.Getenv("CLI_TEST_SIGNALS") != "" {
		stopping()
	}
	const usr1, term, hup, interrupt = syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT
	for _, c := range []struct {
		name   string
		word   string
		script []any // lines to expect and signals to send, in turn
		stderr string
	}{
		{"a second one", "-", []any{"started", usr1, "stop", term}, ""},
		{"a second one later", "drain", []any{"started", interrupt, "stop", "drained", term}, ""},
		{"too slow", "limit", []any{"started", term}, "program: error: could not stop in time\n"},
		{"hang-up", "-", []any{"started", hup, "stop", usr1}, ""},
		{"two", "two", []any{"started", usr1, "first <nil>", interrupt, "second"}, ""},
		{"two under nohup", "nohup two", []any{"started", hup, term, "first <nil>", hup, hup, usr1, "second"}, ""},
		{"hang-up under nohup", "nohup", []any{"started", hup, term, "stop", hup, usr1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "hang-up" && signal.Ignored(hup) {
				t.Skip("this test was started with HUP ignored, and so would be the program")
			}
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestSignals$")
			cmd.Env = append(os.Environ(), "CLI_TEST_SIGNALS="+c.word)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			watch := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer watch.Stop()
			lines := bufio.NewReader(stdout)
			for _, step := range c.script {
				switch step := step.(type) {
				case os.Signal:
					if err := cmd.Process.Signal(step); err != nil {
						t.Errorf("%v: %v", step, err)
					}
				case string:
					if line, err := lines.ReadString('\n'); line != step+"\n" {
						t.Errorf("got %q, %v; want %q", line, err, step)
					}
				}
			}
			if rest, _ := io.ReadAll(lines); len(rest) > 0 {
				t.Errorf("then got %q", rest)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != c.stderr {
				t.Errorf("exit %d, stderr %q", code, stderr.String())
			}
		})
	}
}

func TestEchoes(t *testing.T) {
	const term, interrupt = syscall.SIGTERM, syscall.SIGINT
	received, meant := make(chan os.Signal, 10), make(chan os.Signal, 10)
	var times []time.Duration
	var want []os.Signal
	for _, s := range []struct {
		signal os.Signal
		at     time.Duration
		echo   bool
	}{
		{term, 0, false},
		{term, time.Millisecond, true},
		{interrupt, 2 * time.Millisecond, false},
		{term, echoTime - 1, true},
		{term, echoTime, false},
		{term, echoTime, false},
	} {
		received <- s.signal
		times = append(times, s.at)
		if !s.echo {
			want = append(want, s.signal)
		}
	}
	close(received)
	dropEchoes(received, meant, func() time.Time {
		at := times[0]
		times = times[1:]
		return time.Unix(0, 0).Add(at)
	})
	close(meant)
	var got []os.Signal
	for s := range meant {
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
