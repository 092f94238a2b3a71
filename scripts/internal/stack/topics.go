package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// adminTime bounds one administrative request with all its consequences.
const adminTime = 30 * time.Second

// CreateTopic makes a topic and returns once each of its partitions has a leader. Unless
// the config says otherwise, records are kept for ever (retention.ms=-1): generated rows
// bear old time stamps, and Kafka would delete them at once.
func (b *Broker) CreateTopic(name string, partitions int, config map[string]string) error {
	entries := []kafka.ConfigEntry{}
	if _, ok := config["retention.ms"]; !ok {
		entries = append(entries, kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "-1"})
	}
	for key, value := range config {
		entries = append(entries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
	}
	err := b.administer(func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
			Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries,
		}}})
		if err != nil {
			return err
		}
		if err := answer.Errors[name]; err != nil {
			return err
		}
		return b.waitLeaders(ctx, name, partitions)
	})
	if err != nil {
		return fmt.Errorf("create topic %q of %d partitions: %w", name, partitions, err)
	}
	return nil
}

// DeleteTopic removes a topic; its files follow after log.segment.delete.delay.ms.
func (b *Broker) DeleteTopic(name string) error {
	err := b.administer(func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{name}})
		if err != nil {
			return err
		}
		return answer.Errors[name]
	})
	if err != nil {
		return fmt.Errorf("delete topic %q: %w", name, err)
	}
	return nil
}

// administer runs requests on a client of their own, which knows nothing of the time
// before a restart.
func (b *Broker) administer(request func(context.Context, *kafka.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTime)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	return request(ctx, &kafka.Client{Addr: kafka.TCP(b.Addr()), Timeout: adminTime, Transport: transport})
}

func (b *Broker) waitLeaders(ctx context.Context, topic string, want int) error {
	for {
		led := 0
		err := b.ask(ctx, func(c *kafka.Conn) error {
			partitions, err := c.ReadPartitions(topic)
			for _, p := range partitions {
				if p.Error == nil && p.Leader.Host != "" {
					led++
				}
			}
			return err
		})
		if err == nil && led == want {
			return nil
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("%d of %d partitions have a leader: %w", led, want, errors.Join(ctx.Err(), err))
		}
	}
}
