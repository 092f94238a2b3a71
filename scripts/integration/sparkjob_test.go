//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The Spark job alone, as spark-submit runs it, with a partner that is a small program of this
// suite in place of the listener's.

// A sparkJob is a topic of one partition or more, a plan of what the partner answers, and a
// folder for both.
type sparkJob struct {
	t     *testing.T
	dir   string
	topic string
	ends  map[string]int64 // offsets after the last messages
	plan  map[string]any
	job   map[string]any
	kafka *kgo.Client
}

func newSparkJob(t *testing.T, partitions int) *sparkJob {
	t.Helper()
	broker := sharedKafka(t, kafka4)
	s := &sparkJob{t: t, dir: t.TempDir(), ends: make(map[string]int64)}
	s.topic = notForTopic.ReplaceAllString(t.Name(), "-") + fmt.Sprintf("-%d", topicCount.Add(1))
	if err := broker.CreateTopic(s.topic, partitions, nil); err != nil {
		t.Fatal(err)
	}
	offsets := make(map[string]int64)
	for p := range partitions {
		offsets[fmt.Sprint(p)], s.ends[fmt.Sprint(p)] = 0, 0
	}
	partner, err := filepath.Abs("../../listener/internal/spark/testdata/partner.py")
	if err != nil {
		t.Fatal(err)
	}
	s.plan = map[string]any{"folder": s.dir, "offsets": offsets, "until": s.ends}
	s.job = map[string]any{
		"name":    s.topic,
		"partner": []string{"python3", partner, filepath.Join(s.dir, "plan.json")},
		"kafka":   map[string]any{"servers": broker.Addr(), "topic": s.topic, "options": map[string]string{}},
		"table":   "flow", "zone": "UTC", "gaps": []any{}, "compression": "snappy",
		"batch_seconds": 0.5, "once": false, "partitions": 1,
	}
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kafka.Close)
	return s
}

// send sends a message, and returns its offset.
func (s *sparkJob) send(partition int32, value []byte, headers ...kgo.RecordHeader) int64 {
	s.t.Helper()
	r := &kgo.Record{Topic: s.topic, Partition: partition, Value: value, Headers: headers,
		Timestamp: time.Date(2018, 3, 20, 9, 0, 0, 0, time.UTC)}
	if err := s.kafka.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
	s.ends[fmt.Sprint(partition)] = r.Offset + 1
	return r.Offset
}

func segmentHeader(id string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: "spot.segment", Value: []byte(id)}
}

// numbered is a flow of this number, which is its ibyt.
func numbered(n int) string {
	return fmt.Sprintf("2018-03-20 09:25:11,2018,3,20,9,25,11,1.500,10.0.0.1,192.0.2.7,51234,443,TCP,.AP.SF,0,4,12,%d,7,890,1,2,64512,64513,8,1,198.51.100.7", n)
}

// A sparkRun is a job that runs.
type sparkRun struct {
	*sparkJob
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

func (s *sparkJob) start(conf ...string) *sparkRun {
	s.t.Helper()
	need(s.t, "spark-submit")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	spark, err := stack.FindSpark(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	jars, err := stack.SparkKafkaJars(ctx, spark.Version)
	if err != nil {
		s.t.Fatal(err)
	}
	modules, err := filepath.Glob("../../listener/internal/spark/job/*.py")
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("plan.json", s.plan)
	s.write("job.json", s.job)
	args := append([]string{"--master", "local[2]", "--driver-memory", "700m", "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2"}, conf...)
	args = append(args, "--jars", strings.Join(jars, ","), "--py-files", strings.Join(modules, ","), "../../listener/internal/spark/job/listener.py",
		"-b", "1", "-d", "spot", "-g", "-odd", "-l", "INFO", "-p", "1", "-t", "flow", "--topic", s.topic, "--zkquorum", "z:2181", "--job", filepath.Join(s.dir, "job.json"))
	r := &sparkRun{sparkJob: s, cmd: exec.Command(spark.Submit, args...), ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), spark.Env()...)
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait() // the state tells
	}()
	s.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
		if s.t.Failed() {
			s.t.Logf("stdout:\n%s\nasked:\n%v\nthe end of stderr:\n%s", r.stdout.String(), s.asked(), tailOf(r.stderr.String(), 6000))
		}
	})
	return r
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }

// run runs the job to its end, and wants the exit code.
func (s *sparkJob) run(want int) *sparkRun {
	s.t.Helper()
	r := s.start()
	r.wait(want)
	return r
}

func (r *sparkRun) wait(want int) {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(2 * patience):
		r.t.Fatal("the job does not end")
	}
	if got := r.cmd.ProcessState.ExitCode(); got != want {
		r.t.Fatalf("exit code %d, want %d", got, want)
	}
}

func (s *sparkJob) write(name string, content any) {
	s.t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// A request is what the partner was asked.
type request struct {
	Do          string
	IDs         []string
	Parts       map[string][2]int64
	Messages    int64
	Repeats     int64
	BadMessages int64 `json:"bad_messages"`
	Rows        int64
	Text        string
}

// asked are the requests so far, but for those after the job's health.
func (s *sparkJob) asked() (out []request) {
	text, err := os.ReadFile(filepath.Join(s.dir, "asked.jsonl"))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) {
		var both struct{ Asked request }
		if json.Unmarshal(line, &both) == nil && both.Asked.Do != "alive" {
			out = append(out, both.Asked)
		}
	}
	return out
}

// waitAsked waits until the partner has been asked for something.
func (r *sparkRun) waitAsked(do string) {
	r.t.Helper()
	deadline := time.Now().Add(2 * patience)
	for time.Now().Before(deadline) {
		for _, q := range r.asked() {
			if q.Do == do {
				return
			}
		}
		select {
		case <-r.ended:
			r.t.Fatalf("the job has ended, and has not asked %q", do)
		case <-time.After(50 * time.Millisecond):
		}
	}
	r.t.Fatalf("the job does not ask %q", do)
}

// commits are what was committed.
func (s *sparkJob) commits() (out []request) {
	for _, q := range s.asked() {
		if q.Do == "commit" {
			out = append(out, q)
		}
	}
	return out
}

// files are the files of all batches, below one of their folders, table or letters.
func (s *sparkJob) files(folder string) (out []string) {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, "/"+folder+"/") && !strings.ContainsAny(d.Name()[:1], "._") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// rows counts the rows of the table.
func (s *sparkJob) rows() (n int) {
	s.t.Helper()
	for _, path := range s.files("table") {
		if err := eachFlow(path, func(*flowRow) { n++ }); err != nil {
			s.t.Fatal(err)
		}
	}
	return n
}

// numbers counts the rows of the table by their numbers, and wants them to be in their folder.
func (s *sparkJob) numbers() map[int64]int {
	s.t.Helper()
	out := make(map[int64]int)
	for _, path := range s.files("table") {
		if !strings.Contains(path, "/y=2018/m=3/d=20/h=9/") || !strings.HasSuffix(path, ".parquet") {
			s.t.Errorf("file %s", path)
		}
		err := eachFlow(path, func(r *flowRow) {
			if r.text() != numbered(int(r.Ibyt)) || r.UnixTime != 1521537911 {
				s.t.Errorf("%s, unix_tstamp %d", r.text(), r.UnixTime)
			}
			out[r.Ibyt]++
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return out
}

// A letter is a line of the dead letters.
type letter struct {
	Topic     string
	Partition int
	Offset    int64
	Row       *int
	Reason    string
	Text      *string
	Base64    []byte
}

func (s *sparkJob) letters() (out []letter) {
	s.t.Helper()
	for _, path := range s.files("letters") {
		file, err := os.Open(path)
		if err != nil {
			s.t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var l letter
			var keys map[string]json.RawMessage
			err := json.Unmarshal(lines.Bytes(), &l)
			if err == nil {
				err = json.Unmarshal(lines.Bytes(), &keys)
			}
			if _, has := keys["row"]; err != nil || !has || l.Topic != s.topic {
				s.t.Errorf("%s: %v: %s", path, err, lines.Bytes())
			}
			out = append(out, l)
		}
		if err := lines.Err(); err != nil {
			s.t.Error(err)
		}
		file.Close()
	}
	return out
}

// terminate asks the job to stop.
func (r *sparkRun) terminate(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// waitAskedAfterEnd waits, also after the end of spark-submit.
func (r *sparkRun) waitAskedAfterEnd(do string) {
	r.t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-look.C {
		if asked := r.asked(); len(asked) > 0 && asked[len(asked)-1].Do == do {
			return
		}
	}
	r.t.Fatalf("the partner is not asked %q", do)
}
