package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"spot-ingest/scripts/generate"
)

// The goals, of which the one for CPU time is set for flow alone.
const (
	goalWall = 1.3 // times kcat's
	goalCPU  = 400 // MB a CPU second
	goalPeak = 64  // MB
	// Of nfcapd files, the whole way to Kafka.
	goalFlows = 1_000_000 // rows a second
)

// A series is what all runs of one sender took.
type series struct {
	name string
	runs []measurement
}

func (s *series) add(m measurement) { s.runs = append(s.runs, m) }

// median of a value over the runs; of an even number the upper of the middle two.
func (s *series) median(value func(measurement) float64) float64 {
	return s.sorted(value)[len(s.runs)/2]
}

func (s *series) sorted(value func(measurement) float64) []float64 {
	values := make([]float64, len(s.runs))
	for i, m := range s.runs {
		values[i] = value(m)
	}
	slices.Sort(values)
	return values
}

func seconds(d time.Duration) float64      { return max(d.Seconds(), 1e-6) }
func wallSeconds(m measurement) float64    { return seconds(m.wall) }
func cpuSeconds(m measurement) float64     { return seconds(m.cpu) }
func peakMegabytes(m measurement) float64  { return float64(m.peak) / megabyte }
func arrivedRecords(m measurement) float64 { return float64(m.records) }

// A result is what was measured of one type.
type result struct {
	kind            string
	totals          generate.Totals
	peer, collector series
}

func (r *result) print(w io.Writer) error {
	size := float64(r.totals.Bytes) / megabyte
	fmt.Fprintf(w, "\n%s: %.1f MB, %d rows; medians of %d runs\n", r.kind, size, r.totals.Rows, len(r.collector.runs))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\twall s\tfrom\tto\tMB/s\trows/s\tCPU s\tMB/CPU s\tpeak MB\trecords\t")
	for _, s := range []*series{&r.peer, &r.collector} {
		wall, cpu, all := s.median(wallSeconds), s.median(cpuSeconds), s.sorted(wallSeconds)
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.2f\t%.0f\t%.1f\t%.0f\t\n", s.name, wall, all[0], all[len(all)-1],
			size/wall, float64(r.totals.Rows)/wall, cpu, size/cpu, s.median(peakMegabytes), s.median(arrivedRecords))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	ratio := r.collector.median(wallSeconds) / r.peer.median(wallSeconds)
	if kinds[r.kind].tool != nil {
		fmt.Fprintf(w, "the whole way to Kafka %.1f × as fast as %s prints CSV\n", 1/ratio, r.peer.name)
	} else {
		fmt.Fprintf(w, "wall time %.2f × kcat's, goal ≤ %.2f: %s\n", ratio, goalWall, verdict(ratio <= goalWall))
	}
	switch r.kind {
	case "flow":
		rate := size / r.collector.median(cpuSeconds)
		fmt.Fprintf(w, "%.0f MB a CPU second, goal ≥ %d: %s\n", rate, goalCPU, verdict(rate >= goalCPU))
	case "nfcapd":
		rate := float64(r.totals.Rows) / r.collector.median(wallSeconds)
		fmt.Fprintf(w, "%.0f flows a second, goal ≥ %d: %s\n", rate, goalFlows, verdict(rate >= goalFlows))
	}
	peaks := r.collector.sorted(peakMegabytes)
	highest := peaks[len(peaks)-1] // a limit is a limit in every run
	_, err := fmt.Fprintf(w, "peak memory %.1f MB, goal ≤ %d: %s\n", highest, goalPeak, verdict(highest <= goalPeak))
	return err
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}
