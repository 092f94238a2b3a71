package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"spot-ingest/pkg/logging"

	"golang.org/x/sys/unix"
)

// A progress shows on a terminal how far a single run is, in the terminal's last line.
// It is the log's writer as well, so that the two don't get in each other's way.
type progress struct {
	mu      sync.Mutex
	out     *os.File // the log
	bar     *os.File // the terminal; nil for no bar
	shown   bool
	began   time.Time
	ticker  *time.Ticker
	stopped chan struct{}
	done    sync.WaitGroup
}

const clearLine = "\r\x1b[K"

func newProgress(once bool, out, terminal *os.File) *progress {
	p := &progress{out: out, began: time.Now()}
	if once && isTerminal(terminal) {
		p.bar = terminal
	}
	return p
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Write writes to the log.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hide()
	return p.out.Write(b)
}

func (p *progress) hide() {
	if p.shown {
		p.shown = false
		io.WriteString(p.bar, clearLine)
	}
}

// show draws the bar four times a second until finish.
func (p *progress) show(t *totals) {
	if p.bar == nil {
		return
	}
	p.ticker, p.stopped = time.NewTicker(250*time.Millisecond), make(chan struct{})
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		for {
			select {
			case <-p.stopped:
				return
			case now := <-p.ticker.C:
				p.draw(t.get(), now)
			}
		}
	}()
}

func (p *progress) draw(n counts, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rate := float64(n.rows) / now.Sub(p.began).Seconds()
	p.shown = true
	fmt.Fprintf(p.bar, clearLine+"%d files, %.1f MB, %d rows, %.0f rows/s", n.files, float64(n.bytes)/1e6, n.rows, rate)
}

// finish takes the bar away and writes the summary: as a table, or as log records if the
// log is for a machine.
func (p *progress) finish(n counts, unfinished []string, asJSON bool, log *logging.Logger) {
	if p.ticker != nil {
		p.ticker.Stop()
		close(p.stopped)
		p.done.Wait()
	}
	for _, path := range unfinished {
		log.Warning("File %q is still being written; it is left for the next time.", path)
	}
	if asJSON {
		log.Info("Summary: %s", strings.Join(strings.Fields(strings.ReplaceAll(n.table(len(unfinished)), "\n", ",")), " "))
		return
	}
	fmt.Fprint(p, n.table(len(unfinished)))
}
