package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"spot-ingest/listener/internal/hdfs/hdfstest"
)

// The table's location in Hive decides where rows go.
func TestHiveLocation(t *testing.T) {
	s := newSite(t, "flow")
	h := s.withHive()
	s.makeHiveTable(h, "file://"+s.path("elsewhere", "flow", "hive"))
	s.send(0, rows(0, 10)...)
	s.run(0, "--from", "earliest", "--once").says(
		`the location of Hive's table spot.flow is "file:`+s.path("elsewhere", "flow", "hive"),
		`and hdfs_app_path of ingest_conf.json is "`+s.path("warehouse")+`": the tables lie where the former says.`)
	if exists(s.path("warehouse")) {
		t.Error("something is in hdfs_app_path")
	}
	if err := os.Rename(s.path("elsewhere"), s.path("warehouse")); err != nil {
		t.Fatal(err)
	}
	s.wantNumbers(0, 10)
	s.waitForPartitions(h, 1)
}

// A table may lie anywhere in the file system of hdfs_app_path, where all else is kept.
func TestHiveTableElsewhere(t *testing.T) {
	t.Parallel()
	t.Run("local", func(t *testing.T) {
		s := newSite(t, "flow")
		h := s.withHive()
		where := s.path("user", "hive", "spot.db", "flow")
		s.makeHiveTable(h, "file://"+where)
		s.send(0, append(rows(0, 10), "bad")...)
		s.run(0, "--from", "earliest", "--once").says(fmt.Sprintf("The table lies in %q", where), "; the commit log is where hdfs_app_path of ingest_conf.json is")
		s.dieAt("move file", 1)
		s.send(0, hour(1, 10, 20)...)
		s.run(-1, "--once")
		s.plight.Step = ""
		s.evict()
		s.run(0, "--once")
		s.wantLetters(1)
		if exists(s.folder("hive")) {
			t.Error("something is in the usual folder")
		}
		// Readers take all that is there for the table's.
		if err := os.Rename(where, s.folder("hive")); err != nil {
			t.Fatal(err)
		}
		s.wantNumbers(0, 20)
		s.wantOffsets()
		s.waitForPartitions(h, 2)
	})
	t.Run("HDFS", func(t *testing.T) {
		s := newHDFSSite(t, "flow", hdfstest.Options{NameNodes: 2})
		h := s.withHive()
		s.makeHiveTable(h, s.hdfs.URI()+"/warehouse/spot.db/flow")
		s.send(0, append(rows(0, 10), "bad")...)
		s.run(0, "--from", "earliest", "--once").says(fmt.Sprintf("The table lies in %q", s.hdfs.URI()+"/warehouse/spot.db/flow"))
		s.wantClean()
		s.wantLetters(1)
		if err := s.hdfsClient().Rename("/warehouse/spot.db/flow", s.remote("hive")); err != nil {
			t.Fatal(err)
		}
		s.wantNumbers(0, 10)
		s.waitForPartitions(h, 1)
	})
	t.Run("Spark", func(t *testing.T) {
		s := newSite(t, "flow")
		h := s.withHive()
		args := s.sparkArgs("--from", "earliest", "--once")
		where := s.path("user", "hive", "spot.db", "flow")
		s.makeHiveTable(h, "file://"+where)
		s.send(0, append(rows(0, 10), "bad")...)
		s.runCommand(0, args...)
		if exists(s.folder("hive")) {
			t.Error("something is in the usual folder")
		}
		if err := os.Rename(where, s.folder("hive")); err != nil {
			t.Fatal(err)
		}
		s.wantNumbers(0, 10)
		s.waitForPartitions(h, 1)
	})
	for name, tt := range map[string]struct{ table, app, says string }{
		"no hdfs_app_path":    {"warehouse/flow/table", "", "set hdfs_app_path to a folder for it on the same file system, such as file:///user/spot"},
		"another file system": {"warehouse/flow/table", "hdfs://127.0.0.1:1/user/spot", "the commit log and the table must be on one file system: set hdfs_app_path to a folder such as file:///user/spot"},
		"around the log":      {"warehouse/flow", "warehouse", "must not hold the folder of the commit log"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "flow")
			h := s.withHive()
			s.makeHiveTable(h, "file://"+s.path(tt.table))
			switch {
			case tt.app == "":
				delete(s.conf, "hdfs_app_path")
			case strings.Contains(tt.app, ":"):
				s.conf["hdfs_app_path"] = tt.app
			}
			s.run(1, "--once").says(tt.says)
		})
	}
}
