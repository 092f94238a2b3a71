package main

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A summary is what a single run prints at its end.
type summary struct{ messages, repeated, bad, rows, badRows, files int }

func (p *process) summary() summary {
	p.s.t.Helper()
	var got summary
	_, text, _ := strings.Cut(p.stdout.String(), "\nmessages read ")
	n, err := fmt.Sscanf("messages read "+text, "messages read %d\n repeated, dropped %d\n set aside %d\nrows stored %d\nrows set aside %d\nfiles written %d\n",
		&got.messages, &got.repeated, &got.bad, &got.rows, &got.badRows, &got.files)
	if err != nil {
		p.s.t.Errorf("%d numbers of a summary: %v", n, err)
	}
	return got
}

func (p *process) wantSummary(want summary) {
	p.s.t.Helper()
	if got := p.summary(); got != want {
		p.s.t.Errorf("summary %+v, want %+v", got, want)
	}
}

func TestOnce(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600) // one batch
	p := s.run(0, "--from", "earliest", "--once")
	p.wantSummary(summary{})
	for n := range 9 {
		s.send(int32(n%partitions), rows(100*n, 100*(n+1))...)
	}
	p = s.run(0, "--once")
	p.wantSummary(summary{messages: 9, rows: 900, files: 1})
	s.wantNumbers(0, 900)
	if p.stderr.String() != "" {
		t.Errorf("stderr: %s", p.stderr)
	}
	s.run(0, "--once").wantSummary(summary{})
	s.wantNumbers(0, 900)
	s.wantOffsets()
}

// It ends although others go on to write: what comes after the start is for the next time.
func TestOnceEnds(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, rows(0, 10)...)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		n := 10
		for {
			select {
			case <-stop:
				done <- n
				return
			default:
				s.produce(segment{rows: rows(n, n+1)}.record())
				n++
			}
		}
	}()
	s.run(0, "--from", "earliest", "--once")
	if n := len(s.numbers()); n < 10 {
		t.Errorf("%d rows", n)
	}
	close(stop)
	n := <-done
	s.run(0, "--once")
	s.wantNumbers(0, n)
}

// With others in the group it waits until they, too, have committed what was there.
func TestOnceWithOthers(t *testing.T) {
	s := newSite(t, "flow")
	a := s.start("--from", "earliest")
	a.waitFor("Partition 2 begins")
	for n := range 30 {
		s.send(int32(n%partitions), rows(10*n, 10*n+10)...)
	}
	p := s.run(0, "--once")
	s.wantNumbers(0, 300)
	p.says("All messages that were there are read.")
	a.stop(syscall.SIGTERM)
}

// A broker that is away, or that goes away somewhere on the way, is not waited for for ever.
func TestOnceGivesUp(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]kmsg.Key{
		"all": -1, "metadata": kmsg.Metadata, "group": kmsg.JoinGroup, "offsets": kmsg.OffsetFetch,
		"bounds": kmsg.ListOffsets, "messages": kmsg.Fetch,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "flow")
			s.send(0, rows(0, 10)...)
			s.plight.Patience = 300 * time.Millisecond
			if key < 0 {
				s.wire.Cut()
			} else {
				s.kafka.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
					s.kafka.KeepControl()
					return nil, errors.New("no answer"), true
				})
			}
			p := s.run(1, "--from", "earliest", "--once")
			p.says(" for 300ms")
		})
	}
}

// Kafka is away when the listener starts, and then it is there.
func TestKafkaAway(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, rows(0, 10)...)
	s.wire.Cut()
	p := s.start("--from", "earliest")
	p.waitFor("Kafka is not available")
	s.wire.Mend()
	p.waitFor("Kafka is available again", "Committed 10 rows")
	s.wire.Cut()
	p.waitFor("Kafka is not available")
	s.wire.Mend()
	p.waitFor("Kafka is available again")
	s.connect()
	s.send(0, rows(10, 20)...)
	p.waitFor("Committed 10 rows")
	p.stop(syscall.SIGTERM)
	s.wantNumbers(0, 20)
	s.wantOffsets()
}

// Kafka falls silent when a batch is to be committed, for which it must tell that the topic
// is still the same. The batch waits, and is stored once.
func TestSilentBeforeCommit(t *testing.T) {
	s := newSite(t, "flow")
	p := s.start("--from", "earliest")
	s.send(0, rows(0, 10)...)
	p.waitFor("Committed 10 rows") // from here on only a commit asks
	asked, mend := s.silence(kmsg.ListOffsets)
	s.send(0, rows(10, 20)...)
	for range 3 {
		select {
		case <-asked:
		case <-limit(t).Done():
			t.Fatal("nothing was asked")
		}
	}
	s.wantNumbers(0, 10)
	mend()
	p.waitFor("Committed 10 rows")
	p.stop(syscall.SIGTERM)
	s.wantNumbers(0, 20)
	s.wantOffsets()
	if n := strings.Count(p.stdout.String(), "Committed"); n != 2 {
		t.Errorf("%d commits", n)
	}
}

// With --once it waits for a while only; the next run stores what this one did not.
func TestSilentBeforeCommitOnce(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, rows(0, 10)...)
	s.plight.Patience = 5 * time.Second // enough to start where all processors are busy
	mends := make(chan func(), 1)
	s.kafka.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.DropControl()
		_, mend := s.silence(kmsg.ListOffsets) // all positions are verified by now
		mends <- mend
		return nil, nil, false
	})
	s.run(1, "--from", "earliest", "--once").says("Kafka did not tell whether the topic is still the same")
	s.wantNumbers(0, 0)
	select {
	case mend := <-mends:
		mend()
	default:
		t.Fatal("it gave up before it had read anything")
	}
	s.plight.Patience = 0
	s.run(0, "--once")
	s.wantNumbers(0, 10)
	s.wantOffsets()
}

// silence has Kafka answer no request of a kind until mend is called. asked gets a value when
// one comes.
func (s *site) silence(key kmsg.Key) (asked <-chan struct{}, mend func()) {
	came := make(chan struct{}, 1000)
	var over atomic.Bool
	s.kafka.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		if over.Load() {
			s.kafka.DropControl()
			return nil, nil, false
		}
		s.kafka.KeepControl()
		select {
		case came <- struct{}{}:
		default:
		}
		return nil, errors.New("no answer"), true
	})
	return came, func() { over.Store(true) }
}

// sendTransactions sends 20 rows by transactions, and as many that are taken back: the ends of
// transactions are the topic's last offsets.
func (s *site) sendTransactions() {
	s.t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("test"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer producer.Close()
	for n := range 4 {
		if err := producer.BeginTransaction(); err != nil {
			s.t.Fatal(err)
		}
		list, end := rows(10*(n/2), 10*(n/2)+10), kgo.TryCommit
		if n%2 == 1 {
			list, end = rows(9000, 9010), kgo.TryAbort
		}
		if err := producer.ProduceSync(limit(s.t), segment{rows: list}.record()).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
		if err := producer.EndTransaction(limit(s.t), end); err != nil {
			s.t.Fatal(err)
		}
	}
}

// What was not committed by its producer is not in the table, and a position goes past it.
func TestTransactions(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600) // one batch
	s.sendTransactions()
	s.run(0, "--from", "earliest", "--once").wantSummary(summary{messages: 2, rows: 20, files: 1})
	s.wantNumbers(0, 20)
	s.wantOffsets()
	if got := s.offsets()[0].next; got != 8 {
		t.Errorf("offset %d", got)
	}
	s.run(0, "--once").wantSummary(summary{})
}

// Stopped before it is done it says so, by its exit code as well.
func TestOnceStopped(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, rows(0, 10)...)
	asked := make(chan struct{}, 1000)
	s.kafka.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		select {
		case asked <- struct{}{}:
		default:
		}
		return nil, errors.New("no answer"), true
	})
	p := s.start("--from", "earliest", "--once")
	<-asked
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.says("stopped before all messages were read that were there")
	p.wantSummary(summary{})
}

// The same while it waits for Kafka to answer for the first time.
func TestOnceStoppedAtStart(t *testing.T) {
	s := newSite(t, "flow")
	asked := make(chan struct{}, 1000)
	s.kafka.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		select {
		case asked <- struct{}{}:
		default:
		}
		return nil, errors.New("no answer"), true
	})
	p := s.start("--once")
	<-asked
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if got, want := p.stderr.String(), "listener: error: stopped before anything was read\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}
