// Command bench measures how fast the collector brings CSV to a real Kafka broker, side by
// side with kcat, which sends the same bytes as ready-made messages of 1 MB and so shows
// what broker and machine can take; and how fast it brings nfcapd files and captures there,
// side by side with nfdump and tshark, which do no more than print their CSV:
//
//	go run ./scripts/bench -size 200 -types flow,dns,proxy,nfcapd,pcap -runs 3
//
// It needs Java, Maven, kcat, nfdump and tshark. A MB is 10^6 bytes everywhere. The size of
// an nfcapd file's input is that of the rows in it.
//
// And it measures how fast the listener brings rows from there into partitioned Parquet,
// side by side with Spark, which does the same, and DuckDB, which reads a local file, and
// how soon they can be read:
//
//	go run ./scripts/bench listener -rows 4500000 -runs 3
//
// This needs Python 3 with the packages of scripts/integration/testdata/readers/requirements.txt.
//
// And it measures how both of the listener's engines scale, onto a local folder and HDFS:
//
//	go run ./scripts/bench scale -rows 4000000
//
// This needs Java, Maven and, on the PATH, the spark-submit of pyspark.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"spot-ingest/scripts/internal/stack"
)

const usage = `usage: go run ./scripts/bench [-size MB] [-types flow,dns,proxy,nfcapd,pcap] [-kafka V] [-runs N] [-collector PATH]

Sends generated CSV to a broker started for it, by kcat and by the collector in
turn, and nfcapd files and captures by the collector, with nfdump and tshark to
compare. Checks that every row has arrived, and prints medians beside the goals.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	start, err := command(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	default:
		if err := start(ctx, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

// command returns what the arguments ask for.
func command(args []string, stdout io.Writer) (func(context.Context, io.Writer) error, error) {
	if len(args) > 0 && args[0] == "listener" {
		o, err := parseListener(args[1:], stdout)
		return func(ctx context.Context, w io.Writer) error { return runListener(ctx, o, w) }, err
	}
	if len(args) > 0 && args[0] == "scale" {
		o, err := parseScale(args[1:], stdout)
		return func(ctx context.Context, w io.Writer) error { return runScale(ctx, o, w) }, err
	}
	o, err := parse(args, stdout)
	return func(ctx context.Context, w io.Writer) error { return run(ctx, o, w) }, err
}

type options struct {
	size      int64 // bytes of each input
	types     []string
	kafka     string
	runs      int
	collector string // empty: built from source
}

func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by main
	flags.Usage = func() {}
	megabytes := flags.Int64("size", 200, "`MB` of input a type")
	types := flags.String("types", "flow,dns,proxy,nfcapd,pcap", "`types` to measure")
	flags.StringVar(&o.kafka, "kafka", "4.3.1", "`version` of Kafka")
	flags.IntVar(&o.runs, "runs", 3, "measured `runs` of each sender")
	flags.StringVar(&o.collector, "collector", "", "`path` of a collector (default: built from source)")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	}
	o.size, o.types = *megabytes*megabyte, strings.Split(*types, ",")
	switch {
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *megabytes < 1:
		return o, fmt.Errorf("-size %d: want at least 1", *megabytes)
	case o.runs < 1:
		return o, fmt.Errorf("-runs %d: want at least 1", o.runs)
	}
	for _, t := range o.types {
		if _, known := kinds[t]; !known {
			return o, fmt.Errorf("-types %s: %q is none of flow, dns, proxy, nfcapd, pcap", *types, t)
		}
	}
	return o, nil
}

// run prepares all that isn't measured: programs, broker and, a type at a time, input.
func run(ctx context.Context, o options, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "spot-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kcat, err := exec.LookPath("kcat")
	if err != nil {
		return fmt.Errorf("find kcat (Debian's package kcat): %w", err)
	}
	if o.collector, err = prepare(ctx, "collector", o.collector, dir); err != nil {
		return err
	}
	broker, err := stack.StartKafka(ctx, stack.Kafka{Version: o.kafka, Properties: map[string]string{
		// More than a message, so that kcat may put several into a batch if it likes.
		"message.max.bytes": fmt.Sprint(maxBatch),
		// Deleted topics free their disk space soon.
		"log.segment.delete.delay.ms": "1000",
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	fmt.Fprintf(stdout, "kafka %s, %d CPUs, %s\n", o.kafka, runtime.NumCPU(), runtime.GOARCH)
	b := &bench{broker: broker, dir: dir, kcat: kcat, collector: o.collector}
	for _, t := range o.types {
		result, err := b.measureType(ctx, t, o.size, o.runs)
		if err != nil {
			return fmt.Errorf("measure %s: %w", t, err)
		}
		if err := result.print(stdout); err != nil {
			return err
		}
	}
	return nil
}

// prepare returns the absolute path of a program of ours, since it runs elsewhere. Without a
// path it is built.
func prepare(ctx context.Context, name, path, dir string) (string, error) {
	if path != "" {
		return filepath.Abs(path)
	}
	path = filepath.Join(dir, name)
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "spot-ingest/"+name).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the %s: %w\n%s", name, err, out)
	}
	return path, nil
}
