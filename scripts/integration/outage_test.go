//go:build integration

package integration

import (
	"context"
	"fmt"
	"testing"
)

// Kafka crashes, and later hangs, while a large file is on its way. The collector goes on
// by itself; every row arrives, and what goes twice can be told by its id.
func TestKafkaOutage(t *testing.T) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			broker := ownKafka(t, version)
			s := newSite(t, broker, "flow", nil)
			const limit = 20_000
			// Many segments, and a compression that takes time, keep a file under way.
			s.kafka(map[string]any{"max_request_size": limit, "compression_type": "gzip"})
			text := generated(t, "flow", 60_000_000)
			p := s.start(s.args("--skip-conversion")...)
			p.waitFor("Initialization completed successfully!")
			for _, outage := range []struct {
				name       string
				begin, end func() error
			}{
				{"killed.csv", func() error { broker.Kill(); return nil }, func() error { return broker.Start(context.Background()) }},
				{"paused.csv", broker.Pause, broker.Continue},
			} {
				s.arrive(outage.name, text)
				p.waitFor("Published segment-100 ")
				if err := outage.begin(); err != nil {
					t.Fatal(err)
				}
				done := fmt.Sprintf("All segments of %q published", outage.name)
				if p.waitFor("Kafka is away", done) == done {
					t.Fatalf("%s was sent before Kafka could go away", outage.name)
				}
				if err := outage.end(); err != nil {
					t.Fatal(err)
				}
				p.waitFor(done)
			}
			p.stop()
			all, copies := distinct(t, s.consume())
			t.Logf("%d segments, and %d copies of them", len(all), copies)
			want := cut("flow", text, limit)
			sources := bySource(all)
			checkSegments(t, "killed.csv", sources["killed.csv"], want)
			checkSegments(t, "paused.csv", sources["paused.csv"], want)
		})
	}
}
