package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
)

func TestChooseEngine(t *testing.T) {
	const submit = "/opt/spark/bin/spark-submit"
	for _, tt := range []struct {
		master, override, submit string
		want                     string
	}{
		{"local", "", "", "Engine: embedded (--master local)."},
		{"local[2]", "", submit, "Engine: embedded (--master local[2])."},
		{"local[*]", "", submit, "Engine: embedded (--master local[*])."},
		{"local[*,3]", "", submit, "Engine: embedded (--master local[*,3])."},
		{"local[2, 3]", "", submit, "Engine: embedded (--master local[2, 3])."},
		{"", "", "", "Engine: embedded (no --master is given, and neither spark2-submit nor spark-submit is on the PATH)."},
		{"yarn", "embedded", submit, "Engine: embedded (--engine embedded)."},
		{"", "embedded", submit, "Engine: embedded (--engine embedded)."},
		{"", "", submit, "Engine: Spark (no --master is given, so yarn, as /opt/spark/bin/spark-submit is on the PATH)."},
		{"yarn", "", submit, "Engine: Spark (--master yarn)."},
		{"yarn", "", "", "Engine: Spark (--master yarn)."},
		{"spark://host:7077", "", "", "Engine: Spark (--master spark://host:7077)."},
		{"local-cluster[2,1,1024]", "", "", "Engine: Spark (--master local-cluster[2,1,1024])."},
		{"local[]", "", "", "Engine: Spark (--master local[])."},
		{"local[two]", "", "", "Engine: Spark (--master local[two])."},
		{"Local", "", "", "Engine: Spark (--master Local)."},
		{"local", "spark", submit, "Engine: Spark (--engine spark)."},
		{"", "spark", "", "Engine: Spark (--engine spark)."},
	} {
		got := chooseEngine(tt.master, tt.override, tt.submit)
		if got.String() != tt.want || got.spark != strings.HasPrefix(tt.want, "Engine: Spark") {
			t.Errorf("%+v: got %s, %v", tt, got, got.spark)
		}
	}
}

func TestFindSubmit(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Setenv("PATH", first+":"+second)
	if got := findSubmit(); got != "" {
		t.Errorf("none there: got %q", got)
	}
	program := func(path string, mode os.FileMode) string {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program(filepath.Join(first, "spark2-submit"), 0o600) // cannot be run
	spark := program(filepath.Join(first, "spark-submit"), 0o700)
	if got := findSubmit(); got != spark {
		t.Errorf("got %q, want %q", got, spark)
	}
	spark2 := program(filepath.Join(second, "spark2-submit"), 0o700)
	if got := findSubmit(); got != spark2 {
		t.Errorf("got %q, want %q", got, spark2)
	}
}

func TestSparkOnly(t *testing.T) {
	for _, tt := range []struct {
		args cli.ListenerArgs
		conf config.Listener
		want string
	}{
		{cli.ListenerArgs{DeployMode: "client"}, config.Listener{Compression: "snappy"}, ""},
		{cli.ListenerArgs{DeployMode: "cluster"}, config.Listener{},
			"For Spark only, and not used by the embedded engine: --deploy-mode."},
		{cli.ListenerArgs{DeployMode: "client", AppName: "spot"},
			config.Listener{DriverMemory: "1g", Executors: "4", ExecutorMemory: "2g", ExecutorCores: "2"},
			"For Spark only, and not used by the embedded engine: --app-name, driver_memory, spark_exec, " +
				"spark_executor_memory, spark_executor_cores."},
	} {
		if got := sparkOnly(tt.args, tt.conf); got != tt.want {
			t.Errorf("%+v, %+v: got %q", tt.args, tt.conf, got)
		}
	}
}

func TestCheckPartitions(t *testing.T) {
	for partitions, want := range map[int]string{
		1: "", 1000: "",
		0:  "-p/--partitions is 0: want 1 or more",
		-3: "-p/--partitions is -3: want 1 or more",
	} {
		err := checkPartitions(partitions)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%d: got %v", partitions, err)
		}
	}
}
