//go:build integration

package main

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A single run doesn't wait for Kafka for ever: it ends with 1 after a minute, whether
// Kafka was never there or has gone. These take that minute and a little more.

func TestOnceWithoutKafka(t *testing.T) {
	s := newSite(t, "proxy")
	s.write(line(0)+"\n", "in", "a.log")
	s.conf["kafka"].(map[string]any)["kafka_server"] = "127.0.0.1:1"
	s.run(1, "-t", "proxy", "--topic", topic, "--once")
}

func TestOnceKafkaGone(t *testing.T) {
	s := newSite(t, "proxy")
	var code atomic.Int32
	s.failProduce(&code)
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	s.write(line(0)+"\n", "in", "a.log")
	p := s.run(1, "-t", "proxy", "--topic", topic, "--once")
	p.waitFor("Nothing could be sent for 1m0s")
	code.Store(0)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	if got, _ := s.distinct(); len(got) != 1 {
		t.Errorf("rows %q", got)
	}
}
