package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/pkg/codec"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The tests run the collector as a process of its own: this test binary, told to be it.
const beCollector = "SPOT_TEST_BE_COLLECTOR"

func TestMain(m *testing.M) {
	if os.Getenv(beCollector) != "" {
		firstPause = 5 * time.Millisecond
		main()
	}
	// Most of a test is waiting for another process.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const topic = "T"

// A site is a place where a collector works: folders, a configuration, an in-process Kafka.
type site struct {
	t     *testing.T
	dir   string
	kafka *kfake.Cluster
	conf  map[string]any
	env   []string
	// wrapper is a command that runs the collector, given as its further arguments.
	wrapper []string
}

func newSite(t *testing.T, kind string) *site {
	t.Parallel()
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	s := &site{t: t, dir: t.TempDir(), kafka: k}
	for _, folder := range []string{"in", "staging"} {
		if err := os.Mkdir(filepath.Join(s.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.conf = map[string]any{
		"state_dir": filepath.Join(s.dir, "state"),
		"kafka":     map[string]any{"kafka_server": k.ListenAddrs()[0], "max_request_size": "1048576"},
		"pipelines": map[string]any{kind: map[string]any{
			"type": kind, "collector_path": s.path("in"), "local_staging": s.path("staging"),
			"quiet_seconds": 0.05,
		}},
	}
	return s
}

func (s *site) path(elem ...string) string { return filepath.Join(append([]string{s.dir}, elem...)...) }

func (s *site) pipeline(kind string) map[string]any {
	return s.conf["pipelines"].(map[string]any)[kind].(map[string]any)
}

func (s *site) write(content string, elem ...string) string {
	s.t.Helper()
	path := s.path(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) append(content, path string) {
	s.t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		s.t.Fatal(err)
	}
}

// A process is a running collector.
type process struct {
	*exec.Cmd
	s      *site
	stdout *output
	stderr *output
}

// An output collects what a process prints, and tells whoever waits for a sentence.
type output struct {
	lines chan string
	text  bytes.Buffer
}

func (s *site) start(args ...string) *process {
	s.t.Helper()
	conf, err := json.Marshal(s.conf)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(string(conf), "ingest_conf.json")
	argv := append(append(slices.Clone(s.wrapper), os.Args[0]), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(append(os.Environ(), beCollector+"=1", "TZ=UTC"), s.env...)
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
			s.t.Logf("stdout:\n%s\nstderr:\n%s", p.stdout.text.String(), p.stderr.text.String())
		}
	})
	return p
}

func newOutput() *output { return &output{lines: make(chan string, 100_000)} }

func (o *output) Write(b []byte) (int, error) {
	o.text.Write(b)
	for line := range strings.Lines(string(b)) {
		o.lines <- line
	}
	return len(b), nil
}

// waitFor waits until a line is printed for each of the texts, in any order.
func (p *process) waitFor(texts ...string) {
	p.s.t.Helper()
	deadline := time.After(60 * time.Second)
	for len(texts) > 0 {
		select {
		case line := <-p.stdout.lines:
			texts = slices.DeleteFunc(texts, func(text string) bool { return strings.Contains(line, text) })
		case <-deadline:
			p.s.t.Fatalf("the collector did not print %q", texts)
		}
	}
}

// end waits for the process and returns its exit code.
func (p *process) end() int {
	p.s.t.Helper()
	timer := time.AfterFunc(100*time.Second, func() { _ = p.Process.Kill() })
	defer timer.Stop()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.s.t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

func (p *process) stop(sig syscall.Signal) int {
	p.s.t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		p.s.t.Fatal(err)
	}
	return p.end()
}

// run runs a collector to its end and wants the exit code.
func (s *site) run(want int, args ...string) *process {
	s.t.Helper()
	p := s.start(args...)
	if got := p.end(); got != want {
		s.t.Fatalf("exit code %d, want %d", got, want)
	}
	return p
}

// A message is a record as it was consumed.
type message struct {
	rows      []string
	segment   string
	source    string
	partition int32
	timeMS    int64
}

// consume returns all records that are in the topic.
func (s *site) consume() []message {
	s.t.Helper()
	var want int64
	for p := range int32(3) {
		want += s.kafka.PartitionInfo(topic, p).HighWatermark
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var all []message
	for int64(len(all)) < want {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			s.t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			all = append(all, decode(s.t, r))
		}
	}
	return all
}

func decode(t *testing.T, r *kgo.Record) message {
	t.Helper()
	rows, err := codec.Decode(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	m := message{partition: r.Partition, timeMS: r.Timestamp.UnixMilli()}
	for row := range rows.All() {
		m.rows = append(m.rows, string(row))
	}
	for _, h := range r.Headers {
		switch h.Key {
		case "spot.segment":
			m.segment = string(h.Value)
		case "spot.source":
			m.source = string(h.Value)
		}
	}
	return m
}

// rows are all rows that were consumed, sorted.
func (s *site) rows() []string {
	s.t.Helper()
	var all []string
	for _, m := range s.consume() {
		all = append(all, m.rows...)
	}
	slices.Sort(all)
	return all
}

func (s *site) wantRows(want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if got := s.rows(); !slices.Equal(got, want) {
		s.t.Errorf("rows in Kafka:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// line is the n-th line of a proxy log.
func line(n int) string {
	return fmt.Sprintf("2018-03-20 %02d:%02d:%02d line %d", 9+n/3600%10, n/60%60, n%60, n)
}

func lines(from, to int) (list []string, text string) {
	for n := from; n < to; n++ {
		list = append(list, line(n))
	}
	return list, strings.Join(list, "\n") + "\n"
}

func TestOnce(t *testing.T) {
	s := newSite(t, "proxy")
	list, text := lines(0, 100)
	s.write(text, "in", "2018", "03", "a.log")
	p := s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(list...)
	for _, sentence := range []string{
		`SPOT.INGEST.COLLECTOR              Initialization completed successfully!`,
		`SPOT.INGEST.COMMON.FILE_WATCHER    Schedule watching "` + s.path("in") + `" directory.`,
		`SPOT.INGEST.PROXY.PoolWorker-`,
		`Processing raw file "a.log"...`,
		`Published segment-0 to Kafka cluster. [Topic: T, Partition: `,
		`All segments of "a.log" published successfully to Kafka cluster.`,
		`Stop "Proxy" Collector!`,
		"rows published                               100",
	} {
		if !strings.Contains(p.stdout.text.String(), sentence) {
			t.Errorf("stdout lacks %q", sentence)
		}
	}
	if p.stderr.text.Len() > 0 {
		t.Errorf("stderr: %s", p.stderr.text.String())
	}
	// What was sent isn't sent again; what is new is.
	s.write("2018-03-20 10:00:00 new\n", "in", "b.log")
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(append(list, "2018-03-20 10:00:00 new")...)
	// On purpose it is.
	s.run(0, "-t", "proxy", "--topic", topic, "--resend", s.path("in", "b.log"))
	s.wantRows(append(list, "2018-03-20 10:00:00 new", "2018-03-20 10:00:00 new")...)
	ids := make(map[string]bool)
	for _, m := range s.consume() {
		ids[m.segment] = true
	}
	if len(ids) != len(s.consume()) {
		t.Error("what was sent again on purpose has its old identity")
	}
}

// The collector's life as a service: what is there at the first start stays, what comes is
// sent, what comes while it is down is sent at the next start.
func TestService(t *testing.T) {
	s := newSite(t, "proxy")
	s.pipeline("proxy")["supported_files"] = []string{`\.log$`}
	s.write("2018-03-20 08:00:00 there before\n", "in", "before.log")
	args := []string{"-t", "proxy", "--topic", topic}

	p := s.start(args...)
	p.waitFor("1 files were in")
	p.waitFor("Initialization completed successfully!")
	s.write("2018-03-20 08:00:01 running\n", "in", "new", "folder", "running.log")
	p.waitFor(`All segments of "running.log" published`)
	s.write("2018-03-20 08:00:02 no\n", "in", "no.txt")
	p.waitFor(`Filename "no.txt" is not supported! Skip file...`)
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	s.write("2018-03-20 08:00:03 down\n", "in", "down.log")

	p = s.start(args...)
	p.waitFor(`All segments of "down.log" published`)
	s.append("2018-03-20 08:00:04 grown\n", s.path("in", "down.log"))
	p.waitFor(`All segments of "down.log" published`)
	// Rotation of a file that was there before: the original sent it at that moment.
	if err := os.Rename(s.path("in", "before.log"), s.path("in", "before.1.log")); err != nil {
		t.Fatal(err)
	}
	p.waitFor(`All segments of "before.1.log" published`)
	if code := p.stop(syscall.SIGUSR1); code != 0 {
		t.Errorf("SIGUSR1: exit code %d", code)
	}
	s.wantRows("2018-03-20 08:00:00 there before", "2018-03-20 08:00:01 running", "2018-03-20 08:00:03 down", "2018-03-20 08:00:04 grown")

	// A wider pattern makes a file new.
	s.pipeline("proxy")["supported_files"] = []string{`\.log$`, `\.txt$`}
	p = s.start(args...)
	p.waitFor(`All segments of "no.txt" published`)
	if code := p.stop(syscall.SIGINT); code != 0 {
		t.Errorf("SIGINT: exit code %d", code)
	}
}

func TestBacklog(t *testing.T) {
	s := newSite(t, "proxy")
	s.write("2018-03-20 08:00:00 old\n", "in", "old.log")
	s.write("2018-03-20 08:00:00 young\n", "in", "young.log")
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.Local)
	if err := os.Chtimes(s.path("in", "old.log"), past, past); err != nil {
		t.Fatal(err)
	}
	p := s.start("-t", "proxy", "--topic", topic, "--backlog-since", "2020-01-02 12:00")
	p.waitFor(`All segments of "young.log" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows("2018-03-20 08:00:00 young")
	p = s.start("-t", "proxy", "--topic", topic, "--backlog")
	p.waitFor(`All segments of "old.log" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows("2018-03-20 08:00:00 old", "2018-03-20 08:00:00 young")
}

// File names are data: whatever they hold, they are sent like any other and nothing runs.
func TestHostileNames(t *testing.T) {
	s := newSite(t, "proxy")
	var want []string
	for n, name := range []string{
		"a b.log", `quo"te'.log`, "$(touch pwned).log", "`touch pwned`.log", "; touch pwned;.log",
		"new\nline.log", "-rf", "--help", "\xff\xfe.log", "%s%n.log", "&& touch pwned", "..hidden",
	} {
		s.write(line(n)+"\n", "in", name)
		want = append(want, line(n))
	}
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(want...)
	sources := make(map[string]bool)
	for _, m := range s.consume() {
		sources[m.source] = true
	}
	if !sources["new\nline.log"] || !sources["\xff\xfe.log"] {
		t.Errorf("sources %v", sources)
	}
	for _, at := range []string{"pwned", "in/pwned"} {
		if _, err := os.Stat(s.path(at)); err == nil {
			t.Error("a file name was executed")
		}
	}
}

// A staging folder inside the watched folder isn't watched, as in the shipped dns pipeline.
func TestStagingInside(t *testing.T) {
	s := newSite(t, "proxy")
	s.pipeline("proxy")["local_staging"] = s.path("in")
	s.conf["state_dir"] = s.path("in", "state")
	s.write(line(0)+"\n", "in", "a.log")
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0))
}

func TestKafkaAway(t *testing.T) {
	s := newSite(t, "proxy")
	s.write(line(0)+"\n", "in", "a.log")
	s.conf["kafka"].(map[string]any)["kafka_server"] = "127.0.0.1:1"
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Kafka is asked again")
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("stopped while Kafka is away: exit code %d", code)
	}
}

func TestStartErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		edit func(s *site)
		code int
		want string // regular expression on stderr
	}{
		{"no such topic", []string{"-t", "proxy", "--topic", "missing"}, func(*site) {}, 1, `"missing".*create it first`},
		{"empty topic", []string{"-t", "proxy", "--topic", ""}, func(*site) {}, 2, `--topic is empty`},
		{"no such folder", []string{"-t", "proxy", "--topic", topic}, func(s *site) { s.pipeline("proxy")["collector_path"] = "/no/such" }, 1, `collector_path.*"/no/such"`},
		{"placeholder", []string{"-t", "proxy", "--topic", topic}, func(s *site) { s.conf["kafka"] = map[string]any{"kafka_server": "kafka ip"} }, 1, `kafka_server.*kafka ip`},
		{"pattern", []string{"-t", "proxy", "--topic", topic}, func(s *site) { s.pipeline("proxy")["supported_files"] = []string{"a(?=b)"} }, 1, `supported_files.*look-ahead`},
		{"no staging", []string{"-t", "proxy", "--topic", topic}, func(s *site) { s.pipeline("proxy")["local_staging"] = "/no/such" }, 1, `local_staging.*"/no/such"`},
		{"no type", []string{"-t", "foo", "--topic", topic}, func(*site) {}, 2, `invalid choice: 'foo' \(choose from 'dns', 'flow', 'proxy'\)`},
		{"kinit", []string{"-t", "proxy", "--topic", topic}, func(s *site) { s.env = []string{"KRB_AUTH=1", "KINITPATH=/no/such"} }, 1, `KRB_AUTH`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, "proxy")
			tt.edit(s)
			p := s.run(tt.code, tt.args...)
			if !regexp.MustCompile(tt.want).Match(p.stderr.text.Bytes()) {
				t.Errorf("stderr %q, want %s", p.stderr.text.String(), tt.want)
			}
		})
	}
}

// Two collectors on one folder: the second names the first. Without conversion it is
// another matter.
func TestTwoCollectors(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	second := s.run(1, "-t", "proxy", "--topic", topic)
	if want := fmt.Sprintf("pid %d", p.Process.Pid); !strings.Contains(second.stderr.text.String(), want) {
		t.Errorf("stderr %q lacks %q", second.stderr.text.String(), want)
	}
	s.run(0, "-t", "proxy", "--topic", topic, "--skip-conversion", "--once")
	p.stop(syscall.SIGTERM)
}

func TestPipelineName(t *testing.T) {
	s := newSite(t, "proxy")
	pipelines := s.conf["pipelines"].(map[string]any)
	pipelines["web_internals"] = pipelines["proxy"]
	delete(pipelines, "proxy")
	s.write(line(0)+"\n", "in", "a.log")
	p := s.run(0, "-t", "web_internals", "--topic", topic, "--once")
	if !strings.Contains(p.stdout.text.String(), "SPOT.INGEST.PROXY.PoolWorker-") {
		t.Error("the logger does not follow the pipeline's type")
	}
	s.wantRows(line(0))
}

func TestJSONLogs(t *testing.T) {
	s := newSite(t, "proxy")
	s.write(line(0)+"\n", "in", "a.log")
	p := s.run(0, "-t", "proxy", "--topic", topic, "--once", "--json-logs")
	for l := range strings.Lines(p.stdout.text.String()) {
		var record map[string]string
		if err := json.Unmarshal([]byte(l), &record); err != nil || record["message"] == "" || record["logger"] == "" {
			t.Errorf("%s: %v", l, err)
		}
	}
}
