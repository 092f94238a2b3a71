// Command listener reads the segments that collectors publish to a Kafka topic and puts
// their rows, each once, into the Parquet files of a Hive table: Apache Spot's Streaming
// Listener.
package main

import (
	"context"
	"errors"
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

func main() { os.Exit(run()) }

func run() int {
	if len(os.Args) == 3 && os.Args[1] == partnerCommand {
		return runPartner(os.Args[2])
	}
	zone.SetLocal()
	var (
		args cli.ListenerArgs
		conf *config.Config
	)
	parser := cli.Listener(&args, cli.Hooks{
		Load: func(path string) (err error) {
			conf, err = config.Load(path)
			return err
		},
		IsPipeline: func(name string) bool {
			_, err := conf.Pipeline(name)
			return err == nil
		},
		Version: cli.Version("listener"),
	})
	if exit := parser.Parse(os.Args[1:]); exit != nil {
		return exit.Write(os.Stdout, os.Stderr)
	}
	if err := cli.CheckTopic(args.Topic); err != nil {
		fail(err)
		return exitUsage
	}
	if args.RedirectSparkLogs != "" {
		if err := redirectStderr(args.RedirectSparkLogs); err != nil {
			return fail(err)
		}
	}
	log := logging.New(os.Stdout, logging.ParseLevel(args.LogLevel), args.JSONLogs)
	engine := chooseEngine(args.Master, args.Engine, findSubmit())
	var ctx, kill context.Context
	if engine.spark {
		ctx, kill = cli.TwoSignals()
	} else {
		ctx, _ = cli.Signals("listener", drainTime, stopTime, stopMessage)
	}
	if err := kerberos.Authenticate(ctx, os.Getenv, spotConf, log.Named("SPOT.INGEST.COMMON.KERBEROS")); err != nil {
		return fail(err)
	}
	l, err := newListener(conf, args, log)
	if err != nil {
		return fail(err)
	}
	l.log.Info("%s", engine)
	if engine.spark {
		return l.submit(ctx, kill, conf)
	}
	if unused := sparkOnly(args, l.conf); unused != "" {
		l.log.Info("%s", unused)
	}
	if err := l.begin(ctx, conf); err != nil {
		switch {
		case ctx.Err() == nil:
			return fail(err)
		case args.Once:
			return fail(errors.New("stopped before anything was read"))
		}
		return exitOK // stopped while it waited for Kafka: nothing was begun
	}
	if err := l.run(ctx); err != nil {
		l.log.Error("%v", err)
		return fail(err)
	}
	return exitOK
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "listener: error: %s\n", strings.TrimSpace(err.Error()))
	return exitFailed
}

const (
	drainTime = 20 * time.Second // for what was received when a signal comes
	stopTime  = 25 * time.Second

	stopMessage = "what was not committed is read again at the next start"
)
