package main

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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
		t.Run(step, func(t *testing.T) {
			s := newHDFSSite(t, "flow", hdfstest.Options{})
			nth := 2
			if slices.Contains([]string{"make log", "make folder", "move file"}, step) {
				nth = 1
			}
			s.dieAt(step, nth)
			killed := 0
			for n := range 3 {
				if n == 2 {
					s.plight.Step = ""
				}
				for p := range int32(partitions) {
					from := 30*n + 10*int(p)
					s.send(p, rows(from, from+10)...)
				}
				switch code := s.start("--from", "earliest", "--once").end(); {
				case code == -1 && n < 2:
					killed++
					s.evict()
				case code != 0:
					t.Fatalf("run %d: exit code %d", n, code)
				}
			}
			if killed == 0 {
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
	s.send(0, append(rows(0, 10), "bad")...)
	begun, release := make(chan struct{}, 10), make(chan struct{})
	s.hdfs.SetFault(func(r hdfstest.Request) hdfstest.Action {
		if r.Op != "CREATE" || !r.DataNode || !strings.Contains(r.Path, "/.part-") || strings.Contains(r.Path, "/.record/") || r.Count < 5 {
			return hdfstest.Action{}
		}
		begun <- struct{}{}
		return hdfstest.Action{Cut: true, Bytes: 100, Wait: release}
	})
	p := s.start("--from", "earliest", "--once")
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

// whenAway are the sentences of a listener that finds HDFS away, and there again.
const (
	hdfsAway  = "HDFS is not available, trying again: "
	hdfsThere = "HDFS is available again."
)

// HDFS may be away, or not ready, when a listener starts.
func TestHDFSAwayAtStart(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(s *hdfstest.Server, is bool){
		"away": func(s *hdfstest.Server, is bool) {
			if is {
				s.StopNameNode(0)
			} else {
				s.StartNameNode(0)
			}
		},
		"safe mode": (*hdfstest.Server).SetSafeMode,
		"standby":   func(s *hdfstest.Server, is bool) { s.SetActive(map[bool]int{true: -1}[is]) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newHDFSSite(t, "flow", hdfstest.Options{})
			s.plight.Patience = 500 * time.Millisecond
			s.send(0, rows(0, 10)...)
			away(s.hdfs, true)
			p := s.start("--from", "earliest")
			p.waitFor(hdfsAway)
			away(s.hdfs, false)
			p.waitFor(hdfsThere, "Committed 10 rows")
			p.stop(syscall.SIGTERM)
			s.wantNumbers(0, 10)
			s.wantClean()
		})
	}
}

// A listener that waits for HDFS can be stopped.
func TestHDFSStopWhileAway(t *testing.T) {
	s := newHDFSSite(t, "flow", hdfstest.Options{})
	s.plight.Patience = 100 * time.Millisecond
	s.hdfs.StopNameNode(0)
	p := s.start("--from", "earliest")
	p.waitFor(hdfsAway)
	p.stop(syscall.SIGTERM)
	s.wantSpools(0)
}

// Something is wrong with HDFS while a listener runs, and then it isn't: the listener goes on
// by itself, and each row is there once.
func TestHDFSFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(s *site, wrong bool)
		says string // while it is wrong
	}{
		"safe mode": {func(s *site, wrong bool) { s.hdfs.SetSafeMode(wrong) }, "HDFS is in safe mode"},
		"no data node": {func(s *site, wrong bool) {
			map[bool]func(int){true: s.hdfs.StopDataNode, false: s.hdfs.StartDataNode}[wrong](0)
		}, "no data node takes the file"},
		"name node": {func(s *site, wrong bool) {
			map[bool]func(int){true: s.hdfs.StopNameNode, false: s.hdfs.StartNameNode}[wrong](0)
		}, "connection refused"},
		"quota": {func(s *site, wrong bool) {
			s.hdfs.SetQuota(s.appPath(), -1, map[bool]int64{true: 1, false: -1}[wrong])
		}, "QuotaExceededException"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHDFSSite(t, "flow", hdfstest.Options{})
			s.plight.Patience = 500 * time.Millisecond
			p := s.start("--from", "earliest")
			p.waitFor("Partition 2 begins")
			s.send(0, rows(0, 10)...)
			p.waitFor("Committed 10 rows")
			tt.set(s, true)
			s.send(1, append(rows(10, 20), "bad")...)
			p.waitFor("Nothing is lost; trying again in 1s.")
			tt.set(s, false)
			s.send(2, rows(20, 30)...)
			s.waitForNumbers(0, 30)
			p.stop(syscall.SIGTERM)
			p.says(tt.says)
			s.wantNumbers(0, 30)
			if n := len(s.letters()); n != 1 {
				t.Errorf("%d dead letters", n)
			}
			s.wantOffsets()
			s.wantClean()
		})
	}
}

// Many answers of HDFS are lost: of some requests it isn't known whether they were done.
func TestHDFSLosesAnswers(t *testing.T) {
	s := newHDFSSite(t, "flow", hdfstest.Options{})
	s.plight.Patience = 5 * time.Second
	s.hdfs.SetFault(func(r hdfstest.Request) hdfstest.Action {
		return hdfstest.Action{Lose: r.Count%4 == 2, Cut: r.Count%7 == 3}
	})
	p := s.start("--from", "earliest")
	for n := range 10 {
		s.send(int32(n%partitions), rows(10*n, 10*n+10)...)
		s.until("rows", func() bool { return len(s.numbers()) >= 10*n+10 })
	}
	s.hdfs.SetFault(nil)
	p.stop(syscall.SIGTERM)
	s.plight.Patience = 0
	s.run(0, "--once")
	s.wantNumbers(0, 100)
	s.wantOffsets()
	s.wantClean()
}

// Somebody else takes the staging folder: the listener opens the log anew and goes on.
func TestHDFSStagingTaken(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]func(s *site, take func()){
		// It is noticed when the batch's files are to be there,
		"before the commit": func(s *site, take func()) { take() },
		// or when the record is to be made.
		"before the record": func(s *site, take func()) {
			taken := false
			s.hdfs.SetFault(func(r hdfstest.Request) hdfstest.Action {
				if !r.DataNode && r.Op == "CREATE" && strings.Contains(r.Path, "/.record/") && !taken {
					taken = true
					take()
				}
				return hdfstest.Action{}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHDFSSite(t, "flow", hdfstest.Options{})
			p := s.start("--from", "earliest")
			p.waitFor("Partition 2 begins")
			s.send(0, rows(0, 10)...)
			p.waitFor("Committed 10 rows")
			c := s.hdfsClient()
			when(s, func() {
				entries, err := c.ReadDir(s.remote("staging"))
				if err != nil || len(entries) != 1 {
					t.Errorf("staging: %v, %v", entries, err)
					return
				}
				left := s.remote("staging", ".left-"+entries[0].Name())
				if err := c.Rename(s.remote("staging", entries[0].Name()), left); err != nil {
					t.Error(err)
				}
				if err := c.RemoveAll(left); err != nil {
					t.Error(err)
				}
			})
			s.send(1, append(rows(10, 20), "bad")...)
			p.waitFor("Nothing is lost: opening the commit log again.", "Committed 10 rows")
			s.send(2, rows(20, 30)...)
			p.waitFor("Committed 10 rows")
			p.stop(syscall.SIGTERM)
			s.wantNumbers(0, 30)
			if n := len(s.letters()); n != 1 {
				t.Errorf("%d dead letters", n)
			}
			s.wantOffsets()
			s.wantClean()
		})
	}
}

// Somebody tidies up the folder for temporary files while the listener runs.
func TestHDFSLocalStagingGone(t *testing.T) {
	s := newHDFSSite(t, "flow", hdfstest.Options{})
	s.env = append(s.env, "TMPDIR="+s.path("tmp"))
	if err := os.Mkdir(s.path("tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	if err := os.RemoveAll(s.path("local")); err != nil {
		t.Fatal(err)
	}
	s.send(0, append(rows(0, 10), "bad")...)
	p.waitFor("Nothing is lost: making another one.", `is not on this host: using "`+s.path("tmp"), "Committed 10 rows")
	p.stop(syscall.SIGTERM)
	s.wantNumbers(0, 10)
	// The configuration may be the one of a collector on another host.
	s.send(1, rows(10, 20)...)
	s.run(0, "--once").says(`The local_staging "` + s.path("local") + `" is not on this host: using "` + s.path("tmp"))
	s.wantNumbers(0, 20)
	if n := len(s.letters()); n != 1 {
		t.Errorf("%d dead letters", n)
	}
	if err := os.Rename(s.path("tmp"), s.path("local")); err != nil {
		t.Fatal(err)
	}
	s.wantClean()
}

// Listeners of one group, of which one is killed, on one HDFS.
func TestHDFSGroup(t *testing.T) {
	s := newHDFSSite(t, "flow", hdfstest.Options{DataNodes: 2, NameNodes: 2})
	s.set("spark_batch_size", 0.1)
	var all []*process
	for range 3 {
		all = append(all, s.start("--from", "earliest"))
	}
	for _, p := range all {
		p.waitFor(begun)
	}
	for n := range 30 {
		s.send(int32(n%partitions), rows(10*n, 10*n+10)...)
		switch n {
		case 10:
			all[0].signal(syscall.SIGKILL)
			all[0].end()
			s.evict()
		case 20:
			s.hdfs.SetActive(1)
		}
	}
	s.waitForNumbers(0, 300)
	for _, p := range all[1:] {
		p.stop(syscall.SIGTERM)
	}
	s.run(0, "--once")
	s.wantNumbers(0, 300)
	s.wantOffsets()
	s.wantClean()
}
