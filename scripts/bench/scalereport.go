package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"spot-ingest/scripts/generate"
)

// A progress is what a listener's log tells of its work. One whose partitions have no messages
// commits nothing.
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
	return p, nil
}

// A scaleResult is what was measured of the setups, in their order.
type scaleResult struct {
	versions   string
	few        int64 // rows
	totals     generate.Totals
	messages   int64
	partitions int
	costs      []cost
}

func countedCommits(m measurement) float64 { return float64(m.commits) }

const scaleNotes = `
rows/s and CPU s: of the rows that all has more than few, so without the start and a JVM's first steps.
once: what comes on top of that, however many rows there are; the seconds from the start to the last commit.
with start: all rows, from the start to the last commit. peak MB, commits, files, MB: of all rows.
`

func (r *scaleResult) printHead(w io.Writer, runs int) {
	fmt.Fprintf(w, "%s\nflow: all are %.1f MB, %d rows in %d messages and %d partitions, few are %d rows; medians of %d runs; a listener or worker has one core\n\n", r.versions,
		float64(r.totals.Bytes)/megabyte, r.totals.Rows, r.messages, r.partitions, r.few, runs)
	fmt.Fprintln(w, "| engine | table on | rows/s | × one listener | CPU s / 10⁶ rows | × one listener | once, s | once, CPU s | rows/s with start | peak MB | commits | files | MB |")
	fmt.Fprintln(w, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
}

// printLast prints the line of the setup that was measured last.
func (r *scaleResult) printLast(w io.Writer) {
	last := len(r.costs) - 1
	s, own := setups[last], &r.costs[last]
	one := r.one(s.place)
	work, cpu := r.perRow(own, workSeconds), r.perRow(own, cpuSeconds)
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %.0f | %.0f | %.0f | %.0f | %.1f |\n", s.name(), s.place,
		number(0, 1/work), number(2, r.perRow(one, workSeconds)/work), number(2, 1e6*cpu), number(2, cpu/r.perRow(one, cpuSeconds)),
		number(1, r.once(own, wallSeconds, work)), number(1, r.once(own, cpuSeconds, cpu)), float64(r.totals.Rows)/own.all.median(wallSeconds),
		own.all.median(peakMegabytes), own.all.median(countedCommits), own.all.median(writtenFiles), own.all.median(sizeMegabytes))
}

// number has so many decimals, and tells what can't be told by a dash.
func number(decimals int, v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// perRow is what each row costs, told by how much more all rows cost than few. Where these are
// too near each other to tell it is no number.
func (r *scaleResult) perRow(c *cost, value func(measurement) float64) float64 {
	more := c.all.median(value) - c.few.median(value)
	if more <= 0 || r.totals.Rows == r.few {
		return math.NaN()
	}
	return more / float64(r.totals.Rows-r.few)
}

// once is what remains of the cost of all rows without that of each.
func (r *scaleResult) once(c *cost, value func(measurement) float64, perRow float64) float64 {
	return c.all.median(value) - perRow*float64(r.totals.Rows)
}

func (s setup) name() string {
	what := map[string]string{embedded: "%d listener", bySpark: "Spark, %d worker"}[s.engine]
	if s.members > 1 {
		what += "s"
	}
	return fmt.Sprintf(what, s.members)
}

// one is the single listener that writes to the same place.
func (r *scaleResult) one(place string) *cost {
	return &r.costs[slices.Index(setups, setup{embedded, 1, place})]
}
