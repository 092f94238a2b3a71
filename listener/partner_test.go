package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"spot-ingest/listener/internal/warehouse/commitlog"
)

// sparkArgs are those of a listener that has a Spark job do the work.
func (s *site) sparkArgs(more ...string) []string {
	s.t.Helper()
	return append(append([]string{"-t", s.kind, "--topic", topic, "-p", "3"}, s.withDriver()...), more...)
}

func newSparkSite(t *testing.T, kind string) (*site, func(more ...string) *process) {
	t.Helper()
	s := newSite(t, kind)
	args := s.sparkArgs()
	return s, func(more ...string) *process { return s.startCommand(append(args, more...)...) }
}

// A Spark job leaves in the table, the log and the dead letters what the listener itself does.
func TestSparkJob(t *testing.T) {
	s, start := newSparkSite(t, "flow")
	s.send(0, rows(0, 10)...)
	s.send(1, append(rows(10, 20), "bad", "row")...)
	p := start("--from", "earliest")
	p.waitFor("Partition 0 begins at offset 0", "Partition 2 begins at offset 0")
	s.waitForNumbers(0, 20)
	s.send(2, rows(20, 30)...)
	s.waitForNumbers(0, 30)
	p.stop(syscall.SIGTERM)
	p.says("Engine: Spark (--master spark://127.0.0.1:7077).", "Received netflow segments from topic. [Rows: ",
		`Create distributed collection for partition "2018032012".`, " *** REGISTRATION COMPLETED *** ", "Set aside 2 rows and 0 messages")
	s.wantOffsets()
	if letters := s.letters(); len(letters) != 2 || letters[0].bytes() != "bad" || letters[1].Offset != 0 || letters[1].Partition != 1 {
		t.Errorf("dead letters %+v", letters)
	}
	if left := s.files("staging"); len(left) > 0 {
		t.Errorf("left in staging: %q", left)
	}
	// The listener itself goes on where the job was, and the other way round.
	s.send(0, rows(30, 40)...)
	s.run(0, "--once")
	s.wantNumbers(0, 40)
	s.send(0, rows(40, 50)...)
	if code := start("--once").end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.wantNumbers(0, 50)
}

// notInSpark are the steps that don't come in so short a log.
var notInSpark = append([]string{"make epoch", "sync epochs"}, notIn[0]...)

// The partner is killed at each step of a commit, and so is the next one while it clears up.
func TestSparkKilled(t *testing.T) {
	t.Parallel()
	times := 2
	if testing.Short() {
		times = 1
	}
	for _, step := range commitlog.Steps {
		for nth := 1; nth <= times; nth++ {
			t.Run(fmt.Sprintf("%s, %d", step, nth), func(t *testing.T) {
				s, start := newSparkSite(t, "flow")
				s.dieAt(step, nth)
				killed := s.threeRuns(start, 2)
				if killed == 0 && nth == 1 && !slices.Contains(notInSpark, step) {
					t.Error("nobody was killed")
				}
				s.wantNumbers(0, 90)
				s.wantOffsets()
				if left := s.files("staging"); len(left) > 0 {
					t.Errorf("left in staging: %q", left)
				}
			})
		}
	}
}

// Spark does not tell of the ends of transactions behind the last message: the partner finds
// them, and goes past them.
func TestSparkTransactions(t *testing.T) {
	s, start := newSparkSite(t, "flow")
	s.sendTransactions()
	if code := start("--from", "earliest", "--once").end(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	s.wantNumbers(0, 20)
	s.wantOffsets()
	if got := s.offsets()[0].next; got != 8 {
		t.Errorf("offset %d", got)
	}
}

// Repeats are dropped, also those that are known from before; what is no message is set aside.
func TestSparkRepeats(t *testing.T) {
	s, start := newSparkSite(t, "flow")
	one, two, three := strings.Repeat("1a", 16), strings.Repeat("2b", 16), strings.Repeat("3c", 16)
	s.produce(segment{0, one, rows(0, 10)}.record(), segment{0, one, rows(0, 10)}.record(), segment{0, two, rows(10, 20)}.record())
	if code := start("--from", "earliest", "--once").end(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	s.produce(segment{0, two, rows(10, 20)}.record(), segment{0, three, rows(20, 30)}.record(),
		&kgo.Record{Topic: topic, Partition: 1, Value: []byte("no Avro")})
	p := start("--once")
	if code := p.end(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	s.wantNumbers(0, 30)
	s.wantOffsets()
	p.says("Set aside 0 rows and 1 messages", "Repeats: 1]")
	if letters := s.letters(); len(letters) != 1 || letters[0].Row != nil || letters[0].bytes() != "no Avro" {
		t.Errorf("dead letters %+v", letters)
	}
}

// A worker writes to a folder of that name which is not the driver's, as one does that has not
// mounted it: nothing is committed.
func TestSparkElsewhere(t *testing.T) {
	s, start := newSparkSite(t, "flow")
	s.send(0, rows(0, 10)...)
	env := s.env
	s.env = append(slices.Clone(env), driverLoses+"=1")
	p := start("--from", "earliest", "--once")
	if code := p.end(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	p.says("executors say that they have written 10 rows, and there are 0 in file://", "is that folder the same one on the driver's host and on all workers?", "Failed to submit Spark Job!")
	s.env = env
	if code := start("--once").end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.wantNumbers(0, 10)
	s.wantOffsets()
}
