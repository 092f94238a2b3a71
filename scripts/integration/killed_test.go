//go:build integration

package integration

import (
	"math/rand/v2"
	"testing"

	"spot-ingest/scripts/generate"
)

// Killed again and again at random moments, the collector sends every row of a file, and
// what goes twice can be told by its id.
func TestCollectorKilled(t *testing.T) {
	for name, c := range map[string]struct {
		kind string
		args []string
		file func(t *testing.T) rawFile
	}{
		"flow":  {"flow", []string{"--skip-conversion"}, func(t *testing.T) rawFile { return textFile(t, "flow") }},
		"proxy": {"proxy", nil, func(t *testing.T) rawFile { return textFile(t, "proxy") }},
		"nfcapd": {"flow", nil, func(t *testing.T) rawFile {
			return nfcapdFile(t, "nfcapd.1", generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 200_000}, Compression: generate.LZO})
		}},
		"pcap": {"dns", nil, func(t *testing.T) rawFile {
			return captureFile(t, "a.pcap", generate.CaptureOptions{Options: generate.Options{Seed: 1, Rows: 200_000}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), c.kind, nil)
			const limit = 1000 // so many segments take seconds, and acknowledgements are recorded every second
			s.kafka(map[string]any{"max_request_size": limit})
			s.withoutTools()
			f := c.file(t)
			s.arrive(f.name, f.file)
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
			checkSegments(t, f.name, all, cut(c.kind, f.csv, limit))
			if p := s.run(0, s.args(append(c.args, "--once")...)...); p.says("Published") {
				t.Error("something was sent again after all was acknowledged")
			}
		})
	}
}

// textFile is a file that needs no conversion.
func textFile(t *testing.T, kind string) rawFile {
	t.Helper()
	text := generated(t, kind, 30_000_000)
	return rawFile{"a.log", text, text}
}
