package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/metastore"
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

// open opens the commit log, and makes what writes the files.
func (l *listener) open(ctx context.Context) error {
	if err := l.openRemote(); err != nil {
		return err
	}
	if err := l.openLog(ctx); err != nil {
		return err
	}
	l.files = l.commits.FileSystem()
	if err := l.openWarehouse(); err != nil {
		return err
	}
	if err := l.makeTable(ctx); err != nil {
		return err
	}
	var partitions int
	var bounds map[int]consume.Bounds
	err := l.ask(ctx, func(ctx context.Context) (err error) {
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
	l.ends = make(map[int]int64, len(bounds))
	for p, b := range bounds {
		l.ends[p] = b.Stable
	}
	l.startRegistrar()
	return nil
}

// openLog opens the commit log, on whatever file system it is.
func (l *listener) openLog(ctx context.Context) error {
	o := commitlog.Options{
		Folder: l.folder, TableFolder: l.place.table(l.kind), Table: string(l.kind), Topic: l.topic, Group: l.group(),
		Now: time.Now, Logger: l.root.Named("SPOT.INGEST.COMMITLOG"), Fault: fault,
	}
	open := func(context.Context) error {
		opened, err := commitlog.Open(o)
		if err == nil {
			l.commits = opened
		}
		return err
	}
	if l.remote == nil {
		return open(ctx)
	}
	o.FileSystem = l.remote
	return l.insist(ctx, "HDFS", !l.args.Once, awayAtOnce, open, hdfs.Passes)
}

// reopen opens the commit log again, of which another listener has taken the staging folder:
// this one was stopped for so long that it was held for dead.
func (l *listener) reopen(ctx context.Context) error {
	if err := l.commits.Close(); err != nil {
		l.log.Debug("%v", err)
	}
	err := l.openLog(ctx)
	if ctx.Err() != nil {
		return nil // stopped while it waited for HDFS
	}
	return err
}

// openWarehouse makes what writes the files.
func (l *listener) openWarehouse() error {
	codec, err := parquet.ParseCodec(l.conf.Compression)
	if err != nil {
		return err
	}
	local := zone.Load(zone.Local())
	if local == nil {
		return fmt.Errorf("TZ %q is in no time zone database: the table has local times, name a zone as Europe/Berlin", zone.Local())
	}
	folder := l.commits.Staging()
	if l.spool != nil {
		folder = l.spool.folder
	}
	t := table.Of(l.kind)
	l.house = warehouse.New(warehouse.Options{
		Table: t, Folder: folder, Codec: codec, CreatedBy: "spot-ingest version " + version,
		RowGroup: rowGroup, Memory: bufferMemory, OpenFiles: openFiles,
	})
	// More workers than processors would only take memory.
	l.workers = nil
	for range min(l.args.Partitions, runtime.GOMAXPROCS(0)) {
		l.workers = append(l.workers, newWorker(t, t.NewParser(local)))
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
	if l.spool != nil {
		if err := l.spool.close(); err != nil {
			l.log.Warning("local staging: %v", err)
		}
	}
	if err := l.endRegistrar(); err != nil {
		l.log.Warning("%v", err)
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
