package hdfs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/hdfs/hdfstest"
)

// first has the first n requests of an operation come to something else, from now on.
func first(n int32, op string, dataNode bool, a hdfstest.Action) func(hdfstest.Request) hdfstest.Action {
	var count atomic.Int32
	return func(r hdfstest.Request) hdfstest.Action {
		if r.Op == op && r.DataNode == dataNode && count.Add(1) <= n {
			return a
		}
		return hdfstest.Action{}
	}
}

// What only reads, and what may be done twice, is done again when its answer was lost.
func TestLostAnswersAreAskedForAgain(t *testing.T) {
	for _, a := range []hdfstest.Action{{Lose: true}, {Cut: true}, {Exception: "RetriableException", Message: "starting"}} {
		for _, op := range []struct {
			name     string
			dataNode bool
			do       func(c *hdfs.Client, d string) error
		}{
			{"GETFILESTATUS", false, func(c *hdfs.Client, d string) error { return expectInfo(c, d+"/file", "file", 7, false) }},
			{"LISTSTATUS", false, func(c *hdfs.Client, d string) error { _, err := c.ReadDir(d); return err }},
			{"OPEN", false, func(c *hdfs.Client, d string) error { return expectContent(c, d+"/file", "content") }},
			{"OPEN", true, func(c *hdfs.Client, d string) error { return expectContent(c, d+"/file", "content") }},
			{"OPEN", true, func(c *hdfs.Client, d string) error { return expectRange(c, d+"/file", 2, 9, "ntent", io.EOF) }},
			{"MKDIRS", false, func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/new") }},
			{"CREATE", false, func(c *hdfs.Client, d string) error { return write(c, d+"/new", "new") }},
			{"CREATE", true, func(c *hdfs.Client, d string) error { return write(c, d+"/new", "new") }},
			{"RENAME", false, func(c *hdfs.Client, d string) error { return write(c, d+"/new", "new") }},
		} {
			t.Run(fmt.Sprintf("%s %+v", op.name, a), func(t *testing.T) {
				f := newFake(t, hdfstest.Options{})
				c := f.clientWith(t, hdfs.Options{Pause: atOnce, User: "hdfs"})
				prepare(t, c, "/d")
				a := a
				a.Bytes = 3
				f.SetFault(first(1, op.name, op.dataNode, a))
				if err := op.do(c, "/d"); err != nil {
					t.Error(err)
				}
				for _, path := range f.List() {
					if strings.Contains(path, ".part-") {
						t.Errorf("%s is left", path)
					}
				}
			})
		}
	}
}

// What may not be done twice isn't: its caller has to look.
func TestLostChangesAreAmbiguous(t *testing.T) {
	for _, op := range []struct {
		name string
		do   func(c *hdfs.Client) error
		done string // a path that is there, or with - not, once it is done
	}{
		{"RENAME", func(c *hdfs.Client) error { return c.Claim("/d/file", "/d/new") }, "/d/new"},
		{"RENAME", func(c *hdfs.Client) error { return c.Rename("/d/full", "/d/new") }, "/d/new/"},
		{"DELETE", func(c *hdfs.Client) error { return c.Remove("/d/file") }, "-/d/file"},
		{"DELETE", func(c *hdfs.Client) error { return c.RemoveAll("/d/full") }, "-/d/full/"},
	} {
		for _, lose := range []bool{true, false} {
			t.Run(fmt.Sprint(op.name, op.done, lose), func(t *testing.T) {
				f := newFake(t, hdfstest.Options{NameNodes: 2})
				c := f.clientWith(t, hdfs.Options{Pause: atOnce, User: "hdfs"})
				prepare(t, c, "/d")
				before := f.Count(op.name)
				f.SetFault(first(1, op.name, false, hdfstest.Action{Lose: lose, Cut: !lose}))
				if err := op.do(c); !hdfs.IsAmbiguous(err) {
					t.Errorf("error %v, want one that says that it may be done", err)
				}
				if n := f.Count(op.name) - before; n != 1 {
					t.Errorf("it was asked for %d times", n)
				}
				path, gone := strings.CutPrefix(op.done, "-")
				if there := strings.Contains(strings.Join(f.List(), "\n")+"\n", path+"\n"); (there != gone) != lose {
					t.Errorf("%s: %v", path, there)
				}
			})
		}
	}
}

// A name node that never got the request can't have done it.
func TestOtherNameNodeIsAsked(t *testing.T) {
	f := newFake(t, hdfstest.Options{NameNodes: 2})
	c := f.clientWith(t, hdfs.Options{Pause: noPause, User: "hdfs"})
	for i := range 4 {
		f.SetActive(1 - i%2)
		if i >= 2 {
			f.StopNameNode(i % 2)
		}
		d := fmt.Sprint("/", i)
		prepare(t, c, d)
		if err := c.Claim(d+"/file", d+"/new"); err != nil {
			t.Error(err)
		}
		if err := c.Remove(d + "/new"); err != nil {
			t.Error(err)
		}
		f.StartNameNode(i % 2)
	}
	f.StopNameNode(0)
	f.SetActive(0)
	_, err := c.Stat("/0")
	if !errors.Is(err, hdfs.ErrNoNameNode) || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), "standby") {
		t.Errorf("one is away and the other in standby: %v", err)
	}
	for _, node := range f.NameNodes() {
		if !strings.Contains(fmt.Sprint(err), node) {
			t.Errorf("error %v doesn't name %s", err, node)
		}
	}
}

// The tries end, and so does a client whose context ends.
func TestTriesAreBounded(t *testing.T) {
	f := newFake(t, hdfstest.Options{})
	f.SetActive(-1)
	var waited []time.Duration
	c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}})
	if err := c.MkdirAll("/d"); err == nil {
		t.Error("a standby made a folder")
	}
	if n := f.Count("MKDIRS"); n != 12 || len(waited) != 11 || waited[0] != 100*time.Millisecond || waited[10] != 5*time.Second {
		t.Errorf("%d tries, after %v", n, waited)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c = f.clientWith(t, hdfs.Options{User: "hdfs", Pause: func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}}).Under(ctx)
	before := f.Count("MKDIRS")
	if err := c.MkdirAll("/d"); err == nil || f.Count("MKDIRS") != before+1 {
		t.Errorf("%v after %d tries, want one", err, f.Count("MKDIRS")-before)
	}
}

// A server that takes a request and says nothing is given up after Silence.
func TestSilenceIsBounded(t *testing.T) {
	for _, op := range []struct {
		name     string
		dataNode bool
		do       func(c *hdfs.Client) error
	}{
		{"GETFILESTATUS", false, func(c *hdfs.Client) error { _, err := c.Stat("/d"); return err }},
		{"RENAME", false, func(c *hdfs.Client) error { return c.Claim("/d/file", "/d/new") }},
		{"OPEN", true, func(c *hdfs.Client) error { _, err := c.ReadFile("/d/file", 100); return err }},
		{"CREATE", true, func(c *hdfs.Client) error { return write(c, "/d/new", strings.Repeat("x", 10_000_000)) }},
	} {
		t.Run(op.name, func(t *testing.T) {
			f := newFake(t, hdfstest.Options{})
			prepare(t, f.client(t, "hdfs"), "/d")
			c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: noPause, Silence: 50 * time.Millisecond})
			forever := make(chan struct{})
			defer close(forever)
			f.SetFault(func(r hdfstest.Request) hdfstest.Action {
				if r.Op == op.name && r.DataNode == op.dataNode {
					return hdfstest.Action{Wait: forever, Cut: true}
				}
				return hdfstest.Action{}
			})
			err := op.do(c)
			if err == nil || !strings.Contains(err.Error(), "50ms") || !hdfs.Passes(err) {
				t.Errorf("error %v, want one of the silence", err)
			}
			if hdfs.IsAmbiguous(err) != (op.name == "RENAME") {
				t.Errorf("ambiguous: %v", err)
			}
		})
	}
}

// A cluster that takes requests and says nothing is given up after Patience and one Silence,
// however many name nodes and steps there are.
func TestPatienceIsBounded(t *testing.T) {
	for _, op := range []struct {
		name     string
		dataNode bool
		most     int32
		do       func(c *hdfs.Client) error
	}{
		{"GETFILESTATUS", false, 2, func(c *hdfs.Client) error { _, err := c.Stat("/d"); return err }},
		{"MKDIRS", false, 2, func(c *hdfs.Client) error { return c.MkdirAll("/d/new") }},
		{"OPEN", true, 1, func(c *hdfs.Client) error { _, err := c.ReadFile("/d/file", 100); return err }},
		{"CREATE", true, 2, func(c *hdfs.Client) error { return write(c, "/d/new", strings.Repeat("x", 1000)) }},
	} {
		t.Run(op.name, func(t *testing.T) {
			f := newFake(t, hdfstest.Options{NameNodes: 2})
			prepare(t, f.client(t, "hdfs"), "/d")
			c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: atOnce, Silence: 100 * time.Millisecond, Patience: 50 * time.Millisecond})
			forever := make(chan struct{})
			defer close(forever)
			var count atomic.Int32
			f.SetFault(func(r hdfstest.Request) hdfstest.Action {
				if r.Op == op.name && r.DataNode == op.dataNode {
					count.Add(1)
					return hdfstest.Action{Wait: forever, Cut: true}
				}
				return hdfstest.Action{}
			})
			if err := op.do(c); !hdfs.Passes(err) {
				t.Errorf("got %v", err)
			}
			if n := count.Load(); n > op.most {
				t.Errorf("%d requests, want at most %d", n, op.most)
			}
		})
	}
}

// A data node that breaks off leaves a part of the file as if it were all of it. It must
// never get the file's name.
func TestBrokenUploads(t *testing.T) {
	for _, n := range []int32{1, 2, 100} {
		for _, size := range []int{0, 10, 5_000_000} {
			t.Run(fmt.Sprint(n, " of ", size, " bytes"), func(t *testing.T) {
				f := newFake(t, hdfstest.Options{})
				c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: atOnce})
				f.WriteFile("/d/other", nil)
				f.SetFault(first(n, "CREATE", true, hdfstest.Action{Cut: true, Bytes: int64(size) / 2}))
				content := strings.Repeat("x", size)
				local := filepath.Join(t.TempDir(), "local")
				if err := os.WriteFile(local, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				err := errors.Join(c.Upload(context.Background(), local, "/d/uploaded"), write(c, "/d/written", content))
				want := "/d/ /d/other /d/uploaded /d/written"
				if n == 100 {
					want = "/d/ /d/other"
				}
				if (err == nil) != (n < 100) || strings.Join(f.List(), " ") != want {
					t.Errorf("error %v, there is %q", err, f.List())
				}
				for _, name := range []string{"/d/uploaded", "/d/written"} {
					if got, there := f.ReadFile(name); there && string(got) != content {
						t.Errorf("%s has %d bytes, want %d", name, len(got), size)
					}
				}
			})
		}
	}
}

func TestDataNodeIsAway(t *testing.T) {
	f := newFake(t, hdfstest.Options{DataNodes: 2})
	c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: atOnce})
	f.StopDataNode(0)
	prepare(t, c, "/d")
	if err := expectContent(c, "/d/file", "content"); err != nil {
		t.Error(err)
	}
	f.StopDataNode(1)
	if err := write(c, "/d/new", "new"); !errors.Is(err, hdfs.ErrNoDataNode) {
		t.Errorf("no data node: %v", err)
	}
	expectUntouched(t, c, "/d")
	f.StartDataNode(1)
	if err := write(c, "/d/new", "new"); err != nil {
		t.Error(err)
	}
}

// Who writes may take his time: only a server's silence counts.
func TestSlowContent(t *testing.T) {
	const silence = 50 * time.Millisecond
	f := newFake(t, hdfstest.Options{})
	c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: noPause, Silence: silence})
	err := c.Create("/new", func(w io.Writer) error {
		for range 3 {
			if _, err := io.WriteString(w, strings.Repeat("x", 100_000)); err != nil {
				return err
			}
			<-time.After(2 * silence)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got, _ := f.ReadFile("/new"); len(got) != 300_000 {
		t.Errorf("%d bytes have come", len(got))
	}
}

func TestNoneIsActive(t *testing.T) {
	f := newFake(t, hdfstest.Options{NameNodes: 2})
	c := f.client(t, "hdfs")
	prepare(t, c, "/d")
	f.SetActive(-1)
	for _, change := range changes {
		err := change.do(c, "/d")
		// A file is refused by the data node, which the standby names.
		if strings.HasPrefix(change.name, "create") && err != nil && strings.Contains(err.Error(), "StandbyException") {
			continue
		}
		if !errors.Is(err, hdfs.ErrNoNameNode) {
			t.Errorf("%s: %v", change.name, err)
		}
	}
	f.SetActive(1)
	expectUntouched(t, c, "/d")
}

// The configuration that the fake writes leads to it.
func TestConf(t *testing.T) {
	for _, n := range []int{1, 2} {
		f := newFake(t, hdfstest.Options{NameNodes: n})
		dir := t.TempDir()
		f.Conf(t, dir)
		cluster, path, err := hdfs.Find("hdfs:///a", dir)
		if err != nil || cluster.URI != f.URI() || path != "/a" || fmt.Sprint(cluster.NameNodes) != fmt.Sprint(f.NameNodes()) {
			t.Errorf("%+v %s, %v; want %s, %s", cluster, path, err, f.URI(), f.NameNodes())
		}
	}
}

// The error of what is to be written is no reason to try again.
func TestContentThatFails(t *testing.T) {
	f := newFake(t, hdfstest.Options{})
	c := f.clientWith(t, hdfs.Options{User: "hdfs", Pause: atOnce})
	f.WriteFile("/d/other", nil)
	own, calls := errors.New("out of ink"), 0
	err := c.Create("/d/new", func(w io.Writer) error {
		calls++
		if _, err := w.Write(make([]byte, 1_000_000)); err != nil {
			return err
		}
		return own
	})
	if !errors.Is(err, own) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	if err := c.Upload(context.Background(), filepath.Join(t.TempDir(), "none"), "/d/new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a local file that isn't there: %v", err)
	}
	if err := c.Upload(context.Background(), t.TempDir(), "/d/new"); err == nil {
		t.Error("a folder was uploaded")
	}
	if got := strings.Join(f.List(), " "); got != "/d/ /d/other" {
		t.Errorf("there is %s", got)
	}
}

// Of all who create or claim a name, one gets it.
func TestOneGetsTheName(t *testing.T) {
	f := newFake(t, hdfstest.Options{})
	c := f.client(t, "hdfs")
	const many = 8
	for i := range many {
		f.WriteFile(fmt.Sprint("/d/from", i), nil)
	}
	for _, try := range []func(i int) error{
		func(i int) error { return write(c, "/d/created", fmt.Sprint(i)) },
		func(i int) error { return c.Claim(fmt.Sprint("/d/from", i), "/d/claimed") },
	} {
		var got atomic.Int32
		done := make(chan error, many)
		for i := range many {
			go func() { done <- try(i) }()
		}
		for range many {
			if err := <-done; err == nil {
				got.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		}
		if got.Load() != 1 {
			t.Errorf("%d got it", got.Load())
		}
	}
	if got := len(f.List()); got != 1+1+many {
		t.Errorf("there is %q", f.List())
	}
}
