package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"spot-ingest/scripts/internal/stack"
)

const scaleUsage = `usage: go run ./scripts/bench scale [-rows N] [-partitions N] [-runs N] [-kafka V] [-collector PATH] [-listener PATH]

Lets the collector fill a topic with flow rows, and writes them into tables: by
1, 2 and 4 listeners of one group, each on one core, into a local folder and
into HDFS, and by Spark with 1 and 2 workers of one core, into HDFS. Checks
that each table has all rows, and prints what each took as a table in Markdown.

`

type scaleOptions struct {
	rows                int64
	partitions          int
	runs                int
	kafka               string
	collector, listener string // empty: built from source
}

func parseScale(args []string, stdout io.Writer) (scaleOptions, error) {
	var o scaleOptions
	flags := flag.NewFlagSet("bench scale", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by main
	flags.Usage = func() {}
	flags.Int64Var(&o.rows, "rows", 4_000_000, "`number` of flow rows")
	flags.IntVar(&o.partitions, "partitions", 12, "`number` of the topic's partitions")
	flags.IntVar(&o.runs, "runs", 1, "measured `runs` of each")
	flags.StringVar(&o.kafka, "kafka", "4.3.1", "`version` of Kafka")
	flags.StringVar(&o.collector, "collector", "", "`path` of a collector (default: built from source)")
	flags.StringVar(&o.listener, "listener", "", "`path` of a listener (default: built from source)")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, scaleUsage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	}
	switch most := mostListeners(); {
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rows < 1 || o.runs < 1:
		return o, fmt.Errorf("-rows %d -runs %d: want at least 1", o.rows, o.runs)
	case o.partitions < most:
		return o, fmt.Errorf("-partitions %d: want at least %d, one for each listener", o.partitions, most)
	}
	return o, nil
}

// A setup is who writes a table, and where.
type setup struct {
	engine  string // embedded or spark
	members int    // listeners of one group, or workers
	place   string // local or HDFS
}

// setups are measured in this order: of those of a place the single listener first, to which the
// others are compared.
var setups = []setup{
	{embedded, 1, local}, {embedded, 2, local}, {embedded, 4, local},
	{embedded, 1, onHDFS}, {embedded, 2, onHDFS}, {embedded, 4, onHDFS},
	{bySpark, 1, onHDFS}, {bySpark, 2, onHDFS},
}

const (
	embedded, bySpark = "embedded", "spark"
	local, onHDFS     = "local", "HDFS"
)

func mostListeners() (most int) {
	for _, s := range setups {
		if s.engine == embedded {
			most = max(most, s.members)
		}
	}
	return most
}

// A scaling is the benchmark of both engines: two filled topics, and what the engines need.
type scaling struct {
	// few is a topic with a part of the rows of all. What few take tells what comes once, with
	// the start, and what with each row.
	few, all *listening
	tables   int // made so far; each run has its own
	hdfs     *stack.FileSystem
	spark    stack.Spark
	jars     []string
	cluster  *stack.RunningSparkCluster // nil before the first job
}

// fewPart is how many times more rows all has than few.
const fewPart = 10

// groupDelay is how long Kafka waits for more members when the first of a group has come, so
// that each has its share from the beginning. Kafka's own default is 3 s.
const groupDelay = 2 * time.Second

// runScale prepares all that isn't measured: programs, broker, HDFS, rows, topic.
func runScale(ctx context.Context, o scaleOptions, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "spot-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &scaling{}
	if b.spark, err = stack.FindSpark(ctx); err != nil {
		return err
	}
	if b.jars, err = stack.SparkKafkaJars(ctx, b.spark.Version); err != nil {
		return err
	}
	if o.collector, err = prepare(ctx, "collector", o.collector, dir); err != nil {
		return err
	}
	if o.listener, err = prepare(ctx, "listener", o.listener, dir); err != nil {
		return err
	}
	broker, err := stack.StartKafka(ctx, stack.Kafka{Version: o.kafka, Properties: map[string]string{
		"group.initial.rebalance.delay.ms": fmt.Sprint(groupDelay.Milliseconds()),
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	if b.hdfs, err = stack.StartHDFS(ctx, stack.HDFS{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.hdfs.Close()) }()
	defer func() { err = errors.Join(err, b.closeCluster()) }()
	r := &scaleResult{versions: fmt.Sprintf("kafka %s, hadoop %s, spark %s, %d CPUs, %s", o.kafka, stack.HDFSVersion, b.spark.Version, runtime.NumCPU(), runtime.GOARCH)}
	if b.few, _, err = fillScale(ctx, o, broker, filepath.Join(dir, "few"), max(o.rows/fewPart, 1)); err != nil {
		return err
	}
	if b.all, r.messages, err = fillScale(ctx, o, broker, filepath.Join(dir, "all"), o.rows); err != nil {
		return err
	}
	r.few, r.totals, r.partitions = b.few.totals.Rows, b.all.totals, o.partitions
	return b.measureSetups(ctx, o.runs, r, stdout)
}

// fillScale fills a topic that is called as the folder.
func fillScale(ctx context.Context, o scaleOptions, broker *stack.Broker, dir string, rows int64) (*listening, int64, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, 0, err
	}
	b := &listening{broker: broker, dir: dir, file: filepath.Join(dir, "flow", "flow.csv"), topic: filepath.Base(dir), partitions: o.partitions, listener: o.listener}
	messages, err := b.fill(ctx, o.collector, rows)
	if err != nil {
		return nil, 0, fmt.Errorf("fill topic %s: %w", b.topic, err)
	}
	return b, messages, nil
}

// A cost is what one setup took, for few rows and for all.
type cost struct{ few, all series }

// measureSetups runs the setups, and prints what each took when it is known.
func (b *scaling) measureSetups(ctx context.Context, runs int, r *scaleResult, stdout io.Writer) error {
	r.printHead(stdout, runs)
	for _, s := range setups {
		var c cost
		for range runs {
			few, err := b.runSetup(ctx, s, b.few)
			if err != nil {
				return fmt.Errorf("%s on %s, few rows: %w", s.name(), s.place, err)
			}
			all, err := b.runSetup(ctx, s, b.all)
			if err != nil {
				return fmt.Errorf("%s on %s, all rows: %w", s.name(), s.place, err)
			}
			c.few.add(few)
			c.all.add(all)
		}
		r.costs = append(r.costs, c)
		r.printLast(stdout)
	}
	_, err := fmt.Fprint(stdout, scaleNotes)
	return err
}

func (b *scaling) closeCluster() error {
	if b.cluster == nil {
		return nil
	}
	return b.cluster.Close()
}
