//go:build integration

package integration

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// A site is a place where a collector works: folders, a configuration, a topic.
type site struct {
	t      *testing.T
	dir    string
	broker *stack.Broker
	topic  string
	kind   string
	conf   map[string]any
	env    []string
}

const partitions = 3

var (
	topicCount  atomic.Int64
	notForTopic = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// newSite makes a site with a topic of its own. Files are finished at once: nobody writes
// to them after they have appeared.
func newSite(t *testing.T, broker *stack.Broker, kind string, topicConfig map[string]string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), broker: broker, kind: kind}
	s.topic = notForTopic.ReplaceAllString(t.Name(), "-") + "-" + strconv.FormatInt(topicCount.Add(1), 10)
	if err := broker.CreateTopic(s.topic, partitions, topicConfig); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"in", "staging"} {
		if err := os.Mkdir(s.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s.conf = map[string]any{
		"state_dir": s.path("state"),
		"kafka":     map[string]any{"kafka_server": host, "kafka_port": port},
		"pipelines": map[string]any{kind: map[string]any{
			"type": kind, "collector_path": s.path("in"), "local_staging": s.path("staging"),
			"quiet_seconds": 0.05,
		}},
	}
	return s
}

func (s *site) path(elem ...string) string { return filepath.Join(append([]string{s.dir}, elem...)...) }

// pipeline sets keys of the pipeline's section.
func (s *site) pipeline(keys map[string]any) {
	maps.Copy(s.conf["pipelines"].(map[string]any)[s.kind].(map[string]any), keys)
}

// kafka sets keys of the section "kafka".
func (s *site) kafka(keys map[string]any) { maps.Copy(s.conf["kafka"].(map[string]any), keys) }

// args are a collector's arguments on this site.
func (s *site) args(more ...string) []string {
	return append([]string{"-t", s.kind, "--topic", s.topic, "-c", s.path("ingest_conf.json")}, more...)
}

func (s *site) writeConf() {
	s.t.Helper()
	text, err := json.MarshalIndent(s.conf, "", "  ")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path("ingest_conf.json"), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// arrive puts a file into the watched folder as a careful writer does: whole, by rename.
func (s *site) arrive(name string, content []byte) {
	s.t.Helper()
	s.arriveFrom(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// arriveFrom is arrive for what is too large to be held.
func (s *site) arriveFrom(name string, write func(io.Writer) error) {
	s.t.Helper()
	outside := s.path("arriving")
	f, err := os.Create(outside)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := write(f); err != nil {
		s.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour) // finished long ago
	if err := os.Chtimes(outside, old, old); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(outside, s.path("in", name)); err != nil {
		s.t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
