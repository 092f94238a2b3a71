package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/listener/internal/warehouse/parquet"
	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
	"spot-ingest/pkg/zone"
)

// A listener is the way of a message: consume fetches it, table makes typed rows of its
// text, warehouse writes them to files in staging, and the commit log makes those visible.
type listener struct {
	args  cli.ListenerArgs
	conf  config.Listener
	kind  config.Type
	topic string
	// folder is the type's: it holds the table, the commit log, staging and dead letters.
	folder string

	log     *logging.Logger // SPOT.INGEST.LISTENER
	root    *logging.Logger
	kafka   *consume.Consumer
	workers []*worker
	house   *warehouse.Warehouse
	commits *commitlog.Log

	fromSaid bool          // that --from does not count
	ends     map[int]int64 // --once: where the topic ended at the start
	total    totals
}

// Limits of memory. What is not here is small, or bounded by the number of workers: each
// may hold a row group that it encodes.
const (
	fetchMemory  = 64 << 20
	bufferMemory = 96 << 20
	rowGroup     = 1 << 17 // rows
	openFiles    = 64
)

// newListener checks all that can be checked before work begins. Its errors are for the
// operator to mend.
func newListener(ctx context.Context, conf *config.Config, args cli.ListenerArgs, log *logging.Logger) (*listener, error) {
	l := &listener{args: args, topic: args.Topic, root: log, log: log.Named("SPOT.INGEST.LISTENER")}
	engine := chooseEngine(args.Master, args.Engine, findSubmit())
	if engine.spark {
		return nil, fmt.Errorf("a Spark job is asked for (%s), which is not started here", engine.why)
	}
	l.log.Info("%s", engine)
	var err error
	if l.conf, err = conf.Listener(); err != nil {
		return nil, err
	}
	pipeline, err := conf.Pipeline(args.Type)
	if err != nil {
		return nil, err
	}
	l.kind = pipeline.Type
	if err := checkPartitions(args.Partitions); err != nil {
		return nil, err
	}
	if unused := sparkOnly(args, l.conf); unused != "" {
		l.log.Info("%s", unused)
	}
	if l.folder, err = l.place(conf); err != nil {
		return nil, err
	}
	if err := l.connect(ctx, conf); err != nil {
		return nil, err
	}
	if err := l.open(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// group is the consumer group, by default of the topic's name.
func (l *listener) group() string {
	if l.args.GroupID != "" {
		return l.args.GroupID
	}
	return l.topic
}

// place returns the type's folder, in which its table lies.
func (l *listener) place(conf *config.Config) (string, error) {
	w, err := conf.Warehouse()
	if err != nil {
		return "", err
	}
	place, err := findPlace(Whereabouts{
		ConfigFile: l.args.ConfigFile, AppPath: w.AppPath, SpotConf: spotConf,
		HadoopConfDir: os.Getenv("HADOOP_CONF_DIR"), Local: isLocal(l.args.Master),
	})
	if err != nil {
		return "", err
	}
	for _, warning := range place.Warnings {
		l.log.Warning("%s", warning)
	}
	folder := filepath.Join(place.Root, string(l.kind))
	l.log.Info("The table lies in %q: %s.", filepath.Join(folder, "hive"), place.Why)
	return folder, nil
}

// connect waits until Kafka answers; for ever, unless the listener runs once.
func (l *listener) connect(ctx context.Context, conf *config.Config) error {
	k, err := conf.Kafka()
	if err != nil {
		return err
	}
	return l.ask(ctx, func(ctx context.Context) (err error) {
		l.kafka, err = consume.Open(ctx, consume.Options{
			Servers: k.Servers, Topic: l.topic, Group: l.group(), ClientID: "spot-listener",
			Log: l.root.Named("SPOT.INGEST.CONSUMER"), Memory: fetchMemory,
		})
		return err
	})
}

// ask puts a question to Kafka, which is asked until it answers; with --once, for a while.
func (l *listener) ask(ctx context.Context, question func(context.Context) error) error {
	if !l.args.Once {
		return question(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, awayAtOnce)
	defer cancel()
	err := question(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("Kafka has given no answer for %v: %w", awayAtOnce, err)
	}
	return err
}

// awayAtOnce is how long --once waits for Kafka before it gives up; tests shorten it.
var awayAtOnce = 60 * time.Second

// open opens the commit log, and makes what writes the files.
func (l *listener) open(ctx context.Context) error {
	var err error
	l.commits, err = commitlog.Open(commitlog.Options{
		Folder: l.folder, Table: string(l.kind), Topic: l.topic, Group: l.group(),
		Now: time.Now, Logger: l.root.Named("SPOT.INGEST.COMMITLOG"), Fault: fault,
	})
	if err != nil {
		return err
	}
	codec, err := parquet.ParseCodec(l.conf.Compression)
	if err != nil {
		return err
	}
	local := zone.Load(zone.Local())
	if local == nil {
		return fmt.Errorf("TZ %q is in no time zone database: the table has local times, name a zone as Europe/Berlin", zone.Local())
	}
	t := table.Of(l.kind)
	l.house = warehouse.New(warehouse.Options{
		Table: t, Folder: l.commits.Staging(), Codec: codec, CreatedBy: "spot-ingest version " + version,
		RowGroup: rowGroup, Memory: bufferMemory, OpenFiles: openFiles,
	})
	var partitions int
	var bounds map[int]consume.Bounds
	err = l.ask(ctx, func(ctx context.Context) (err error) {
		if partitions, err = l.kafka.Partitions(ctx); err == nil && l.args.Once {
			bounds, err = l.kafka.Bounds(ctx, upTo(partitions))
		}
		return err
	})
	if err != nil {
		return err
	}
	if l.args.Partitions > partitions {
		l.log.Info("-p is %d, but topic %q has %d partitions: that does no harm.", l.args.Partitions, l.topic, partitions)
	}
	// More workers than processors would only take memory.
	for range min(l.args.Partitions, runtime.GOMAXPROCS(0)) {
		l.workers = append(l.workers, newWorker(t, t.NewParser(local)))
	}
	l.ends = make(map[int]int64, len(bounds))
	for p, b := range bounds {
		l.ends[p] = b.Stable
	}
	return nil
}

// fault, if set, is called at each step of a commit; tests of crashes set it.
var fault func(step string) error

func (l *listener) close() {
	if l.kafka != nil {
		l.kafka.Close()
	}
	if l.commits != nil {
		if err := l.commits.Close(); err != nil {
			l.log.Warning("%v", err)
		}
	}
}

// fileName returns a name that no other file of the table has: it tells type, time and a
// random number.
func (l *listener) fileName() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, says its documentation
	return fmt.Sprintf("%s-%s-%s", l.kind, time.Now().UTC().Format("20060102T150405Z"), hex.EncodeToString(random[:]))
}

// upTo returns the numbers of the first n partitions.
func upTo(n int) []int {
	all := make([]int, n)
	for p := range all {
		all[p] = p
	}
	return all
}

// numbers lists partitions for a log line.
func numbers(partitions []int) string {
	if len(partitions) == 0 {
		return "none"
	}
	var text []string
	for _, p := range partitions {
		text = append(text, strconv.Itoa(p))
	}
	return strings.Join(text, ", ")
}
