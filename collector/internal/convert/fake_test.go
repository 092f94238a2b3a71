package convert

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary plays the tools itself: a process with this variable does what the
// script in it says, one step a line.
const fakeScript = "CONVERT_TEST_SCRIPT"

func TestMain(m *testing.M) {
	if script, ok := os.LookupEnv(fakeScript); ok {
		playTool(script)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func playTool(script string) {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, step := range strings.Split(script, "\n") {
		verb, rest, _ := strings.Cut(step, " ")
		switch verb {
		case "out":
			fmt.Fprintln(out, rest)
		case "cut": // an end within a line
			fmt.Fprint(out, rest)
		case "long":
			n, _ := strconv.Atoi(rest)
			fmt.Fprint(out, strings.Repeat("x", n))
		case "outs", "errs":
			count, text, _ := strings.Cut(rest, " ")
			n, _ := strconv.Atoi(count)
			w := out
			if verb == "errs" {
				w = bufio.NewWriter(os.Stderr)
			}
			for i := range n {
				fmt.Fprintln(w, strings.ReplaceAll(text, "#", strconv.Itoa(i)))
			}
			w.Flush()
		case "odd": // as many complaints, no two alike
			n, _ := strconv.Atoi(rest)
			for i := range n {
				fmt.Fprintln(os.Stderr, strings.Repeat("x", 1+i))
			}
		case "err":
			fmt.Fprintln(os.Stderr, rest)
		case "flush":
			out.Flush()
		case "close":
			out.Flush()
			os.Stdout.Close()
			os.Stderr.Close()
		case "hang":
			out.Flush()
			unix.Pause()
		case "kill":
			out.Flush()
			unix.Kill(os.Getpid(), unix.SIGKILL)
		case "child": // a child that holds the pipes
			out.Flush()
			self, _ := os.Executable() // the tool's own first argument has no folder
			child := exec.Command(self)
			child.Env = append(os.Environ(), fakeScript+"=hang")
			child.Stdout, child.Stderr = os.Stdout, os.Stderr
			if err := child.Start(); err != nil {
				panic(err)
			}
			fmt.Fprintf(out, "%d\n", child.Process.Pid)
		case "pid":
			fmt.Fprintf(out, "%d\n", os.Getpid())
		case "tell": // how it was called, in a file
			text := fmt.Sprintf("%q TZ=%q", os.Args[1:], os.Getenv("TZ"))
			if err := os.WriteFile(rest, []byte(text), 0o600); err != nil {
				panic(err)
			}
		case "stdin":
			n, err := io.Copy(io.Discard, os.Stdin)
			fmt.Fprintln(out, n, err)
		case "unless": // unless some argument holds the text, this is all
			if !strings.Contains(strings.Join(os.Args, " "), rest) {
				return
			}
			out.Reset(os.Stdout)
		case "open":
			openForParent(rest)
		case "exit":
			out.Flush()
			code, _ := strconv.Atoi(rest)
			os.Exit(code)
		}
	}
}

// fake returns a method whose tool plays the script.
func fake(t *testing.T, name string, script ...string) Method {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeScript, strings.Join(script, "\n"))
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would have each tool linger for a second
	return Method{Name: name, Program: self, Zone: "UTC"}
}

// rawFile makes a file to convert.
func rawFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nfcapd.201803200900")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// convertAll reads a job's CSV to its end or error.
func convertAll(t *testing.T, m Method, job Job) (string, *Stream, error) {
	t.Helper()
	stream, err := m.Open(t.Context(), job)
	if err != nil {
		return "", nil, err
	}
	t.Cleanup(func() { stream.Close() })
	out, err := io.ReadAll(stream)
	return string(out), stream, err
}

// waitGone waits for a process that need not be ours to end.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int((20 * time.Second).Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if n == 0 {
			unix.Kill(pid, unix.SIGKILL)
			t.Fatalf("process %d lives on", pid)
		}
		return
	}
}
