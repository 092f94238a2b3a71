package hdfs_test

import (
	"context"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/hdfs/hdfstest"
)

// noPause has a client make one try only.
func noPause(context.Context, time.Duration) error { return context.Canceled }

// atOnce has its tries follow on each other.
func atOnce(context.Context, time.Duration) error { return nil }

// A fake is a cluster of hdfstest.
type fake struct{ *hdfstest.Server }

func newFake(t *testing.T, o hdfstest.Options) *fake {
	o.Superuser = "hdfs"
	return &fake{hdfstest.New(t, o)}
}

func (f *fake) client(t testing.TB, user string) *hdfs.Client {
	t.Helper()
	return f.clientWith(t, hdfs.Options{User: user, Pause: noPause})
}

func (f *fake) clientWith(t testing.TB, o hdfs.Options) *hdfs.Client {
	t.Helper()
	o.Cluster = hdfs.Cluster{URI: f.URI(), NameNodes: f.NameNodes()}
	c, err := hdfs.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (f *fake) safeMode(on bool) { f.SetSafeMode(on) }

func (f *fake) quota(folder string, names, bytes int64) { f.SetQuota(folder, names, bytes) }

func TestSemanticsOfFake(t *testing.T) {
	f := newFake(t, hdfstest.Options{})
	c := f.client(t, "hdfs")
	testSemantics(t, c, "/semantics")
	testNames(t, c, "/names")
	testLarge(t, c, "/large", 3_000_000)
	testPermissions(t, f)
	testQuotas(t, f)
	testSafeMode(t, f)
}
