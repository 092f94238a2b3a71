package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// sparkVersion is that of the package pyspark, which the jars must fit.
const sparkVersion = "4.1.1"

//go:embed peers/*.py
var peers embed.FS

// writePeers puts the peers' programs where Python finds them.
func writePeers(dir string) (string, error) {
	return filepath.Join(dir, "peers"), os.CopyFS(dir, peers)
}

// sparkSubmit finds Spark and the jars it needs.
func sparkSubmit(ctx context.Context, dir string) ([]string, error) {
	program, err := exec.LookPath("spark-submit")
	if err != nil {
		return nil, fmt.Errorf("find spark-submit (Python's package pyspark %s): %w", sparkVersion, err)
	}
	jars, err := stack.SparkKafkaJars(ctx, sparkVersion)
	if err != nil {
		return nil, err
	}
	return []string{
		program, "--master", "local[2]", "--driver-memory", "4g", "--jars", strings.Join(jars, ","),
		"--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.driver.bindAddress=127.0.0.1",
		"--conf", "spark.sql.session.timeZone=UTC", "--conf", "spark.local.dir=" + dir,
		// A writer a partition folder, so that Spark need not sort the rows first.
		"--conf", "spark.sql.maxConcurrentOutputFileWriters=16",
	}, nil
}

func (b *listening) sparkCommand(ctx context.Context, work string) (*exec.Cmd, string, error) {
	table := filepath.Join(work, "table")
	args := append(b.spark[1:len(b.spark):len(b.spark)], filepath.Join(b.scripts, "flow_spark.py"), b.broker.Addr(), b.topic, table)
	return b.peer(ctx, work, b.spark[0], args...), table, nil
}

func (b *listening) duckdbCommand(ctx context.Context, work string) (*exec.Cmd, string, error) {
	table := filepath.Join(work, "table")
	return b.peer(ctx, work, "python3", filepath.Join(b.scripts, "flow_duckdb.py"), b.file, table), table, nil
}

func (b *listening) peer(ctx context.Context, work, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "TZ=UTC", "SPARK_LOCAL_IP=127.0.0.1", "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

// sum returns the number of rows in a table and a sum over them all.
func (b *listening) sum(ctx context.Context, table string) (string, error) {
	var stderr bytes.Buffer
	cmd := b.peer(ctx, b.dir, "python3", filepath.Join(b.scripts, "flow_sum.py"), table)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("read the table by DuckDB: %w\n%s", err, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}

var worked = regexp.MustCompile(`(?m)^worked for (\d+\.\d+) s$`)

// workOf finds what a peer says of the time that it took when it had started.
func workOf(output string) (time.Duration, error) {
	text, err := os.ReadFile(output)
	if err != nil {
		return 0, err
	}
	found := worked.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("it does not say how long it worked; the end of its output:\n%s", lastOf(output))
	}
	seconds, err := strconv.ParseFloat(string(found[1]), 64)
	return time.Duration(seconds * float64(time.Second)), err
}

// tableSize sums up the Parquet files of a table.
func tableSize(table string) (files int, size int64, err error) {
	err = filepath.WalkDir(table, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			files, size = files+1, size+info.Size()
		}
		return err
	})
	if err == nil && files == 0 {
		err = errors.New("it wrote no Parquet file")
	}
	return files, size, err
}
