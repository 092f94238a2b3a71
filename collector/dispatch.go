package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/watch"
)

// A job is a file in a worker's hands.
type job struct {
	found watch.File
	file  *ledger.File // a new one if the ledger didn't know it
	// change is how found differs from what the ledger knows.
	change ledger.Change
	old    *ledger.File // what was at the path before, for Rewritten
	tries  int          // how often it has failed so far
}

type result struct {
	job
	err error // nil: done; errAway, errStopped; any other is a failure of the file
}

var (
	errAway    = errors.New("Kafka is away")
	errStopped = errors.New("stopped")
)

// maxTries is how often a file is tried in one run of the program.
const maxTries = 10

// retryAfter is the pause after the n-th failure of a file, counted from 1.
func retryAfter(n int) time.Duration {
	return min(time.Minute<<(n-1), time.Hour)
}

// A dispatcher hands finished files to the workers, one at a time each, and no file to
// two of them.
type dispatcher struct {
	c       *collector
	source  *source
	jobs    chan job
	results chan result
	busy    map[ledger.ID]bool
	paths   map[string]ledger.ID     // of the busy ones
	again   map[ledger.ID]watch.File // found anew while busy
	queue   []job                    // to be handed out; at most one new one, and those that came back
	waiting int                      // failed jobs whose time hasn't come
	retries chan job
	failed  bool
	ended   bool // the source has no more files
}

// dispatch runs until ctx ends or the source is used up and all is done; it tells whether
// everything was sent.
func (c *collector) dispatch(ctx, drain context.Context, s *source) bool {
	d := &dispatcher{
		c:       c,
		source:  s,
		jobs:    make(chan job),
		results: make(chan result),
		busy:    make(map[ledger.ID]bool),
		paths:   make(map[string]ledger.ID),
		again:   make(map[ledger.ID]watch.File),
		retries: make(chan job),
	}
	var workers sync.WaitGroup
	for n := range c.conf.Processes {
		workers.Add(1)
		go func() {
			defer workers.Done()
			w := worker{collector: c, log: c.worker(n + 1)}
			for j := range d.jobs {
				d.results <- result{j, w.process(ctx, drain, j)}
			}
		}()
	}
	d.loop(ctx)
	close(d.jobs)
	go func() { workers.Wait(); close(d.results) }()
	for r := range d.results { // what was in hand when ctx ended
		d.failed = d.failed || r.err != nil
	}
	return !d.failed && len(d.queue) == 0 && d.waiting == 0
}

func (d *dispatcher) loop(ctx context.Context) {
	var giveUp <-chan time.Time // --once doesn't wait for Kafka for ever
	for !d.done() {
		files, jobs, next := d.source.files, d.jobs, job{}
		up := d.c.kafka.Up()
		select {
		case <-up:
			giveUp = nil
		default:
			if giveUp == nil && d.once() {
				giveUp = time.After(awayAtOnce)
			}
			files, jobs = nil, nil // no file is opened while Kafka is away
		}
		if jobs != nil {
			up = nil // we know
		}
		if len(d.queue) == 0 {
			jobs = nil
		} else {
			files, next = nil, d.queue[0]
		}
		if d.ended {
			files = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-up:
		case <-giveUp:
			d.c.log.Error("Kafka has been away for %v; what is not sent goes at the next start.", awayAtOnce)
			d.failed = true
			return
		case f, ok := <-files:
			d.ended = !ok
			if ok {
				d.found(ctx, f, 0)
			}
		case jobs <- next:
			d.queue = d.queue[1:]
			d.busy[next.file.ID], d.paths[next.found.Path] = true, next.file.ID
		case r := <-d.results:
			d.finished(ctx, r)
		case j := <-d.retries:
			d.waiting--
			d.retry(ctx, j)
		}
	}
}

func (d *dispatcher) once() bool { return d.c.args.Once || len(d.c.args.Resend) > 0 }

func (d *dispatcher) done() bool {
	return d.once() && d.ended && len(d.queue) == 0 && len(d.busy) == 0 && d.waiting == 0
}

// found judges a finished file by the ledger and queues it if there is something to do.
func (d *dispatcher) found(ctx context.Context, f watch.File, tries int) {
	if id, ok := d.paths[f.Path]; ok {
		d.again[id] = f
		return
	}
	file, change, err := d.c.ledger.Identify(f.Path, statOf(f))
	if err != nil {
		d.c.watchLog.Warning("File %q can't be read: %v", f.Path, err)
		d.later(ctx, job{found: f, tries: tries + 1})
		return
	}
	j := job{found: f, file: file, change: change, tries: tries}
	if file != nil && d.busy[file.ID] { // renamed while it is in hand
		d.again[file.ID] = f
		return
	}
	if change == ledger.Rewritten {
		j.old = file
	}
	if change == ledger.Fresh || change == ledger.Rewritten || file.Status == ledger.Unsupported {
		j.file = newFile(f)
		d.c.watchLog.Info(" -------- New File Detected! -------- ")
		d.c.watchLog.Info("File %q added to the queue.", f.Path)
	} else if !d.c.hasWork(j) {
		d.c.moved(j)
		return
	}
	d.queue = append(d.queue, j)
}

// hasWork tells whether something of a known file is to be sent.
func (c *collector) hasWork(j job) bool {
	f := j.file
	grown := j.change == ledger.Grown
	if c.text {
		grown = j.found.Size > f.Done
	}
	switch {
	case f.Plan != nil, f.Status == ledger.Failed, grown:
		return true
	case c.wanted(f) && (f.Status == ledger.Existing || f.Base > 0):
		return true
	}
	return f.BaseWanted || f.Base > 0 && j.found.Path != string(f.Path)
}

// moved records the new path or time of a file that needs nothing else.
func (c *collector) moved(j job) {
	stat := statOf(j.found)
	if j.file.Stat == stat && string(j.file.Path) == j.found.Path {
		return
	}
	err := c.ledger.Update(j.file, func(f *ledger.File) {
		f.Path, f.Stat, f.Absent = ledger.Name(j.found.Path), stat, 0
	})
	if err != nil {
		c.log.Error("%v", err)
	}
}

// finished takes a job back.
func (d *dispatcher) finished(ctx context.Context, r result) {
	id := r.file.ID
	delete(d.busy, id)
	delete(d.paths, r.found.Path)
	found, again := d.again[id]
	delete(d.again, id)
	tries := 0
	switch {
	case r.err == nil:
	case errors.Is(r.err, errStopped):
		return
	case errors.Is(r.err, errAway):
		if !again {
			found, again = r.found, true
		}
	default:
		tries = r.tries + 1
		d.c.failed(r)
		if !d.once() && tries < maxTries {
			d.later(ctx, job{found: r.found, tries: tries})
		} else {
			d.failed = true
		}
	}
	if again {
		d.found(ctx, found, tries)
	}
}

// later queues a failed job again after a pause.
func (d *dispatcher) later(ctx context.Context, j job) {
	if d.once() {
		d.failed = true
		return
	}
	d.waiting++
	time.AfterFunc(retryAfter(j.tries), func() {
		select {
		case d.retries <- j:
		case <-ctx.Done():
		}
	})
}

// retry looks at a failed file anew: it may have gone, or changed.
func (d *dispatcher) retry(ctx context.Context, j job) {
	if found, err := watch.Stat(j.found.Path); err == nil {
		found.Settled = j.found.Settled
		d.found(ctx, found, j.tries)
	}
}

// failed logs a file's failure and records it.
func (c *collector) failed(r result) {
	c.total.add(func(t *counts) { t.failed++ })
	c.log.Error("File %q could not be sent: %v", r.found.Path, r.err)
	if r.file.Plan != nil {
		return // it stays pending
	}
	err := c.ledger.Update(r.file, func(f *ledger.File) { f.Status, f.Reason = ledger.Failed, r.err.Error() })
	if err != nil {
		c.log.Error("%v", err)
	}
}

func (c *collector) unsupported(path string) {
	c.watchLog.Warning("Filename %q is not supported! Skip file...", filepath.Base(path))
	found, err := watch.Stat(path)
	if err != nil {
		return
	}
	file := newFile(found)
	if err := c.ledger.Update(file, func(f *ledger.File) { f.Status = ledger.Unsupported }); err != nil {
		c.log.Error("%v", err)
	}
}
