package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// failProduce makes Kafka answer produce requests with an error while code isn't 0.
func (s *site) failProduce(code *atomic.Int32) {
	s.kafka.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		c := int16(code.Load())
		if c == 0 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			st := kmsg.ProduceResponseTopic{Topic: rt.Topic}
			for _, p := range rt.Partitions {
				st.Partitions = append(st.Partitions, kmsg.ProduceResponseTopicPartition{Partition: p.Partition, ErrorCode: c})
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
}

// distinct returns the rows of the segments in Kafka, each segment once, sorted; it fails
// if a segment's copies differ, or lie in two partitions.
func (s *site) distinct() (rows []string, repeats int) {
	s.t.Helper()
	seen := make(map[string]message)
	for _, m := range s.consume() {
		if first, ok := seen[m.segment]; ok {
			repeats++
			if first.partition != m.partition || !slices.Equal(first.rows, m.rows) {
				s.t.Errorf("two different records of segment %s", m.segment)
			}
			continue
		}
		seen[m.segment] = m
		rows = append(rows, m.rows...)
	}
	slices.Sort(rows)
	return rows, repeats
}

// Killed again and again in the middle of a file, the collector sends every row, and what
// goes twice bears the same id.
func TestKilled(t *testing.T) {
	s := newSite(t, "proxy")
	s.conf["kafka"].(map[string]any)["max_request_size"] = 2000
	want, text := lines(0, 20000)
	slices.Sort(want)
	s.write(text, "in", "a.log")
	for range 5 {
		p := s.start("-t", "proxy", "--topic", topic, "--backlog")
		p.waitFor("Published segment-")
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.end()
	}
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	got, repeats := s.distinct()
	if !slices.Equal(got, want) {
		t.Errorf("%d rows arrived of %d", len(got), len(want))
	}
	t.Logf("%d segments went twice", repeats)
	if left, _ := filepath.Glob(s.path("staging", "*")); len(left) != 0 {
		t.Errorf("left in staging: %v", left)
	}
}

// After the limit was changed, what was planned before is still cut as planned.
func TestPlanOutlivesConfiguration(t *testing.T) {
	s := newSite(t, "proxy")
	var code atomic.Int32
	s.failProduce(&code)
	kafka := s.conf["kafka"].(map[string]any)
	kafka["max_request_size"] = 2000
	want, text := lines(0, 300)
	slices.Sort(want)
	s.write(text, "in", "a.log")
	p := s.start("-t", "proxy", "--topic", topic, "--backlog")
	p.waitFor("Published segment-2")
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end()
	kafka["max_request_size"] = 1000000
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	got, _ := s.distinct()
	if !slices.Equal(got, want) {
		t.Errorf("%d distinct rows arrived of %d", len(got), len(want))
	}
}

// Kafka goes away in the middle and comes back: what failed lies in staging as the
// original's CSV, and all goes out by itself.
func TestKafkaGoesAndComesBack(t *testing.T) {
	s := newSite(t, "proxy")
	var code atomic.Int32
	s.failProduce(&code)
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	first, text := lines(0, 20)
	s.write(text, "in", "x.y.log")
	p.waitFor(`Store segment-0 to local staging area as "x_y_log_segment-0.csv".`)
	found, _ := filepath.Glob(s.path("staging", "_DC.*", "x_y_log_segment-0.csv"))
	if len(found) != 1 {
		t.Fatalf("staging: %v", found)
	}
	if stored, err := os.ReadFile(found[0]); err != nil || string(stored) != text {
		t.Errorf("stored %q, %v", stored, err)
	}
	second, text := lines(20, 40)
	s.write(text, "in", "later.log") // waits in its folder
	code.Store(0)
	p.waitFor(`All segments of "x.y.log" published`, `All segments of "later.log" published`)
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.wantRows(append(first, second...)...)
}

// A failed segment that is given to --skip-conversion goes out under its first identity:
// together with what the collector sends by itself it is one segment.
func TestReloadOfSpooledSegment(t *testing.T) {
	s := newSite(t, "proxy")
	var code atomic.Int32
	s.failProduce(&code)
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	want, text := lines(0, 20)
	s.write(text, "in", "x.log")
	p.waitFor(`Store segment-0`)
	found, _ := filepath.Glob(s.path("staging", "_DC.*", "x_log_segment-0.csv"))
	if len(found) != 1 {
		t.Fatalf("staging: %v", found)
	}
	csv, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	s.write(string(csv), "reload", "anything.csv")
	code.Store(0)
	p.waitFor(`All segments of "x.log" published`)
	p.stop(syscall.SIGTERM)

	s.pipeline("proxy")["collector_path"] = s.path("reload")
	p = s.run(0, "-t", "proxy", "--topic", topic, "--skip-conversion", "--once")
	if !strings.Contains(p.stdout.text.String(), `is segment-0 of "x.log"`) {
		t.Error("not known as a failed segment")
	}
	slices.Sort(want)
	if got, repeats := s.distinct(); repeats != 1 || !slices.Equal(got, want) {
		t.Errorf("%d repeats, rows %v", repeats, got)
	}
}

// A segment that Kafka refuses for ever is set aside, and the rest of the file is sent.
func TestRowTooLarge(t *testing.T) {
	s := newSite(t, "proxy")
	huge := "2018-03-20 09:00:01 " + strings.Repeat("x", 1_500_000)
	endless := "2018-03-20 09:00:02 " + strings.Repeat("y", 3_000_000)
	s.write(strings.Join([]string{line(0), huge, line(1), endless, line(2)}, "\n")+"\n", "in", "a.log")
	p := s.run(1, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0), line(1), line(2))
	if !strings.Contains(p.stdout.text.String(), `One or more segment(s) of "a.log" were not published to Kafka cluster.`) {
		t.Error("the original's sentence is missing")
	}
	list, _ := filepath.Glob(s.path("state", "*", "rejected", "rejected.jsonl"))
	if len(list) != 1 {
		t.Fatalf("lists of rejections: %v", list)
	}
	text, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"segment":1`, `"stored":"`, `"line":4`, fmt.Sprintf(`"length":%d`, len(endless))} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	// Only what can never be sent was left, and nothing of it is tried again.
	p = s.run(0, "-t", "proxy", "--topic", topic, "--once")
	if strings.Contains(p.stdout.text.String(), "Published") {
		t.Error("something was sent again")
	}
}

// A second signal ends the collector at once, also while Kafka keeps it waiting.
func TestSecondSignal(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	hang := make(chan struct{})
	defer close(hang)
	asked := make(chan struct{}, 100)
	s.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		asked <- struct{}{}
		s.kafka.SleepControl(func() { <-hang })
		return nil, nil, false
	})
	s.write(line(0)+"\n", "in", "a.log")
	<-asked
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	// The first signal is taken when the second one arrives: signals of one number merge.
	if code := p.stop(syscall.SIGINT); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// With Kafka hanging, one signal is enough: the collector ends in time, and what was
// under way goes at the next start.
func TestStopWhileKafkaHangs(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	hang := make(chan struct{})
	asked := make(chan struct{}, 100)
	s.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		asked <- struct{}{}
		s.kafka.SleepControl(func() { <-hang })
		return nil, nil, false
	})
	s.write(line(0)+"\n", "in", "a.log")
	<-asked
	began := time.Now()
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	close(hang)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	if got, _ := s.distinct(); !slices.Equal(got, []string{line(0)}) {
		t.Errorf("rows %v", got)
	}
}

// HUP stops the collector unless it was ignored at start, as nohup has it.
func TestHangup(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	if code := p.stop(syscall.SIGHUP); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestNohup(t *testing.T) {
	s := newSite(t, "proxy")
	s.wrapper = []string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`}
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.write(line(0)+"\n", "in", "a.log")
	p.waitFor(`All segments of "a.log" published`)
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestUnfinishedLine(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	path := s.write(line(0)+"\n"+line(1)[:22], "in", "a.log")
	p.waitFor(`All segments of "a.log" published`)
	s.append(line(1)[22:]+"\n", path)
	p.waitFor(`All segments of "a.log" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(line(0), line(1))
}

func TestTruncatedInPlace(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	path := s.write(line(0)+"\n"+line(1)+"\n", "in", "a.log")
	p.waitFor(`All segments of "a.log" published`)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	s.append(line(2)+"\n", path)
	p.waitFor(`All segments of "a.log" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(line(0), line(1), line(2))
}
