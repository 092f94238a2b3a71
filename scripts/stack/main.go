// Command stack runs a real component on 127.0.0.1 until it is interrupted:
//
//	go run ./scripts/stack kafka -version 3.9.2 -topic spot:4
//
// Kafka's jars are fetched by Maven at the first run. Its data are removed at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"spot-ingest/scripts/internal/stack"
)

const usage = `usage: go run ./scripts/stack kafka [-version V] [-port N] [-topic NAME:PARTITIONS]...

Starts a broker on 127.0.0.1 and runs it until INT or TERM. Records of the topics
are kept for ever (retention.ms=-1).

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns 0 after an ordinary end, 1 if the broker failed, 2 after a usage error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "stack:", err)
		return 2
	}
	if err := serve(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "stack:", err)
		return 1
	}
	return 0
}

type options struct {
	version string
	port    int
	topics  []topic
}

type topic struct {
	name       string
	partitions int
}

func parse(args []string, stdout, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("stack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by run
	flags.StringVar(&o.version, "version", "4.3.1", "`version` of Kafka, as Maven knows it")
	flags.IntVar(&o.port, "port", 0, "`port` for clients (0: a free one)")
	flags.Func("topic", "a topic to create, `name:partitions`; may be repeated", func(s string) error {
		t, err := parseTopic(s)
		o.topics = append(o.topics, t)
		return err
	})
	help := func(w io.Writer) {
		fmt.Fprint(w, usage)
		flags.SetOutput(w)
		flags.PrintDefaults()
	}
	flags.Usage = func() {}
	component := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		component, args = args[0], args[1:]
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		help(stdout)
		return o, err
	}
	if err == nil && component != "kafka" {
		help(stderr)
		return o, fmt.Errorf("component %q: want kafka", component)
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil && (o.port < 0 || o.port > 65535) {
		err = fmt.Errorf("-port %d: want 0 to 65535", o.port)
	}
	return o, err
}

func parseTopic(s string) (topic, error) {
	name, count, ok := strings.Cut(s, ":")
	partitions, err := strconv.Atoi(count)
	if !ok || err != nil || name == "" || partitions < 1 {
		return topic{}, errors.New("want name:partitions, such as spot:4")
	}
	return topic{name, partitions}, nil
}

func serve(ctx context.Context, o options, stdout io.Writer) (err error) {
	broker, err := stack.StartKafka(ctx, stack.Kafka{Version: o.version, Port: o.port})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	for _, t := range o.topics {
		if err := broker.CreateTopic(t.name, t.partitions, nil); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "kafka %s ready on %s\n", o.version, broker.Addr())
	select {
	case <-ctx.Done():
		return broker.Stop()
	case <-broker.Done():
		return fmt.Errorf("kafka %s ended by itself; the end of its log:\n%s", o.version, broker.LogTail())
	}
}
