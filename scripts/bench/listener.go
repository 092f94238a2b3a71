package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"spot-ingest/scripts/generate"
	"spot-ingest/scripts/internal/stack"
)

const listenerUsage = `usage: go run ./scripts/bench listener [-rows N] [-peers spark,duckdb] [-messages N] [-kafka V] [-runs N] [-collector PATH] [-listener PATH]

Lets the collector fill a topic with flow rows, and the listener, Spark and
DuckDB (from a local file) write them into partitioned Parquet, in turn. Checks
that all wrote the same rows. Then measures the time from a message's being
published to its row's being readable.

`

type listenerOptions struct {
	rows                int64
	peers               []string
	messages            int // of which the latency is measured
	kafka               string
	runs                int
	collector, listener string // empty: built from source
}

func parseListener(args []string, stdout io.Writer) (listenerOptions, error) {
	var o listenerOptions
	flags := flag.NewFlagSet("bench listener", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by main
	flags.Usage = func() {}
	flags.Int64Var(&o.rows, "rows", 4_500_000, "`number` of flow rows")
	peers := flags.String("peers", "spark,duckdb", "`peers` to compare with")
	flags.IntVar(&o.messages, "messages", 20, "`number` of messages whose latency is measured")
	flags.StringVar(&o.kafka, "kafka", "4.3.1", "`version` of Kafka")
	flags.IntVar(&o.runs, "runs", 3, "measured `runs` of each")
	flags.StringVar(&o.collector, "collector", "", "`path` of a collector (default: built from source)")
	flags.StringVar(&o.listener, "listener", "", "`path` of a listener (default: built from source)")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, listenerUsage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	}
	o.peers = strings.FieldsFunc(*peers, func(r rune) bool { return r == ',' })
	switch {
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rows < 1 || o.runs < 1 || o.messages < 1:
		return o, fmt.Errorf("-rows %d -runs %d -messages %d: want at least 1", o.rows, o.runs, o.messages)
	}
	for _, peer := range o.peers {
		if peer != "spark" && peer != "duckdb" {
			return o, fmt.Errorf("-peers %s: %q is none of spark, duckdb", *peers, peer)
		}
	}
	return o, nil
}

// A listening is the listener's benchmark: a filled topic, and who takes it into tables.
type listening struct {
	broker *stack.Broker
	dir    string
	// file holds the rows that the topic holds.
	file, topic string
	partitions  int
	totals      generate.Totals
	listener    string
	spark       []string // spark-submit with its arguments; nil: not wanted
	scripts     string   // folder of the peers' programs
	tables      int      // made so far; each run has its own
}

// runListener prepares all that isn't measured: programs, broker, rows, topic.
func runListener(ctx context.Context, o listenerOptions, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "spot-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &listening{dir: dir, file: filepath.Join(dir, "flow", "flow.csv"), topic: "bench", partitions: partitions}
	if b.scripts, err = writePeers(dir); err != nil {
		return err
	}
	if slices.Contains(o.peers, "spark") {
		if b.spark, err = sparkSubmit(ctx, dir); err != nil {
			return err
		}
	}
	if o.collector, err = prepare(ctx, "collector", o.collector, dir); err != nil {
		return err
	}
	if b.listener, err = prepare(ctx, "listener", o.listener, dir); err != nil {
		return err
	}
	if b.broker, err = stack.StartKafka(ctx, stack.Kafka{Version: o.kafka}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.broker.Close()) }()
	fmt.Fprintf(stdout, "kafka %s, %d CPUs, %s\n", o.kafka, runtime.NumCPU(), runtime.GOARCH)
	messages, err := b.fill(ctx, o.collector, o.rows)
	if err != nil {
		return fmt.Errorf("fill the topic: %w", err)
	}
	r := &listenerResult{totals: b.totals, messages: messages}
	if r.series, err = b.measureAll(ctx, o); err != nil {
		return err
	}
	if err := r.print(stdout); err != nil {
		return err
	}
	delays, err := b.latency(ctx, o.messages)
	if err != nil {
		return fmt.Errorf("measure the latency: %w", err)
	}
	return printLatency(stdout, delays)
}

// fill generates the rows and lets the collector send them.
func (b *listening) fill(ctx context.Context, collector string, rows int64) (messages int64, err error) {
	if err := os.Mkdir(filepath.Dir(b.file), 0o755); err != nil {
		return 0, err
	}
	file, err := os.Create(b.file)
	if err != nil {
		return 0, err
	}
	b.totals, err = generate.Flow(file, generate.Options{Seed: 1, Rows: rows, Bare: true})
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	old := time.Now().Add(-time.Hour) // finished: the collector need not wait
	if err := os.Chtimes(b.file, old, old); err != nil {
		return 0, err
	}
	if err := b.broker.CreateTopic(b.topic, b.partitions, nil); err != nil {
		return 0, err
	}
	sender := &bench{broker: b.broker, collector: collector}
	in := &input{kind: kinds["flow"], folder: filepath.Dir(b.file), totals: b.totals}
	work := filepath.Join(b.dir, "fill")
	if err := os.Mkdir(work, 0o700); err != nil {
		return 0, err
	}
	cmd, err := sender.collectorCommand(ctx, in, b.topic, work)
	if err != nil {
		return 0, err
	}
	if _, err := measure(cmd, filepath.Join(work, "output")); err != nil {
		return 0, err
	}
	got, err := consume(ctx, b.broker.Addr(), b.topic, b.partitions)
	if err != nil {
		return 0, err
	}
	return got.records, verifyRows(in, got)
}

// A writer runs one program that writes a table.
type writer struct {
	name    string
	command func(ctx context.Context, work string) (cmd *exec.Cmd, table string, err error)
}

// measureAll runs the writers in turn, each time in another order, so that none always
// finds what the same other has left behind.
func (b *listening) measureAll(ctx context.Context, o listenerOptions) ([]series, error) {
	writers := []writer{{"listener", b.listenerCommand}}
	for _, peer := range o.peers {
		writers = append(writers, map[string]writer{
			"spark":  {"spark", b.sparkCommand},
			"duckdb": {"duckdb", b.duckdbCommand},
		}[peer])
	}
	all := make([]series, len(writers))
	var first, firstSum string // who wrote what all others must write
	for run := range o.runs {
		for i := range writers {
			which := (i + run) % len(writers)
			w := writers[which]
			m, sum, err := b.runOnce(ctx, w)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			if first == "" {
				first, firstSum = w.name, sum
			} else if sum != firstSum {
				return nil, fmt.Errorf("%s wrote other rows than %s: %s instead of %s", w.name, first, sum, firstSum)
			}
			all[which].name = w.name
			all[which].add(m)
		}
	}
	return all, nil
}

// runOnce lets a program write a fresh table, and sums up what is in it.
func (b *listening) runOnce(ctx context.Context, w writer) (m measurement, sum string, err error) {
	b.tables++
	work := filepath.Join(b.dir, fmt.Sprintf("table-%d", b.tables))
	if err := os.Mkdir(work, 0o700); err != nil {
		return m, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	cmd, table, err := w.command(ctx, work)
	if err != nil {
		return m, "", err
	}
	unix.Sync() // what was written before is on the disk when the clock starts
	output := filepath.Join(work, "output")
	if m, err = measure(cmd, output); err != nil {
		return m, "", err
	}
	m.work = m.wall
	if w.name != "listener" {
		if m.work, err = workOf(output); err != nil {
			return m, "", err
		}
	}
	if m.files, m.size, err = tableSize(table); err != nil {
		return m, "", err
	}
	sum, err = b.sum(ctx, table)
	if err != nil {
		return m, "", err
	}
	var rows int64
	if _, err := fmt.Sscan(sum, &rows); err != nil || rows != b.totals.Rows {
		return m, "", fmt.Errorf("%d rows are in its table, the topic has %d (%v); the end of its output:\n%s", rows, b.totals.Rows, err, lastOf(output))
	}
	return m, sum, nil
}

// warehouseOf is where a run alone has its tables, and the folder of the one it writes.
func warehouseOf(work string) (warehouse, table string) {
	warehouse = filepath.Join(work, "warehouse")
	return warehouse, filepath.Join(warehouse, "flow", "hive")
}

// listenerConf writes a configuration and returns its path.
func (b *listening) listenerConf(work, warehouse string, spark map[string]any) (string, error) {
	host, port, err := net.SplitHostPort(b.broker.Addr())
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(map[string]any{
		"dbname":          "spot",
		"hdfs_app_path":   warehouse,
		"spark-streaming": spark,
		"kafka":           map[string]any{"kafka_server": host, "kafka_port": port},
		"pipelines":       map[string]any{"flow": map[string]any{"type": "flow", "collector_path": work, "local_staging": work}},
	}, "", "  ")
	if err != nil {
		return "", err
	}
	conf := filepath.Join(work, "ingest_conf.json")
	return conf, os.WriteFile(conf, text, 0o600)
}

func (b *listening) listenerCommand(ctx context.Context, work string) (*exec.Cmd, string, error) {
	warehouse, table := warehouseOf(work)
	conf, err := b.listenerConf(work, warehouse, map[string]any{})
	if err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, b.listener, "-t", "flow", "--topic", b.topic, "-p", fmt.Sprint(runtime.NumCPU()),
		"--master", "local", "-c", conf, "--from", "earliest", "--once", "-g", filepath.Base(work))
	cmd.Dir, cmd.Env = work, append(os.Environ(), "TZ=UTC")
	return cmd, table, nil
}
