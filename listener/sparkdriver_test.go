package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse"
	"spot-ingest/listener/internal/warehouse/parquet"
	"spot-ingest/pkg/codec"
	"spot-ingest/pkg/config"
)

// The tests have a spark-submit that runs this test binary, told to be the driver of the job:
// a program that asks the partner what the real driver asks, and is its own executor.
const beDriver = "SPOT_TEST_BE_DRIVER"

// driverLoses is set where what the executors write is not there for the driver.
const driverLoses = "SPOT_TEST_DRIVER_LOSES"

// withDriver puts the tests' spark-submit on the PATH, and returns the arguments by which a
// listener takes it.
func (s *site) withDriver() []string {
	s.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.MkdirAll(s.path("bin"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec %s \"$@\"\n", beDriver, exe)
	if err := os.WriteFile(s.path("bin", "spark-submit"), []byte(script), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+s.path("bin")+":"+os.Getenv("PATH"))
	s.conf["hdfs_app_path"] = "file://" + s.path("warehouse")
	s.set("spark_packages", "none")
	return []string{"-m", "spark://127.0.0.1:7077"}
}

// A driver is the tests' driver.
type driver struct {
	job struct {
		Partner []string
		Kafka   struct{ Servers, Topic string }
		Table   string
		Batch   float64 `json:"batch_seconds"`
		Once    bool
	}
	requests io.WriteCloser
	answers  *bufio.Scanner
	partner  *exec.Cmd
}

// beTheDriver is what the spark-submit of the tests does. It returns the exit code.
func beTheDriver() int {
	os.Unsetenv(beDriver) // the partner is a listener
	d := &driver{}
	if err := d.begin(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		return 1
	}
	code, err := d.run()
	_ = d.requests.Close()
	if waitErr := d.partner.Wait(); err == nil && code == 0 {
		err = waitErr
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		return 1
	}
	return code
}

func (d *driver) begin(args []string) error {
	at := slices.Index(args, "--job")
	if at < 0 || at+1 == len(args) {
		return fmt.Errorf("no --job in %q", args)
	}
	text, err := os.ReadFile(args[at+1])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &d.job); err != nil {
		return err
	}
	d.partner = exec.Command(d.job.Partner[0], d.job.Partner[1:]...)
	d.partner.Stdout, d.partner.Stderr = os.Stdout, os.Stderr
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer write.Close()
	d.answers = bufio.NewScanner(read)
	d.partner.ExtraFiles = []*os.File{write} // fd 3
	if d.requests, err = d.partner.StdinPipe(); err != nil {
		return err
	}
	return d.partner.Start()
}

type given struct {
	End        *int
	Partitions []int32
	Offsets    map[string]int64
	Until      map[string]int64
	Alive, OK  *bool
	Folder     string
	Known      []string
}

func (d *driver) ask(request map[string]any) (given, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return given{}, err
	}
	if _, err := fmt.Fprintf(d.requests, "%s\n", text); err != nil {
		return given{}, err
	}
	if !d.answers.Scan() {
		return given{}, errors.Join(errors.New("the partner is gone"), d.answers.Err())
	}
	var g given
	return g, json.Unmarshal(d.answers.Bytes(), &g)
}

// run asks for partitions and reads them, until the partner says that the job is over.
func (d *driver) run() (int, error) {
	for {
		g, err := d.ask(map[string]any{"do": "next"})
		if err != nil {
			return 0, err
		}
		if g.End != nil {
			return *g.End, nil
		}
		end, err := d.query(g)
		if err != nil || end != nil {
			if end != nil {
				return *end, err
			}
			return 0, err
		}
	}
}

// query reads batches from where the partner says until it isn't to go on.
func (d *driver) query(g given) (end *int, err error) {
	at := map[string]map[int32]kgo.Offset{d.job.Kafka.Topic: {}}
	next := make(map[int32]int64)
	for text, offset := range g.Offsets {
		p, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		at[d.job.Kafka.Topic][int32(p)] = kgo.NewOffset().At(offset)
		next[int32(p)] = offset
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.job.Kafka.Servers, ",")...), kgo.ConsumePartitions(at),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for {
		messages := d.gather(client, next, g.Until)
		a, err := d.ask(map[string]any{"do": "alive"})
		if err != nil || a.End != nil {
			return a.End, err
		}
		if !*a.Alive {
			return nil, nil
		}
		if len(messages) > 0 {
			if a, err = d.batch(messages); err != nil || a.End != nil {
				return a.End, err
			}
			if !*a.OK {
				return nil, nil
			}
		}
		if g.Until != nil && (len(messages) == 0 || read(next, g.Until)) {
			return nil, nil // as Spark ends when it finds nothing more
		}
	}
}

func read(next map[int32]int64, until map[string]int64) bool {
	for p, offset := range next {
		if offset < until[fmt.Sprint(p)] {
			return false
		}
	}
	return true
}

// gather takes what comes within the time of a batch.
func (d *driver) gather(client *kgo.Client, next map[int32]int64, until map[string]int64) (messages []*kgo.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(d.job.Batch*float64(time.Second)))
	defer cancel()
	for ctx.Err() == nil && (until == nil || !read(next, until)) {
		for _, r := range client.PollFetches(ctx).Records() {
			messages = append(messages, r)
			next[r.Partition] = r.Offset + 1
		}
	}
	return messages
}

func (d *driver) batch(messages []*kgo.Record) (given, error) {
	ids := make(map[string]bool)
	parts := make(map[string][2]int64)
	for _, r := range messages {
		if id := idOf(r); id != "" {
			ids[id] = true
		}
		p := fmt.Sprint(r.Partition)
		if span, ok := parts[p]; !ok {
			parts[p] = [2]int64{r.Offset, r.Offset + 1}
		} else {
			parts[p] = [2]int64{min(span[0], r.Offset), max(span[1], r.Offset+1)}
		}
	}
	g, err := d.ask(map[string]any{"do": "batch", "ids": slices.Sorted(maps.Keys(ids))})
	if err != nil || g.End != nil {
		return g, err
	}
	e := executor{kind: config.Type(d.job.Table), folder: strings.TrimPrefix(g.Folder, "file://"), topic: d.job.Kafka.Topic, seen: make(map[string]bool)}
	for _, id := range g.Known {
		e.seen[id] = true
	}
	if err := e.write(messages); err != nil {
		return g, err
	}
	return d.ask(map[string]any{
		"do": "commit", "parts": parts, "messages": len(messages), "repeats": e.repeats, "bad_messages": e.badMessages, "rows": e.rows, "ids": e.ids,
	})
}

func idOf(r *kgo.Record) string {
	for _, h := range r.Headers {
		if id, err := hex.DecodeString(string(h.Value)); h.Key == "spot.segment" && err == nil && len(id) == 16 {
			return string(h.Value)
		}
	}
	return ""
}

// An executor writes a batch's rows as Spark's would.
type executor struct {
	kind                 config.Type
	folder, topic        string
	seen                 map[string]bool
	ids                  []string
	repeats, badMessages int
	rows                 int64
}

func (e *executor) write(messages []*kgo.Record) error {
	temporary, err := os.MkdirTemp("", "executor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	house := warehouse.New(warehouse.Options{
		Table: table.Of(e.kind), Folder: temporary, Codec: parquet.Snappy, CreatedBy: "executor", RowGroup: 1000, Memory: 1 << 20, OpenFiles: 10,
	})
	batch := &batch{topic: e.topic, files: house.Batch("part")}
	w := newWorker(table.Of(e.kind), table.Of(e.kind).NewParser(time.UTC))
	for _, r := range messages {
		t := task{m: &consume.Message{Partition: int(r.Partition), Offset: r.Offset, Value: r.Value}}
		t.rows, t.bad = codec.Decode(r.Value)
		if t.bad == nil {
			if id := idOf(r); e.seen[id] {
				e.repeats++
				continue
			} else if id != "" {
				e.seen[id] = true
				e.ids = append(e.ids, id)
			}
		} else {
			e.badMessages++
		}
		if err := w.message(batch, t); err != nil {
			return err
		}
	}
	e.rows = batch.rows.Load()
	files, err := batch.files.Finish(1)
	if err != nil {
		return err
	}
	if os.Getenv(driverLoses) != "" {
		return nil
	}
	for i, f := range files {
		to := filepath.Join(e.folder, "table", strings.TrimPrefix(filepath.Dir(f.Final), "hive/"), fmt.Sprintf("part-%05d.parquet", i))
		if strings.HasPrefix(f.Final, "dead_letter/") {
			to = filepath.Join(e.folder, "letters", "part-00000")
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(temporary, f.Staged))
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(e.folder, "table"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(e.folder, "table", "_SUCCESS"), nil, 0o644)
}
