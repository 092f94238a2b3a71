package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	hms "github.com/beltran/gohive/hive_metastore"

	"spot-ingest/listener/internal/hdfs/hdfstest"
	"spot-ingest/listener/internal/metastore"
	"spot-ingest/listener/internal/metastore/metastoretest"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// withHive has the site's listeners tell a Hive of partitions, which knows no table yet.
func (s *site) withHive() *metastoretest.Server {
	s.t.Helper()
	h := metastoretest.Start(s.t, metastoretest.Options{})
	s.hive(map[string]any{"metastore": h.URI()})
	return h
}

// makeHiveTable makes the site's table in Hive, as somebody else would.
func (s *site) makeHiveTable(h *metastoretest.Server, location string) {
	s.t.Helper()
	t, err := metastore.Open(metastore.Options{Metastore: []string{strings.TrimPrefix(h.URI(), "thrift://")}, Database: "spot", Table: table.Of(config.Type(s.kind))})
	if err == nil {
		err = t.Create(limit(s.t), location)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// hour are rows of the nth hour after noon, with these numbers.
func hour(n, from, to int) []string {
	var list []string
	for number := from; number < to; number++ {
		list = append(list, rowAt(noon.Add(time.Duration(n)*time.Hour), number))
	}
	return list
}

// partitionsOf are the names of the partitions that a Hive knows.
func (s *site) partitionsOf(h *metastoretest.Server) []string {
	return slices.Sorted(maps.Keys(h.Partitions("spot." + s.kind)))
}

// waitForPartitions waits until a Hive knows so many partitions, and checks that these are the
// table's folders.
func (s *site) waitForPartitions(h *metastoretest.Server, n int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d partitions in Hive", n), func() bool { return len(s.partitionsOf(h)) == n })
	var folders []string
	for _, r := range s.table() {
		folders = append(folders, r.folder())
	}
	slices.Sort(folders)
	if folders = slices.Compact(folders); !slices.Equal(folders, s.partitionsOf(h)) {
		s.t.Errorf("partitions %q in Hive, folders %q", s.partitionsOf(h), folders)
	}
}

// The listener makes the table in Hive if it is told to, and its partitions, by either of
// Hive's protocols.
func TestHiveTable(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(s *site) *metastoretest.Server{
		"metastore": (*site).withHive,
		"HiveServer2": func(s *site) *metastoretest.Server {
			h := s.withHive()
			s.hive(map[string]any{"hiveserver2": h.HiveServer2()})
			return h
		},
		"HS2_HOST": func(s *site) *metastoretest.Server {
			h := s.withHive()
			delete(s.conf, "hive")
			host, port, _ := strings.Cut(h.HiveServer2(), ":")
			s.write(fmt.Sprintf("HS2_HOST='%s'\nHS2_PORT='%s'\n", host, port), "spot.conf")
			return h
		},
		"hive-site.xml": func(s *site) *metastoretest.Server {
			h := s.withHive()
			delete(s.conf, "hive")
			s.write(`<configuration><property><name>hive.metastore.uris</name><value>`+h.URI()+`</value></property></configuration>`, "hive-site.xml")
			s.env = append(s.env, "HIVE_CONF_DIR="+s.dir)
			return h
		},
		"HDFS": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var s *site
			where := ""
			if name == "HDFS" {
				s = newHDFSSite(t, "flow", hdfstest.Options{})
				configure, where = (*site).withHive, s.hdfs.URI()+s.remote("hive")
			} else {
				s = newSite(t, "flow")
				where = "file://" + s.folder("hive")
			}
			h := configure(s)
			s.send(0, append(hour(0, 0, 5), hour(30, 5, 10)...)...)
			s.run(0, "--from", "earliest", "--once", "--create-table").says("Made table spot.flow in Hive. [Location: "+where+"]", "Hive is told of partitions of table spot.flow: ")
			s.waitForPartitions(h, 2)
			s.send(0, hour(1, 10, 15)...)
			s.run(0, "--once", "--create-table")
			s.waitForPartitions(h, 3)
			s.wantNumbers(0, 15)
			for name, location := range h.Partitions("spot.flow") {
				if !metastore.SameLocation(location, where+"/"+name) {
					t.Errorf("partition %s lies in %s", name, location)
				}
			}
		})
	}
}

// A table that is missing is no reason not to store rows. Once it is made all its partitions
// become known.
func TestHiveTableMissing(t *testing.T) {
	s := newSite(t, "flow")
	h := s.withHive()
	p := s.start("--from", "earliest")
	p.waitFor("Hive has no table spot.flow: --create-table makes it.")
	s.send(0, append(hour(0, 0, 5), hour(1, 5, 10)...)...)
	p.waitFor("Committed 10 rows", "2 partitions of table spot.flow can't be added")
	s.makeHiveTable(h, "file://"+s.folder("hive"))
	s.waitForPartitions(h, 2)
	p.stop(syscall.SIGTERM)
	// With --once there is nobody to wait for it.
	h.DropTable("spot.flow")
	s.send(0, hour(2, 10, 15)...)
	s.run(0, "--once").says("hive does not know 1 partition of table spot.flow")
	s.makeHiveTable(h, "file://"+s.folder("hive"))
	s.run(0, "--once")
	s.waitForPartitions(h, 3)
	s.wantNumbers(0, 15)
}

// A table of other columns is refused before anything is read.
func TestHiveOtherTable(t *testing.T) {
	s := newSite(t, "flow")
	h := s.withHive()
	s.makeHiveTable(h, "file://"+s.folder("hive"))
	h.Change("spot.flow", func(t *hms.Table) { t.Sd.Cols[3].Type = "string" })
	s.send(0, rows(0, 10)...)
	s.run(1, "--from", "earliest", "--once").says("spot.flow", "column trmonth is STRING, not INT")
	h.Change("spot.flow", func(t *hms.Table) { t.Sd.Cols[3].Type = "int" })
	s.run(0, "--from", "earliest", "--once")
	s.wantNumbers(0, 10)
}

// A Hive that is away in mid-run holds up nothing, and is told of all when it is there again.
func TestHiveAway(t *testing.T) {
	s := newSite(t, "flow")
	h := s.withHive()
	s.makeHiveTable(h, "file://"+s.folder("hive"))
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	h.Down()
	for n := range 5 {
		s.send(0, hour(n, 10*n, 10*n+10)...)
		s.waitForNumbers(0, 10*n+10)
	}
	p.waitFor("can't be added yet")
	if got := s.partitionsOf(h); len(got) > 0 {
		t.Errorf("partitions %q", got)
	}
	h.Up()
	s.waitForPartitions(h, 5)
	h.Down()
	s.send(0, hour(5, 50, 60)...)
	p.waitFor("can't be added yet")
	p.stop(syscall.SIGTERM) // in spite of it
	p.says("hive does not know 1 partition")
	h.Up()
	s.run(0, "--once")
	s.waitForPartitions(h, 6)
	s.wantNumbers(0, 60)
}

// A listener is killed when rows are visible and Hive does not know their partition. The next
// one tells it, unless it is not to.
func TestHiveRepair(t *testing.T) {
	s := newSite(t, "flow")
	h := s.withHive()
	s.makeHiveTable(h, "file://"+s.folder("hive"))
	s.send(0, append(hour(0, 0, 5), hour(1, 5, 10)...)...)
	s.dieAt("remove record", 2)
	s.run(-1, "--from", "earliest", "--once")
	s.evict()
	s.plight.Step = ""
	s.wantNumbers(0, 10)
	s.conf["hive_partition_repair"] = false
	s.run(0, "--once")
	if got := s.partitionsOf(h); len(got) > 0 {
		t.Errorf("partitions %q", got)
	}
	delete(s.conf, "hive_partition_repair")
	s.run(0, "--once").says("Hive: 2 partitions of table spot.flow had not been known and are now")
	s.waitForPartitions(h, 2)
	s.wantNumbers(0, 10)
}

// With --once Hive is waited for, and that it is still away is an error: the rows are stored.
func TestHiveOnce(t *testing.T) {
	s := newSite(t, "flow")
	h := s.withHive()
	s.makeHiveTable(h, "file://"+s.folder("hive"))
	s.plight.Patience = 4 * time.Second
	s.send(0, rows(0, 10)...)
	var cut atomic.Int32 // connections are served beside each other
	h.Before(func(request string) error {
		if request != "add_partitions_req" {
			return nil
		}
		cut.Add(1)
		return metastoretest.Cut
	})
	s.run(1, "--from", "earliest", "--once").says("Committed 10 rows", "hive does not know 1 partition of table spot.flow")
	if cut.Load() < 2 {
		t.Errorf("Hive was asked %d times", cut.Load())
	}
	s.wantNumbers(0, 10)
	h.Before(func(request string) error {
		if request == "add_partitions_req" && cut.Swap(0) > 0 {
			return errors.New("not now")
		}
		return nil
	})
	s.run(0, "--once")
	s.waitForPartitions(h, 1)
}

// What only the settings of other programs say of Hive is not waited for for long.
func TestHiveAwayUnasked(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(s *site){
		"hive-site.xml": func(s *site) {
			s.write(`<configuration><property><name>hive.metastore.uris</name><value>thrift://127.0.0.1:1</value></property></configuration>`, "hive-site.xml")
			s.env = append(s.env, "HIVE_CONF_DIR="+s.dir)
		},
		"HS2_HOST": func(s *site) { s.write("HS2_HOST='127.0.0.1'\nHS2_PORT='1'\n", "spot.conf") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "flow")
			configure(s)
			s.conf["dbname"] = "spot"
			s.plight.Patience = 300 * time.Millisecond
			s.send(0, rows(0, 10)...)
			p := s.start("--from", "earliest")
			p.waitFor("Hive can't be asked where table spot.flow lies: it is told of partitions once it answers, if that is where rows go: Hive has not been available for 300ms: ")
			s.waitForNumbers(0, 10)
			p.stop(syscall.SIGTERM)
		})
	}
}
