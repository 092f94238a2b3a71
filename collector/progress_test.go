package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"spot-ingest/pkg/logging"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal and returns its two ends.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestProgress(t *testing.T) {
	master, slave := terminal(t)
	log, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := newProgress(true, log, slave)
	var total totals
	total.add(func(n *counts) { n.files, n.bytes, n.rows = 3, 2_500_000, 1000 })
	p.show(&total)
	p.draw(total.get(), p.began.Add(10*time.Second))
	fmt.Fprintln(p, "a log line")
	p.finish(total.get(), []string{"/data/x.pcap"}, false, logging.New(p, logging.Info, false))

	want := clearLine + "3 files, 2.5 MB, 1000 rows, 100 rows/s" + clearLine
	got := make([]byte, len(want))
	if _, err := io.ReadFull(master, got); err != nil || string(got) != want {
		t.Errorf("on the terminal: %q, %v, want %q", got, err, want)
	}
	written, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a log line\n", `"/data/x.pcap" is still being written`, "rows published                              1000"} {
		if !strings.Contains(string(written), want) {
			t.Errorf("the log lacks %q:\n%s", want, written)
		}
	}
}

// Without a terminal, or without --once, nothing but the log is written.
func TestNoProgress(t *testing.T) {
	_, slave := terminal(t)
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if newProgress(true, file, file).bar != nil || newProgress(false, file, slave).bar != nil {
		t.Error("a bar where none belongs")
	}
}
