package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"spot-ingest/collector/internal/convert"
	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/publish"
	"spot-ingest/collector/internal/watch"
	"spot-ingest/pkg/broker"
	"spot-ingest/pkg/chunk"
	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
	"spot-ingest/pkg/match"
)

// A collector is the way of a file: watch finds it, the ledger knows what of it is to be
// sent, convert makes rows of it, chunk cuts them into segments, and publish sends those.
type collector struct {
	args  cli.CollectorArgs
	conf  config.Collector
	kind  chunk.Type
	text  bool // files are read as they are, and may grow
	topic string
	// maxRequest is max_request_size; the topic may have a lower limit.
	maxRequest int

	log      *logging.Logger // SPOT.INGEST.COLLECTOR
	watchLog *logging.Logger
	root     *logging.Logger // to name the workers' loggers by
	progress *progress

	patterns *match.Set
	chooser  *convert.Chooser
	key      ledger.Key
	stateDir string
	staging  string
	ledger   *ledger.Ledger
	spooled  *ledger.Index
	client   *broker.Client
	kafka    *publish.Publisher
	source   *source
	total    totals
}

// newTopic is how long a topic that was just made may be unknown to some of the brokers.
const newTopic = 2 * time.Second

// awayAtOnce is how long --once waits for Kafka before it gives up.
const awayAtOnce = 60 * time.Second

// newCollector checks all that can be checked before work begins. Its errors are for the
// operator to mend.
func newCollector(ctx context.Context, conf *config.Config, args cli.CollectorArgs, log *logging.Logger, progress *progress) (*collector, error) {
	c := &collector{
		args:     args,
		topic:    args.Topic,
		log:      log.Named("SPOT.INGEST.COLLECTOR"),
		watchLog: log.Named("SPOT.INGEST.COMMON.FILE_WATCHER"),
		root:     log,
		progress: progress,
	}
	c.log.Info("Initializing Distributed Collector process...")
	var err error
	if c.conf, err = conf.Collector(args.Type); err != nil {
		return nil, err
	}
	if c.kind, err = chunk.ParseType(string(c.conf.Type)); err != nil {
		return nil, err
	}
	c.text = args.SkipConversion || c.kind == chunk.Proxy
	if c.patterns, err = match.Compile(c.conf.SupportedFiles); err != nil {
		return nil, fmt.Errorf("pipelines.%s.supported_files: %w", c.conf.Name, err)
	}
	c.chooser, err = convert.NewChooser(ctx, convert.Wish{
		RecordType: string(c.conf.Type), AsItIs: args.SkipConversion,
		ProcessOpt: c.conf.ProcessOpt, Converter: c.conf.Converter,
	})
	if err != nil {
		return nil, fmt.Errorf("pipelines.%s: %w", c.conf.Name, err)
	}
	usual := c.chooser.Usual()
	switch {
	case usual.Name != convert.Text:
		c.log.Info("Converter: %s.", usual)
	case c.conf.ProcessOpt != "":
		c.log.Warning("pipelines.%s.process_opt is not used: the files are read as they are.", c.conf.Name)
	}
	for _, name := range args.Resend {
		if _, err := watch.Stat(name); err != nil {
			return nil, fmt.Errorf("--resend %q: %w", name, err)
		}
	}
	if err := c.folders(conf); err != nil {
		return nil, err
	}
	if c.ledger, err = ledger.Open(c.stateDir, c.key, time.Now()); err != nil {
		return nil, err
	}
	if c.ledger.Damaged > 0 {
		c.log.Error("%d lines of the ledger in %q could not be read; what they said of files may be sent again. The damaged ledger is kept as \"ledger.damaged\".", c.ledger.Damaged, c.ledger.Folder())
	}
	c.spooled = ledger.NewIndex(c.stateDir)
	if err = c.connect(ctx, conf); err == nil {
		c.log.Info("Use directory %q as local staging area.", c.staging)
		c.log.Info("Master Collector will use %d parallel processes.", c.conf.Processes)
		c.source, err = c.newSource(ctx)
	}
	if err != nil {
		_ = os.Remove(c.staging) // unless something lies in it
		return nil, errors.Join(err, c.ledger.Close())
	}
	c.kafka.Acked = func(rows int) {
		c.total.add(func(n *counts) { n.segments++; n.rows += int64(rows) })
	}
	return c, nil
}

// once tells that the collector ends by itself.
func (c *collector) once() bool { return c.args.Once || len(c.args.Resend) > 0 }

// conversions is the folder in staging for the CSV of converters at work. Its name keeps
// collectors from taking those files for their own, even one that watches our staging.
func (c *collector) conversions() string { return filepath.Join(c.staging, "_DC.conversions") }

// folders resolves the watched, the state and the staging folder, and makes the latter two.
func (c *collector) folders(conf *config.Config) error {
	path, err := filepath.Abs(c.conf.Path)
	if err != nil {
		return err
	}
	c.conf.Path = path
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return fmt.Errorf("pipelines.%s.collector_path: there is no folder %q: make it, or name the folder that the files arrive in", c.conf.Name, path)
	}
	if c.stateDir, err = conf.StateDir(); err != nil {
		return err
	}
	if c.stateDir, err = filepath.Abs(c.stateDir); err != nil {
		return err
	}
	local, err := filepath.Abs(c.conf.LocalStaging)
	if err != nil {
		return err
	}
	if info, err := os.Stat(local); err != nil || !info.IsDir() {
		return fmt.Errorf("pipelines.%s.local_staging: there is no folder %q: make it, or name another one", c.conf.Name, local)
	}
	c.key = ledger.Key{CollectorPath: path, Pipeline: c.conf.Name, Topic: c.topic, Skip: c.args.SkipConversion}
	c.staging = filepath.Join(local, "_DC."+c.key.Name())
	if err := ledger.PrivateFolder(c.staging); err != nil {
		return fmt.Errorf("pipelines.%s.local_staging: %w", c.conf.Name, err)
	}
	return nil
}

// connect waits until Kafka answers; for ever, unless the collector runs once.
func (c *collector) connect(ctx context.Context, conf *config.Config) error {
	k, err := conf.Kafka()
	if err != nil {
		return err
	}
	c.client, err = broker.Connect(k.Servers, c.topic, "spot-collector", k.Compression)
	if err != nil {
		return err
	}
	c.maxRequest = k.MaxRequestSize
	producer := c.root.Named("SPOT.INGEST.PRODUCER")
	topic, err := c.askTopic(ctx, producer)
	if err != nil {
		return err
	}
	if !topic.Headers {
		producer.Warning("The brokers are older than Kafka 0.11 and take no record headers: the listener can't tell repeated segments.")
	}
	c.kafka, err = publish.New(c.client, topic, c.ledger, c.staging, c.conf.Processes, c.maxRequest, producer)
	return err
}

func (c *collector) askTopic(ctx context.Context, log *logging.Logger) (broker.Topic, error) {
	began := time.Now()
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		ask, cancel := context.WithTimeout(ctx, 10*time.Second)
		topic, err := c.client.Topic(ask, c.topic)
		cancel()
		switch {
		case err == nil:
			return topic, nil
		case errors.Is(err, broker.ErrNoTopic) && time.Since(began) > newTopic:
			return topic, fmt.Errorf("%w: create it first, the collector never does", err)
		case ctx.Err() != nil:
			return topic, fmt.Errorf("stopped while waiting for Kafka: %w", err)
		case c.once() && time.Since(began) > awayAtOnce:
			return topic, fmt.Errorf("no answer from Kafka within %v: %w", awayAtOnce, err)
		}
		log.Warning("Kafka is asked again in %v: %v", wait, err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// run does the work until ctx ends or, if the collector runs once, all is done. It tells
// whether all that was found could be sent.
func (c *collector) run(ctx, drain context.Context) bool {
	defer c.client.Close()
	defer c.closeLedger()
	c.discardStaged()
	var background sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	start := func(f func()) {
		background.Add(1)
		go func() { defer background.Done(); f() }()
	}
	watching := true
	start(func() {
		if err := c.source.run(ctx); err != nil && ctx.Err() == nil {
			c.watchLog.Error("%v", err)
			watching = false
		}
	})
	if err := c.kafka.Resend(ctx); err != nil && ctx.Err() == nil {
		c.kafka.SetAway(err)
	}
	start(func() { c.kafka.Recover(ctx) })
	start(func() { c.keepLedger(ctx) })
	c.log.Info("Initialization completed successfully!")
	c.log.Info("Start %q Collector!", c.title())

	c.progress.show(&c.total)
	ok := c.dispatch(ctx, drain)
	cancel()
	background.Wait()
	ok = ok && watching && c.total.get().rejected == 0
	if c.once() {
		c.progress.finish(c.total.get(), c.source.unfinished(), c.args.JSONLogs, c.log)
	}
	c.log.Info("Stop %q Collector!", c.title())
	c.cleanUp()
	return ok
}

// title is the type with a capital letter, as the original's log has it.
func (c *collector) title() string {
	name := c.kind.String()
	return strings.ToUpper(name[:1]) + name[1:]
}

// worker returns the logger of the n-th worker, counted from 1.
func (c *collector) worker(n int) *logging.Logger {
	return c.root.Named(fmt.Sprintf("SPOT.INGEST.%s.PoolWorker-%d", strings.ToUpper(c.kind.String()), n))
}

// keepLedger writes acknowledgements to disk at least every second, and looks every hour
// for files to be forgotten.
func (c *collector) keepLedger(ctx context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	failed := false
	c.sweep(time.Now()) // a collector that runs once a day must forget, too
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
			err := c.ledger.Sync()
			switch {
			case err != nil && !failed:
				c.log.Error("%v; no new file is begun until it can be written again", err)
			case err == nil && failed:
				c.log.Info("The ledger can be written again.")
			}
			failed = err != nil
		case <-minute.C:
			if err := c.ledger.Compact(); err != nil {
				c.log.Error("%v", err)
			}
		case now := <-hour.C:
			c.sweep(now)
		}
	}
}

func (c *collector) sweep(now time.Time) {
	if _, err := os.Stat(c.conf.Path); err != nil {
		return // the whole folder is away: its files are not forgotten for that
	}
	unsent, err := c.ledger.Sweep(now)
	if err != nil {
		c.log.Error("%v", err)
	}
	for _, f := range unsent {
		c.log.Warning("File %q has been gone for a week before all of it was sent; it is forgotten.", f.Path)
	}
}

func (c *collector) closeLedger() {
	if err := c.ledger.Close(); err != nil {
		c.log.Error("%v", err)
	}
}

// discardStaged removes the CSV of conversions that an earlier process was at: whether it
// reached the disk to its end is not known.
func (c *collector) discardStaged() {
	if err := os.RemoveAll(c.conversions()); err != nil {
		c.log.Warning("local_staging: %v", err)
	}
}

// cleanUp removes the staging folder unless failed segments lie in it.
func (c *collector) cleanUp() {
	c.discardStaged()
	if os.Remove(c.staging) == nil {
		c.log.Info("Clean up temporary directory %q.", c.staging)
	} else if n := len(c.ledger.Waiting()); n > 0 {
		c.log.Warning("%d failed segments stay in %q and are sent at the next start.", n, c.staging)
	}
}

// watchOptions are the same for the first start's record and for watching.
func (c *collector) watchOptions() watch.Options {
	return watch.Options{
		Root:        c.conf.Path,
		Recursive:   c.conf.Recursive,
		Match:       c.patterns.Match,
		Exclude:     []string{c.stateDir, c.staging},
		Text:        c.text,
		Quiet:       c.conf.Quiet,
		Once:        c.args.Once,
		Unsupported: c.unsupported,
		Log:         c.watchLog,
	}
}
