package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"spot-ingest/scripts/generate"
)

// The listener's goals, on two cores.
const (
	goalListened    = 800_000 // rows a second
	goalSpark       = 6.0     // times Spark's rows a second
	goalDuckDB      = 1.0     // times DuckDB's
	goalListenPeak  = 400     // MB
	goalListenSize  = 1.2     // times the size of a peer's files
	goalListenDelay = 1500 * time.Millisecond
)

// A listenerResult is what was measured of the writers of tables, the listener first.
type listenerResult struct {
	totals   generate.Totals
	messages int64
	series   []series
}

func workSeconds(m measurement) float64   { return seconds(m.work) }
func sizeMegabytes(m measurement) float64 { return float64(m.size) / megabyte }
func writtenFiles(m measurement) float64  { return float64(m.files) }

func (r *listenerResult) print(w io.Writer) error {
	own := &r.series[0]
	fmt.Fprintf(w, "\nflow: %.1f MB, %d rows in %d messages and %d partitions; medians of %d runs; rows/s without peers' start\n",
		float64(r.totals.Bytes)/megabyte, r.totals.Rows, r.messages, partitions, len(own.runs))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\twall s\twork s\tfrom\tto\trows/s\tCPU s\tpeak MB\tfiles\tMB\t")
	for i := range r.series {
		s := &r.series[i]
		all := s.sorted(workSeconds)
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.2f\t%.1f\t%.0f\t%.1f\t\n", s.name, s.median(wallSeconds), s.median(workSeconds),
			all[0], all[len(all)-1], r.rate(s), s.median(cpuSeconds), s.median(peakMegabytes), s.median(writtenFiles), s.median(sizeMegabytes))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	rate := r.rate(own)
	fmt.Fprintf(w, "%.0f rows a second, goal ≥ %d: %s\n", rate, goalListened, verdict(rate >= goalListened))
	for i := range r.series[1:] {
		r.compare(w, &r.series[i+1])
	}
	peaks := own.sorted(peakMegabytes)
	highest := peaks[len(peaks)-1] // a limit is a limit in every run
	_, err := fmt.Fprintf(w, "peak memory %.1f MB, goal ≤ %d: %s\n", highest, goalListenPeak, verdict(highest <= goalListenPeak))
	return err
}

// rate is rows a second, of peers without the time they take to start.
func (r *listenerResult) rate(s *series) float64 {
	return float64(r.totals.Rows) / s.median(workSeconds)
}

func (r *listenerResult) compare(w io.Writer, peer *series) {
	own, goal := &r.series[0], map[string]float64{"spark": goalSpark, "duckdb": goalDuckDB}[peer.name]
	times := r.rate(own) / r.rate(peer)
	size := own.median(sizeMegabytes) / peer.median(sizeMegabytes)
	fmt.Fprintf(w, "%.2f × as fast as %s, goal ≥ %.1f: %s\n", times, peer.name, goal, verdict(times >= goal))
	fmt.Fprintf(w, "files %.2f × the size of %s's, goal ≤ %.1f: %s\n", size, peer.name, goalListenSize, verdict(size <= goalListenSize))
}

func printLatency(w io.Writer, delays []time.Duration) error {
	slices.Sort(delays)
	longest := delays[len(delays)-1]
	_, err := fmt.Fprintf(w, "\nlatency: %d messages at a batch of %d s: readable after %.2f s, median %.2f, at most %.2f, goal ≤ %.2f: %s\n",
		len(delays), latencyBatch, delays[0].Seconds(), delays[len(delays)/2].Seconds(), longest.Seconds(), goalListenDelay.Seconds(), verdict(longest <= goalListenDelay))
	return err
}
