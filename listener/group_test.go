package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"spot-ingest/listener/internal/warehouse/commitlog"
)

// Two listeners share a group. One stops, comes again, is killed, and comes again, while
// messages arrive all the time.
func TestTwoListeners(t *testing.T) {
	s := newSite(t, "flow")
	sent := 0
	send := func() {
		for p := range int32(partitions) {
			s.send(p, rows(sent, sent+10)...)
			sent += 10
		}
	}
	a := s.start("--from", "earliest")
	a.waitFor("Partition 2 begins")
	send()
	b := s.start("--from", "earliest")
	b.waitFor("listener reads: ")
	a.waitFor("listener reads: ")
	send()
	s.waitForNumbers(0, sent)
	a.stop(syscall.SIGTERM)
	send()
	b.waitFor("listener reads: 0, 1, 2.")
	s.waitForNumbers(0, sent)
	a = s.start("--from", "earliest")
	a.waitFor("listener reads: ")
	send()
	a.signal(syscall.SIGKILL)
	a.end()
	s.evict() // and b is told that it is out, too
	send()
	b.waitFor("joining it again", "listener reads: 0, 1, 2.")
	a = s.start("--from", "earliest")
	send()
	s.waitForNumbers(0, sent)
	b.stop(syscall.SIGINT)
	a.stop(syscall.SIGTERM)
	s.wantNumbers(0, sent)
	s.wantOffsets()
}

// Many begin at the same time in a log that is new: all of them agree on where that is.
func TestManyBegin(t *testing.T) {
	s := newSite(t, "flow")
	for p := range int32(partitions) {
		s.send(p, rows(10*int(p), 10*int(p)+10)...)
	}
	var all []*process
	for range 4 {
		all = append(all, s.start("--from", "earliest"))
	}
	s.waitForNumbers(0, 30)
	for _, p := range all {
		p.stop(syscall.SIGTERM)
	}
	s.wantNumbers(0, 30)
	begun := 0
	for _, p := range all {
		begun += strings.Count(p.stdout.String(), "by --from")
	}
	if begun != partitions {
		t.Errorf("%d partitions were begun", begun)
	}
	s.wantOffsets()
}

// A listener is stopped at each step of a commit, for so long that the group gives its
// partitions to another one, which goes on. When it wakes up it has committed, or never does.
func TestStopped(t *testing.T) {
	t.Parallel()
	steps := commitlog.Steps[2:]
	if testing.Short() {
		steps = []string{"write record", "link record", "record linked", "move file"}
	}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			s := newSite(t, "flow")
			s.makeLog(2*perEpoch - 3)
			s.run(0, "--from", "earliest", "--once") // record 126
			s.plight.Step, s.plight.Nth, s.plight.Signal = step, 1, syscall.SIGSTOP
			s.plight.Armed = s.path("armed")
			a := s.start()
			a.waitFor("LISTENING") // all is read that is there
			s.write("", "armed")
			for n := range 3 { // records 127 to 129 come to all steps
				s.send(0, rows(10*n, 10*n+10)...)
				if a.stoppedOr(fmt.Sprintf("Record: %d", 127+n)) {
					break
				}
			}
			s.evict()
			s.plight.Step = ""
			b := s.start()
			s.send(0, rows(30, 40)...)
			s.send(1, rows(40, 50)...)
			b.waitFor("listener reads: 0, 1, 2.")
			s.until("b has gone on", func() bool { return slices.Contains(s.numbers(), 30) && slices.Contains(s.numbers(), 40) })
			a.signal(syscall.SIGCONT)
			a.waitFor("listener reads: ")
			s.send(2, rows(50, 60)...)
			s.until("the last rows", func() bool { return slices.Contains(s.numbers(), 50) })
			a.stop(syscall.SIGTERM)
			b.stop(syscall.SIGTERM)
			// How many of the first messages were sent depends on the step.
			count := int(s.kafka.PartitionInfo(topic, 0).HighWatermark)
			got := s.numbers()
			want := rowNumbers(0, 10*(count-1))
			want = append(want, rowNumbers(30, 60)...)
			if !slices.Equal(got, want) {
				t.Errorf("rows %v, want %v", got, want)
			}
			s.wantOffsets()
			if left := s.files("staging"); len(left) > 0 {
				t.Errorf("left in staging: %q", left)
			}
		})
	}
}

func rowNumbers(from, to int) []int {
	var all []int
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// stoppedOr waits until the process has stopped itself, or says something, and tells whether
// it has stopped.
func (p *process) stoppedOr(text string) bool {
	p.s.t.Helper()
	stopped, said := false, false
	p.s.until("the listener stops itself, or says "+text, func() bool {
		var status unix.WaitStatus
		pid, err := unix.Wait4(p.Process.Pid, &status, unix.WUNTRACED|unix.WNOHANG, nil)
		if err != nil {
			p.s.t.Fatal(err)
		}
		if pid != 0 && !status.Stopped() {
			p.s.t.Fatalf("the listener ended: %v", status)
		}
		stopped = pid != 0
		said = strings.Contains(p.stdout.String(), text)
		return stopped || said
	})
	return stopped
}
