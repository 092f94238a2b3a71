package commitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
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

// countRequests has all requests of an HDFS counted.
func countRequests(s *hdfstest.Server) (count *atomic.Int64) {
	count = new(atomic.Int64)
	s.SetFault(func(hdfstest.Request) hdfstest.Action {
		count.Add(1)
		return hdfstest.Action{}
	})
	return count
}

func serverOf(folder string) *hdfstest.Server {
	s, _ := servers.Load(topOf(folder))
	return s.(*hdfstest.Server)
}

// Each request costs a round trip: this is how many there are.
func TestRequests(t *testing.T) {
	folder := hdfsFolder(t)
	count := countRequests(serverOf(folder))
	o := options(folder, newClock())
	request := func(what string, most int64, do func()) {
		t.Helper()
		count.Store(0)
		do()
		if n := count.Load(); n > most || n < most/2 {
			t.Errorf("%s: %d requests, want about %d", what, n, most)
		}
		t.Logf("%s: %d requests", what, count.Load())
	}
	var l *Log
	request("the first open", 38, func() { l = openLog(t, o) })
	for _, files := range []int{1, 10} {
		c := mustBatch(t, l, 0, 50, files)
		next := mustBatch(t, l, 0, 50, files)
		next.Parts[0].First, next.Parts[0].Next = c.Parts[0].Next, c.Parts[0].Next+50
		for i := range next.Files {
			next.Files[i].Final = c.Files[i].Final + ".next"
		}
		commit := func(c *Commit) func() {
			return func() {
				if err := l.Commit(c); err != nil {
					t.Fatal(err)
				}
			}
		}
		request(fmt.Sprintf("a commit of %d files in new folders", files), int64(10+3*files), commit(c))
		request(fmt.Sprintf("a commit of %d files", files), int64(10+2*files), commit(next))
	}
	var other *Log
	request("open beside another", 38, func() { other = openLog(t, o) })
	mustCommit(t, l, 1, 10, 10)
	request("a refresh after another's commit", 6, func() {
		if err := other.Refresh(); err != nil {
			t.Error(err)
		}
	})
	request("a refresh after nothing", 2, func() {
		if err := other.Refresh(); err != nil {
			t.Error(err)
		}
	})
	request("close", 1, func() { other.Close() })
}

// In safe mode nothing can be changed: a batch is not committed then, or is not visible yet.
func TestSafeMode(t *testing.T) {
	o := fromTemplate(t, hdfsFolder)
	s := serverOf(o.Folder)
	l := openLog(t, o)
	for _, step := range []string{stepWriteRecord, stepLinkRecord, stepRecordLinked, stepMoveFile} {
		l.o.Fault = faultAt(step, 1, func() error { s.SetSafeMode(true); return nil })
		c := mustBatch(t, l, 0, 5, 2)
		err := l.Commit(c)
		s.SetSafeMode(false)
		var unfinished *UnfinishedError
		made := step == stepRecordLinked || step == stepMoveFile
		if !errors.Is(err, hdfs.ErrSafeMode) || errors.As(err, &unfinished) != made || made && unfinished.Doubtful || errors.Is(err, ErrStale) {
			t.Fatalf("%s: got %v", step, err)
		}
		if made {
			err = l.Refresh()
		} else {
			err = l.Commit(c)
		}
		if err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	checkLog(t, o)
}

// An answer of a name node or data node is lost, or a request: with the client's own
// repetitions each row is committed once.
func TestLostRequests(t *testing.T) {
	for i, action := range []hdfstest.Action{{Lose: true}, {Cut: true}} {
		steps := int64(4)
		if testing.Short() {
			steps = 10
		}
		for nth, reached := int64(1+2*i), true; reached; nth += steps {
			o := fromTemplate(t, hdfsFolder)
			l := openLog(t, o)
			p, _ := l.Position(0)
			var count atomic.Int64
			serverOf(o.Folder).SetFault(func(hdfstest.Request) hdfstest.Action {
				if count.Add(1) == nth {
					return action
				}
				return hdfstest.Action{}
			})
			if err := persist(l, p.Next+10); err != nil {
				t.Error(err)
			}
			reached = count.Load() >= nth
			l.Close()
			checkLog(t, o)
			if t.Failed() {
				t.Fatalf("%+v of request %d", action, nth)
			}
		}
	}
}
