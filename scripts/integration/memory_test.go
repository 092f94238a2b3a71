//go:build integration

package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"spot-ingest/scripts/generate"
)

// mostMemory is what the collector may take, in bytes, however large its input.
const mostMemory = 64 << 20

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// watchMemory follows how much memory a collector took at most, as the kernel counts it;
// the returned function waits for its end and tells, in bytes. (What wait4 tells is no use:
// a child's count begins with that of its parent.)
func watchMemory(p *process) (peak func() int64) {
	p.t.Helper()
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	most := make(chan int64, 1)
	go func() {
		defer status.Close()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		var kilobytes int64
		buf := make([]byte, 8<<10)
		for {
			n, _ := status.ReadAt(buf, 0) // nothing once the process has ended
			if found := highWater.FindSubmatch(buf[:n]); found != nil {
				kilobytes, _ = strconv.ParseInt(string(found[1]), 10, 64)
			}
			select {
			case <-p.ended:
				most <- kilobytes << 10
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 { p.end(); return <-most }
}

func checkMemory(t *testing.T, peak int64) {
	t.Helper()
	t.Logf("memory at most: %.1f MiB", float64(peak)/(1<<20))
	if peak == 0 || peak > mostMemory {
		t.Errorf("the collector took %d bytes of memory, want at most %d", peak, mostMemory)
	}
}

// Memory does not depend on the size of a file.
func TestMemoryOfLargeFile(t *testing.T) {
	for name, c := range map[string]struct {
		kind  string
		write func(io.Writer) (rows int64, err error)
	}{
		"large.log": {"proxy", func(w io.Writer) (int64, error) {
			totals, err := generate.Proxy(w, generate.Options{Seed: 1, Bytes: 300_000_000})
			return totals.Rows, err
		}},
		"nfcapd.large": {"flow", func(w io.Writer) (int64, error) {
			totals, err := generate.Nfcapd(w, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 1_500_000}, Compression: generate.LZO})
			return totals.Rows, err
		}},
		"large.pcap": {"dns", func(w io.Writer) (int64, error) {
			totals, err := generate.Capture(w, generate.CaptureOptions{Options: generate.Options{Seed: 1, Bytes: 200_000_000}})
			return totals.Rows, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), c.kind, nil)
			s.withoutTools()
			var rows int64
			s.arriveFrom(name, func(w io.Writer) (err error) {
				rows, err = c.write(w)
				return err
			})
			s.runInLittleMemory(rows)
		})
	}
}

// runInLittleMemory runs a collector, which has to publish so many rows and to lose none.
func (s *site) runInLittleMemory(rows int64) *process {
	s.t.Helper()
	p := s.start(s.args("--once")...)
	checkMemory(s.t, watchMemory(p)())
	if code := p.end(); code != 0 {
		s.t.Errorf("exit code %d, want 0", code)
	}
	if want := fmt.Sprintf("%-32s %15d\n", "rows published", rows); !p.says(want) {
		s.t.Errorf("the summary lacks %q", want)
	}
	var records int64
	for _, end := range s.ends(context.Background()) {
		records += end
	}
	if want := fmt.Sprintf("%-32s %15d\n", "segments published", records); !p.says(want) {
		s.t.Errorf("the summary lacks %q", want)
	}
	return p
}

// Nor does it depend on the length of a line, which is then listed as what can't be sent.
func TestMemoryOfLongLine(t *testing.T) {
	t.Parallel()
	s := newSite(t, sharedKafka(t, kafka4), "proxy", nil)
	const length = 50_000_000
	before, after := "2018-03-20 09:00:00 before", "2018-03-20 09:00:02 after"
	start := "2018-03-20 09:00:01 "
	s.arriveFrom("long.log", func(w io.Writer) error {
		_, err := io.Copy(w, io.MultiReader(
			strings.NewReader(before+"\n"+start),
			bytes.NewReader(bytes.Repeat([]byte("x"), length-len(start))),
			strings.NewReader("\n"+after+"\n")))
		return err
	})
	p := s.start(s.args("--once")...)
	checkMemory(t, watchMemory(p)())
	if code := p.end(); code != 1 { // not all could be sent
		t.Errorf("exit code %d, want 1", code)
	}
	checkSegments(t, "long.log", s.consume(), []segment{{[]string{before, after}, 1521536400_000}})
	r := s.rejections()
	if len(r) != 1 || r[0].File != s.path("in", "long.log") || r[0].Line != 2 || r[0].Length != length {
		t.Errorf("rejected: %+v", r)
	}
}
