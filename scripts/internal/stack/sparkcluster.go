package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Spark is an installation of pyspark.
type Spark struct {
	Version string // such as 4.1.1
	Home    string // SPARK_HOME
	Submit  string // the path of spark-submit
	Python  string // the Python that it belongs to
}

// FindSpark finds the installation whose spark-submit is on the PATH.
func FindSpark(ctx context.Context) (Spark, error) {
	submit, err := find("spark-submit", "python3-pip, and by it pyspark")
	if err != nil {
		return Spark{}, err
	}
	return SparkOf(ctx, submit)
}

// SparkOf returns the installation that a spark-submit belongs to.
func SparkOf(ctx context.Context, submit string) (Spark, error) {
	s := Spark{Submit: submit, Python: filepath.Join(filepath.Dir(submit), "python3")}
	if !isFile(s.Python) {
		s.Python = "python3"
	}
	cmd := exec.CommandContext(ctx, s.Python, "-c", "import os, pyspark; print(pyspark.__version__, os.path.dirname(pyspark.__file__))")
	out, err := cmd.Output()
	if err != nil {
		return Spark{}, fmt.Errorf("%s is not of pyspark: ask %s: %w", submit, s.Python, err)
	}
	s.Version, s.Home, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return s, nil
}

// Env returns the variables by which the installation's programs find each other, and keep to
// 127.0.0.1.
func (s Spark) Env() []string {
	return []string{"SPARK_HOME=" + s.Home, "PYSPARK_PYTHON=" + s.Python, "SPARK_LOCAL_IP=127.0.0.1"}
}

// SparkCluster says which standalone cluster to start.
type SparkCluster struct {
	Spark   Spark
	Workers int
	// Cores and Memory, in MiB, are what each worker may give to executors.
	Cores, Memory int
}

// A RunningSparkCluster is a master and its workers, with a folder of their own. Its methods
// are for one goroutine.
type RunningSparkCluster struct {
	cluster SparkCluster
	master  *service
	workers []*process
	started int // workers, ever
}

// StartSparkCluster returns once all workers are registered. Errors hold the end of a log. The
// context bounds the start alone. The caller owns the cluster and must Close it.
func StartSparkCluster(ctx context.Context, c SparkCluster) (*RunningSparkCluster, error) {
	master, err := startService(ctx, false, func() (*service, error) {
		s, err := newService("spark master "+c.Spark.Version, 0)
		if err == nil {
			s.command = c.class(s.dir, "master.Master", "--port", strconv.Itoa(s.port))
		}
		return s, err
	})
	if err != nil {
		return nil, err
	}
	r := &RunningSparkCluster{cluster: c, master: master}
	for range c.Workers {
		if err := r.StartWorker(ctx); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// class is how one of the cluster's programs is started. env becomes spark-class, as that
// becomes java: it stays one process.
func (c SparkCluster) class(dir, class string, args ...string) []string {
	command := append([]string{"env"}, c.Spark.Env()...)
	command = append(command, "SPARK_DAEMON_MEMORY=256m",
		"SPARK_DAEMON_JAVA_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dspark.master.rest.enabled=false -Djava.io.tmpdir="+dir,
		filepath.Join(filepath.Dir(c.Spark.Submit), "spark-class"), "org.apache.spark.deploy."+class,
		"--host", "127.0.0.1", "--webui-port", "0")
	return append(command, args...)
}

// URL is the address as spark-submit takes it for --master.
func (r *RunningSparkCluster) URL() string { return "spark://" + r.master.Addr() }

// StartWorker adds a worker, and returns once it is registered.
func (r *RunningSparkCluster) StartWorker(ctx context.Context) error {
	r.started++
	dir := filepath.Join(r.master.dir, fmt.Sprintf("worker-%d", r.started))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("start a spark worker: %w", err)
	}
	command := r.cluster.class(dir, "worker.Worker", "--cores", strconv.Itoa(r.cluster.Cores),
		"--memory", strconv.Itoa(r.cluster.Memory)+"M", "--work-dir", dir, r.URL())
	log := filepath.Join(dir, "log")
	p, err := startProcess(dir, log, command[0], command[1:]...)
	if err != nil {
		return err
	}
	r.workers = append(r.workers, p)
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	for {
		text, err := os.ReadFile(log)
		switch {
		case err != nil:
			return fmt.Errorf("start a spark worker: %w", err)
		case strings.Contains(string(text), "Successfully registered with master"):
			return nil
		case !p.running():
			return fmt.Errorf("start a spark worker: it ended: %w; the end of its log:\n%s", p.err, p.tail())
		case pause(ctx, 50*time.Millisecond) != nil:
			return fmt.Errorf("start a spark worker: it is not registered: %w; the end of its log:\n%s", ctx.Err(), p.tail())
		}
	}
}

// Workers returns the pids of the workers. Each has its executors below it.
func (r *RunningSparkCluster) Workers() (pids []int) {
	for _, w := range r.workers {
		pids = append(pids, w.cmd.Process.Pid)
	}
	return pids
}

// KillWorker kills the worker that was started first of those that are left, as a crash would.
// Its executors end by themselves when they miss it.
func (r *RunningSparkCluster) KillWorker() {
	r.workers[0].kill()
	r.workers = r.workers[1:]
}

// Done is closed when the master has ended.
func (r *RunningSparkCluster) Done() <-chan struct{} { return r.master.Done() }

// LogTail returns the last lines of the master's log.
func (r *RunningSparkCluster) LogTail() string { return r.master.LogTail() }

// Stop ends the master and the workers as an administrator would.
func (r *RunningSparkCluster) Stop() error {
	var errs []error
	for _, w := range r.workers {
		if w.running() {
			errs = append(errs, w.stop(stopGrace)) // it ends its executors first
		}
	}
	return errors.Join(append(errs, r.master.Stop())...)
}

// Close stops the cluster and removes its folder.
func (r *RunningSparkCluster) Close() error { return errors.Join(r.Stop(), r.master.Close()) }
