package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/metastore"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
)

// A listener is the way of a message: consume fetches it, table makes typed rows of its
// text, warehouse writes them to files in staging, and the commit log makes those visible.
type listener struct {
	args  cli.ListenerArgs
	conf  config.Listener
	kind  config.Type
	topic string
	// pipeline is the one that -t names; staging is its folder for temporary files.
	pipeline config.Pipeline
	staging  string
	place    Place
	folder   string       // the type's
	remote   *hdfs.Client // nil: the folder is on a local file system
	spool    *spool       // nil likewise

	log     *logging.Logger // SPOT.INGEST.LISTENER
	root    *logging.Logger
	kafka   *consume.Consumer
	workers []*worker
	house   *warehouse.Warehouse
	commits *commitlog.Log
	files   commitlog.FileSystem // on which the commit log lies

	hive      *hive                // nil: Hive isn't told of partitions
	registrar *metastore.Registrar // likewise
	owed      []table.Hour         // that Hive is to be told of, once the last record is finished

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

// newListener makes a listener that knows its settings, and has asked nobody yet. Its errors
// are for the operator to mend.
func newListener(conf *config.Config, args cli.ListenerArgs, log *logging.Logger) (*listener, error) {
	l := &listener{args: args, topic: args.Topic, root: log, log: log.Named("SPOT.INGEST.LISTENER")}
	var err error
	if l.conf, err = conf.Listener(); err != nil {
		return nil, err
	}
	if l.pipeline, err = conf.Pipeline(args.Type); err != nil {
		return nil, err
	}
	l.kind = l.pipeline.Type
	if l.staging, err = conf.LocalStaging(args.Type); err != nil {
		return nil, err
	}
	return l, checkPartitions(args.Partitions)
}

// begin finds out where the table lies and starts.
func (l *listener) begin(ctx context.Context, conf *config.Config) error {
	if err := l.findHive(ctx, conf); err != nil {
		return err
	}
	if err := l.findPlace(conf); err != nil {
		return err
	}
	return l.start(ctx, conf)
}

// start checks all that can be checked before work begins.
func (l *listener) start(ctx context.Context, conf *config.Config) error {
	l.folder = l.place.folder(l.kind)
	lies := l.place.table(l.kind)
	if l.place.Cluster != nil {
		lies = l.place.uri(lies)
	}
	l.log.Info("The table lies in %q: %s.", lies, l.place.Why)
	if err := l.connect(ctx, conf); err != nil {
		return err
	}
	err := l.open(ctx)
	if err != nil {
		l.close()
	}
	return err
}

// group is the consumer group, by default of the topic's name.
func (l *listener) group() string {
	if l.args.GroupID != "" {
		return l.args.GroupID
	}
	return l.topic
}

// whereabouts is what tells where the tables lie.
func (l *listener) whereabouts(conf *config.Config) (Whereabouts, error) {
	w, err := conf.Warehouse()
	return Whereabouts{
		Table: l.hive.location(), ConfigFile: l.args.ConfigFile, AppPath: w.AppPath, SpotConf: spotConf,
		HadoopConfDir: os.Getenv("HADOOP_CONF_DIR"), Local: isLocal(l.args.Master),
	}, err
}

// findPlace finds out where the tables lie.
func (l *listener) findPlace(conf *config.Config) error {
	w, err := l.whereabouts(conf)
	if err != nil {
		return err
	}
	if l.place, err = findPlace(w); err != nil {
		return err
	}
	for _, warning := range l.place.Warnings {
		l.log.Warning("%s", warning)
	}
	return nil
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
