// Command demo shows the collector at work, with nothing installed but Go:
//
//	go run ./scripts/demo
//
// It starts a Kafka inside this process, makes realistic flow, DNS and proxy input, runs
// the real collector on it, and prints what arrived, decoded, with totals that are
// compared with those of the input. It exits with 1 if they differ.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"spot-ingest/pkg/codec"
	"spot-ingest/scripts/generate"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const (
	rows       = 50_000
	partitions = 3
	timeLimit  = 5 * time.Minute
)

// A pipeline is one type of data on its way from a generated file to a topic.
type pipeline struct {
	name     string
	file     string
	generate func(io.Writer, generate.Options) (generate.Totals, error)
	// args are further options: without conversion for what converters would print.
	args []string
}

var pipelines = []pipeline{
	{"flow", "nfcapd.201803200900.csv", generate.Flow, []string{"--skip-conversion"}},
	{"dns", "resolver.pcap.csv", generate.DNS, []string{"--skip-conversion"}},
	{"proxy", "proxy.log", generate.Proxy, nil},
}

func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "spot-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	fmt.Fprintln(out, "Building the collector ...")
	collector := filepath.Join(dir, "collector")
	if err := build(ctx, collector); err != nil {
		return err
	}
	var topics []string
	for _, p := range pipelines {
		topics = append(topics, "SPOT-"+strings.ToUpper(p.name))
	}
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...))
	if err != nil {
		return fmt.Errorf("start an in-process Kafka: %w", err)
	}
	defer kafka.Close()
	fmt.Fprintf(out, "An in-process Kafka listens on %s.\n", kafka.ListenAddrs()[0])
	if err := configure(dir, kafka.ListenAddrs()[0]); err != nil {
		return err
	}
	for i, p := range pipelines {
		if err := p.show(ctx, out, dir, collector, kafka, topics[i]); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Fprintln(out, "\nEvery row that was made has arrived, once.")
	return nil
}

func build(ctx context.Context, path string) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./collector")
	cmd.Dir = strings.TrimSpace(string(root))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// configure writes the ingest_conf.json that the collectors are run with.
func configure(dir, kafka string) error {
	type object = map[string]any
	all := object{}
	for _, p := range pipelines {
		in := filepath.Join(dir, p.name)
		if err := os.Mkdir(in, 0o755); err != nil {
			return err
		}
		all[p.name] = object{"type": p.name, "collector_path": in, "local_staging": dir, "quiet_seconds": 0.1}
	}
	conf, err := json.MarshalIndent(object{
		"state_dir": filepath.Join(dir, "state"),
		"kafka":     object{"kafka_server": kafka, "max_request_size": 1 << 20},
		"pipelines": all,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ingest_conf.json"), conf, 0o644)
}

// show makes a pipeline's input, has it collected, and prints what arrived.
func (p pipeline) show(ctx context.Context, out io.Writer, dir, collector string, kafka *kfake.Cluster, topic string) error {
	f, err := os.Create(filepath.Join(dir, p.name, p.file))
	if err != nil {
		return err
	}
	made, err := p.generate(f, generate.Options{Seed: 1, Rows: rows, Odd: true})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("make input: %w", err)
	}
	args := append([]string{"-t", p.name, "--topic", topic, "--once", "--log-level", "ERROR"}, p.args...)
	fmt.Fprintf(out, "\n$ collector %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, collector, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	got, err := consume(ctx, kafka, topic)
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	fmt.Fprintf(out, "Kafka has %d rows in %d records on %d partitions; %d rows were made. The first record:\n",
		got.rows, got.records, len(got.partitions), made.Rows)
	fmt.Fprintf(out, "  %s  spot.source=%s  spot.rows=%s\n", got.first.Timestamp.UTC().Format(time.RFC3339), header(got.first, "spot.source"), header(got.first, "spot.rows"))
	for _, row := range got.sample {
		fmt.Fprintf(out, "  %s\n", row)
	}
	if got.rows != made.Rows || got.bytes != made.RowBytes {
		return fmt.Errorf("%d rows (%d bytes) arrived of %d (%d bytes)", got.rows, got.bytes, made.Rows, made.RowBytes)
	}
	return nil
}

// An arrival is what a topic holds.
type arrival struct {
	records, rows, bytes int64
	partitions           map[int32]bool
	first                *kgo.Record
	sample               []string // the first rows of the first record
}

func consume(ctx context.Context, kafka *kfake.Cluster, topic string) (*arrival, error) {
	var records int64
	for p := range int32(partitions) {
		records += kafka.PartitionInfo(topic, p).HighWatermark
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	got := &arrival{partitions: make(map[int32]bool)}
	for got.records < records {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, r := range fetches.Records() {
			if err := got.add(r); err != nil {
				return nil, err
			}
		}
	}
	if got.first == nil {
		return nil, fmt.Errorf("topic %s is empty", topic)
	}
	return got, nil
}

func (a *arrival) add(r *kgo.Record) error {
	rows, err := codec.Decode(r.Value)
	if err != nil {
		return err
	}
	isFirst := a.first == nil || r.Timestamp.Before(a.first.Timestamp)
	if isFirst {
		a.first, a.sample = r, nil
	}
	for row := range rows.All() {
		a.rows++
		a.bytes += int64(len(row))
		if isFirst && len(a.sample) < 3 {
			a.sample = append(a.sample, string(row))
		}
	}
	a.records++
	a.partitions[r.Partition] = true
	return nil
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
