//go:build integration

package integration

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A listener is stopped in the middle of a batch, for longer than its session lasts. Another
// takes its partitions and commits the same messages. When the first goes on, it drops its
// batch.
func TestExactlyOncePaused(t *testing.T) {
	t.Parallel()
	s := newExactSite(t, sharedKafka(t, kafka4), 6, 3*time.Second)
	s.begin()
	paused := s.listen()
	paused.waitFor("Partitions of topic")
	other := s.listen()
	other.waitFor("Partitions of topic")
	paused.waitFor("Partitions of topic") // those that are left to it
	collector := s.collect()
	stop := s.feed(200*time.Millisecond, 300)
	paused.waitFor("Committed ")
	paused.pass(1500 * time.Millisecond) // the middle of the next batch
	paused.pause()
	began := time.Now()
	other.waitFor(`reads: 0, 1, 2, 3, 4, 5.`) // when the session has ended
	for range 2 {
		other.waitFor("Committed ")
	}
	t.Logf("paused for %v", time.Since(began).Round(time.Second))
	paused.goOn()
	paused.waitFor("Dropped a batch")
	paused.waitFor("Partitions of topic")
	for _, p := range []*process{paused, other} {
		p.waitFor("Committed ")
	}
	stop()
	collector.stop()
	s.collectAll()
	s.stored()
	paused.stop()
	other.stop()
	sum := s.finished()
	t.Logf("%d rows, %d records", sum.Rows, sum.Records)
}

// Kafka stops, and later crashes, while a listener reads. It goes on by itself.
func TestExactlyOnceKafkaRestarts(t *testing.T) {
	t.Parallel()
	broker := ownKafka(t, kafka4)
	s := newExactSite(t, broker, 3, 300*time.Millisecond)
	s.begin()
	collector, listener := s.collect(), s.listen()
	stop := s.feed(100*time.Millisecond, 300)
	for _, crash := range []bool{false, true} {
		for range 3 {
			listener.waitFor("Committed ")
		}
		if crash {
			broker.Kill()
		} else if err := broker.Stop(); err != nil {
			t.Error(err)
		}
		listener.waitFor("Trying on until it works")
		if err := broker.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		listener.waitFor("Kafka is available again")
	}
	listener.waitFor("Committed ")
	stop()
	collector.stop()
	s.collectAll()
	s.stored()
	listener.stop()
	sum := s.finished()
	t.Logf("%d rows of %d messages, %d of them repeats, %d records", sum.Rows, sum.Messages, sum.Repeats, sum.Records)
}

// The disk of the table is full for a while. What could not be stored is stored when there
// is room again, without a restart.
func TestExactlyOnceDiskFull(t *testing.T) {
	t.Parallel()
	s := newExactSite(t, sharedKafka(t, kafka4), 3, 300*time.Millisecond)
	smallDisk(t, s.path("warehouse"), "16m")
	s.begin()
	listener := s.listen()
	s.arriveRows(3, 1000)
	s.collectAll()
	s.stored()
	filler := s.path("warehouse", "filler")
	fill(t, filler)
	s.arriveRows(3, 1000)
	s.collectAll()
	for range 2 {
		listener.waitFor(unix.ENOSPC.Error())
	}
	if got := tallyOf(s.records()); got.Rows != 3000 {
		t.Errorf("%d rows are committed on a full disk", got.Rows-3000)
	}
	freeDisk(t, filler)
	s.stored()
	s.arriveRows(3, 1000)
	s.collectAll()
	s.stored()
	listener.stop()
	s.finished()
}

// Room for some of a batch's files, but not for all, is no room for any.
func TestExactlyOnceDiskAlmostFull(t *testing.T) {
	t.Parallel()
	s := newExactSite(t, sharedKafka(t, kafka4), 3, 300*time.Millisecond)
	smallDisk(t, s.path("warehouse"), "4m")
	s.begin()
	listener := s.listen()
	listener.waitFor("Partitions of topic")
	filler := s.path("warehouse", "filler")
	fill(t, filler)
	info, err := os.Stat(filler)
	if err != nil {
		t.Fatal(err)
	}
	s.arriveRows(6, 1000)
	s.collectAll()
	// Large steps: the time between two attempts doubles.
	for size := info.Size(); ; size -= 160 << 10 {
		if err := os.Truncate(filler, size); err != nil {
			t.Fatal(err)
		}
		if listener.waitFor(unix.ENOSPC.Error(), "Committed ") == "Committed " {
			t.Logf("stored once there were %d KiB", (info.Size()-size)>>10)
			break
		}
		if visible := s.tableFiles(); len(visible) > 0 {
			t.Fatalf("visible without a record: %v", visible)
		}
		// What the failed batch left there would take the room for ever.
		if left := s.staged(); len(left) > 0 {
			t.Fatalf("left in staging: %v", left)
		}
	}
	s.stored()
	listener.stop()
	s.finished()
}

// staged returns what lies in staging folders, but for the locks.
func (s *exactSite) staged() []string {
	s.t.Helper()
	files, err := filepath.Glob(s.warehouse("staging", "*", "*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "/lock") })
}
