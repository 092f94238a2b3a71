package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary stands in for the programs that are started: what it does is told by
// the name it is called by.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "mvn":
		os.Exit(fakeMaven(os.Args[1:]))
	case "deaf": // to SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("I won't")
		select {}
	case "docile":
		fmt.Println("as you wish")
		select {}
	}
	os.Exit(m.Run())
}

// fakeMaven makes one jar in the folder it is asked to fill, or fails if the POM asks for
// version 9.9.9, and notes each of its runs beside itself.
func fakeMaven(args []string) int {
	runs, err := os.OpenFile(os.Getenv("FAKE_MAVEN_RUNS"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 3
	}
	fmt.Fprintln(runs, args)
	var pom, lib string
	for i, arg := range args {
		if arg == "-f" {
			pom = args[i+1]
		}
		if dir, ok := strings.CutPrefix(arg, "-DoutputDirectory="); ok {
			lib = dir
		}
	}
	text, err := os.ReadFile(pom)
	if err != nil || strings.Contains(string(text), "<version>9.9.9</version>") {
		fmt.Println("[ERROR] Could not find artifact")
		return 1
	}
	if os.Mkdir(lib, 0o755) != nil || os.WriteFile(filepath.Join(lib, "kafka.jar"), text, 0o644) != nil {
		return 3
	}
	return 0
}

// programs puts the test binary onto the PATH, alone, under the given names.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

func fetchSetup(t *testing.T) (cache, runs string) {
	t.Helper()
	programs(t, "mvn")
	runs = filepath.Join(t.TempDir(), "runs")
	t.Setenv("FAKE_MAVEN_RUNS", runs)
	cache = t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	return filepath.Join(cache, "spot-ingest-stack"), runs
}

func TestJarsAreFetchedOnce(t *testing.T) {
	cache, runs := fetchSetup(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			dir, err := kafkaJars(context.Background(), "4.3.1")
			if err != nil || dir != filepath.Join(cache, "kafka-4.3.1") {
				t.Errorf("folder %q, error %v", dir, err)
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "kafka.jar")); err != nil {
				t.Errorf("the folder was there before it was complete: %v", err)
			}
		}()
	}
	wg.Wait()
	log, err := os.ReadFile(runs)
	if err != nil || strings.Count(string(log), "\n") != 1 {
		t.Errorf("maven ran %d times, want once (%v)", strings.Count(string(log), "\n"), err)
	}
	pom, err := os.ReadFile(filepath.Join(cache, "kafka-4.3.1", "kafka.jar"))
	if err != nil || !strings.Contains(string(pom), "<artifactId>kafka_2.13</artifactId><version>4.3.1</version>") {
		t.Errorf("the POM was %s (%v)", pom, err)
	}
}

// Spark brings its own Scala and Hadoop: nothing that the jars depend on comes along.
func TestSparkKafkaJars(t *testing.T) {
	cache, _ := fetchSetup(t)
	jars, err := SparkKafkaJars(context.Background(), "4.1.1")
	if err != nil || len(jars) != 1 || filepath.Dir(jars[0]) != filepath.Join(cache, "spark-kafka-4.1.1") {
		t.Fatalf("jars %q, error %v", jars, err)
	}
	pom, err := os.ReadFile(jars[0])
	const alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"
	if err != nil || strings.Count(string(pom), alone) != 5 || strings.Count(string(pom), "<dependency>") != 5 {
		t.Errorf("the POM was %s (%v)", pom, err)
	}
	if _, err := SparkKafkaJars(context.Background(), "1.6.0"); err == nil || !strings.Contains(err.Error(), `"1.6.0"`) {
		t.Errorf("a version that is not known: %v", err)
	}
}

func TestFailedFetchLeavesNothing(t *testing.T) {
	cache, _ := fetchSetup(t)
	_, err := kafkaJars(context.Background(), "9.9.9")
	if err == nil || !strings.Contains(err.Error(), "fetch kafka-9.9.9") || !strings.Contains(err.Error(), "Could not find artifact") {
		t.Errorf("error %v: want what was fetched, and maven's own words", err)
	}
	left, err := filepath.Glob(filepath.Join(cache, "kafka-9.9.9*"))
	if err != nil || len(left) != 1 || filepath.Ext(left[0]) != ".lock" {
		t.Errorf("left behind: %q (%v), want the lock alone", left, err)
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	programs(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := StartKafka(context.Background(), Kafka{Version: "4.3.1"})
	if err == nil || !strings.Contains(err.Error(), "java is not installed: install Debian's package default-jre-headless") {
		t.Errorf("without java: %v", err)
	}
	programs(t, "java")
	_, err = StartKafka(context.Background(), Kafka{Version: "4.3.1"})
	if err == nil || !strings.Contains(err.Error(), "mvn is not installed: install Debian's package maven") {
		t.Errorf("without maven: %v", err)
	}
}

func TestVersionsThatAreNone(t *testing.T) {
	for _, version := range []string{"", "4", "latest", "../4.3.1", "4.3.1</version>", "4.3.1/.."} {
		if _, err := kafkaJars(context.Background(), version); err == nil || !strings.Contains(err.Error(), "want numbers such as 4.3.1") {
			t.Errorf("%q: error %v", version, err)
		}
	}
}

func TestLockWaitsAndGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("a held lock gave %v, want the context's end", err)
	}
	unlock()
	unlock, err = lock(ctx, path)
	if err != nil {
		t.Fatalf("a free lock gave %v", err)
	}
	unlock()
}

// started runs one of the stand-ins and waits until it has spoken, so that its signal
// handlers are set.
func started(t *testing.T, name string) *process {
	t.Helper()
	dir := programs(t, name)
	p, err := startProcess(dir, filepath.Join(dir, "log"), filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for p.tail() == "" {
		if err := pause(ctx, time.Millisecond); err != nil {
			t.Fatalf("%s said nothing: %v", name, err)
		}
	}
	return p
}

func TestStopEndsAlsoWhatIsPaused(t *testing.T) {
	p := started(t, "docile")
	if err := p.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.stop(time.Minute); err != nil {
		t.Errorf("stop: %v", err)
	}
	if p.running() {
		t.Error("it still runs")
	}
	if err := p.stop(time.Minute); err != nil {
		t.Errorf("stop of what has ended: %v", err)
	}
}

func TestStopKillsWhatWontEnd(t *testing.T) {
	p := started(t, "deaf")
	err := p.stop(50 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "was killed") || !strings.Contains(err.Error(), "I won't") {
		t.Errorf("error %v: want the kill and the end of the log", err)
	}
	if p.running() {
		t.Error("it still runs")
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(strings.Repeat("early\n", 10000)+"the reason\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := (&process{logFile: log}).tail()
	if len(got) > tailBytes || !strings.HasSuffix(got, "early\nthe reason") {
		t.Errorf("%d bytes that end in %q", len(got), got[len(got)-20:])
	}
}

func TestProperties(t *testing.T) {
	b := &Broker{dir: "/data", port: 20001, ctrlPort: 20002}
	got := string(b.properties(map[string]string{"message.max.bytes": "2000000", "node.id": "7"}))
	for _, want := range []string{
		"message.max.bytes=2000000\n", "node.id=7\n", "log.dirs=/data/data\n",
		"listeners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "node.id=1") {
		t.Error("the caller's node.id did not win")
	}
}

func TestFreePortIsBelowOutgoingConnections(t *testing.T) {
	for range 20 {
		port, err := freePort()
		if err != nil || port < firstPort || port >= lastPort {
			t.Fatalf("port %d, error %v", port, err)
		}
	}
}
