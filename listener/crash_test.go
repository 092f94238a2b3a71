package main

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"spot-ingest/listener/internal/warehouse/commitlog"
)

// perEpoch is how many records of the commit log lie in one folder.
const perEpoch = 64

// makeLog makes a commit log of so many records, of long ago and of a partition that the
// topic hasn't.
func (s *site) makeLog(records int) {
	s.t.Helper()
	from, err := longLog(records)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.CopyFS(s.folder(), os.DirFS(from)); err != nil {
		s.t.Fatal(err)
	}
}

var logs struct {
	sync.Mutex
	made map[int]string
}

// longLog makes each log once; it is copied from there. TestMain removes them.
func longLog(records int) (folder string, err error) {
	logs.Lock()
	defer logs.Unlock()
	if folder, ok := logs.made[records]; ok {
		return folder, nil
	}
	if folder, err = os.MkdirTemp("", "listener-log-"); err != nil {
		return "", err
	}
	if logs.made == nil {
		logs.made = make(map[int]string)
	}
	logs.made[records] = folder
	old := time.Now().AddDate(0, -1, 0)
	l, err := commitlog.Open(commitlog.Options{Folder: folder, Table: "flow", Topic: topic, Group: topic, Now: func() time.Time { return old }})
	if err != nil {
		return "", err
	}
	for n := range int64(records) {
		part := commitlog.Part{Partition: 99, First: n, Position: commitlog.Position{Next: n + 1, Last: n}}
		if err := l.Commit(&commitlog.Commit{Parts: []commitlog.Part{part}}); err != nil {
			return "", err
		}
	}
	return folder, l.Close()
}

func removeLogs() {
	logs.Lock()
	defer logs.Unlock()
	for _, folder := range logs.made {
		os.RemoveAll(folder)
	}
}

// dieAt has the listeners to come killed when they come to a step for the nth time.
func (s *site) dieAt(step string, nth int) {
	s.plight.Step, s.plight.Nth, s.plight.Signal = step, nth, syscall.SIGKILL
}

// threeRuns has three listeners run one after the other, each with more rows to read. The
// first two may meet with the site's plight; it returns how many of them were killed, which
// the exit code tells.
func (s *site) threeRuns(start func(more ...string) *process, codeKilled int) (killed int) {
	s.t.Helper()
	for n := range 3 {
		if n == 2 {
			s.plight.Step = ""
		}
		for p := range int32(partitions) {
			from := 30*n + 10*int(p)
			s.send(p, rows(from, from+10)...)
		}
		switch code := start("--from", "earliest", "--once").end(); {
		case code == codeKilled && n < 2:
			killed++
			s.evict()
		case code != 0:
			s.t.Fatalf("run %d: exit code %d", n, code)
		}
	}
	return killed
}

// A listener is killed at each step of its first two commits, in an empty log and in one
// where the first of them ends an epoch, and the second begins one and removes an old one.
// The next listener is killed there, too, while it clears up, and the third leaves each row
// of each message in one visible file.
func TestKilled(t *testing.T) {
	t.Parallel()
	times := 3
	if testing.Short() {
		times = 1
	}
	for _, records := range []int{0, 2*perEpoch - 1} {
		for _, step := range commitlog.Steps {
			for nth := 1; nth <= times; nth++ {
				t.Run(fmt.Sprintf("%d, %s, %d", records, step, nth), func(t *testing.T) {
					s := newSite(t, "flow")
					if records > 0 {
						s.makeLog(records)
						// What a listener has left that was killed.
						s.dieAt("link record", 1)
						s.run(-1, "--from", "earliest", "--once")
						s.evict()
					}
					s.dieAt(step, nth)
					killed := s.threeRuns(s.start, -1)
					if killed == 0 && nth == 1 && !slices.Contains(notIn[records], step) {
						t.Errorf("nobody was killed")
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
}

// notIn are the steps that don't come where a log of so many records goes on.
var notIn = map[int][]string{
	0:              {"remove staging", "prune", "pruned"},
	2*perEpoch - 1: {"make log"},
}

// noticed is what is said of a full disk, where that isn't that it is tried again.
var noticed = map[string]string{
	"record linked": "Record: 128", // nothing: the record is there
	"remove record": "its name in staging remains",
	"prune":         "old records remain",
	"pruned":        "old records remain",
}

// There is no space left at a step of a commit, and then there is again: the listener waits
// and goes on by itself.
func TestFull(t *testing.T) {
	t.Parallel()
	for _, step := range commitlog.Steps[2:] {
		t.Run(step, func(t *testing.T) {
			s := newSite(t, "flow")
			s.makeLog(2*perEpoch - 2)
			s.plight.Full = s.path("full")
			p := s.start("--from", "earliest")
			p.waitFor("Partition 2 begins") // by record 127; 128 and 129 come to all steps
			s.write(step, "full")
			s.send(0, rows(0, 10)...)
			text, others := noticed[step]
			if !others {
				text = step + ": no space left on device. Nothing is lost; trying again in 1s."
			} else if text == "old records remain" {
				p.waitFor("Record: 128")
			}
			s.send(1, rows(10, 20)...)
			p.waitFor(text)
			if step == "read" { // also where reading begins again
				p.waitFor("store rows: refresh the commit log: read: no space left on device. Nothing is lost; trying again in 2s.")
			}
			if err := os.Remove(s.path("full")); err != nil {
				t.Fatal(err)
			}
			s.send(2, rows(20, 30)...)
			s.waitForNumbers(0, 30)
			p.stop(syscall.SIGTERM)
			s.wantNumbers(0, 30)
			s.wantOffsets()
			if left := s.files("staging"); len(left) > 0 {
				t.Errorf("left in staging: %q", left)
			}
		})
	}
}

// With --once a full disk ends the listener, and the next one finds each row once.
func TestFullOnce(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"sync staging", "write record", "sync records", "move file"} {
		t.Run(step, func(t *testing.T) {
			s := newSite(t, "flow")
			s.run(0, "--once")
			s.send(0, rows(0, 10)...)
			s.plight.Full = s.write(step, "full")
			p := s.run(1, "--once")
			p.says(step + ": no space left on device")
			s.plight.Full = ""
			s.run(0, "--once")
			s.wantNumbers(0, 10)
			s.wantOffsets()
		})
	}
}

// A listener is killed in the middle of a batch: nothing of it is in the table.
func TestKilledInBatch(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600)
	p := s.start("--from", "earliest")
	s.receive(0, 10)
	p.signal(syscall.SIGKILL)
	if code := p.end(); code != -1 {
		t.Fatalf("exit code %d", code)
	}
	s.wantNumbers(0, 0)
	s.evict()
	s.run(0, "--once")
	s.wantNumbers(0, 10)
	if got := s.letters(); len(got) != 1 {
		t.Errorf("dead letters %+v", got)
	}
	if left := s.files("staging"); len(left) > 0 {
		t.Errorf("left in staging: %q", left)
	}
}

// That the group has given its partitions out anew is no failure that makes the wait for
// the next one longer.
func TestFullAfterRebalances(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for several heartbeats")
	}
	s := newSite(t, "flow")
	s.plight.Full = s.path("full")
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins", "LISTENING")
	for range 2 {
		s.evict()
		p.waitFor("listener reads: ")
	}
	s.write("write record", "full")
	s.send(0, rows(0, 10)...)
	p.waitFor("trying again in 1s")
	if err := os.Remove(s.path("full")); err != nil {
		t.Fatal(err)
	}
	s.waitForNumbers(0, 10)
	p.stop(syscall.SIGTERM)
}

// The folder for staged files is gone while the listener runs: only a new start makes one.
func TestStagingGone(t *testing.T) {
	s := newSite(t, "flow")
	p := s.start()
	p.waitFor("Partition 2 begins")
	if err := os.RemoveAll(s.folder("staging")); err != nil {
		t.Fatal(err)
	}
	s.send(0, append(rows(0, 10), "bad")...)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.says("store rows: ", s.folder("staging")+"/", "no such file or directory")
	s.run(0, "--once")
	s.wantNumbers(0, 10)
	s.wantLetters(1)
	s.wantOffsets()
}
