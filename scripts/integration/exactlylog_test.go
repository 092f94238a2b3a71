//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A record is one of the commit log's, as far as it matters here.
type record struct {
	Number int64
	Writer string
	Note   string
	Parts  []struct {
		Partition   int32
		First, Next int64
	}
	Files  []struct{ Staged, Final string }
	Counts tally
}

// A tally adds up what records tell.
type tally struct {
	Records     int
	Messages    int64
	Rows        int64
	BadRows     int64 `json:"bad_rows"`
	BadMessages int64 `json:"bad_messages"`
	Repeats     int64
}

// recordFiles returns the records' files in the order of their numbers.
func (s *exactSite) recordFiles() []string {
	s.t.Helper()
	files, err := filepath.Glob(s.warehouse("commits", s.topic, s.topic, "*", "*.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return files
}

func (s *exactSite) readRecord(file string) (r record) {
	s.t.Helper()
	if err := json.Unmarshal(readFile(s.t, file), &r); err != nil {
		s.t.Fatalf("%s: %v", file, err)
	}
	return r
}

// records reads the commit log of the site's group, and wants its numbers to have no gap.
func (s *exactSite) records() (all []record) {
	s.t.Helper()
	for i, file := range s.recordFiles() {
		r := s.readRecord(file)
		if r.Number != int64(i+1) {
			s.t.Fatalf("%s is record %d, and the log's %d.", file, r.Number, i+1)
		}
		all = append(all, r)
	}
	return all
}

func tallyOf(records []record) (sum tally) {
	for _, r := range records {
		sum.Records++
		sum.Messages += r.Counts.Messages
		sum.Rows += r.Counts.Rows
		sum.BadRows += r.Counts.BadRows
		sum.BadMessages += r.Counts.BadMessages
		sum.Repeats += r.Counts.Repeats
	}
	return sum
}

// logPositions is how far the partitions are committed.
func (s *exactSite) logPositions(records []record) map[int32]int64 {
	at := make(map[int32]int64)
	for _, r := range records {
		for _, p := range r.Parts {
			at[p.Partition] = p.Next
		}
	}
	return at
}

// stagedBy returns the name of a process's staging folder, empty if there is none.
func (s *exactSite) stagedBy(p *process) string {
	s.t.Helper()
	locks, err := filepath.Glob(s.warehouse("staging", "*", "lock"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, lock := range locks {
		text, err := os.ReadFile(lock)
		var owner struct{ PID int }
		if err == nil && json.Unmarshal(text, &owner) == nil && owner.PID == p.cmd.Process.Pid {
			return filepath.Base(filepath.Dir(lock))
		}
	}
	return ""
}
