package main

import (
	"fmt"
	"strings"
	"sync"
)

// counts are what became of the files of one run of the program.
type counts struct {
	files, empty, failed int64 // finished; of those without a row; not sent
	bytes                int64 // of the finished files
	segments, rows       int64 // acknowledged
	skipped, rejected    int64 // lines without a row; segments and lines that can never be sent
}

// totals are counts that several goroutines add to.
type totals struct {
	mu sync.Mutex
	n  counts
}

func (t *totals) add(edit func(*counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	edit(&t.n)
}

func (t *totals) get() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// table is the summary that a single run ends with.
func (n counts) table(unfinished int) string {
	var b strings.Builder
	row := func(name string, value int64) { fmt.Fprintf(&b, "%-32s %15d\n", name, value) }
	row("files finished", n.files)
	row("  without a row", n.empty)
	row("files failed", n.failed)
	row("files still being written", int64(unfinished))
	row("bytes of finished files", n.bytes)
	row("rows published", n.rows)
	row("segments published", n.segments)
	row("lines skipped", n.skipped)
	row("rejected", n.rejected)
	return b.String()
}
