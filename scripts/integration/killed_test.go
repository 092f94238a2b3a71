//go:build integration

package integration

import (
	"math/rand/v2"
	"testing"
)

// Killed again and again at random moments, the collector sends every row of a file, and
// what goes twice can be told by its id.
func TestCollectorKilled(t *testing.T) {
	for _, c := range []struct {
		kind string
		args []string
	}{{"flow", []string{"--skip-conversion"}}, {"proxy", nil}} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), c.kind, nil)
			const limit = 1000 // so many segments take seconds, and acknowledgements are recorded every second
			s.kafka(map[string]any{"max_request_size": limit})
			text := generated(t, c.kind, 30_000_000)
			s.arrive("a.log", text)
			// The moment is so many published segments after the start, in a run that
			// has most of them left to send.
			for range 8 {
				p := s.start(s.args(append(c.args, "--backlog")...)...)
				for range rand.IntN(4000) {
					p.waitFor("Published segment-")
				}
				p.kill()
				if p.says("All segments of") {
					t.Fatal("the file was sent before the collector could be killed")
				}
			}
			s.run(0, s.args(append(c.args, "--once")...)...)
			all, copies := distinct(t, s.consume())
			t.Logf("%d segments, and %d copies of them", len(all), copies)
			checkSegments(t, "a.log", all, cut(c.kind, text, limit))
			if p := s.run(0, s.args(append(c.args, "--once")...)...); p.says("Published") {
				t.Error("something was sent again after all was acknowledged")
			}
		})
	}
}
