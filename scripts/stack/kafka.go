package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"spot-ingest/scripts/internal/stack"
)

var kafkaComponent = component{
	synopsis: "kafka [-version V] [-port N] [-topic NAME:PARTITIONS]...",
	about:    "a broker on 127.0.0.1, with records of the topics kept for ever (retention.ms=-1),",
	server: func(flags *flag.FlagSet) server {
		k := new(kafkaServer)
		flags.StringVar(&k.version, "version", "4.3.1", "`version` of Kafka, as Maven knows it")
		flags.IntVar(&k.port, "port", 0, "`port` for clients (0: a free one)")
		flags.Func("topic", "a topic to create, `name:partitions`; may be repeated", func(s string) error {
			t, err := parseTopic(s)
			k.topics = append(k.topics, t)
			return err
		})
		return k
	},
}

type kafkaServer struct {
	version string
	port    int
	topics  []topic
}

type topic struct {
	name       string
	partitions int
}

func parseTopic(s string) (topic, error) {
	name, count, ok := strings.Cut(s, ":")
	partitions, err := strconv.Atoi(count)
	if !ok || err != nil || name == "" || partitions < 1 {
		return topic{}, errors.New("want name:partitions, such as spot:4")
	}
	return topic{name, partitions}, nil
}

func (k *kafkaServer) check() error {
	if k.port < 0 || k.port > 65535 {
		return fmt.Errorf("-port %d: want 0 to 65535", k.port)
	}
	return nil
}

func (k *kafkaServer) serve(ctx context.Context, _ io.Reader, stdout io.Writer) (err error) {
	broker, err := stack.StartKafka(ctx, stack.Kafka{Version: k.version, Port: k.port})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	for _, t := range k.topics {
		if err := broker.CreateTopic(t.name, t.partitions, nil); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "kafka %s ready on %s\n", k.version, broker.Addr())
	select {
	case <-ctx.Done():
		return broker.Stop()
	case <-broker.Done():
		return fmt.Errorf("kafka %s ended by itself; the end of its log:\n%s", k.version, broker.LogTail())
	}
}
