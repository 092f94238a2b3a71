package hdfs_test

import (
	"context"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/hdfs/hdfstest"
)

// client returns one whose tries follow on each other at once.
func client(t *testing.T, s *hdfstest.Server) *hdfs.Client {
	t.Helper()
	c, err := hdfs.New(hdfs.Options{
		Cluster: hdfs.Cluster{URI: s.URI(), NameNodes: s.NameNodes()}, User: "hdfs",
		Pause: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestSemanticsOfFake(t *testing.T) {
	s := hdfstest.New(t, hdfstest.Options{Superuser: "hdfs"})
	c := client(t, s)
	testSemantics(t, c, "/semantics")
	testNames(t, c, "/names")
	testLarge(t, c, "/large", 3_000_000)
}
