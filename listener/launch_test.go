package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// installSubmit puts programs in the place of Spark's on the PATH. They record how they were
// started, and go on as the rest of a shell script says.
func (s *site) installSubmit(rest string, names ...string) {
	s.t.Helper()
	if err := os.MkdirAll(s.path("bin"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nfor word in \"$0\" \"$@\"; do printf '%%s\\0' \"$word\"; done >>'%s'\n%s\n", s.path("record"), rest)
	for _, name := range names {
		if err := os.Chmod(s.write(script, "bin", name), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	s.env = append(s.env, "PATH="+s.path("bin")+":"+os.Getenv("PATH"), "SPARK_HOME=", "TMPDIR="+s.path("tmp"))
	if err := os.Mkdir(s.path("tmp"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.conf["hdfs_app_path"] = "file://" + s.path("warehouse")
	s.conf["dbname"] = "spotdb"
}

// launched returns the words of the one start, with the folder of the job's files, which must
// be gone, as J.
func (s *site) launched() []string {
	s.t.Helper()
	record, err := os.ReadFile(s.path("record"))
	if err != nil {
		s.t.Fatal(err)
	}
	words := strings.Split(strings.TrimSuffix(string(record), "\x00"), "\x00")
	folder := filepath.Dir(words[len(words)-1])
	if _, err := os.Stat(folder); err == nil || filepath.Dir(folder) != s.path("tmp") {
		s.t.Errorf("the job's files are in %s, and stay: %v", folder, err)
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], folder, "J")
	}
	return words
}

// The words by which Spark's program is started, as scripts start the listener, with what they
// have in their folder.
func TestLaunch(t *testing.T) {
	s := newSite(t, "flow")
	s.installSubmit("echo to stdout; echo to stderr >&2", "spark-submit", "spark2-submit")
	if err := os.Mkdir(s.path("dist"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("egg", "dist", "common.egg")
	s.write("old text that is longer than the new one", "x.log")
	p := s.runCommand(0, "-t", "flow", "--topic", topic, "-p", "1", "--master", "yarn", "--deploy-mode", "client",
		"--config-file", "ingest_conf.json", "--redirect-spark-logs", "x.log", "-g", "$(touch x)", "-n", "a b")
	p.says("Engine: Spark (--master yarn).", "to stdout\n", "The version of Spark is not known")
	if text, err := os.ReadFile(s.path("x.log")); err != nil || string(text) != "to stderr\n" || p.stderr.String() != "" {
		t.Errorf("redirected %q, %v; stderr %q", text, err, p.stderr.String())
	}
	words := s.launched()
	// Which modules the job has is its own affair.
	modules := slices.Index(words, "--py-files") + 1
	if modules == 0 || strings.Contains(words[modules], "dist") || strings.Contains(words[modules], "J/listener.py") {
		t.Fatalf("modules in %q", words)
	}
	words[modules] = "M"
	want := []string{s.path("bin", "spark2-submit"), "--master", "yarn", "--deploy-mode", "client", "--py-files", "M",
		"J/listener.py", "-b", "0.1", "-d", "spotdb", "-g", "$(touch x)", "-l", "INFO", "-n", "a b",
		"-p", "1", "-t", "flow", "--topic", topic, "--job", "J/job.json"}
	if !slices.Equal(words, want) {
		t.Errorf("got  %q\nwant %q", words, want)
	}
	if exists(s.path("x")) {
		t.Error("a shell has run")
	}
}

// Without -m it is yarn, with what there is on the PATH.
func TestLaunchDefaults(t *testing.T) {
	s := newSite(t, "flow")
	s.installSubmit("", "spark-submit")
	s.runCommand(0, "-t", "flow", "--topic", topic, "-p", "3")
	words := s.launched()
	if want := []string{s.path("bin", "spark-submit"), "--master", "yarn", "--deploy-mode", "client"}; !slices.Equal(words[:5], want) {
		t.Errorf("got %q, want %q", words, want)
	}
}

func TestLaunchFails(t *testing.T) {
	s := newSite(t, "flow")
	s.installSubmit("exit 3", "spark-submit")
	p := s.runCommand(2, "-t", "flow", "--topic", topic, "-p", "3")
	const failed = "Failed to submit Spark Job!\n"
	if stderr := p.stderr.String(); !strings.HasPrefix(stderr, failed) || !strings.HasSuffix(stderr, "spark-submit: exit status 3\n") {
		t.Errorf("stderr %q", stderr)
	}
	if !strings.Contains(p.stdout.String(), failed) {
		t.Errorf("stdout %q", p.stdout.String())
	}
	s.launched()
}

func TestLaunchSignals(t *testing.T) {
	const waits = "echo waits; while :; do sleep 0.02; done"
	for name, c := range map[string]struct {
		script  string
		signals []syscall.Signal
		code    int
	}{
		"one":      {"trap 'echo terminated; exit 143' TERM; " + waits, []syscall.Signal{syscall.SIGUSR1}, 0},
		"a second": {"trap 'echo terminated' TERM; " + waits, []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "flow")
			s.installSubmit(c.script, "spark-submit")
			p := s.startCommand("-t", "flow", "--topic", topic, "-p", "3")
			p.waitFor("waits")
			for _, signal := range c.signals {
				p.signal(signal)
				if signal == c.signals[0] {
					p.waitFor("terminated")
				}
			}
			if code := p.end(); code != c.code {
				t.Errorf("exit code %d", code)
			}
			s.launched()
		})
	}
}
