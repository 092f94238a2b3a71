//go:build integration

package hdfs_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs"
)

// writeAround makes a file of 8 MB, and calls between when half of it is written.
func writeAround(c *hdfs.Client, name string, between func()) error {
	half := []byte(strings.Repeat("0123456789abcde\n", 4<<20/16))
	return c.Create(name, func(w io.Writer) error {
		if _, err := w.Write(half); err != nil {
			return err
		}
		between()
		_, err := w.Write(half)
		return err
	})
}

// firstTime calls f the first time.
func firstTime(f func()) func() {
	called := false
	return func() {
		if !called {
			called = true
			f()
		}
	}
}

// expectAround wants a file of writeAround, and no other, in a folder.
func expectAround(t *testing.T, c *hdfs.Client, d, name string) {
	t.Helper()
	if err := expectContent(c, d+"/"+name, strings.Repeat("0123456789abcde\n", 8<<20/16)); err != nil {
		t.Error(len(err.Error()))
	}
	if got := tree(t, c, d, ""); len(got) != 1 || got[0] != name {
		t.Errorf("in %s: %q", d, got)
	}
}

func TestTwoNameNodesOfHDFS(t *testing.T) {
	r := startReal(t, "-ha", "-datanodes", "2")
	c := r.clientWith(t, hdfs.Options{User: "hdfs"})
	if err := c.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	t.Run("failover in mid-upload", func(t *testing.T) {
		if err := writeAround(c, "/d/a", firstTime(func() { r.command("failover") })); err != nil {
			t.Fatal(err)
		}
		expectAround(t, c, "/d", "a")
		if err := c.Rename("/d/a", "/d/b"); err != nil {
			t.Error(err)
		}
	})
	t.Run("the active one ends in mid-upload", func(t *testing.T) {
		// The second is active.
		err := writeAround(c, "/d/a", firstTime(func() { r.command("stop-namenode", "1"); r.command("active", "0") }))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Remove("/d/b"); err != nil {
			t.Error(err)
		}
		expectAround(t, c, "/d", "a")
		r.command("start-namenode", "1")
	})
	t.Run("safe mode that ends", func(t *testing.T) {
		r.command("safemode", "on")
		tries := 0
		c := r.clientWith(t, hdfs.Options{User: "hdfs", Pause: func(context.Context, time.Duration) error {
			if tries++; tries == 3 {
				r.command("safemode", "off")
			}
			return nil
		}})
		if err := c.Rename("/d/a", "/d/c"); err != nil || tries < 3 {
			t.Errorf("%v after %d tries", err, tries)
		}
	})
	testSafeMode(t, r)
	t.Run("none is active", func(t *testing.T) {
		r.command("standby")
		c := r.client(t, "hdfs")
		for _, change := range changes {
			err := change.do(c, "/d")
			if !errors.Is(err, hdfs.ErrNoNameNode) && !strings.HasPrefix(change.name, "create") || err == nil {
				t.Errorf("%s: %v", change.name, err)
			}
		}
		_, err := c.Stat("/d")
		cluster, _, _ := hdfs.Find(r.uri+"/", r.conf)
		for _, node := range cluster.NameNodes {
			if err == nil || !strings.Contains(err.Error(), node) {
				t.Errorf("error %v doesn't name %s", err, node)
			}
		}
		r.command("active", "1")
		if _, err := c.Stat("/d"); err != nil {
			t.Error(err)
		}
	})
}

func TestLostDataNodesOfHDFS(t *testing.T) {
	r := startReal(t, "-datanodes", "2")
	c := r.clientWith(t, hdfs.Options{User: "hdfs"})
	for i := range 2 {
		t.Run(fmt.Sprint("data node ", i, " ends in mid-upload"), func(t *testing.T) {
			d := fmt.Sprint("/d", i)
			if err := c.MkdirAll(d); err != nil {
				t.Fatal(err)
			}
			if err := writeAround(c, d+"/a", firstTime(func() { r.command("stop-datanode", fmt.Sprint(i)) })); err != nil {
				t.Fatal(err)
			}
			r.command("start-datanode", fmt.Sprint(i))
			expectAround(t, c, d, "a")
		})
	}
	t.Run("the only one", func(t *testing.T) {
		if err := c.MkdirAll("/d"); err != nil {
			t.Fatal(err)
		}
		r.command("stop-datanode", "1")
		r.command("bury-datanode", "1")
		c := r.client(t, "hdfs")
		if err := writeAround(c, "/d/a", firstTime(func() { r.command("stop-datanode", "0") })); err == nil {
			t.Error("a file was written without a data node")
		} else {
			t.Log(err)
		}
		r.command("bury-datanode", "0")
		if err := write(c, "/d/a", "none"); !errors.Is(err, hdfs.ErrNoDataNode) {
			t.Errorf("no data node lives: %v", err)
		}
		if got := tree(t, c, "/d", ""); len(got) != 0 {
			t.Errorf("left: %q", got)
		}
		r.command("start-datanode", "0")
		if err := writeAround(c, "/d/a", func() {}); err != nil {
			t.Fatal(err)
		}
		expectAround(t, c, "/d", "a")
	})
}

// A name node that hangs may do late what its client has given up. Who removes what was to
// be renamed knows whether it was.
func TestLateRenameOfHDFS(t *testing.T) {
	r := startReal(t)
	prepare(t, r.client(t, "hdfs"), "/d")
	c := r.clientWith(t, hdfs.Options{User: "hdfs", Silence: 300 * time.Millisecond, Pause: noPause})
	r.command("pause")
	err := c.Claim("/d/file", "/d/claimed")
	if !hdfs.IsAmbiguous(err) {
		t.Errorf("the name node hangs: %v", err)
	}
	if _, err := c.Stat("/d/file"); err == nil || hdfs.IsAmbiguous(err) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the name node hangs: %v", err)
	}
	r.command("continue")
	c = r.clientWith(t, hdfs.Options{User: "hdfs"})
	removed := c.Remove("/d/file")
	_, claimed := c.Stat("/d/claimed")
	t.Logf("removal of the old name: %v; look at the new one: %v", removed, claimed)
	if removed == nil && !errors.Is(claimed, fs.ErrNotExist) || errors.Is(removed, fs.ErrNotExist) && claimed != nil || hdfs.IsAmbiguous(removed) {
		t.Error("there is no telling")
	}
}

// A writer that is gone leaves a file that HDFS takes for one being written.
func TestLeaseOfHDFS(t *testing.T) {
	r := startReal(t)
	c := r.client(t, "hdfs")
	if err := c.MkdirAll("/d/open"); err != nil {
		t.Fatal(err)
	}
	silent := startUpload(t, r, "/d/open/silent")
	cut := startUpload(t, r, "/d/open/cut")
	cut.Close()
	// The data node makes it a file of half the size. Of the other it knows nothing.
	r.wait("leases", "1")
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"create another", func() error { return write(c, "/d/open/another", "some") }},
		{"rename the folder", func() error { return c.Rename("/d/open", "/d/moved") }},
		{"rename the file", func() error { return c.Rename("/d/moved/silent", "/d/moved/renamed") }},
		{"remove another", func() error { return c.Remove("/d/moved/another") }},
		{"remove the file", func() error { return c.Remove("/d/moved/renamed") }},
		{"create a file of its name", func() error { return write(c, "/d/moved/renamed", "some") }},
		{"remove all", func() error { return c.RemoveAll("/d/moved") }},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	silent.Close()
	if got := tree(t, c, "/d", ""); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// startUpload sends half a file, and returns when it is there.
func startUpload(t *testing.T, r *realHDFS, name string) net.Conn {
	t.Helper()
	cluster, _, err := hdfs.Find(r.uri+name, r.conf)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("PUT", cluster.NameNodes[0]+"/webhdfs/v1"+name+"?op=CREATE&user.name=hdfs", nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 2000000\r\n\r\n%s", u.RequestURI(), u.Host, strings.Repeat("x", 1_000_000))
	if line, err := io.ReadAll(io.LimitReader(conn, 12)); err != nil || string(line) != "HTTP/1.1 100" {
		t.Fatalf("%q, %v", line, err)
	}
	c := r.client(t, "hdfs")
	for end := time.Now().Add(10 * time.Second); ; {
		if _, err := c.Stat(name); err == nil {
			return conn
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// A file is never held in memory.
func TestLargeFileOfHDFS(t *testing.T) {
	const size = 200 << 20
	r := startReal(t)
	c := r.client(t, "hdfs")
	local := filepath.Join(t.TempDir(), "large")
	sum := writeLarge(t, local, size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := c.Upload(context.Background(), local, "/uploaded"); err != nil {
		t.Fatal(err)
	}
	err := c.Create("/created", func(w io.Writer) error {
		f, err := os.Open(local)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/uploaded", "/created"} {
		if got := sumOf(t, c, name, size); got != sum {
			t.Errorf("%s has checksum %x, want %x", name, got, sum)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("%d bytes were allocated for %d that were sent twice and read twice", used, size)
	}
}

func writeLarge(t testing.TB, local string, size int) uint32 {
	t.Helper()
	f, err := os.Create(local)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := crc32.NewIEEE()
	block := make([]byte, 1<<20)
	for i := 0; i < size; i += len(block) {
		for j := range block {
			block[j] = byte(i>>20 + j*j)
		}
		if _, err := io.MultiWriter(f, h).Write(block); err != nil {
			t.Fatal(err)
		}
	}
	return h.Sum32()
}

func sumOf(t *testing.T, c *hdfs.Client, name string, size int64) uint32 {
	t.Helper()
	h := crc32.NewIEEE()
	block := make([]byte, 4<<20)
	offset := int64(0)
	for {
		n, err := c.ReadRange(name, offset, block)
		h.Write(block[:n])
		offset += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if offset != size {
		t.Errorf("%s has %d bytes, want %d", name, offset, size)
	}
	return h.Sum32()
}

func BenchmarkOfHDFS(b *testing.B) {
	r := startReal(b)
	c := r.client(b, "hdfs")
	for _, size := range []int{1 << 10, 1 << 20, 64 << 20} {
		local := filepath.Join(b.TempDir(), "local")
		writeLarge(b, local, max(size, 1<<20))
		if err := os.Truncate(local, int64(size)); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint("upload of ", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := c.Upload(context.Background(), local, "/file"); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := c.Remove("/file"); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
	for _, op := range []struct {
		name string
		do   func() error
	}{
		{"stat", func() error { _, err := c.Stat("/"); return err }},
		{"list", func() error { _, err := c.ReadDir("/"); return err }},
		{"make folder", func() error { return c.MkdirAll("/a/b") }},
		{"rename", func() error { return errors.Join(c.Rename("/a/b", "/a/c"), c.Rename("/a/c", "/a/b")) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				if err := op.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
