package config

import (
	"strings"
	"time"
)

// A Listener is the section "spark-streaming": how often and in what form the listener
// writes tables, and what a Spark job is given.
type Listener struct {
	// These are what Spark is started with, as written; empty if unset.
	DriverMemory   string // driver_memory
	Executors      string // spark_exec
	ExecutorMemory string // spark_executor_memory
	ExecutorCores  string // spark_executor_cores
	BatchSize      string // spark_batch_size
	// Jars is spark_jars and Packages spark_packages, as written, lists with commas between.
	Jars, Packages string
	// Batch is BatchSize understood, the time from one commit to the next.
	Batch time.Duration
	// Compression is "snappy", "none", "zstd" or "gzip".
	Compression string
	// RollTime is file_roll_seconds: a batch goes on until it is that old. Zero if unset.
	RollTime time.Duration
	// RollBytes is file_roll_bytes: a batch goes on until its largest file has that size.
	// Zero if unset.
	RollBytes int64
}

const (
	defaultBatch = 30 * time.Second
	minBatch     = 100 * time.Millisecond
	minRollBytes = 1 << 20
	maxRollBytes = 64 << 30
)

// Listener returns the section "spark-streaming", or the defaults if there is none.
func (c *Config) Listener() (Listener, error) {
	root, err := c.reading()
	s := root.optional("spark-streaming", `an object with keys such as "spark_batch_size"`)
	l := Listener{
		DriverMemory:   s.written("driver_memory", `memory as Spark takes it, such as "1g"`),
		Executors:      s.written("spark_exec", "a number of executors"),
		ExecutorMemory: s.written("spark_executor_memory", `memory as Spark takes it, such as "1g"`),
		ExecutorCores:  s.written("spark_executor_cores", "a number of cores"),
		Jars:           s.joined("spark_jars", "paths or URLs of jars, with commas"),
		Packages:       s.joined("spark_packages", `Maven coordinates, with commas, or "none"`),
		Batch:          s.seconds("spark_batch_size", defaultBatch, minBatch, day),
		BatchSize:      s.written("spark_batch_size", "a number of seconds"),
		Compression:    s.choice("parquet_compression", "snappy", "snappy", "none", "zstd", "gzip"),
		RollTime:       s.seconds("file_roll_seconds", 0, 0, day),
		RollBytes:      int64(s.whole("file_roll_bytes", 0, 0, maxRollBytes, "bytes")),
	}
	if l.RollBytes > 0 && l.RollBytes < minRollBytes {
		s.fail("file_roll_bytes", "is %d: want 0, or at least %d bytes", l.RollBytes, minRollBytes)
	}
	if *err != nil {
		return Listener{}, *err
	}
	return l, nil
}

// A Warehouse tells where the tables are, as far as the file says it.
type Warehouse struct {
	// Database is dbname, empty if unset.
	Database string
	// AppPath is hdfs_app_path, the folder or URI above the tables' folders; empty if
	// unset.
	AppPath string
}

// Warehouse returns the keys that tell where the tables are. What the shipped file has
// there counts as unset.
func (c *Config) Warehouse() (Warehouse, error) {
	root, err := c.reading()
	w := Warehouse{
		Database: strings.TrimSpace(root.text("dbname", "a Hive database's name")),
		AppPath:  strings.TrimSpace(root.text("hdfs_app_path", "the folder above the tables' folders")),
	}
	if *err != nil {
		return Warehouse{}, *err
	}
	if w.Database == "database name" {
		w.Database = ""
	}
	if w.AppPath == "hdfs application path" {
		w.AppPath = ""
	}
	return w, nil
}
