package commitlog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/hdfs/hdfstest"
)

// servers are the HDFS of tests, by their folders.
var servers sync.Map

// hdfsFolder returns an empty folder of an HDFS of its own.
func hdfsFolder(t testing.TB) string {
	t.Helper()
	s := hdfstest.New(t, hdfstest.Options{Superuser: superuser})
	folder := fmt.Sprintf("/hdfs-%d", trees.Add(1))
	client, err := connect(s.URI(), s.NameNodes())
	if err == nil {
		err = client.MkdirAll(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	servers.Store(folder, s)
	mounts.Store(folder, client)
	t.Cleanup(func() {
		client.Close()
		servers.Delete(folder)
		mounts.Delete(folder)
	})
	return folder
}

const superuser = "spot"

// connect returns a client that tries again at once.
func connect(uri string, nameNodes []string) (*hdfs.Client, error) {
	return hdfs.New(hdfs.Options{
		Cluster: hdfs.Cluster{URI: uri, NameNodes: nameNodes},
		User:    superuser,
		Pause:   func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

// directly returns a folder's file system, which makes files without a request if it is HDFS.
func directly(folder string) FileSystem {
	if s, ok := servers.Load(topOf(folder)); ok {
		return direct{fileSystemOf(folder), s.(*hdfstest.Server)}
	}
	return fileSystemOf(folder)
}

type direct struct {
	FileSystem
	server *hdfstest.Server
}

func (d direct) Create(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	err := write(&b)
	d.server.WriteFile(path, b.Bytes())
	return err
}

// nameNodesOf returns the addresses of the name nodes of a folder's HDFS, if it is in one.
func nameNodesOf(folder string) []string {
	if s, ok := servers.Load(topOf(folder)); ok {
		return s.(*hdfstest.Server).NameNodes()
	}
	return nil
}

// overReal does a test over the file systems that other processes can use, too.
func overReal(t *testing.T, test func(t *testing.T, folder func(testing.TB) string)) {
	t.Run("local", func(t *testing.T) { test(t, tempFolder) })
	t.Run("hdfs", func(t *testing.T) { test(t, hdfsFolder) })
}

// brief tells whether a test is to do less: it is told to, or each step is a request.
func brief(folder string) bool { return testing.Short() || nameNodesOf(folder) != nil }
