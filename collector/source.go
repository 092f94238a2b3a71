package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/watch"
)

// A source is where finished files come from: the watched folder, or the files named by
// --resend.
type source struct {
	files      <-chan watch.File
	run        func(ctx context.Context) error
	unfinished func() []string
	strays     []watch.File // files to be finished first, whatever their names are now
}

// newSource records what is there at the first start, and prepares to watch.
func (c *collector) newSource(ctx context.Context) (*source, error) {
	if len(c.args.Resend) > 0 {
		return c.resendSource()
	}
	if !c.ledger.Began() {
		if err := c.firstStart(ctx); err != nil {
			return nil, err
		}
	}
	w, err := watch.New(c.watchOptions())
	if err != nil {
		return nil, err
	}
	strays, err := c.strays()
	if err != nil {
		return nil, err
	}
	c.watchLog.Info("Supported filenames: %s", quoted(c.conf.SupportedFiles))
	return &source{
		files:      w.Files(),
		unfinished: w.Unfinished,
		run:        w.Run,
		strays:     strays,
	}, nil
}

func quoted(patterns []string) string {
	if len(patterns) == 0 {
		return "all"
	}
	return `"` + strings.Join(patterns, `", "`) + `"`
}

// firstStart records the files that are there already: like the original, the collector
// sends what comes from now on. --once and the backlog options send them all the same.
func (c *collector) firstStart(ctx context.Context) error {
	found, err := watch.Scan(c.watchOptions())
	if err != nil {
		return err
	}
	recorded, skipped := 0, 0
	for _, f := range found {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// An earlier first start may have been cut short, or --resend came before.
		if _, change, err := c.ledger.Identify(f.Path, statOf(f)); err == nil && change != ledger.Fresh {
			continue
		}
		file, err := c.record(f)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			c.watchLog.Error("record %q: %v; it will be sent", f.Path, err)
			continue
		}
		if err := c.ledger.Update(file, func(f *ledger.File) { f.Status, f.Done = ledger.Existing, f.Base }); err != nil {
			return err
		}
		if !c.wanted(file) {
			skipped++
		}
		if recorded++; recorded%1000 == 0 { // what isn't on disk yet is held in memory
			if err := c.ledger.Sync(); err != nil {
				return err
			}
		}
	}
	if err := c.ledger.Begin(); err != nil {
		return err
	}
	if skipped > 0 {
		c.watchLog.Warning("%d files were in %q before the first start; they are recorded and not sent. Use --backlog to send them all, or --backlog-since TIME.", skipped, c.conf.Path)
	}
	return nil
}

// record makes the ledger's entry of a file that is there at the first start.
func (c *collector) record(found watch.File) (*ledger.File, error) {
	r, err := os.Open(found.Path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	file := newFile(found)
	if file.Head, err = ledger.HeadPrint(r, found.Size); err != nil {
		return nil, err
	}
	switch {
	case !c.text:
	case time.Since(found.ModTime) > settled:
		file.Base = found.Size
	default:
		// A line that is being written belongs to what comes from now on.
		file.Base, err = lastLineEnd(r, 0, found.Size)
	}
	return file, err
}

// settled is how long a text file must not have grown for its unfinished last line to be
// taken as it is.
const settled = time.Minute

func newFile(found watch.File) *ledger.File {
	return &ledger.File{
		ID:   ledger.NewID(),
		Path: ledger.Name(found.Path),
		Stat: statOf(found),
	}
}

func statOf(found watch.File) ledger.Stat {
	return ledger.Stat{Inode: found.Inode, Birth: found.Birth, Size: found.Size, ModNS: found.ModTime.UnixNano()}
}

// wanted tells whether a file that was there at the first start is to be sent.
func (c *collector) wanted(f *ledger.File) bool {
	if c.args.Once || c.args.Backlog || c.conf.Backlog {
		return true
	}
	since := c.args.BacklogSince
	return !since.IsZero() && f.Stat.ModNS >= since.UnixNano()
}

// strays finds the files that were begun and have been renamed since to a name that isn't
// supported, as rotation may do: they are finished all the same.
func (c *collector) strays() ([]watch.File, error) {
	inodes := c.ledger.Strays()
	if len(inodes) == 0 {
		return nil, nil
	}
	o := c.watchOptions()
	o.Match = nil
	all, err := watch.Scan(o)
	if err != nil {
		return nil, err
	}
	var found []watch.File
	for _, f := range all {
		if _, ok := inodes[f.Inode]; !ok {
			continue
		}
		// The inode alone may have been used again.
		known, change, err := c.ledger.Identify(f.Path, statOf(f))
		if err == nil && change != ledger.Fresh && change != ledger.Rewritten && known.Plan != nil {
			found = append(found, f)
			delete(inodes, f.Inode)
		}
	}
	for _, path := range inodes {
		c.watchLog.Warning("File %q is gone before all of it was sent; what was left of it goes if it turns up again.", path)
	}
	return found, nil
}

// resendSource forgets the files named by --resend, so that they are sent again with a
// new identity.
func (c *collector) resendSource() (*source, error) {
	files := make(chan watch.File, len(c.args.Resend))
	defer close(files)
	for _, name := range c.args.Resend {
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		found, err := watch.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("--resend %q: %w", name, err)
		}
		known, change, err := c.ledger.Identify(path, statOf(found))
		if err != nil {
			return nil, fmt.Errorf("--resend %q: %w", name, err)
		}
		if change != ledger.Fresh {
			if err := c.ledger.Forget(known); err != nil {
				return nil, err
			}
		}
		files <- found
	}
	return &source{
		files:      files,
		run:        func(context.Context) error { return nil },
		unfinished: func() []string { return nil },
	}, nil
}
