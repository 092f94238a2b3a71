//go:build integration

package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// batchOfTopics is short, as nothing is to be hit in its middle.
const batchOfTopics = 200 * time.Millisecond

// A topic is deleted and made again, and then holds fewer messages than were read, or more.
// The listener stops, says so, and goes on where it is told to.
func TestExactlyOnceTopicReplaced(t *testing.T) {
	for name, files := range map[string]int{"shorter": 1, "longer": 6} {
		for _, state := range []string{"running", "paused", "down"} {
			t.Run(name+" "+state, func(t *testing.T) {
				t.Parallel()
				s := newExactSite(t, sharedKafka(t, kafka4), 1, batchOfTopics)
				s.begin()
				listener := s.listen()
				s.arriveRows(3, 600)
				s.collectAll()
				s.stored()
				switch state {
				case "paused": // for so long that it has to expect another topic
					listener.pause()
					listener.pass(11 * time.Second)
				case "down":
					listener.stop()
				}
				if err := s.broker.DeleteTopic(s.topic); err != nil {
					t.Fatal(err)
				}
				if err := s.broker.CreateTopic(s.topic, s.count, nil); err != nil {
					t.Fatal(err)
				}
				s.arriveRows(files, 600)
				s.collectAll()
				switch state {
				case "paused":
					listener.goOn()
				case "down":
					listener = s.listen()
				}
				s.stopsWith(listener, 1800, "--from earliest")
				s.listenToEnd(0, "--from", "earliest", "--once")
				s.finished()
			})
		}
	}
}

// stopsWith wants a listener to stop because log and topic disagree, to say so, and to have
// stored no more rows than before.
func (s *exactSite) stopsWith(p *process, rows int64, says ...string) {
	s.t.Helper()
	if code := p.end(); code != 1 {
		s.t.Errorf("exit code %d, want 1", code)
	}
	s.t.Logf("%s", p.stderr)
	for _, text := range says {
		if !strings.Contains(p.stderr.String(), text) {
			s.t.Errorf("stderr does not say %q", text)
		}
	}
	if got := tallyOf(s.records()); got.Rows != rows {
		s.t.Errorf("%d rows are stored, want %d", got.Rows, rows)
	}
}

// An administrator resets the group's offsets while no listener runs. The next one does not
// start by itself, neither to store rows twice nor to leave some out. Even if it is told to
// begin again, none is stored twice: their segments are known.
func TestExactlyOnceOffsetsReset(t *testing.T) {
	for name, to := range map[string]string{"back": "--to-earliest", "forth": "--to-latest"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newExactSite(t, sharedKafka(t, kafka4), 3, batchOfTopics)
			s.begin()
			s.arriveRows(3, 600)
			s.collectAll()
			s.listenToEnd(0, "--once")
			s.arriveRows(3, 600)
			s.collectAll()
			s.resetOffsets(to)
			s.stopsWith(s.listen(), 1800, "somebody else has set the group's offset", "--from 0:OFFSET")
			s.stopsWith(s.listen("--from", "earliest"), 1800, "would be stored again")
			s.listenToEnd(0, "--from", "0:0,1:0,2:0", "--once")
			if got := s.finished(); got.Repeats == 0 {
				t.Error("no repeats were dropped, although the topic was read from its beginning")
			}
		})
	}
}

// An administrator resets the group's offsets to where the commit log is, or deletes what
// was read: nothing is wrong.
func TestExactlyOnceHarmlessAdministration(t *testing.T) {
	t.Parallel()
	s := newExactSite(t, sharedKafka(t, kafka4), 3, batchOfTopics)
	s.begin()
	s.arriveRows(3, 600)
	s.collectAll()
	s.listenToEnd(0, "--once")
	s.resetOffsets("--to-latest")
	listener := s.listen()
	listener.waitFor("Partitions of topic")
	s.deleteBefore(s.topicEnds())
	s.arriveRows(3, 600)
	s.collectAll()
	s.stored()
	listener.stop()
	if got := s.finished(); got.Repeats > 0 {
		t.Errorf("%d repeats", got.Repeats)
	}
}

// Records are deleted that were not read yet. The listener stops and tells how many; told to
// go on, it stores all that is left.
func TestExactlyOnceRecordsDeleted(t *testing.T) {
	for _, running := range []bool{true, false} {
		name := "down"
		if running {
			name = "running"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newExactSite(t, sharedKafka(t, kafka4), 3, batchOfTopics)
			s.begin()
			listener := s.listen()
			s.arriveRows(3, 600)
			s.collectAll()
			s.stored()
			if running {
				listener.pause()
			} else {
				listener.stop()
			}
			read := s.logPositions(s.records())
			s.arriveRows(6, 600)
			s.collectAll()
			s.loseBetween(read, 5)
			if running {
				listener.goOn()
			} else {
				listener = s.listen()
			}
			s.stopsWith(listener, 1800, "5 messages were deleted before they were read", "--from earliest")
			s.listenToEnd(0, "--from", "earliest", "--once")
			s.finished()
		})
	}
}

// loseBetween deletes so many messages behind a position in each partition, and with them
// their rows.
func (s *exactSite) loseBetween(position map[int32]int64, messages int64) {
	s.t.Helper()
	before := make(map[int32]int64)
	for p, at := range position {
		before[p] = at + messages
	}
	for _, m := range s.consume() {
		if m.Offset >= position[m.Partition] && m.Offset < before[m.Partition] {
			for _, row := range m.rows {
				number, err := strconv.Atoi(strings.Split(row, ",")[numberColumn])
				if err != nil {
					s.t.Fatal(err)
				}
				s.rows.lose(number)
			}
		}
	}
	s.deleteBefore(before)
}

// Partitions are added while a listener runs. It reads them from their first message.
func TestExactlyOncePartitionsAdded(t *testing.T) {
	t.Parallel()
	s := newExactSite(t, sharedKafka(t, kafka4), 3, batchOfTopics)
	s.begin()
	listener := s.listen()
	s.arriveRows(3, 600)
	s.collectAll()
	s.stored()
	s.tool(topicsTool, "--alter", "--topic", s.topic, "--partitions", "6")
	s.count = 6
	s.arriveRows(3, 600)
	s.collectAll()
	listener.waitFor("reads: 0, 1, 2, 3, 4, 5.")
	s.stored()
	for p, end := range s.topicEnds() {
		if end == 0 {
			t.Errorf("nothing was sent to partition %d", p)
		}
	}
	listener.stop()
	s.finished()
}
