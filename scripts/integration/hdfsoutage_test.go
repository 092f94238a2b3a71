//go:build integration

package integration

import (
	"context"
	"syscall"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// HDFS with two name nodes and two data nodes fails in the ways it does, while a listener
// writes to it: it goes on by itself each time, and each row is in the table once.
func TestExactlyOnceHDFSOutages(t *testing.T) {
	t.Parallel()
	need(t, "java")
	need(t, "mvn")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	hdfs, err := stack.StartHDFS(ctx, stack.HDFS{HA: true, DataNodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hdfs.Close(); err != nil {
			t.Error(err)
		}
	})
	s := newExactSite(t, sharedKafka(t, kafka4), 3, 200*time.Millisecond)
	s.conf["hdfs_app_path"] = "hdfs://spot/" + s.topic
	s.env = append(s.env, "HADOOP_CONF_DIR="+hdfs.ConfDir(), "HADOOP_USER_NAME=spot")
	s.writeConf()
	s.begin()
	collector, p := s.collect(), s.listen()
	stop := s.feed(100*time.Millisecond, 300)
	p.waitFor("Committed ")
	for _, outage := range []struct {
		name       string
		begin, end func() error
	}{
		{"failover", hdfs.Failover, nil},
		{"failover back", hdfs.Failover, nil},
		{"safe mode", func() error { return hdfs.SafeMode(true) }, func() error { return hdfs.SafeMode(false) }},
		{"a data node lost", func() error { return hdfs.StopDataNode(1) }, nil},
		{"all data nodes lost", func() error { return hdfs.StopDataNode(0) }, func() error { return hdfs.StartDataNode(0) }},
		{"HDFS paused", hdfs.Pause, hdfs.Continue},
		{"the active name node lost", func() error { return hdfs.StopNameNode(0) }, func() error { return hdfs.Command("active", "1") }},
	} {
		if err := outage.begin(); err != nil {
			t.Fatalf("%s: %v", outage.name, err)
		}
		if outage.end != nil {
			p.pass(3 * time.Second)
			if err := outage.end(); err != nil {
				t.Fatalf("end of %s: %v", outage.name, err)
			}
		}
		began := time.Now()
		p.skip()
		p.waitFor("Committed ")
		p.waitFor("Committed ")
		t.Logf("%s: two commits within %v", outage.name, time.Since(began).Round(100*time.Millisecond))
	}
	stop()
	collector.stop()
	s.collectAll()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	s.listenToEnd(0, "--once")
	s.mirror(hdfs.NameNodes()[1], "")
	s.checkTable()
	s.nothingStaged()
}
