package main

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"
)

// afterFive makes a site whose listener has stored five messages of partition 0, rows 0 to 4.
func afterFive(t *testing.T) *site {
	s := newSite(t, "flow")
	first := segment{rows: rows(0, 1)}.record()
	// kfake, when records were deleted, ends with a panic unless the first record ever was
	// the latest by its time.
	first.Timestamp = noon.Add(time.Hour)
	s.produce(first)
	for n := 1; n < 5; n++ {
		s.send(0, row(n))
	}
	s.run(0, "--from", "earliest", "--once")
	s.wantNumbers(0, 5)
	return s
}

// slowIf skips what takes long: that a topic ends before a position is believed only after
// some seconds, as a new leader may not know better yet.
func slowIf(t *testing.T, slow bool) {
	t.Helper()
	if slow && testing.Short() {
		t.Skip("takes some 10 s")
	}
}

// Whenever log and topic disagree, the listener says what it found and what --from would do,
// stores nothing and exits with 1; with --from it goes on.
func TestDisagreement(t *testing.T) {
	t.Parallel()
	again := func(s *site, rows ...int) {
		s.deleteTopic()
		s.createTopic()
		for _, n := range rows {
			s.send(0, row(n))
		}
	}
	tests := []struct {
		name string
		do   func(s *site)
		says string
		from string
		want int // rows from 0 on that are in the table after --from
	}{
		{"offset set back", func(s *site) { s.commitOffset(0, 2); s.send(0, row(5)) },
			"partition 0: somebody else has set the group's offset to 2; the commit log has reached 5.", "0:5", 6},
		{"offset set forward", func(s *site) { s.send(0, row(9000)); s.send(0, row(5)); s.commitOffset(0, 6) },
			"somebody else has set the group's offset to 6; the commit log has reached 5.", "0:6", 6},
		{"records deleted", func(s *site) { s.send(0, row(9000)); s.send(0, row(9001)); s.send(0, row(5)); s.deleteRecords(0, 7) },
			"partition 0: 2 messages were deleted before they were read: offset 5 comes next, the topic begins at 7.", "earliest", 6},
		{"made again, empty", func(s *site) { again(s) },
			"offset 5 comes next, but the topic ends at 0: it was deleted and made again, or cut.", "earliest", 5},
		{"made again, shorter", func(s *site) { again(s, 5, 6) },
			"offset 5 comes next, but the topic ends at 2: it was deleted and made again, or cut.", "earliest", 7},
		{"made again, as long", func(s *site) { again(s, 5, 6, 7, 8, 9) },
			"the message at offset 4 is another one than was read", "earliest", 10},
		{"made again, longer", func(s *site) { again(s, 5, 6, 7, 8, 9, 10, 11) },
			"the message at offset 4 is another one than was read", "earliest", 12},
		{"commit log removed", func(s *site) { s.remove("commits", topic); s.send(0, row(5)) },
			"the group's offset 5 was committed for this warehouse, but its commit log does not know the partition", "0:5,1:0,2:0", 6},
		{"commit log of old", func(s *site) {
			s.copyLog("commits", "old")
			s.send(0, row(5))
			s.run(0, "--once")
			s.remove("commits")
			s.copyLog("old", "commits")
			s.send(0, row(6))
		}, "the group's offset is 6, but the commit log has only reached 5: it was restored from an old copy.", "0:6", 7},
		{"another warehouse", func(s *site) {
			s.conf["hdfs_app_path"] = s.path("elsewhere")
			s.send(0, row(5))
		}, "the group's offset 5 was committed for another warehouse", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slowIf(t, strings.Contains(tt.says, "the topic ends at"))
			s := afterFive(t)
			tt.do(s)
			p := s.run(1, "--once")
			p.says(tt.says, "Nothing was read or stored.", "with --from")
			if tt.from == "" {
				p.says("choose another group with -g")
				s.run(1, "--from", "earliest", "--once").says(tt.says, "choose another group with -g")
				if _, err := os.Stat(s.path("elsewhere", "flow", "hive")); err != nil {
					t.Error(err)
				}
				s.wantNumbers(0, 5)
				s.run(0, "-g", "other", "--from", "0:5,1:0,2:0", "--once").wantSummary(summary{messages: 1, rows: 1, files: 1})
				return
			}
			if tt.name != "commit log of old" {
				s.wantNumbers(0, 5)
			}
			if tt.from != "earliest" { // which would store again what is stored
				s.run(1, "--from", "earliest", "--once").says("would be stored again")
			}
			p = s.run(0, "--from", tt.from, "--once")
			p.says("by --from, although")
			s.wantNumbers(0, tt.want)
			s.wantOffsets()
			// That is settled now.
			s.send(0, row(tt.want))
			s.run(0, "--once")
			s.wantNumbers(0, tt.want+1)
		})
	}
}

func (s *site) remove(elem ...string) {
	s.t.Helper()
	if err := os.RemoveAll(s.folder(elem...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) copyLog(from, to string) {
	s.t.Helper()
	if err := os.CopyFS(s.folder(to), os.DirFS(s.folder(from))); err != nil {
		s.t.Fatal(err)
	}
}

// Positions that were set by --from hold, though Kafka believes in later ones because the
// listener was killed before it could tell.
func TestFromHolds(t *testing.T) {
	s := afterFive(t)
	s.deleteTopic()
	s.createTopic()
	for n := 5; n < 10; n++ {
		s.send(0, row(n))
	}
	s.dieAt("remove record", 1)
	s.run(-1, "--from", "earliest", "--once")
	if got := s.offsets()[0].next; got != 5 {
		t.Fatalf("offset %d in Kafka", got)
	}
	s.plight.Step = ""
	s.evict()
	s.run(0, "--once")
	s.wantNumbers(0, 10)
	s.wantOffsets()
}

// While the listener runs, too, it stops when what comes next is not there any more.
func TestDisagreementWhileRunning(t *testing.T) {
	t.Parallel()
	t.Run("records deleted", func(t *testing.T) {
		s := afterFive(t)
		p := s.start()
		p.waitFor(begun, "LISTENING")
		s.hold(func() {
			for range 3 {
				s.send(0, row(9000))
			}
			s.send(0, row(5))
			s.deleteRecords(0, 8)
		})
		if code := p.end(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		p.says("3 messages were deleted before they were read: offset 5 comes next, the topic begins at 8", "start once with --from earliest")
		s.wantNumbers(0, 5)
		s.run(0, "--from", "earliest", "--once")
		s.wantNumbers(0, 6)
	})
	for name, rows := range map[string]int{"shorter": 2, "as long": 5, "longer": 7} {
		t.Run("made again, "+name, func(t *testing.T) {
			slowIf(t, name == "shorter")
			s := afterFive(t)
			p := s.start()
			p.waitFor(begun, "LISTENING")
			s.hold(func() {
				s.deleteTopic()
				s.createTopic()
				for n := range rows {
					s.send(0, row(5+n))
				}
			})
			if code := p.end(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			p.says("made again", "start once with --from earliest")
			s.wantNumbers(0, 5)
			s.run(0, "--from", "earliest", "--once")
			s.wantNumbers(0, 5+rows)
		})
	}
}

// Offsets of --from are for the start that they were given for: what the listener meets with
// later stops it as ever.
func TestFromOffsetsCountOnce(t *testing.T) {
	s := afterFive(t)
	s.commitOffset(0, 2)
	s.send(0, row(5))
	p := s.start("--from", "0:5,1:0,2:0")
	p.waitFor("by --from, although somebody else has set the group's offset to 2", "Committed 1 rows")
	s.hold(func() {
		s.deleteTopic()
		s.createTopic()
		for n := range 9 {
			s.send(0, row(100+n))
		}
	})
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.says("the message at offset 5 is another one than was read", "start once with --from earliest")
	if n := strings.Count(p.stdout.String(), "by --from"); n != 1 {
		t.Errorf("--from was used %d times", n)
	}
	s.wantNumbers(0, 6)
}

// A group that begins behind messages which it never reads remembers the last of them: that
// the topic was made again meanwhile is noticed though nothing was stored.
func TestMadeAgainAfterStart(t *testing.T) {
	s := newSite(t, "flow")
	for range 3 {
		s.send(0, row(9000))
	}
	s.run(0, "--once").says("Partition 0 begins at offset 3: the group is new")
	s.deleteTopic()
	s.createTopic()
	for n := range 5 {
		s.send(0, row(n))
	}
	s.run(1, "--once").says("the message at offset 2 is another one than was read", "start once with --from earliest")
	s.wantNumbers(0, 0)
	s.run(0, "--from", "earliest", "--once")
	s.wantNumbers(0, 5)
}

// The listener is stopped for a moment, with no fetch under way that would fail, while the
// topic is made again with more messages than it had. The messages from its position on are
// there then, but those before it would be missing.
func TestMadeAgainWhileStopped(t *testing.T) {
	s := newSite(t, "flow")
	p := s.start() // no other one's fetch is under way still
	p.waitFor("Partition 2 begins")
	for n := range 5 {
		s.send(0, row(n))
	}
	s.waitForNumbers(0, 5)
	stopped := make(chan error, 1)
	s.kafka.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		// It must not see the answer before it stops, or it would fetch once more.
		err := p.Process.Signal(syscall.SIGSTOP)
		if err == nil {
			_, err = unix.Wait4(p.Process.Pid, nil, unix.WUNTRACED, nil)
		}
		stopped <- err
		return noMessages(kreq.(*kmsg.FetchRequest)), nil, true
	})
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	s.deleteTopic()
	s.createTopic()
	for n := range 8 {
		s.send(0, row(5+n))
	}
	p.signal(syscall.SIGCONT)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.says("the message at offset 4 is another one than was read", "start once with --from earliest")
	s.wantNumbers(0, 5)
	s.run(0, "--from", "earliest", "--once")
	s.wantNumbers(0, 13)
}

// noMessages is the answer to a fetch where nothing has come.
func noMessages(req *kmsg.FetchRequest) *kmsg.FetchResponse {
	res := req.ResponseKind().(*kmsg.FetchResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewFetchResponseTopicPartition()
			rp.Partition, rp.HighWatermark, rp.LastStableOffset = p.Partition, p.FetchOffset, p.FetchOffset
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// hold lets no fetch through while something is done.
func (s *site) hold(do func()) {
	s.t.Helper()
	fetch := int16(kmsg.Fetch)
	var held atomic.Bool
	held.Store(true)
	s.kafka.ControlKey(fetch, func(req kmsg.Request) (kmsg.Response, error, bool) {
		if !held.Load() {
			s.kafka.DropControl()
			return nil, nil, false
		}
		s.kafka.KeepControl()
		return nil, errors.New("no answer"), true
	})
	do()
	held.Store(false)
}
