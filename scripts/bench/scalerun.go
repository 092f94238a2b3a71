package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sys/unix"

	"spot-ingest/scripts/internal/stack"
)

const (
	// setupIn bounds one run of a setup.
	setupIn = 5 * time.Minute
	// stopIn is how long a listener may take to end, with its Spark job, once it was told to.
	stopIn = 30 * time.Second
	// scaleBatch is the listeners' batch, in seconds. With --once Spark takes all at once.
	scaleBatch = 1
	// executorMemory is in MiB. A worker has room for one executor, with Spark's overhead.
	executorMemory = 900
	driverMemory   = 700
	workerMemory   = 1200
)

// runSetup lets listeners or a Spark job write a fresh table, and checks what is in it.
func (b *scaling) runSetup(ctx context.Context, s setup, t *listening) (m measurement, err error) {
	ctx, cancel := context.WithTimeout(ctx, setupIn)
	defer cancel()
	b.tables++
	work := filepath.Join(t.dir, fmt.Sprintf("table-%d", b.tables))
	if err := os.Mkdir(work, 0o700); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	warehouse, table := warehouseOf(work)
	place := "file://" + warehouse
	if s.place == onHDFS {
		place = b.hdfs.URI() + "/" + filepath.Base(work)
	}
	conf, err := t.listenerConf(work, place, map[string]any{
		"spark_batch_size": scaleBatch, "spark_jars": strings.Join(b.jars, ","), "spark_executor_cores": 1,
		"spark_executor_memory": fmt.Sprintf("%dm", executorMemory), "driver_memory": fmt.Sprintf("%dm", driverMemory),
	})
	if err != nil {
		return m, err
	}
	unix.Sync() // what was written before is on the disk when the clock starts
	var rows int64
	if s.engine == bySpark {
		m, rows, err = b.runSpark(ctx, s, t, work, conf)
	} else {
		m, rows, err = b.runListeners(ctx, s, t, work, conf)
	}
	if err != nil {
		return m, err
	}
	if s.place == onHDFS {
		if err := stack.Mirror(ctx, b.hdfs.NameNodes()[0], "/"+filepath.Base(work), warehouse); err != nil {
			return m, err
		}
	}
	if m.files, m.size, err = tableSize(table); err != nil {
		return m, err
	}
	return m, t.checkRows(table, rows)
}

// runListeners runs the listeners of a group side by side, each on one core.
func (b *scaling) runListeners(ctx context.Context, s setup, t *listening, work, conf string) (m measurement, rows int64, err error) {
	outputs := make([]string, s.members)
	runs, errs := make([]measurement, s.members), make([]error, s.members)
	start := time.Now()
	var all sync.WaitGroup
	for i := range s.members {
		outputs[i] = filepath.Join(work, fmt.Sprintf("output-%d", i+1))
		all.Add(1)
		go func() {
			defer all.Done()
			cmd := b.memberCommand(ctx, t, work, conf, "local")
			cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
			runs[i], errs[i] = measure(cmd, outputs[i])
		}()
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return m, 0, err
	}
	for _, one := range runs {
		m.cpu += one.cpu
		m.peak += one.peak
	}
	rows, err = m.progress(start, outputs)
	return m, rows, err
}

// runSpark has a Spark job do the work, on a cluster of so many workers.
func (b *scaling) runSpark(ctx context.Context, s setup, t *listening, work, conf string) (m measurement, rows int64, err error) {
	if err := b.growCluster(ctx, s.members); err != nil {
		return m, 0, err
	}
	workers, output := b.cluster.Workers(), filepath.Join(work, "output")
	before, err := cpuOfAll(ctx, workers)
	if err != nil {
		return m, 0, err
	}
	cmd := b.memberCommand(ctx, t, work, conf, b.cluster.URL(), "-r", filepath.Join(work, "spark.log"))
	cmd.Env = append(cmd.Env, b.spark.Env()...)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(b.spark.Submit)+string(os.PathListSeparator)+os.Getenv("PATH"))
	start := time.Now()
	m, err = measureBy(func(pid int) func() int64 { return watchFamily(append([]int{pid}, workers...)) }, cmd, output)
	if err != nil {
		return m, 0, fmt.Errorf("%w; the end of Spark's log:\n%s", err, lastOf(filepath.Join(work, "spark.log")))
	}
	after, err := cpuOfAll(ctx, workers)
	if err != nil {
		return m, 0, err
	}
	m.cpu += after - before
	rows, err = m.progress(start, []string{output})
	return m, rows, err
}

// growCluster starts what the cluster lacks of so many workers.
func (b *scaling) growCluster(ctx context.Context, workers int) (err error) {
	if b.cluster == nil {
		b.cluster, err = stack.StartSparkCluster(ctx, stack.SparkCluster{Spark: b.spark, Cores: 1, Memory: workerMemory})
	}
	for err == nil && len(b.cluster.Workers()) < workers {
		err = b.cluster.StartWorker(ctx)
	}
	return err
}

// memberCommand is a listener of the run's group. One that has to be stopped gets time to
// stop its job.
func (b *scaling) memberCommand(ctx context.Context, t *listening, work, conf, master string, more ...string) *exec.Cmd {
	args := []string{"-t", "flow", "--topic", t.topic, "-p", "1", "--master", master, "-c", conf, "--from", "earliest", "--once", "-g", filepath.Base(work)}
	cmd := exec.CommandContext(ctx, t.listener, append(args, more...)...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "TZ=UTC", "HADOOP_CONF_DIR="+b.hdfs.ConfDir(), "HADOOP_USER_NAME=spot")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopIn
	return cmd
}

// progress reads from the listeners' logs when they began to read and when they had committed
// all, and returns how many rows.
func (m *measurement) progress(start time.Time, outputs []string) (rows int64, err error) {
	var first, last time.Time
	for _, output := range outputs {
		text, err := os.ReadFile(output)
		if err != nil {
			return 0, err
		}
		p, err := progressOf(text)
		if err != nil {
			return 0, fmt.Errorf("%w; the end of a listener's output:\n%s", err, tailOf(text))
		}
		if first.IsZero() || p.began.Before(first) {
			first = p.began
		}
		if p.ended.After(last) {
			last = p.ended
		}
		m.commits += p.commits
		rows += p.rows
	}
	if m.commits == 0 {
		return 0, errors.New("no listener has committed anything")
	}
	m.work, m.wall = last.Sub(first), last.Sub(start)
	return rows, nil
}

// checkRows wants the files of the table to have all rows, and the listeners to have said so.
func (b *listening) checkRows(table string, said int64) error {
	var rows int64
	err := filepath.WalkDir(table, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		n, err := rowsOf(path)
		rows += n
		return err
	})
	if err == nil && (rows != b.totals.Rows || said != rows) {
		err = fmt.Errorf("%d rows are in the table, the listeners speak of %d, the topic has %d", rows, said, b.totals.Rows)
	}
	return err
}

// rowsOf reads the number of rows in a Parquet file's footer.
func rowsOf(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	pf, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return pf.NumRows(), nil
}
