package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// redirected is the program that TestRedirectStderr starts: it writes by every way there is
// to write, and panics.
func redirected(path string) {
	unix.Umask(0o027)
	if err := redirectStderr(path); err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Println("to stdout")
	fmt.Fprintln(os.Stderr, "to stderr")
	child := exec.Command("/bin/sh", "-c", "echo from a child; echo from a child >&2")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		fmt.Println(err)
	}
	done := make(chan struct{})
	go func() { // where no test recovers from it
		defer close(done)
		panic("the last words")
	}()
	<-done
}

func TestRedirectStderr(t *testing.T) {
	if path := os.Getenv("LISTENER_TEST_REDIRECT"); path != "" {
		redirected(path)
	}
	dir, left := t.TempDir(), t.TempDir() // and for what a test that ends by a panic leaves
	start := func(path string) (stdout, stderr string, code int) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRedirectStderr$")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LISTENER_TEST_REDIRECT="+path, "TMPDIR="+left)
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		return out.String(), errs.String(), cmd.ProcessState.ExitCode()
	}
	const wantStdout = "to stdout\nfrom a child\n"

	stdout, stderr, code := start("new.log")
	if stdout != wantStdout || stderr != "" || code != 2 {
		t.Errorf("stdout %q, stderr %q, exit %d", stdout, stderr, code)
	}
	checkRedirected(t, filepath.Join(dir, "new.log"), 0o640)

	old := filepath.Join(dir, "old.log")
	if err := os.WriteFile(old, []byte(strings.Repeat("old ", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := start(old); stdout != wantStdout || stderr != "" || code != 2 {
		t.Errorf("stdout %q, stderr %q, exit %d", stdout, stderr, code)
	}
	checkRedirected(t, old, 0o600)

	if stdout, stderr, code := start("none/x.log"); code != 3 || stderr != "" ||
		!strings.HasPrefix(stdout, "redirect standard error (-r): open none/x.log: ") {
		t.Errorf("stdout %q, stderr %q, exit %d", stdout, stderr, code)
	}
}

// checkRedirected looks at what the program has left in its file.
func checkRedirected(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "to stderr\nfrom a child\npanic: the last words\n") ||
		!strings.Contains(string(text), "goroutine ") {
		t.Errorf("%s: got %q", path, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, mode)
	}
}

func TestRedirectStderrFails(t *testing.T) {
	err := redirectStderr(filepath.Join(t.TempDir(), "none", "x.log"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
