package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"spot-ingest/listener/internal/hdfs/hdfstest"
	"spot-ingest/listener/internal/wire"
)

// The tests run the listener as a process of its own: this test binary, told to be it and
// what it is to meet with.
const beListener = "SPOT_TEST_BE_LISTENER"

func TestMain(m *testing.M) {
	if os.Getenv(beDriver) != "" {
		os.Exit(beTheDriver())
	}
	if text := os.Getenv(beListener); text != "" {
		var p plight
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			panic(err)
		}
		p.befall()
		main()
	}
	// Most of a test is waiting for another process.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	code := m.Run()
	removeLogs()
	os.Exit(code)
}

// A plight is what a listener meets with.
type plight struct {
	Step   string // of a commit: when it comes there for the
	Nth    int    // time,
	Signal syscall.Signal
	// Armed is a file: the times before it is there do not count. Empty: all count.
	Armed string
	// Full is a file: while it is there, the step that it names finds the disk full.
	Full     string
	Patience time.Duration // for HDFS and, with --once, for whatever is away; 0: as ever
	SpotConf string        // Spot's own settings
}

func (p plight) befall() {
	var mu sync.Mutex
	times := 0
	fault = func(step string) error {
		mu.Lock()
		defer mu.Unlock()
		if step == p.Step && (p.Armed == "" || exists(p.Armed)) {
			times++
			if times == p.Nth {
				return syscall.Kill(os.Getpid(), p.Signal)
			}
		}
		if text, err := os.ReadFile(p.Full); err == nil && string(text) == step {
			return syscall.ENOSPC
		}
		return nil
	}
	if p.Patience > 0 {
		awayAtOnce = p.Patience
	}
	spotConf = p.SpotConf
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const (
	topic      = "T"
	partitions = 3
)

// A site is a place where listeners work: an in-process Kafka, a configuration, a warehouse.
type site struct {
	t      *testing.T
	dir    string
	kafka  *kfake.Cluster
	client *kgo.Client
	kind   string
	conf   map[string]any
	env    []string
	plight plight
	wire   *wire.Wire
	hdfs   *hdfstest.Server // nil: the warehouse is a local folder
	// wrapper is a command that runs the listener, given as its further arguments.
	wrapper []string
}

// patience is how long something may take; it is never waited for in full.
const patience = 60 * time.Second

func newSite(t *testing.T, kind string) *site {
	t.Parallel()
	t.Helper()
	w := wire.New()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic), kfake.ListenFn(w.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	s := &site{t: t, dir: t.TempDir(), kafka: k, kind: kind, wire: w}
	s.connect()
	s.plight.SpotConf = s.path("spot.conf")
	s.conf = map[string]any{
		"hdfs_app_path":   s.path("warehouse"),
		"kafka":           map[string]any{"kafka_server": k.ListenAddrs()[0]},
		"spark-streaming": map[string]any{"spark_batch_size": 0.1},
		"pipelines":       map[string]any{kind: map[string]any{"type": kind}},
	}
	return s
}

// connect makes the tests' own client anew: one whose connections were cut may not send again.
func (s *site) connect() {
	s.t.Helper()
	var err error
	s.client, err = kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0), kgo.DisableIdempotentWrite(), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.client.Close)
}

func (s *site) path(elem ...string) string { return filepath.Join(append([]string{s.dir}, elem...)...) }

// folder is a path in the type's folder.
func (s *site) folder(elem ...string) string {
	return s.path(append([]string{"warehouse", s.kind}, elem...)...)
}

func (s *site) set(key string, value any) { s.conf["spark-streaming"].(map[string]any)[key] = value }

func (s *site) write(content string, elem ...string) string {
	s.t.Helper()
	path := s.path(elem...)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// A process is a running listener.
type process struct {
	*exec.Cmd
	s      *site
	stdout *output
	stderr *output
}

// An output collects what a process prints, and tells whoever waits for a sentence.
type output struct {
	lines chan string
	mu    sync.Mutex
	text  bytes.Buffer
}

func newOutput() *output { return &output{lines: make(chan string, 100_000)} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	o.text.Write(b)
	o.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		o.lines <- line
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// args are those of a listener of the site's topic, and more.
func (s *site) args(more ...string) []string {
	return append([]string{"-t", s.kind, "--topic", topic, "-p", "3", "-m", "local"}, more...)
}

// start starts a listener of the site's topic.
func (s *site) start(more ...string) *process {
	s.t.Helper()
	return s.startCommand(s.args(more...)...)
}

// startCommand starts a program of the given command line.
func (s *site) startCommand(args ...string) *process {
	s.t.Helper()
	conf, err := json.Marshal(s.conf)
	if err != nil {
		s.t.Fatal(err)
	}
	// In one step: another listener may be reading it.
	if err := os.Rename(s.write(string(conf), "new.json"), s.path("ingest_conf.json")); err != nil {
		s.t.Fatal(err)
	}
	plight, err := json.Marshal(s.plight)
	if err != nil {
		s.t.Fatal(err)
	}
	argv := append(append(slices.Clone(s.wrapper), os.Args[0]), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(append(os.Environ(), beListener+"="+string(plight), "TZ=UTC", "HADOOP_CONF_DIR="), s.env...)
	p := &process{Cmd: cmd, s: s, stdout: newOutput(), stderr: newOutput()}
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if s.t.Failed() {
			s.t.Logf("%q\nstdout:\n%s\nstderr:\n%s", args, p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

// waitFor waits until a line is printed for each of the texts, in any order.
func (p *process) waitFor(texts ...string) {
	p.s.t.Helper()
	deadline := time.After(patience)
	for len(texts) > 0 {
		select {
		case line := <-p.stdout.lines:
			texts = slices.DeleteFunc(texts, func(text string) bool { return strings.Contains(line, text) })
		case <-deadline:
			p.s.t.Fatalf("the listener did not print %q", texts)
		}
	}
}

// end waits for the process and returns its exit code, -1 if a signal has ended it.
func (p *process) end() int {
	p.s.t.Helper()
	timer := time.AfterFunc(2*patience, func() { _ = p.Process.Kill() })
	defer timer.Stop()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.s.t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

func (p *process) signal(sig syscall.Signal) {
	p.s.t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		p.s.t.Fatal(err)
	}
}

// stop ends the process by a signal, as which it must exit with 0.
func (p *process) stop(sig syscall.Signal) {
	p.s.t.Helper()
	p.signal(sig)
	if code := p.end(); code != 0 {
		p.s.t.Errorf("%v: exit code %d", sig, code)
	}
}

// run runs a listener to its end and wants the exit code.
func (s *site) run(want int, more ...string) *process {
	s.t.Helper()
	return s.runCommand(want, s.args(more...)...)
}

func (s *site) runCommand(want int, args ...string) *process {
	s.t.Helper()
	p := s.startCommand(args...)
	if got := p.end(); got != want {
		s.t.Fatalf("exit code %d, want %d", got, want)
	}
	return p
}

// says checks that the process has printed the texts, each on one of its two streams.
func (p *process) says(texts ...string) {
	p.s.t.Helper()
	said := p.stdout.String() + p.stderr.String()
	for _, text := range texts {
		if !strings.Contains(said, text) {
			p.s.t.Errorf("the listener did not say %q", text)
		}
	}
}
