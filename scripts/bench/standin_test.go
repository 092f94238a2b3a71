package main

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/segmentio/kafka-go"
)

var hasStamp = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d, \d{4} )`)

// sendAll reads options and configuration as the collector does.
func sendAll(ctx context.Context, args []string, lossy bool) error {
	flags := flag.NewFlagSet("collector", flag.ExitOnError)
	flags.Bool("skip-conversion", false, "")
	flags.Bool("once", false, "")
	topic, kind, conf := flags.String("topic", "", ""), flags.String("t", "", ""), flags.String("c", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*conf)
	if err != nil {
		return err
	}
	var config struct {
		Kafka struct {
			Server string `json:"kafka_server"`
			Port   string `json:"kafka_port"`
		} `json:"kafka"`
		Pipelines map[string]struct {
			Path string `json:"collector_path"`
		} `json:"pipelines"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	file, err := os.ReadFile(filepath.Join(config.Pipelines[*kind].Path, *kind+".csv"))
	if err != nil {
		return err
	}
	var rows []string
	for _, line := range strings.Split(string(file), "\n") {
		if hasStamp.MatchString(line) {
			rows = append(rows, line)
		}
	}
	if lossy {
		rows = rows[:len(rows)-1]
	}
	w := kafka.Writer{
		Addr: kafka.TCP(net.JoinHostPort(config.Kafka.Server, config.Kafka.Port)), Topic: *topic,
		RequiredAcks: kafka.RequireAll, BatchSize: 1, BatchBytes: maxBatch,
	}
	var messages []kafka.Message
	for len(rows) > 0 {
		n := min(len(rows), 2000)
		messages = append(messages, kafka.Message{Value: segment(rows[:n]...)})
		rows = rows[n:]
	}
	if err := w.WriteMessages(ctx, messages...); err != nil {
		return err
	}
	return w.Close()
}
