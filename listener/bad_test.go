package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Rows and messages that the table can't take are set aside, each once, and hold up nothing.
func TestBad(t *testing.T) {
	s := newSite(t, "flow")
	messages := []struct {
		value []byte
		want  []string // a dead letter's row, reason and bytes
	}{
		{nil, []string{`-, the message has no value, ""`}},
		{[]byte{}, []string{`-, codec: , ""`}},
		{[]byte("no Avro at all"), []string{`-, codec: , "no Avro at all"`}},
		{[]byte{0xff, 0xfe}, []string{`-, codec: , "\xff\xfe"`}},
		{value(), []string{`-, the message has no rows, "\x00\x00"`}},
		{[]byte{2}, []string{`-, , "\x02"`}},
		{value(row(0), "", row(1), "a,b,c", row(2)), []string{`1, , ""`, `3, , "a,b,c"`}},
		{value("caf\xe9,b", row(3), row(4)+",99999999999999999999"), []string{`0, , "caf\xe9,b"`}},
		{value(strings.Replace(row(5), ",80,", ",80x,", 1)), []string{`0, sport, ` + fmt.Sprintf("%q", strings.Replace(row(5), ",80,", ",80x,", 1))}},
		{value(row(5)), nil},
	}
	check := func(offset int) {
		t.Helper()
		var want []string
		for _, m := range messages {
			want = append(want, m.want...)
		}
		got := s.letters()
		n := 0
		for i, m := range messages {
			for _, w := range m.want {
				if n >= len(got) {
					t.Fatalf("no dead letter %s of message %d", w, i)
				}
				l := got[n]
				n++
				row, rest, _ := strings.Cut(w, ", ")
				reason, bytes, _ := strings.Cut(rest, ", ")
				gotRow := "-"
				if l.Row != nil {
					gotRow = fmt.Sprint(*l.Row)
				}
				if l.Topic != topic || l.Partition != 1 || l.Offset != int64(offset+i) || gotRow != row ||
					l.Reason == "" || !strings.Contains(l.Reason, strings.TrimPrefix(reason, "codec: ")) || fmt.Sprintf("%q", l.bytes()) != bytes {
					t.Errorf("message %d: dead letter %+v, %q; want %s", i, l, l.bytes(), w)
				}
			}
		}
		if n != len(got) {
			t.Errorf("%d dead letters, want %d", len(got), n)
		}
	}
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	var all []*kgo.Record
	for _, m := range messages {
		all = append(all, &kgo.Record{Topic: topic, Partition: 1, Value: m.value, Timestamp: noon})
	}
	s.produce(all...)
	s.waitForNumbers(0, 6)
	s.send(2, row(6))
	s.waitForNumbers(0, 7)
	p.stop(syscall.SIGTERM)
	check(0)
	p.says("4 bad rows and 6 bad messages set aside", "that the table can't take. ["+s.folder("dead_letter")+"/flow-")
	s.run(0, "--once")
	check(0)
	s.wantNumbers(0, 7)
	s.wantOffsets()
}

// With a limit the batch that goes beyond it is not committed, and read again without.
func TestBadRowLimit(t *testing.T) {
	t.Parallel()
	for limit, good := range map[string]bool{"0": false, "2": false, "3": true, "4": true} {
		t.Run(limit, func(t *testing.T) {
			s := newSite(t, "flow")
			s.produce(&kgo.Record{Topic: topic, Partition: 0, Value: []byte("x"), Timestamp: noon})
			s.send(0, append(rows(0, 10), "bad", "bad")...)
			if good {
				s.run(0, "--from", "earliest", "--once", "--bad-row-limit", limit)
			} else {
				s.run(0, "--from", "earliest", "--once", "--bad-row-limit", "1000").wantSummary(summary{messages: 2, bad: 1, rows: 10, badRows: 2, files: 1})
				s.wantNumbers(0, 10)
				s.produce(&kgo.Record{Topic: topic, Partition: 0, Value: []byte("x"), Timestamp: noon})
				s.send(0, append(rows(10, 20), "bad", "bad")...)
				p := s.run(1, "--bad-row-limit", limit)
				p.says("can't be stored, more than --bad-row-limit " + limit + ": the last batch was not committed")
				s.wantNumbers(0, 10)
				s.wantLetters(3)
				if left := s.files("staging"); len(left) > 0 {
					t.Errorf("left in staging: %q", left)
				}
				s.run(0, "--once")
				s.wantNumbers(0, 20)
				s.wantLetters(6)
			}
			s.wantOffsets()
		})
	}
}

// The limit is for a run, not for a batch.
func TestBadRowLimitOfAll(t *testing.T) {
	s := newSite(t, "flow")
	p := s.start("--from", "earliest", "--bad-row-limit", "1")
	p.waitFor("Partition 2 begins")
	s.send(0, row(0), "bad")
	p.waitFor("Committed 1 rows")
	s.send(0, row(1), "bad")
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.says("2 rows or messages can't be stored, more than --bad-row-limit 1")
	s.run(0, "--once")
	s.wantNumbers(0, 2)
	s.wantLetters(2)
}
