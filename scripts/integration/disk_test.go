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
// A tool's CSV is staged, too; our own is not.
func TestStaging(t *testing.T) {
	for name, c := range map[string]struct{ converter, size, says string }{
		"room":   {"nfdump", "10m", "Store segment-"},
		"full":   {"nfdump", "32k", "could not be stored to local staging area"},
		"native": {"native", "32k", "could not be stored to local staging area"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testStaging(t, c.converter, c.size, c.says)
		})
	}
}

func testStaging(t *testing.T, converter, size, says string) {
	const limit, name = 20_000, "nfcapd.201803200900"
	want := sample(t, "flow", limit)
	broker := ownKafka(t, kafka4)
	s := newSite(t, broker, "flow", nil)
	smallDisk(t, s.path("staging"), size)
	s.kafka(map[string]any{"max_request_size": limit})
	s.pipeline(map[string]any{"converter": converter})
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
	if lost := converter == "nfdump" && size == "32k"; p.says("the CSV was not staged: ") != lost {
		t.Errorf("the log says that the CSV was not staged: %v, want %v", !lost, lost)
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
	for _, name := range []string{"killed while full", "has room again"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), "proxy", nil)
			smallDisk(t, s.path("state"), "1m")
			filler := s.path("state", "filler")
			p := s.start(s.args()...)
			p.waitFor("Initialization completed successfully!")
			fill(t, filler)
			rows, waiting := s.arriveUntilFull(p)
			if name == "has room again" {
				freeDisk(t, filler)
				p.waitFor("The ledger can be written again.")
				p.waitForAll(waiting)
				p.stop()
			} else {
				p.kill()
				for _, m := range s.consume() {
					if slices.Contains(waiting, m.source) {
						t.Errorf("%s was sent without a plan on disk", m.source)
					}
				}
				freeDisk(t, filler)
			}
			s.run(0, s.args("--once")...)
			all, copies := distinct(t, s.consume())
			var got []string
			for _, m := range all {
				got = append(got, m.rows...)
			}
			slices.Sort(got)
			slices.Sort(rows)
			if !slices.Equal(got, rows) || name == "has room again" && copies > 0 {
				t.Errorf("%d copies; rows in Kafka:\n%s\nwant:\n%s", copies, strings.Join(got, "\n"), strings.Join(rows, "\n"))
			}
		})
	}
}

// arriveUntilFull lets files arrive one by one, more than the rest of the ledger's last
// page takes plans for. It returns their rows, and the names of those that aren't sent.
func (s *site) arriveUntilFull(p *process) (rows, waiting []string) {
	s.t.Helper()
	full := false
	for n := range 20 {
		name := fmt.Sprintf("%02d.log", n)
		rows = append(rows, fmt.Sprintf("2018-03-20 09:00:00 file %d", n))
		s.arrive(name, []byte(rows[n]+"\n"))
		const stopped = "no new file is begun until it can be written again"
		if !full && p.waitFor(stopped, allSent(name)) == stopped {
			full = true
		}
		if full {
			waiting = append(waiting, name)
		}
	}
	if !full {
		s.t.Fatal("the disk is full, and the collector did not notice")
	}
	return rows, waiting
}

func allSent(name string) string { return "All segments of \"" + name + "\" published" }

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

// waitForAll waits until each of the files is sent, in any order.
func (p *process) waitForAll(names []string) {
	p.t.Helper()
	var sentences []string
	for _, name := range names {
		sentences = append(sentences, allSent(name))
	}
	for len(sentences) > 0 {
		found := p.waitFor(sentences...)
		sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == found })
	}
}
