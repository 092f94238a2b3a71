//go:build integration

package integration

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

var sparkKills = flag.Int("spark-kills", 5, "how often TestExactlyOnceSpark kills something")

// A Spark job's processes and workers are killed in mid-stream, one after another. In the end
// the listener itself goes on where the jobs were, and each row is in the table once.
//
//	go test -tags integration -timeout 60m -run 'TestExactlyOnceSpark$' -v ./scripts/integration -args -spark-kills 20
func TestExactlyOnceSpark(t *testing.T) {
	t.Parallel()
	began := time.Now()
	sharedSpark(t) // for its jars
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cluster, err := stack.StartSparkCluster(ctx, stack.SparkCluster{Spark: standalone.spark, Workers: 1, Cores: 2, Memory: 1200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	s := newExactSite(t, sharedKafka(t, kafka4), 4, time.Second)
	s.conf["hdfs_app_path"] = "file://" + s.path("warehouse")
	s.onSpark(standalone.spark, standalone.jars)
	s.begin()
	collector := s.collect()
	stop := s.feed(200*time.Millisecond, 200)
	p := s.job(cluster)
	p.waitFor("Committed ")
	killed := make(map[string]int)
	for n := range *sparkKills {
		p.waitFor("Committed ")
		p.pass(time.Duration(n*379%1000) * time.Millisecond)
		what := []string{"worker", "driver", "partner", "listener", "python"}[n%5]
		killed[what]++
		if what == "worker" {
			cluster.KillWorker()
			if err := cluster.StartWorker(context.Background()); err != nil { // which has a limit of its own
				t.Fatal(err)
			}
			p.skip()
			continue
		}
		all := p.family()
		victim := p.cmd.Process.Pid
		if what != "listener" {
			victim = all[what]
		}
		if victim == 0 {
			t.Fatalf("there is no %s among %v", what, all)
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		code := p.end()
		if want := map[bool]int{true: -1, false: 2}[what == "listener"]; code != want {
			t.Errorf("%s killed: exit code %d, want %d", what, code, want)
		}
		s.waitUntil("the job is gone", func() bool { return !alive(slices.Collect(maps.Values(all))) })
		s.bury()
		p = s.job(cluster)
	}
	p.waitFor("Committed ")
	stop()
	collector.stop()
	s.collectAll()
	s.stored()
	p.stop()
	sum := s.finished()
	t.Logf("killed %v in %v: %d rows, %d messages, %d records, %d repeats dropped", killed, time.Since(began).Round(time.Second),
		sum.Rows, sum.Messages, sum.Records, sum.Repeats)
}

// job starts a listener that has a Spark job do the work.
func (s *exactSite) job(cluster *stack.RunningSparkCluster) *process {
	s.t.Helper()
	return s.launch("job", listenerBinary(s.t), s.args("-p", strconv.Itoa(s.count), "--master", cluster.URL(), "-l", "DEBUG", "-r", s.path("spark.log"))...)
}

// family returns the processes of a job below the listener, by what they are.
func (p *process) family() map[string]int {
	p.t.Helper()
	all := make(map[string]int)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		p.t.Fatal(err)
	}
	parents := make(map[int]int)
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			parents[pid] = parentOf(pid)
		}
	}
	for pid := range parents {
		above := parents[pid]
		for above > 1 && above != p.cmd.Process.Pid {
			above = parents[above]
		}
		if above != p.cmd.Process.Pid {
			continue
		}
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		switch words := strings.Split(string(command), "\x00"); {
		case slices.Contains(words, "spark-partner"):
			all["partner"] = pid
		case slices.Contains(words, "org.apache.spark.deploy.SparkSubmit"):
			all["driver"] = pid
		case strings.Contains(words[0], "python"):
			all["python"] = pid
		}
	}
	return all
}

// parentOf returns a process's parent; 0 if it is gone.
func parentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 || fields[0] == "Z" {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func alive(pids []int) bool {
	return slices.ContainsFunc(pids, func(pid int) bool { return parentOf(pid) != 0 })
}
