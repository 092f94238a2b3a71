// Command demo shows the collector at work, with nothing installed but Go:
//
//	go run ./scripts/demo
//
// It starts a Kafka inside this process, makes a realistic nfcapd file, a capture of DNS
// traffic and a proxy log, runs the real collector on them, and prints what arrived,
// decoded, with totals that are compared with those of the input. It exits with 1 if they
// differ. The collector finds no program on its PATH, so neither nfdump nor tshark.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
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
	generate func(*os.File, generate.Options) (generate.Totals, error)
}

var pipelines = []pipeline{
	{"flow", "nfcapd.201803200900", nfcapd},
	{"dns", "resolver.pcap", capture},
	{"proxy", "proxy.log", proxy},
}

func nfcapd(f *os.File, o generate.Options) (generate.Totals, error) {
	return generate.Nfcapd(f, generate.NfcapdOptions{Options: o, Compression: generate.LZO})
}

func capture(f *os.File, o generate.Options) (generate.Totals, error) {
	t, err := generate.Capture(f, generate.CaptureOptions{Options: o})
	return generate.Totals{Rows: t.Rows, RowBytes: t.RowBytes, Bytes: t.Bytes}, err
}

func proxy(f *os.File, o generate.Options) (generate.Totals, error) { return generate.Proxy(f, o) }

func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "spot-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	fmt.Fprintln(out, "Building the collector ...")
	root, err := moduleFolder(ctx)
	if err != nil {
		return err
	}
	collector := filepath.Join(dir, "collector")
	if err := build(ctx, root, collector); err != nil {
		return fmt.Errorf("build the collector: %w", err)
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
	if err := configure(root, dir, kafka.ListenAddrs()[0]); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	for i, p := range pipelines {
		if err := p.show(ctx, out, dir, collector, kafka, topics[i]); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Fprintln(out, "\nEvery row that was made has arrived, once.")
	return nil
}

func moduleFolder(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(root)), nil
}

func build(ctx context.Context, root, path string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./collector")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// configure fills in the ingest_conf.json that comes with the collector: where Kafka is,
// and which folders are watched. All else, as the options for tshark, stays as it is.
func configure(root, dir, kafka string) error {
	shipped, err := os.ReadFile(filepath.Join(root, "ingest_conf.json"))
	if err != nil {
		return err
	}
	type object = map[string]any
	var conf struct {
		StateDir  string            `json:"state_dir"`
		Kafka     object            `json:"kafka"`
		Pipelines map[string]object `json:"pipelines"`
	}
	if err := json.Unmarshal(shipped, &conf); err != nil {
		return fmt.Errorf("ingest_conf.json: %w", err)
	}
	host, port, err := net.SplitHostPort(kafka)
	if err != nil {
		return err
	}
	conf.StateDir = filepath.Join(dir, "state")
	conf.Kafka["kafka_server"], conf.Kafka["kafka_port"] = host, port
	for name, p := range conf.Pipelines {
		in := filepath.Join(dir, name)
		if err := os.Mkdir(in, 0o755); err != nil {
			return err
		}
		p["collector_path"], p["local_staging"], p["quiet_seconds"] = in, dir, 0.1
	}
	edited, err := json.MarshalIndent(conf, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ingest_conf.json"), edited, 0o644)
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
	args := []string{"-t", p.name, "--topic", topic, "--once", "--log-level", "ERROR"}
	fmt.Fprintf(out, "\n$ collector %s   # finds %s, %d bytes\n", strings.Join(args, " "), p.file, made.Bytes)
	cmd := exec.CommandContext(ctx, collector, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, os.Stderr
	// The rows of DNS hold local time, and are made as of UTC.
	cmd.Env = append(os.Environ(), "PATH=", "TZ=UTC")
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
