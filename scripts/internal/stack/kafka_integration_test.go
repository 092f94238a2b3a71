//go:build integration

package stack

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func start(t *testing.T, k Kafka) *Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a first run fetches jars
	defer cancel()
	b, err := StartKafka(ctx, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(b.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the data folder is left: %v", err)
		}
	})
	return b
}

func produce(t *testing.T, b *Broker, topic, value string) error {
	t.Helper()
	w := kafka.Writer{
		Addr: kafka.TCP(b.Addr()), Topic: topic, RequiredAcks: kafka.RequireAll, BatchSize: 1, MaxAttempts: 1,
		BatchBytes: 8 << 20, Transport: &kafka.Transport{},
	}
	defer w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := w.WriteMessages(ctx, kafka.Message{Value: []byte(value), Time: time.Date(2018, 3, 20, 9, 0, 0, 0, time.UTC)})
	if many := (kafka.WriteErrors)(nil); errors.As(err, &many) {
		return many[0]
	}
	return err
}

func consume(t *testing.T, b *Broker, topic string, offset int64) string {
	t.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.Addr()}, Topic: topic, MaxWait: 100 * time.Millisecond})
	defer r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.SetOffset(offset); err != nil {
		t.Fatal(err)
	}
	m, err := r.ReadMessage(ctx)
	if err != nil {
		t.Fatalf("consume offset %d: %v", offset, err)
	}
	return string(m.Value)
}

func TestKafka(t *testing.T) {
	for _, version := range []string{"3.9.2", "4.3.1"} {
		t.Run(version, func(t *testing.T) {
			b := start(t, Kafka{Version: version, Properties: map[string]string{"message.max.bytes": "2000"}})
			if err := b.CreateTopic("small", 1, nil); err != nil {
				t.Fatal(err)
			}
			if err := b.CreateTopic("large", 3, map[string]string{"max.message.bytes": "4000000"}); err != nil {
				t.Fatal(err)
			}
			if err := b.CreateTopic("small", 1, nil); !errors.Is(err, kafka.TopicAlreadyExists) {
				t.Errorf("the same topic again: %v", err)
			}
			if err := produce(t, b, "small", "first"); err != nil {
				t.Fatal(err)
			}
			if err := produce(t, b, "small", string(make([]byte, 3000))); !errors.Is(err, kafka.MessageSizeTooLarge) {
				t.Errorf("3000 bytes into a topic for 2000: %v", err)
			}
			if err := produce(t, b, "large", string(make([]byte, 3_000_000))); err != nil {
				t.Errorf("3 MB into a topic for 4 MB: %v", err)
			}

			addr := b.Addr()
			if err := b.Restart(context.Background()); err != nil {
				t.Fatal(err)
			}
			if b.Addr() != addr {
				t.Errorf("address %s after the restart, %s before", b.Addr(), addr)
			}
			if got := consume(t, b, "small", 0); got != "first" {
				t.Errorf("consumed %q after the restart", got)
			}

			b.Kill()
			if err := produce(t, b, "small", "nobody there"); err == nil {
				t.Error("a killed broker took a record")
			}
			if err := b.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := produce(t, b, "small", "second"); err != nil {
				t.Fatal(err)
			}
			if got := consume(t, b, "small", 1); got != "second" {
				t.Errorf("consumed %q after the crash", got)
			}

			if err := b.DeleteTopic("small"); err != nil {
				t.Error(err)
			}
			if err := b.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPausedBrokerAnswersLater(t *testing.T) {
	b := start(t, Kafka{Version: "4.3.1"})
	if err := b.CreateTopic("t", 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Pause(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- produce(t, b, "t", "patience") }()
	select {
	case err := <-done:
		t.Fatalf("a paused broker answered: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	if err := b.Continue(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := consume(t, b, "t", 0); got != "patience" {
		t.Errorf("consumed %q", got)
	}
}

func TestStartErrorHoldsKafkasWords(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	_, err := StartKafka(ctx, Kafka{Version: "4.3.1", Properties: map[string]string{"message.max.bytes": "many"}})
	if err == nil {
		t.Fatal("kafka took message.max.bytes=many")
	}
	if !strings.Contains(err.Error(), "message.max.bytes") {
		t.Errorf("error %v: want Kafka's reason", err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := StartKafka(ctx, Kafka{Version: "4.3.1", Port: taken.Addr().(*net.TCPAddr).Port}); !errors.Is(err, errPortTaken) {
		t.Errorf("a taken port: %v", err)
	}
}
