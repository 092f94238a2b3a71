//go:build integration

// Package integration runs the collector, as it is built for users, on real files against
// real Kafka, with the real nfdump and tshark, and reads what arrived with a client and a
// decoder that the collector does not use.
//
//	go test -tags integration ./scripts/integration
//
// A test whose tool is missing is skipped, or fails if SPOT_INTEGRATION_STRICT=1 is set.
// Tests that compare with recorded data look for it in ../shared beside the repository.
package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// The Kafka versions under test: most tests use the first.
const (
	kafka4 = "4.3.1"
	kafka3 = "3.9.2"
)

// collectorBinary is what all tests run; TestMain builds it.
var collectorBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "spot-integration-")
	if err == nil {
		defer os.RemoveAll(dir)
		collectorBinary = filepath.Join(dir, "collector")
		err = buildCollector(collectorBinary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if standalone.cluster != nil {
		if err := standalone.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	for _, err := range closeCluster() {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	for _, b := range brokers {
		if b.broker == nil {
			continue
		}
		if err := b.broker.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// buildCollector builds it as a release is built: static, without cgo.
func buildCollector(path string) error {
	cmd := exec.Command("go", "build", "-o", path, "./collector")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the collector: %w\n%s", err, out)
	}
	return nil
}

// A sharedBroker is started by the first test that wants it. Nobody stops it before the end.
type sharedBroker struct {
	once   sync.Once
	broker *stack.Broker
	err    error
}

var brokers = map[string]*sharedBroker{kafka4: {}, kafka3: {}}

// sharedKafka returns the broker of a version that all tests share.
func sharedKafka(t *testing.T, version string) *stack.Broker {
	t.Helper()
	b := brokers[version]
	b.once.Do(func() { b.broker, b.err = startKafka(t, version) })
	if b.err != nil {
		t.Fatal(b.err)
	}
	if b.broker == nil {
		t.Skip("Java or Maven is missing")
	}
	return b.broker
}

// ownKafka starts a broker for a test that stops or kills it.
func ownKafka(t *testing.T, version string) *stack.Broker {
	t.Helper()
	broker, err := startKafka(t, version)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

func startKafka(t *testing.T, version string) (*stack.Broker, error) {
	t.Helper()
	need(t, "java")
	need(t, "mvn")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a first run fetches jars
	defer cancel()
	return stack.StartKafka(ctx, stack.Kafka{Version: version, Properties: map[string]string{
		"auto.create.topics.enable":   "true", // the default, in which a mere question can make a topic
		"log.segment.delete.delay.ms": "1000",
	}})
}

// need skips the test if a program is missing, or fails it where all have to be there.
func need(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err == nil {
		return
	}
	missing(t, "%s is not installed: %v", program, err)
}

// missing says that something this test needs is not there.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// recorded returns a folder of the data beside the repository, which not everybody has.
func recorded(t *testing.T, elem ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "..", "shared"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skipf("needs recorded data beside the repository: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}
