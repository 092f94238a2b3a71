package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// These tests change files while they are in hand, or between two starts, in the ways of
// log rotation, uploads and operators; every row must arrive, and none under two identities.

// failing starts a collector whose Kafka takes nothing until code is 0.
func (s *site) failing(args ...string) (p *process, code *atomic.Int32) {
	s.t.Helper()
	code = new(atomic.Int32)
	s.failProduce(code)
	p = s.start(append([]string{"-t", "proxy", "--topic", topic}, args...)...)
	p.waitFor("Initialization completed successfully!")
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	return p, code
}

func (s *site) rename(from, to string) {
	s.t.Helper()
	if err := os.Rename(from, to); err != nil {
		s.t.Fatal(err)
	}
}

// A log is rotated while Kafka is away: the rows of the old one, of what came to it since
// it was planned, and of the new one under the old name.
func TestRotatedWhileAway(t *testing.T) {
	s := newSite(t, "proxy")
	p, code := s.failing()
	path := s.write(line(0)+"\n", "in", "a.log")
	p.waitFor("Store segment-0")
	s.append(line(1)+"\n", path)
	s.rename(path, path+".1")
	s.write(line(2)+"\n", "in", "a.log")
	code.Store(0)
	for range 3 {
		p.waitFor("published successfully")
	}
	p.stop(syscall.SIGTERM)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0), line(1), line(2))
}

// A log that was begun is finished at the next start, although rotation has given it a
// name that no pattern matches.
func TestRotatedAwayWhileDown(t *testing.T) {
	s := newSite(t, "proxy")
	s.pipeline("proxy")["supported_files"] = []string{`\.log$`}
	p, code := s.failing()
	path := s.write(line(0)+"\n", "in", "a.log")
	p.waitFor("Store segment-0")
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end()
	staging, _ := filepath.Glob(s.path("staging", "_DC.*"))
	for _, folder := range staging {
		if err := os.RemoveAll(folder); err != nil { // as a reboot wipes /tmp
			t.Fatal(err)
		}
	}
	s.rename(path, s.path("in", "a.log.1"))
	code.Store(0)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0))
}

// The same, if the collector saw the rename before it was killed.
func TestRotatedAwayThenKilled(t *testing.T) {
	s := newSite(t, "proxy")
	s.pipeline("proxy")["supported_files"] = []string{`\.log$`}
	p, code := s.failing()
	path := s.write(line(0)+"\n", "in", "a.log")
	p.waitFor("Store segment-0")
	s.rename(path, s.path("in", "a.log.1"))
	p.waitFor("is not supported")
	for range 2 { // by the second time the ledger is on disk
		p.waitFor("Kafka is still away")
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end()
	if err := os.RemoveAll(s.path("staging")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.path("staging"), 0o755); err != nil {
		t.Fatal(err)
	}
	code.Store(0)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0))
}

// A file that is removed while it waits for Kafka is sent all the same.
func TestRemovedWhileAway(t *testing.T) {
	s := newSite(t, "proxy")
	p, code := s.failing()
	list, text := lines(0, 10)
	path := s.write(text, "in", "a.log")
	p.waitFor("Store segment-0")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	code.Store(0)
	p.waitFor(`All segments of "a.log" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(list...)
	if strings.Contains(p.stdout.text.String(), "could not be sent") {
		t.Error("says that it could not be sent")
	}
}

// A failed segment given to --skip-conversion keeps its identity, also if Kafka is still
// away then.
func TestReloadWhileAway(t *testing.T) {
	s := newSite(t, "proxy")
	p, code := s.failing()
	want, text := lines(0, 20)
	s.write(text, "in", "x.log")
	p.waitFor("Store segment-0")
	found, _ := filepath.Glob(s.path("staging", "_DC.*", "x_log_segment-0.csv"))
	if len(found) != 1 {
		t.Fatalf("staging: %v", found)
	}
	csv, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	s.write(string(csv), "reload", "anything.csv")
	p.stop(syscall.SIGTERM)

	s.pipeline("proxy")["collector_path"] = s.path("reload")
	p = s.start("-t", "proxy", "--topic", topic, "--skip-conversion", "--once")
	p.waitFor("Kafka is away")
	code.Store(0)
	if exit := p.end(); exit != 0 {
		t.Errorf("exit code %d", exit)
	}
	s.pipeline("proxy")["collector_path"] = s.path("in")
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	if got, repeats := s.distinct(); len(got) != len(want) || repeats != 1 {
		t.Errorf("%d distinct rows of %d, %d repeats", len(got), len(want), repeats)
	}
}

// A file under a name that isn't supported, then renamed or wanted after all, is one file
// for good.
func TestUnsupportedThenTaken(t *testing.T) {
	s := newSite(t, "proxy")
	s.pipeline("proxy")["supported_files"] = []string{`\.log$`}
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	s.write(line(8)+"\n", "in", "first.log") // the unsupported names of the first scan are only counted
	p.waitFor("published successfully")
	want := []string{line(8)}
	for n := range 6 {
		upload := s.write(line(n)+"\n", "in", fmt.Sprintf("%d.tmp", n))
		p.waitFor("is not supported")
		s.rename(upload, s.path("in", fmt.Sprintf("%d.log", n)))
		p.waitFor("published successfully")
		want = append(want, line(n))
	}
	s.write(line(9)+"\n", "in", "a.txt")
	p.waitFor("is not supported")
	p.stop(syscall.SIGTERM)
	s.pipeline("proxy")["supported_files"] = []string{`\.log$`, `\.txt$`}
	for range 4 { // what is in the ledger twice wins by chance
		s.run(0, "-t", "proxy", "--topic", topic, "--once")
	}
	s.wantRows(append(want, line(9))...)
}

// What was there at the first start is wanted while what has come since is still pending.
func TestBaseWantedWhilePending(t *testing.T) {
	s := newSite(t, "proxy")
	path := s.write(line(0)+"\n"+line(1)+"\n", "in", "a.log")
	p, code := s.failing()
	s.append(line(2)+"\n", path)
	p.waitFor("Store segment-0")
	p.stop(syscall.SIGTERM)
	code.Store(0)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0), line(1), line(2))
}

// At the first start an old file without a final newline is recorded to its end.
func TestExistingWithoutFinalNewline(t *testing.T) {
	s := newSite(t, "proxy")
	path := s.write(line(0)+"\n"+line(1), "in", "old.log")
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("1 files were in")
	s.write(line(5)+"\n", "in", "new.log")
	p.waitFor(`All segments of "new.log" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(line(5))
}

// A failed segment's name can look like anything, such as a SHA-1.
func TestSpooledHash(t *testing.T) {
	s := newSite(t, "proxy")
	p, code := s.failing()
	s.write(line(0)+"\n", "in", "da39a3ee5e6b4b0d3255bfef95601890afd80709.log")
	p.waitFor("Store segment-0")
	p.stop(syscall.SIGTERM)
	code.Store(0)
	s.run(0, "-t", "proxy", "--topic", topic, "--once")
	s.wantRows(line(0))
}

// The staging folder of another collector, of a pipeline of another name here, isn't
// watched either.
func TestOtherStagingInside(t *testing.T) {
	s := newSite(t, "proxy")
	s.pipeline("proxy")["local_staging"] = s.path("in")
	p, code := s.failing()
	s.write(line(0)+"\n", "in", "a.log")
	p.waitFor("Store segment-0")
	p.stop(syscall.SIGTERM)
	code.Store(0)
	pipelines := s.conf["pipelines"].(map[string]any)
	pipelines["web"] = pipelines["proxy"]
	delete(pipelines, "proxy")
	s.run(0, "-t", "web", "--topic", topic, "--once")
	s.wantRows(line(0))
}

// A rejected segment is told of although a later go ended the file.
func TestRejectedIsRemembered(t *testing.T) {
	s := newSite(t, "proxy")
	huge := "2018-03-20 09:00:01 " + strings.Repeat("x", 1_500_000)
	var code atomic.Int32
	s.failProduce(&code)
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	_, text := lines(3, 20)
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	s.write(huge+"\n"+text, "in", "a.log")
	p.waitFor("can never be sent")
	p.waitFor("Store segment-1")
	code.Store(0)
	p.waitFor(`One or more segment(s) of "a.log" were not published to Kafka cluster.`)
	p.stop(syscall.SIGTERM)
}

func TestRetryAfter(t *testing.T) {
	for n := 1; n < 200; n++ {
		if pause := retryAfter(n); pause < firstPause || pause > time.Hour {
			t.Fatalf("after %d failures: %v", n, pause)
		}
	}
}
