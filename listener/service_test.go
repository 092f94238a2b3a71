package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A row of each other type.
const (
	dnsRow   = `Mar 20, 2018 12:00:00.000000000 UTC,1521547200.000000000,97,10.0.0.53,10.0.2.62,example.org,1,0x0001,0,192.0.2.7`
	proxyRow = `2018-03-20 12:00:00 583 10.0.159.77 jdoe - - OBSERVED "Technology" - 200 TCP_HIT GET text/css http example.org 80 /index ?q=1 html "Mozilla/5.0" 192.0.2.54 2976 219 - "none" "none"`
)

// The sentences of a batch, in their order, in the form of the original's log.
func TestSentences(t *testing.T) {
	t.Parallel()
	for kind, tt := range map[string]struct {
		rows     []string
		segments string
		hours    []string
		folder   string
	}{
		"flow": {[]string{rowAt(noon.Add(time.Hour), 2), row(1), rowAt(noon.AddDate(0, 0, -11), 0)}, "netflow segments",
			[]string{"2018030912", "2018032012", "2018032013"}, "y=2018/m=3/d=9/h=12"},
		"dns":   {[]string{dnsRow}, "pcap segments", []string{"2018032012"}, "y=2018/m=3/d=20/h=12"},
		"proxy": {[]string{proxyRow, strings.Replace(proxyRow, "03-20 12", "03-09 01", 1)}, "proxy-log segments", []string{"2018030901", "2018032012"}, "y=2018/m=03/d=09/h=01"},
	} {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t, kind)
			s.send(0, tt.rows...)
			p := s.run(0, "--from", "earliest", "--once")
			want := `INFO     SPOT\.INGEST\.LISTENER               Received ` + tt.segments + ` from topic\. \[Rows: ` + string(rune('0'+len(tt.rows))) + `\]\n`
			for _, hour := range tt.hours {
				want += `@INFO     SPOT\.INGEST\.LISTENER               Create distributed collection for partition "` + hour + `"\.\n`
			}
			want += `@INFO     SPOT\.INGEST\.LISTENER                \*\*\* REGISTRATION COMPLETED \*\*\* \n@INFO     SPOT.INGEST.LISTENER               Committed `
			want = strings.ReplaceAll(want, "@", `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `)
			if out := p.stdout.String(); !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("stdout\n%s\nlacks\n%s", out, want)
			}
			all := s.table()
			if len(all) != len(tt.rows) || !slices.ContainsFunc(all, func(r stored) bool { return r.folder() == tt.folder }) {
				t.Errorf("rows %v", all)
			}
		})
	}
}

// While nothing comes the listener says so, once a batch, and writes nothing.
func TestIdle(t *testing.T) {
	s := newSite(t, "flow")
	p := s.start()
	p.waitFor("Partition 2 begins")
	before := s.files(".")
	for range 3 {
		p.waitFor("INFO     SPOT.INGEST.LISTENER                ---- LISTENING KAFKA TOPIC: T ---- \n")
	}
	if after := s.files("."); !slices.Equal(before, after) {
		t.Errorf("files before %q, after %q", before, after)
	}
	p.stop(syscall.SIGTERM)
	if n := strings.Count(p.stdout.String(), "Committed"); n > 0 {
		t.Errorf("%d commits", n)
	}
	p.says("Stopped: 0 rows of 0 messages")
}

// receive sends rows from..to and something bad, and waits until it is being stored.
func (s *site) receive(from, to int) {
	s.t.Helper()
	s.send(0, append(rows(from, to), "bad")...)
	s.until("a file in staging", func() bool {
		return slices.ContainsFunc(s.files("staging"), func(name string) bool { return filepath.Ext(name) == ".letters" })
	})
}

// Whoever stops the listener gets what it has received by then.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			s := newSite(t, "flow")
			s.set("spark_batch_size", 3600)
			p := s.start("--from", "earliest")
			s.receive(0, 10)
			p.stop(sig)
			s.wantNumbers(0, 10)
			s.wantOffsets()
			p.says("Committed 10 rows", "Stopped: 10 rows of 1 messages")
			if left := s.files("staging"); len(left) > 0 {
				t.Errorf("left in staging: %q", left)
			}
			if got := s.members(); len(got) > 0 {
				t.Errorf("members of the group: %q", got)
			}
		})
	}
}

// With nohup the end of a terminal is nothing.
func TestNohup(t *testing.T) {
	s := newSite(t, "flow")
	s.wrapper = []string{"nohup"}
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	p.signal(syscall.SIGHUP)
	s.send(0, rows(0, 10)...)
	p.waitFor("Committed 10 rows")
	p.signal(syscall.SIGHUP)
	s.send(0, rows(10, 20)...)
	p.waitFor("Committed 10 rows")
	p.stop(syscall.SIGTERM)
	s.wantNumbers(0, 20)
}

// A stop is a stop also while Kafka does not answer, whatever was asked.
func TestStopWhileAway(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]kmsg.Key{
		"metadata": kmsg.Metadata, "group": kmsg.JoinGroup, "sync": kmsg.SyncGroup, "offsets": kmsg.OffsetFetch,
		"bounds": kmsg.ListOffsets, "messages": kmsg.Fetch, "heartbeat": kmsg.Heartbeat, "commit": kmsg.OffsetCommit,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "flow")
			asked := make(chan struct{}, 1000)
			s.kafka.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
				s.kafka.KeepControl()
				select {
				case asked <- struct{}{}:
				default:
				}
				return nil, errors.New("no answer"), true
			})
			p := s.start("--from", "earliest")
			select {
			case <-asked:
			case <-limit(t).Done():
				t.Fatal("nothing was asked")
			}
			p.stop(syscall.SIGTERM)
		})
	}
}

// A second signal ends it at once, whatever it waits for.
func TestSecondSignal(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600)
	p := s.start("--from", "earliest")
	s.receive(0, 10)
	asked := make(chan struct{})
	s.kafka.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		return nil, nil, true // never an answer
	})
	p.signal(syscall.SIGTERM)
	p.waitFor("Committed 10 rows")
	<-asked
	p.signal(syscall.SIGINT)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	s.evict()
	s.run(0, "--once")
	s.wantNumbers(0, 10)
	s.wantOffsets()
}

// A message is in the table soon after it was published. The bound is a generous one, for
// busy machines.
func TestLatency(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 1)
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins", "LISTENING")
	for n := range 2 {
		s.send(0, rows(10*n, 10*n+10)...)
		sent := time.Now()
		s.waitForNumbers(0, 10*n+10)
		if took := time.Since(sent); took > 5*time.Second {
			t.Errorf("message %d was in the table after %v", n, took)
		}
	}
	p.stop(syscall.SIGTERM)
}

// A zone that TZ names and nobody knows would put rows into wrong hours.
func TestUnknownZone(t *testing.T) {
	s := newSite(t, "flow")
	s.env = []string{"TZ=Mars/Olympus"}
	s.run(1, "--once").says(`TZ "Mars/Olympus" is in no time zone database`)
	if _, err := os.Stat(s.folder("hive")); err == nil && len(s.files("hive")) > 0 {
		t.Error("files in the table")
	}
}
