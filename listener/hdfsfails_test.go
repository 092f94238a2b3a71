package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/listener/internal/hdfs/hdfstest"
)

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
			s.wantLetters(1)
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
				if r.Op == "RENAME" && strings.Contains(r.To, "/.record/") && !taken {
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
			s.wantLetters(1)
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
	s.wantLetters(1)
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
