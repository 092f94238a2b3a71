package main

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/hdfs/hdfstest"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// hdfsUser is who the listeners are in HDFS.
const hdfsUser = "spot"

// newHDFSSite returns a site whose warehouse is in an HDFS.
func newHDFSSite(t *testing.T, kind string, o hdfstest.Options) *site {
	t.Helper()
	s := newSite(t, kind)
	o.Superuser = hdfsUser
	s.hdfs = hdfstest.New(t, o)
	s.conf["hdfs_app_path"] = s.hdfs.URI() + s.appPath()
	s.conf["pipelines"].(map[string]any)[kind].(map[string]any)["local_staging"] = s.path("local")
	s.env = append(s.env, "HADOOP_USER_NAME="+hdfsUser, "HADOOP_CONF_DIR="+s.dir)
	s.hdfs.Conf(t, s.dir)
	if err := os.Mkdir(s.path("local"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) appPath() string { return "/user/spot" }

// remote is a path in the type's folder in HDFS.
func (s *site) remote(elem ...string) string {
	return path.Join(append([]string{s.appPath(), s.kind}, elem...)...)
}

// filesInHDFS returns the paths of all files below a folder of the type's, relative to it.
func (s *site) filesInHDFS(of string) []string {
	var found []string
	for _, name := range s.hdfs.List() {
		if rest, ok := strings.CutPrefix(name, s.remote(of)+"/"); ok && rest != "" && !strings.HasSuffix(rest, "/") {
			found = append(found, rest)
		}
	}
	return found
}

func (s *site) hdfsClient() *hdfs.Client {
	s.t.Helper()
	cluster, _, err := hdfs.Find(s.hdfs.URI(), s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := hdfs.New(hdfs.Options{Cluster: cluster, User: hdfsUser})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// wantClean checks that nothing is left of what listeners have been at work on.
func (s *site) wantClean() {
	s.t.Helper()
	for _, name := range s.hdfs.List() {
		if rest, ok := strings.CutPrefix(name, s.remote("staging")+"/"); ok && rest != "" || strings.Contains(name, "/.part-") {
			s.t.Errorf("left in HDFS: %s", name)
		}
	}
	s.wantSpools(0)
}

// wantSpools checks how many listeners have something in local staging.
func (s *site) wantSpools(want int) {
	s.t.Helper()
	entries, err := os.ReadDir(s.path("local"))
	if err != nil {
		s.t.Fatal(err)
	}
	if len(entries) != want {
		s.t.Errorf("local staging holds %v, want %d folders", entries, want)
	}
}

// Rows, dead letters and all values come to HDFS as they come to a local folder.
func TestHDFS(t *testing.T) {
	t.Parallel()
	for kind, text := range map[string]string{"flow": row(0), "dns": dnsRow, "proxy": proxyRow} {
		t.Run(kind, func(t *testing.T) {
			s := newHDFSSite(t, kind, hdfstest.Options{NameNodes: 2})
			s.send(0, text, "bad")
			p := s.run(0, "--from", "earliest", "--once")
			p.says("Committed 1 rows of 1 messages in 1 files.", "Set aside 1 rows and 0 messages", "REGISTRATION COMPLETED",
				fmt.Sprintf("The table lies in %q", s.hdfs.URI()+s.remote("hive")))
			s.wantOffsets()
			s.wantClean()
			there := s.table()
			if letters := s.letters(); len(letters) != 1 || letters[0].bytes() != "bad" {
				t.Errorf("dead letters %+v", letters)
			}
			s.hdfs, s.conf["hdfs_app_path"] = nil, "file://"+s.path("warehouse")
			s.run(0, "--from", "earliest", "--once", "-g", "local")
			here := s.table()
			if len(here) != 1 || len(there) != 1 || !slices.Equal(here[0].values, there[0].values) || here[0].folder() != there[0].folder() {
				t.Errorf("rows here %v, there %v", here, there)
			}
		})
	}
}

// A listener is killed at each step of a commit to HDFS, and so is the next one while it
// clears up; the third leaves each row of each message in one visible file.
func TestHDFSKilled(t *testing.T) {
	t.Parallel()
	for _, step := range commitlog.Steps {
		if slices.Contains(append([]string{"sync record", "prune", "pruned"}, notIn[0]...), step) || strings.Contains(step, "epoch") {
			continue // commitlog's own tests come there
		}
		if testing.Short() && !slices.Contains([]string{"link record", "record linked", "move file"}, step) {
			continue
		}
		t.Run(step, func(t *testing.T) {
			s := newHDFSSite(t, "flow", hdfstest.Options{})
			nth := 2
			if slices.Contains([]string{"make log", "make folder", "move file"}, step) {
				nth = 1
			}
			s.dieAt(step, nth)
			if s.threeRuns(s.start, -1) == 0 {
				t.Error("nobody was killed")
			}
			s.wantNumbers(0, 90)
			s.wantOffsets()
			s.wantClean()
		})
	}
}

// A listener is killed while it uploads: what it has sent is no part of the table, and the
// next one removes it, in HDFS and in local staging.
func TestHDFSKilledWhileUploading(t *testing.T) {
	s := newHDFSSite(t, "flow", hdfstest.Options{})
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	begun, release := make(chan struct{}, 10), make(chan struct{})
	s.hdfs.SetFault(func(r hdfstest.Request) hdfstest.Action {
		if r.Op != "CREATE" || !r.DataNode {
			return hdfstest.Action{}
		}
		begun <- struct{}{}
		return hdfstest.Action{Cut: true, Bytes: 100, Wait: release}
	})
	s.send(0, append(rows(0, 10), "bad")...)
	select {
	case <-begun:
	case <-limit(t).Done():
		t.Fatal("nothing was uploaded")
	}
	s.wantSpools(1)
	p.signal(syscall.SIGKILL)
	p.end()
	close(release)
	s.until("a part of a file", func() bool {
		return slices.ContainsFunc(s.hdfs.List(), func(name string) bool { return strings.Contains(name, "/.part-") })
	})
	s.hdfs.SetFault(nil)
	s.evict()
	s.wantNumbers(0, 0)
	s.run(0, "--once")
	s.wantNumbers(0, 10)
	s.wantOffsets()
	s.wantClean()
}
