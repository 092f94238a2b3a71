//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of a few bytes at a folder, for the length of the test.
func smallDisk(t *testing.T, path, size string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	err := unix.Mount("spot-integration", path, "tmpfs", 0, "mode=0700,size="+size)
	if errors.Is(err, unix.EPERM) {
		t.Skipf("mounting is not allowed here: %v", err)
	} else if err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", path, err)
		}
	})
}

// While Kafka is away, failed segments of a conversion are set down in staging. With no
// room there a conversion goes on without, and what failed is made again from its file.
func TestStaging(t *testing.T) {
	for name, c := range map[string]struct{ size, says string }{
		"room": {"10m", "Store segment-"},
		"full": {"32k", "could not be stored to local staging area"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testStaging(t, c.size, c.says)
		})
	}
}

func testStaging(t *testing.T, size, says string) {
	const limit, name = 20_000, "nfcapd.201803200900"
	want := sample(t, "flow", limit)
	broker := ownKafka(t, kafka4)
	s := newSite(t, broker, "flow", nil)
	smallDisk(t, s.path("staging"), size)
	s.kafka(map[string]any{"max_request_size": limit})
	p := s.start(s.args()...)
	p.waitFor("Initialization completed successfully!")
	broker.Kill()
	s.arrive(name, readFile(t, filepath.Join("testdata", name)))
	p.waitFor(says)
	if err := broker.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.waitFor(allSent(name))
	p.stop()
	if full := size == "32k"; p.says("the CSV was not staged: ") != full {
		t.Errorf("the log says that the CSV was not staged: %v, want %v", !full, full)
	}
	all, _ := distinct(t, s.consume())
	checkSegments(t, name, all, want)
	if left, err := os.ReadDir(s.path("staging")); err != nil || len(left) > 0 {
		t.Errorf("left in staging: %v, %v", left, err)
	}
}

// With no room for the ledger nothing is sent that could not be planned on disk, also when
// it is tried again. When there is room again, all goes out.
func TestStateFull(t *testing.T) {
	for _, name := range []string{"stays full", "has room again"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), "proxy", nil)
			smallDisk(t, s.path("state"), "1m")
			filler := s.path("state", "filler")
			p := s.start(s.args()...)
			p.waitFor("Initialization completed successfully!")
			fill(t, filler)
			rows, failed := s.arriveUntilFull(p)
			if name == "has room again" {
				freeDisk(t, filler)
			}
			tried := nextTries(p, failed)
			if name == "stays full" {
				for _, m := range s.consume() {
					if slices.Contains(failed, m.source) {
						t.Errorf("%s was sent without a plan on disk", m.source)
					}
				}
				freeDisk(t, filler)
			} else if slices.Contains(tried, false) {
				t.Errorf("of %q not all were sent as soon as they were tried again", failed)
			}
			p.stop()
			s.run(0, s.args("--once")...)
			all, copies := distinct(t, s.consume())
			var got []string
			for _, m := range all {
				got = append(got, m.rows...)
			}
			slices.Sort(got)
			slices.Sort(rows)
			if !slices.Equal(got, rows) || copies > 0 {
				t.Errorf("%d copies; rows in Kafka:\n%s\nwant:\n%s", copies, strings.Join(got, "\n"), strings.Join(rows, "\n"))
			}
		})
	}
}

// arriveUntilFull lets files arrive one by one, more than the rest of the ledger's last
// page takes plans for. It returns their rows, and the names of those that failed.
func (s *site) arriveUntilFull(p *process) (rows, failed []string) {
	s.t.Helper()
	for n := range 20 {
		name := fmt.Sprintf("%02d.log", n)
		rows = append(rows, fmt.Sprintf("2018-03-20 09:00:00 file %d", n))
		s.arrive(name, []byte(rows[n]+"\n"))
		if failure := couldNot(name); p.waitFor(failure, allSent(name)) == failure {
			failed = append(failed, name)
		}
	}
	if len(failed) == 0 || !p.says("no space left on device") {
		s.t.Fatalf("the disk is full, and %d files have failed", len(failed))
	}
	return rows, failed
}

func couldNot(name string) string { return "/" + name + "\" could not be sent: " }
func allSent(name string) string  { return "All segments of \"" + name + "\" published" }

// nextTries waits for what becomes of each file, and tells whether it was sent.
func nextTries(p *process, names []string) (sent []bool) {
	p.t.Helper()
	var answers []string
	for _, name := range names {
		answers = append(answers, couldNot(name), allSent(name))
	}
	for len(answers) > 0 {
		n := slices.Index(answers, p.waitFor(answers...))
		sent = append(sent, n%2 == 1)
		answers = slices.Delete(answers, n/2*2, n/2*2+2)
	}
	return sent
}

func freeDisk(t *testing.T, filler string) {
	t.Helper()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 1<<10))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}
