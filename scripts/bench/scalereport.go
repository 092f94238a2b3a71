package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"spot-ingest/scripts/generate"
)

// A progress is what a listener's log tells of its work.
type progress struct {
	began, ended time.Time // when it got its partitions, and when it had committed for the last time
	commits      int
	rows         int64
}

const logTime = "2006-01-02 15:04:05,000"

var (
	begins  = regexp.MustCompile(`(?m)^(\S+ \S+) .* Partitions of topic "[^"]*" that this (?:listener|job) reads: \d`)
	commits = regexp.MustCompile(`(?m)^(\S+ \S+) .* Committed (\d+) rows of \d+ messages in \d+ files\.`)
)

// progressOf reads the log of a listener in the time zone UTC.
func progressOf(log []byte) (p progress, err error) {
	found := begins.FindSubmatch(log)
	if found == nil {
		return p, errors.New("it got no partition of the topic")
	}
	if p.began, err = time.Parse(logTime, string(found[1])); err != nil {
		return p, err
	}
	for _, found := range commits.FindAllSubmatch(log, -1) {
		if p.ended, err = time.Parse(logTime, string(found[1])); err != nil {
			return p, err
		}
		rows, err := strconv.ParseInt(string(found[2]), 10, 64)
		if err != nil {
			return p, err
		}
		p.rows += rows
		p.commits++
	}
	if p.commits == 0 {
		return p, errors.New("it committed nothing")
	}
	return p, nil
}

// A scaleResult is what was measured of the setups, in their order.
type scaleResult struct {
	versions   string
	totals     generate.Totals
	messages   int64
	partitions int
	series     []series
}

func countedCommits(m measurement) float64 { return float64(m.commits) }

func (r *scaleResult) print(w io.Writer) error {
	fmt.Fprintf(w, "%s\nflow: %.1f MB, %d rows in %d messages and %d partitions; medians of %d runs; a listener or worker has one core\n\n", r.versions,
		float64(r.totals.Bytes)/megabyte, r.totals.Rows, r.messages, r.partitions, len(r.series[0].runs))
	fmt.Fprintln(w, "| engine | table on | rows/s | × one listener | rows/s with start | CPU s / 10⁶ rows | × one listener | peak MB | commits | files | MB |")
	fmt.Fprintln(w, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for i, s := range setups {
		one, own := r.one(s.place), &r.series[i]
		fmt.Fprintf(w, "| %s | %s | %.0f | %.2f | %.0f | %.2f | %.2f | %.0f | %.0f | %.0f | %.1f |\n", s.name(), s.place,
			r.rate(own, workSeconds), r.rate(own, workSeconds)/r.rate(one, workSeconds), r.rate(own, wallSeconds),
			r.cost(own), r.cost(own)/r.cost(one), own.median(peakMegabytes), own.median(countedCommits), own.median(writtenFiles), own.median(sizeMegabytes))
	}
	_, err := fmt.Fprintln(w, "\nrows/s: from the moment when the group has given out the partitions to the last commit; with start: from the start of the programs.")
	return err
}

func (s setup) name() string {
	what := map[string]string{embedded: "%d listener", bySpark: "Spark, %d worker"}[s.engine]
	if s.members > 1 {
		what += "s"
	}
	return fmt.Sprintf(what, s.members)
}

// one is the single listener that writes to the same place.
func (r *scaleResult) one(place string) *series {
	for i, s := range setups {
		if s == (setup{embedded, 1, place}) {
			return &r.series[i]
		}
	}
	return nil
}

func (r *scaleResult) rate(s *series, value func(measurement) float64) float64 {
	return float64(r.totals.Rows) / s.median(value)
}

// cost is CPU seconds for a million rows.
func (r *scaleResult) cost(s *series) float64 {
	return s.median(cpuSeconds) / float64(r.totals.Rows) * 1e6
}
