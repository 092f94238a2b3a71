// Command collector watches a folder, turns each finished nfcapd, pcap or proxy log file
// into CSV rows, and publishes them to Kafka: Apache Spot's Distributed Collector.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/kerberos"
	"spot-ingest/pkg/logging"
	"spot-ingest/pkg/zone"
)

// Exit codes. The command line's parser exits with 2 as well.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const (
	drainTime = 7 * time.Second // for segments under way after a signal
	stopTime  = 9500 * time.Millisecond
	tooLate   = "could not stop in time; what was under way goes again at the next start"
)

func main() { os.Exit(run()) }

func run() int {
	zone.SetLocal()
	var (
		args cli.CollectorArgs
		conf *config.Config
	)
	parser := cli.Collector(&args, cli.Hooks{
		Load: func(path string) (err error) {
			conf, err = config.Load(path)
			return err
		},
		IsPipeline: func(name string) bool {
			_, err := conf.Pipeline(name)
			return err == nil
		},
		Version: cli.Version("collector"),
	})
	if exit := parser.Parse(os.Args[1:]); exit != nil {
		return exit.Write(os.Stdout, os.Stderr)
	}
	if err := cli.CheckTopic(args.Topic); err != nil {
		fail(err)
		return exitUsage
	}

	progress := newProgress(args.Once, os.Stdout, os.Stderr)
	log := logging.New(progress, logging.ParseLevel(args.LogLevel), args.JSONLogs)
	ctx, drain := cli.Signals("collector", drainTime, stopTime, tooLate)
	if err := kerberos.Authenticate(ctx, os.Getenv, config.SpotConf, log.Named("SPOT.INGEST.COMMON.KERBEROS")); err != nil {
		return fail(err)
	}
	c, err := newCollector(ctx, conf, args, log, progress)
	if err != nil && ctx.Err() != nil {
		return exitOK // stopped while it waited for Kafka: nothing was begun
	}
	if err != nil {
		return fail(err)
	}
	ok := c.run(ctx, drain)
	if !ok && ctx.Err() == nil {
		return exitFailed
	}
	return exitOK
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "collector: error: %s\n", strings.TrimSpace(err.Error()))
	return exitFailed
}
