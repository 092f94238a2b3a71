//go:build integration

package hdfs_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/pkg/logging"
)

// A realHDFS is one of Hadoop, of scripts/stack.
type realHDFS struct {
	t        testing.TB
	uri      string
	conf     string
	commands io.Writer
	answers  *bufio.Reader
}

var ready = regexp.MustCompile(`ready on (\S+) .*conf dir ([^)]+)\)`)

// startReal runs an HDFS until the end of the test.
func startReal(t testing.TB, args ...string) *realHDFS {
	t.Helper()
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	stack := filepath.Join(t.TempDir(), "stack")
	build := exec.Command("go", "build", "-o", stack, "spot-ingest/scripts/stack")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build scripts/stack: %v\n%s", err, out)
	}
	cmd := exec.Command(stack, append([]string{"hdfs"}, args...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error("scripts/stack:", err)
		}
	})
	r := &realHDFS{t: t, commands: in, answers: bufio.NewReader(out)}
	line, err := r.answers.ReadString('\n')
	m := ready.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("scripts/stack: %q, %v", line, err)
	}
	r.uri, r.conf = m[1], m[2]
	return r
}

// command has the HDFS do something, in the words of hdfs.java.
func (r *realHDFS) command(words ...string) {
	r.t.Helper()
	fmt.Fprintln(r.commands, strings.Join(words, " "))
	if line, err := r.answers.ReadString('\n'); line != "ok\n" {
		r.t.Fatalf("%s: %q, %v", words, line, err)
	}
}

// wait repeats a command until it succeeds.
func (r *realHDFS) wait(words ...string) {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		fmt.Fprintln(r.commands, strings.Join(words, " "))
		line, err := r.answers.ReadString('\n')
		if line == "ok\n" {
			return
		}
		if err != nil || time.Now().After(end) {
			r.t.Fatalf("%s: %q, %v", words, line, err)
		}
	}
}

func (r *realHDFS) safeMode(on bool) {
	r.t.Helper()
	r.command("safemode", map[bool]string{true: "on", false: "off"}[on])
}

func (r *realHDFS) quota(folder string, names, bytes int64) {
	r.t.Helper()
	r.command("quota", folder, fmt.Sprint(names), fmt.Sprint(bytes))
}

func (r *realHDFS) client(t testing.TB, user string) *hdfs.Client {
	t.Helper()
	return r.clientWith(t, hdfs.Options{User: user, Pause: noPause})
}

func (r *realHDFS) clientWith(t testing.TB, o hdfs.Options) *hdfs.Client {
	t.Helper()
	cluster, _, err := hdfs.Find(r.uri+"/", r.conf)
	if err != nil {
		t.Fatal(err)
	}
	o.Cluster, o.Log = cluster, logging.New(testWriter{t}, logging.Debug, false)
	c, err := hdfs.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

func TestSemanticsOfHDFS(t *testing.T) {
	r := startReal(t)
	c := r.clientWith(t, hdfs.Options{User: "hdfs"})
	testSemantics(t, c, "/semantics")
	testNames(t, c, "/names")
	testLarge(t, c, "/large", 3_000_000)
	testPermissions(t, r)
	testQuotas(t, r)
	testSafeMode(t, r)
}
