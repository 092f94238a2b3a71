//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// The administrators' programs that come with Kafka, as the classes behind their scripts.
const (
	consumerGroups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	deleteRecords  = "org.apache.kafka.tools.DeleteRecordsCommand"
	topicsTool     = "org.apache.kafka.tools.TopicCommand"
)

// kafkaTools is the jar of these programs, and what else Maven has said.
var kafkaTools struct {
	once sync.Once
	out  []byte
	err  error
}

// tool runs one of Kafka's own programs.
func (s *exactSite) tool(class string, args ...string) {
	s.t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	jar := filepath.Dir(collectorBinary) // a folder that all tests share
	k := &kafkaTools
	k.once.Do(func() {
		k.out, k.err = exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy",
			"-Dartifact=org.apache.kafka:kafka-tools:"+kafka4, "-DoutputDirectory="+jar).CombinedOutput()
	})
	if k.err != nil {
		s.t.Fatalf("fetch Kafka's tools: %v\n%s", k.err, k.out)
	}
	// The server's jars hold what the tools need, and are there because a server runs.
	jars := filepath.Join(jar, "*") + ":" + filepath.Join(cache, "spot-ingest-stack", "kafka-"+kafka4, "*")
	cmd := exec.CommandContext(ctx, "java", append([]string{"-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", jars,
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", class, "--bootstrap-server", s.broker.Addr()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", class, err, out)
	}
	s.t.Logf("%s %v:\n%s", class, args, out)
}

// resetOffsets moves the group's offsets as an administrator does.
func (s *exactSite) resetOffsets(to string) {
	s.t.Helper()
	s.tool(consumerGroups, "--reset-offsets", "--group", s.topic, "--topic", s.topic, to, "--execute")
}

// deleteBefore deletes records as an administrator does.
func (s *exactSite) deleteBefore(offsets map[int32]int64) {
	s.t.Helper()
	type partition struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		Offset    int64  `json:"offset"`
	}
	var partitions []partition
	for p, offset := range offsets {
		partitions = append(partitions, partition{s.topic, p, offset})
	}
	text, err := json.Marshal(map[string]any{"version": 1, "partitions": partitions})
	if err != nil {
		s.t.Fatal(err)
	}
	path := s.path("delete.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.tool(deleteRecords, "--offset-json-file", path)
}
