//go:build integration

package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"spot-ingest/pkg/codec"

	"github.com/twmb/franz-go/pkg/kgo"
)

// encode makes a message's value of rows.
func encode(rows ...string) []byte {
	e := codec.NewEncoder(0, 1<<16)
	for _, row := range rows {
		e.Append([]byte(row))
	}
	return slices.Clone(e.Bytes())
}

func id(n int) string { return fmt.Sprintf("%032x", 0xabc0+n) }

// want compares the rows of the table with the numbers that must be there, each once.
func (s *sparkJob) want(numbers ...int64) {
	s.t.Helper()
	got := s.numbers()
	for _, n := range numbers {
		if got[n] != 1 {
			s.t.Errorf("row %d is %d times in the table", n, got[n])
		}
		delete(got, n)
	}
	for n, times := range got {
		s.t.Errorf("row %d is %d times in the table", n, times)
	}
}

// TestSparkJobBatches reads a topic in several batches: repeats are dropped, within a batch and
// those that the partner knows; bad rows and messages are set aside; what the partner takes
// back is read again.
func TestSparkJobBatches(t *testing.T) {
	s := newSparkJob(t, 2)
	s.plan["known"] = []string{id(7)}
	s.plan["limit"] = 12
	s.plan["answers"] = map[string]any{"commit 1": map[string]any{"ok": false, "again": true}}
	bad := []byte{0, 2}
	s.send(0, encode(numbered(1), numbered(2)), segmentHeader(id(1)))
	s.send(0, encode(numbered(1), numbered(2)), segmentHeader(id(1))) // a repeat in the batch
	s.send(0, encode(numbered(3)), segmentHeader(id(7)))              // a known one
	s.send(0, bad, segmentHeader(id(4)))                              // stands for no segment
	s.send(0, encode(numbered(4)), segmentHeader(id(4)))
	s.send(0, bad, segmentHeader(id(4))) // bad, but the segment is known by now: set aside all the same
	s.send(0, encode(numbered(5)))
	s.send(0, encode(numbered(6)), segmentHeader(strings.ToUpper(id(1))))    // no id: never dropped
	s.send(0, encode(numbered(7)), segmentHeader(id(1)), segmentHeader("x")) // the last one counts
	s.send(0, encode(numbered(8)), segmentHeader("x"), segmentHeader(id(8)))
	s.send(0, encode(numbered(9)), kgo.RecordHeader{Key: "spot.source", Value: []byte(id(1))})
	s.send(0, encode(numbered(10), "no row", numbered(11), "not \xff text"), segmentHeader(id(10)))
	s.send(1, encode(numbered(20)), segmentHeader(id(20)))
	for n := range 20 {
		s.send(0, encode(numbered(100+n)), segmentHeader(id(100+n)))
	}
	s.send(0, encode(numbered(1), numbered(2)), segmentHeader(id(1))) // a repeat in a later batch
	s.plan["end"] = 3
	r := s.run(3)

	wanted := []int64{1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 20}
	for n := range int64(20) {
		wanted = append(wanted, 100+n)
	}
	s.dropBatch(1)
	s.want(wanted...)
	var messages, repeats, badMessages int64
	var ids []string
	commits := s.commits()[1:] // the first was taken back
	next := map[string]int64{"0": 0, "1": 0}
	for _, c := range commits {
		messages, repeats, badMessages = messages+c.Messages, repeats+c.Repeats, badMessages+c.BadMessages
		ids = append(ids, c.IDs...)
		for p, offsets := range c.Parts {
			if offsets[0] != next[p] || offsets[1] <= offsets[0] {
				t.Errorf("a batch of partition %s, offsets %v, after %d", p, offsets, next[p])
			}
			next[p] = offsets[1]
		}
	}
	if messages != 34 || repeats != 3 || badMessages != 2 || !maps.Equal(next, s.ends) || len(commits) < 2 {
		t.Errorf("%d messages, %d repeats, %d bad messages, up to %v in %d batches", messages, repeats, badMessages, next, len(commits))
	}
	slices.Sort(ids)
	wantIDs := []string{id(1), id(4), id(8), id(10), id(20)}
	for n := range 20 {
		wantIDs = append(wantIDs, id(100+n))
	}
	slices.Sort(wantIDs)
	if !slices.Equal(ids, wantIDs) {
		t.Errorf("ids %q, want %q", ids, wantIDs)
	}
	s.checkLetters()
	if strings.Contains(r.stderr.String(), "Traceback") {
		t.Error("a traceback on stderr")
	}
}

// TestSparkJobNothingGood has batches without a row for the table: of repeats alone, of bad
// messages, of bad rows; of fewer partitions than -p.
func TestSparkJobNothingGood(t *testing.T) {
	s := newSparkJob(t, 3)
	s.job["once"], s.job["partitions"] = true, 3
	s.plan["known"], s.plan["limit"] = []string{id(1)}, 1
	s.send(0, encode(numbered(1)), segmentHeader(id(1)))
	s.send(0, []byte{0, 2})
	s.send(0, encode("no row"))
	s.send(0, encode(numbered(2), "no row"))
	s.run(0)
	s.want(2)
	var got []string
	for _, c := range s.commits() {
		got = append(got, fmt.Sprintf("%d messages, %d repeats, %d bad, %d rows", c.Messages, c.Repeats, c.BadMessages, c.Rows))
	}
	want := []string{"1 messages, 1 repeats, 0 bad, 0 rows", "1 messages, 0 repeats, 1 bad, 0 rows",
		"1 messages, 0 repeats, 0 bad, 0 rows", "1 messages, 0 repeats, 0 bad, 1 rows"}
	if !slices.Equal(got, want) {
		t.Errorf("commits %q, want %q", got, want)
	}
	if n := len(s.letters()); n != 3 {
		t.Errorf("%d dead letters", n)
	}
}

// dropBatch removes the files of a batch that was not committed, as the partner would.
func (s *sparkJob) dropBatch(number int) {
	s.t.Helper()
	folders, err := filepath.Glob(filepath.Join(s.dir, fmt.Sprintf("*-%d", number)))
	if err != nil || len(folders) != 1 {
		s.t.Fatalf("folders of batch %d: %q, %v", number, folders, err)
	}
	if err := os.RemoveAll(folders[0]); err != nil {
		s.t.Fatal(err)
	}
}

// checkLetters wants the bad rows and messages of TestSparkJobBatches.
func (s *sparkJob) checkLetters() {
	s.t.Helper()
	var got []string
	for _, l := range s.letters() {
		row, body := "whole", fmt.Sprintf("base64 %q", l.Base64)
		if l.Row != nil {
			row = fmt.Sprint(*l.Row)
		}
		if l.Text != nil {
			body = fmt.Sprintf("text %q", *l.Text)
		}
		got = append(got, fmt.Sprintf("%d %d %s %s: %s", l.Partition, l.Offset, row, body, l.Reason))
	}
	slices.Sort(got)
	want := []string{
		`0 11 1 text "no row": field 27 (rip) is missing: the row has 1 field`,
		`0 11 3 base64 "not \xff text": field 27 (rip) is missing: the row has 1 field`,
		`0 3 whole text "\x00\x02": decode value: it is no list of rows as Avro writes it`,
		`0 5 whole text "\x00\x02": decode value: it is no list of rows as Avro writes it`,
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("letters:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSparkJobHostile: what is no list of rows is told from what is as the embedded engine
// does, and harms nothing.
func TestSparkJobHostile(t *testing.T) {
	s := newSparkJob(t, 1)
	var bad []int64
	good, wantRows := 0, 0
	for _, value := range hostileValues() {
		offset := s.send(0, value)
		rows, err := codec.Decode(value)
		if value == nil || err != nil || rows.Len() == 0 {
			bad = append(bad, offset)
			continue
		}
		good++
		wantRows += rows.Len()
	}
	s.run(0)
	var gotBad []int64
	gotRows := s.rows()
	for _, l := range s.letters() {
		if l.Row == nil {
			gotBad = append(gotBad, l.Offset)
		} else {
			gotRows++
		}
	}
	slices.Sort(gotBad)
	if !slices.Equal(gotBad, bad) {
		t.Errorf("bad messages at %v, want %v", gotBad, bad)
	}
	if gotRows != wantRows {
		t.Errorf("%d rows, good or bad, want %d", gotRows, wantRows)
	}
	if c := s.commits(); len(c) != 1 || c[0].BadMessages != int64(len(bad)) || c[0].Repeats != 0 {
		t.Errorf("commits %+v", c)
	}
	t.Logf("%d bad messages, %d good ones of %d rows", len(bad), good, wantRows)
}

// TestSparkJobTaken: the partitions are taken away while the query runs, and given back.
func TestSparkJobTaken(t *testing.T) {
	s := newSparkJob(t, 1)
	s.plan["answers"] = map[string]any{
		"next 1": map[string]any{"partitions": []int{}, "offsets": map[string]int{}, "limit": 10},
		"next 2": map[string]any{"partitions": []int{0}, "offsets": map[string]int{"0": 2}, "limit": 10},
		// The second asking is in a query that has nothing to read.
		"alive 2": map[string]any{"alive": false},
	}
	s.send(0, encode(numbered(1)))
	s.send(0, encode(numbered(2)))
	s.run(0)
	s.want(1, 2)
	if n := len(s.asked()); n < 5 {
		t.Errorf("asked %+v", s.asked())
	}
}

// TestSparkJobFails: a batch that can't be written is given up, told and read again; the job
// of --once gives up in the end.
func TestSparkJobFails(t *testing.T) {
	s := newSparkJob(t, 1)
	s.job["once"] = true
	s.send(0, encode(numbered(1)))
	// A file is where the batches' folder should be.
	s.write("file", "")
	s.plan["answers"] = map[string]any{}
	for n := range 5 {
		s.plan["answers"].(map[string]any)[fmt.Sprintf("batch %d", n+1)] = map[string]any{
			"folder": "file://" + filepath.Join(s.dir, "file", "x"), "known": []string{}}
	}
	s.run(1)
	abandoned, told := 0, 0
	for _, q := range s.asked() {
		switch q.Do {
		case "abandon":
			abandoned++
		case "log":
			told++
			if !strings.Contains(q.Text, "Spark failed") || strings.Contains(q.Text, "\n") || !strings.Contains(q.Text, "file") {
				t.Errorf("log %q", q.Text)
			}
		case "commit":
			t.Error("a batch that failed was committed")
		}
	}
	if abandoned != 5 || told != 5 {
		t.Errorf("%d batches abandoned, %d failures told", abandoned, told)
	}
}

// TestSparkJobEnds: the partner dies, the job is told to stop, the driver is killed: nobody
// stays behind.
func TestSparkJobEnds(t *testing.T) {
	t.Run("partner dies", func(t *testing.T) {
		s := newSparkJob(t, 1)
		s.plan["answers"] = map[string]any{"batch 1": "die"}
		s.send(0, encode(numbered(1)))
		r := s.run(1)
		if out := r.stdout.String() + r.stderr.String(); !strings.Contains(out, "spark job: the listener's process") || strings.Contains(out, "Traceback") {
			t.Error("it does not say why, or says too much")
		}
	})
	for name, number := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			s := newSparkJob(t, 1)
			s.plan["until"] = map[string]int{"0": 1000}
			s.send(0, encode(numbered(1)))
			r := s.start()
			r.waitAsked("commit")
			r.terminate(number)
			r.waitAskedAfterEnd("closed")
			s.want(1)
		})
	}
}
