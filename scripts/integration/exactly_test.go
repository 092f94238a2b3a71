//go:build integration

package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// An exactSite is a site with a collector, listeners and numbered rows. What the table
// holds can be compared with what arrived, row by row.
type exactSite struct {
	*site
	rows  *numberedRows
	count int // partitions
}

// newExactSite makes a site whose group of listeners begins at the first message, and where
// batches are short.
func newExactSite(t *testing.T, broker *stack.Broker, count int, batch time.Duration) *exactSite {
	t.Helper()
	s := &exactSite{site: newSite(t, broker, "flow", nil), rows: &numberedRows{}, count: count}
	s.topic += "-" + strconv.Itoa(count)
	if err := broker.CreateTopic(s.topic, count, nil); err != nil {
		t.Fatal(err)
	}
	// Many segments, each of an hour, so that a batch is many messages and many files.
	s.kafka(map[string]any{"max_request_size": 20_000})
	s.conf["hdfs_app_path"] = s.path("warehouse")
	s.conf["spark-streaming"] = map[string]any{"spark_batch_size": strconv.FormatFloat(batch.Seconds(), 'f', -1, 64)}
	s.writeConf() // once: those that are started later read it while others are at work
	return s
}

// begin commits the positions at which the group begins.
func (s *exactSite) begin() {
	s.t.Helper()
	s.listenToEnd(0, "--from", "earliest", "--once")
}

// listen starts a listener.
func (s *exactSite) listen(more ...string) *process {
	s.t.Helper()
	args := s.args(append([]string{"-p", strconv.Itoa(s.count), "--master", "local", "-l", "DEBUG"}, more...)...)
	return s.launch("listener", listenerBinary(s.t), args...)
}

// listenToEnd wants a listener to end by itself, with an exit code.
func (s *exactSite) listenToEnd(want int, more ...string) *process {
	s.t.Helper()
	p := s.listen(more...)
	if got := p.end(); got != want {
		s.t.Errorf("exit code %d, want %d", got, want)
	}
	return p
}

// collect starts the collector, which sends what has come while it was away.
func (s *exactSite) collect(more ...string) *process {
	s.t.Helper()
	return s.launch("collector", collectorBinary, s.args(append([]string{"--skip-conversion", "--backlog"}, more...)...)...)
}

// collectAll sends all that has arrived.
func (s *exactSite) collectAll() {
	s.t.Helper()
	if code := s.collect("--once").end(); code != 0 {
		s.t.Errorf("the collector ended with %d", code)
	}
}

func (s *exactSite) launch(name, program string, args ...string) *process {
	s.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	cmd.Env = append(append(os.Environ(), "TZ=UTC"), s.env...)
	p := &process{t: s.t, cmd: cmd, stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the state tells
	}()
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		if s.t.Failed() {
			s.t.Logf("%s %d:\n%s%s", name, cmd.Process.Pid, p.stdout.shortened(), p.stderr.shortened())
		}
	})
	return p
}

// running fails the test if a process has ended by itself.
func (p *process) running() {
	p.t.Helper()
	select {
	case <-p.ended:
		p.t.Fatalf("process %d has ended by itself, with %d: %s", p.cmd.Process.Pid, p.cmd.ProcessState.ExitCode(), p.stderr)
	default:
	}
}

// arriveRows lets files of numbered rows arrive.
func (s *exactSite) arriveRows(files, rows int) {
	s.t.Helper()
	for range files {
		s.arrive(s.rows.file(rows))
	}
}

// feed lets files arrive until stop is called.
func (s *exactSite) feed(every time.Duration, rows int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				name, text := s.rows.file(rows)
				if err := os.WriteFile(s.path("feeding"), text, 0o600); err != nil {
					s.t.Error(err)
					return
				}
				if err := os.Rename(s.path("feeding"), s.path("in", name)); err != nil {
					s.t.Error(err)
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	stop = func() { cancel(); <-done }
	s.t.Cleanup(stop)
	return stop
}

// waitUntil asks again and again.
func (s *exactSite) waitUntil(what string, done func() bool) {
	s.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// pass lets time go by in which a process must not end.
func (p *process) pass(d time.Duration) {
	p.t.Helper()
	p.running()
	select {
	case <-time.After(d):
	case <-p.ended:
		p.running()
	}
}

// stored waits until the commit log has reached the topic's end.
func (s *exactSite) stored() {
	s.t.Helper()
	ends := s.topicEnds()
	s.waitUntil(fmt.Sprintf("the commit log reaches %v", ends), func() bool {
		at := s.logPositions(s.records())
		for p, end := range ends {
			if at[p] < end {
				return false
			}
		}
		return true
	})
}

// finished wants, after a listener's last clean run, all rows in the table, each once, and
// nothing left over anywhere.
func (s *exactSite) finished() tally {
	s.t.Helper()
	s.listenToEnd(0, "--once")
	got := s.checkTable()
	ends, committed := s.topicEnds(), s.groupOffsets()
	for p, end := range ends {
		if committed[p] != end {
			s.t.Errorf("partition %d: the group's offset is %d, the topic ends at %d", p, committed[p], end)
		}
	}
	s.nothingStaged()
	return got
}

// nothingStaged wants nothing to be left in staging.
func (s *exactSite) nothingStaged() {
	s.t.Helper()
	left, err := os.ReadDir(s.warehouse("staging"))
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool {
		// Of a listener that was killed before it had locked its folder. Nothing is in it,
		// and it is removed after a week.
		return strings.HasPrefix(e.Name(), ".new-")
	})
	if err != nil || len(left) > 0 {
		s.t.Errorf("left in staging: %v, %v", left, err)
	}
}

// checkTable wants each numbered row in the table once, and the commit log to tell so.
func (s *exactSite) checkTable() tally {
	s.t.Helper()
	s.rows.compare(s.t, s.tableFiles())
	got := tallyOf(s.records())
	if want := int64(s.rows.len()); got.Rows != want || got.BadRows > 0 || got.BadMessages > 0 {
		s.t.Errorf("the commit log tells of %+v, want %d rows", got, want)
	}
	return got
}

// pause stops a process, as long as it takes for its fetches to be answered: the broker
// waits half a second for messages to come.
func (p *process) pause() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		p.t.Fatal(err)
	}
	p.pass(time.Second)
}

// goOn lets a paused process go on.
func (p *process) goOn() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		p.t.Fatal(err)
	}
}
