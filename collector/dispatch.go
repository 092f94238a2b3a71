package main

import (
	"context"
	"errors"
	"io/fs"
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
	err error // nil: done; errStopped; any other is a failure of the file
}

var (
	errAway    = errors.New("away from Kafka")
	errStopped = errors.New("stopped")
)

// maxTries is how often a file is tried in one run of the program.
const maxTries = 10

// firstPause is the pause after a file's first failure.
var firstPause = time.Minute // shorter in tests

// retryAfter is the pause after the n-th failure of a file, counted from 1.
func retryAfter(n int) time.Duration {
	return min(firstPause<<min(n-1, 6), time.Hour)
}

// A dispatcher hands finished files to the workers, one at a time each, and no file to
// two of them.
type dispatcher struct {
	c       *collector
	jobs    chan job
	results chan result
	busy    map[ledger.ID]bool
	paths   map[string]ledger.ID                // of the busy ones
	again   map[ledger.ID]map[string]watch.File // found anew while busy, by path
	queue   []job                               // to be handed out: no new one comes while one waits
	failing map[string]watch.File               // failed files whose next try is to come, as found last, by path
	retries chan job
	failed  bool
	ended   bool // the source has no more files
}

// dispatch runs until ctx ends or the source is used up and all is done; it tells whether
// everything was sent.
func (c *collector) dispatch(ctx, drain context.Context) bool {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d := &dispatcher{
		c:       c,
		jobs:    make(chan job),
		results: make(chan result),
		busy:    make(map[ledger.ID]bool),
		paths:   make(map[string]ledger.ID),
		again:   make(map[ledger.ID]map[string]watch.File),
		failing: make(map[string]watch.File),
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
	stop() // workers that wait for Kafka
	close(d.jobs)
	go func() { workers.Wait(); close(d.results) }()
	for r := range d.results { // what was in hand when ctx ended
		d.failed = d.failed || r.err != nil
		if r.err != nil && !errors.Is(r.err, errStopped) && !errors.Is(r.err, ledger.ErrUnwritable) {
			c.failed(r)
		}
	}
	return !d.failed && len(d.queue) == 0 && len(d.failing) == 0
}

func (d *dispatcher) loop(ctx context.Context) {
	patience := patience{limit: awayAtOnce}
	look := time.NewTicker(time.Second) // whether Kafka has gone away meanwhile
	defer look.Stop()
	for _, f := range d.c.source.strays {
		d.found(ctx, f, 0)
	}
	for !d.done() {
		files, jobs, next := d.c.source.files, d.jobs, job{}
		var giveUp <-chan time.Time
		wait := d.obstacle()
		if wait == nil {
			patience.up(d.c.total.get().segments)
		} else {
			files, jobs = nil, nil // no file is opened
			if d.c.once() {
				giveUp = patience.away(d.c.total.get().segments)
			}
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
		case <-look.C:
		case <-wait:
		case <-giveUp:
			d.c.log.Error("Nothing could be sent for %v; what is not sent goes at the next start.", awayAtOnce)
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
			d.retry(ctx, j)
		}
	}
}

// obstacle returns what keeps all files from being sent, as a channel that is closed when
// it is gone: Kafka is away, or the ledger can't be written. Nil: nothing.
func (d *dispatcher) obstacle() <-chan struct{} {
	for _, clear := range []<-chan struct{}{d.c.kafka.Up(), d.c.ledger.Writable()} {
		select {
		case <-clear:
		default:
			return clear
		}
	}
	return nil
}

// patience is how long a single run waits for a Kafka that is away, or comes and goes
// without taking anything.
type patience struct {
	limit time.Duration
	end   <-chan time.Time
	sent  int64 // segments when it began
}

func (p *patience) away(sent int64) (end <-chan time.Time) {
	if p.end == nil {
		p.end, p.sent = time.After(p.limit), sent
	}
	return p.end
}

func (p *patience) up(sent int64) {
	if sent > p.sent {
		p.end = nil
	}
}

func (d *dispatcher) done() bool {
	return d.c.once() && d.ended && len(d.queue) == 0 && len(d.busy) == 0
}

// found judges a finished file by the ledger and queues it if there is something to do.
func (d *dispatcher) found(ctx context.Context, f watch.File, tries int) {
	if _, ok := d.failing[f.Path]; ok {
		d.failing[f.Path] = f // for its next try
		return
	}
	if id, ok := d.paths[f.Path]; ok {
		d.later(id, f)
		return
	}
	file, change, err := d.c.ledger.Identify(f.Path, statOf(f))
	if errors.Is(err, fs.ErrNotExist) {
		return // it is found again under its new name, if it has one
	}
	if err != nil {
		d.c.watchLog.Warning("File %q can't be read: %v", f.Path, err)
		d.postpone(ctx, job{found: f, tries: tries + 1})
		return
	}
	j := job{found: f, file: file, change: change, tries: tries}
	if file != nil && d.busy[file.ID] { // renamed while it is in hand
		d.later(file.ID, f)
		return
	}
	if change == ledger.Fresh || change == ledger.Rewritten || file.Status == ledger.Unsupported {
		j.old, j.file = file, newFile(f)
		d.c.watchLog.Info(" -------- New File Detected! -------- ")
		d.c.watchLog.Info("File %q added to the queue.", f.Path)
	} else if !d.c.hasWork(j) {
		d.c.moved(j)
		return
	}
	d.queue = append(d.queue, j)
}

// later notes what was found of a file in hand, to be judged when that is done.
func (d *dispatcher) later(id ledger.ID, f watch.File) {
	if d.again[id] == nil {
		d.again[id] = make(map[string]watch.File)
	}
	d.again[id][f.Path] = f
}

// hasWork tells whether something of a known file is to be sent.
func (c *collector) hasWork(j job) bool {
	f := j.file
	grown := j.change == ledger.Grown
	if c.text {
		grown = j.found.Size > f.Done
	}
	switch {
	case f.Plan != nil, f.Status == ledger.Pending, f.Status == ledger.Failed, grown:
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
	switch {
	case r.err == nil, errors.Is(r.err, errStopped):
	case errors.Is(r.err, ledger.ErrUnwritable):
		if _, newer := d.again[id][r.found.Path]; !newer {
			d.later(id, r.found) // not this file's fault
		}
	case isFinal(r.err):
		d.failed = d.failed || d.c.once()
		d.c.failed(r)
		d.c.log.Info("File %q is tried again when it changes, or at the next start.", r.found.Path)
	default:
		r.tries++
		d.c.failed(r)
		d.postpone(ctx, r.job)
	}
	again := d.again[id]
	delete(d.again, id)
	for _, f := range again {
		d.found(ctx, f, 0)
	}
}

// postpone queues a failed job again after a pause, unless it was the last try.
func (d *dispatcher) postpone(ctx context.Context, j job) {
	if d.c.once() {
		d.failed = true
		return
	}
	if j.tries >= maxTries {
		d.c.log.Error("File %q has failed %d times; it is tried again when it changes, or at the next start.", j.found.Path, j.tries)
		return
	}
	pause := retryAfter(j.tries)
	d.c.log.Info("File %q is tried again in %v.", j.found.Path, pause)
	d.failing[j.found.Path] = j.found
	time.AfterFunc(pause, func() {
		select {
		case d.retries <- j:
		case <-ctx.Done():
		}
	})
}

// retry takes up a failed file as it was found last. If it has changed since then, it is
// the watcher's to tell when it is finished again.
func (d *dispatcher) retry(ctx context.Context, j job) {
	latest := d.failing[j.found.Path]
	delete(d.failing, j.found.Path)
	now, err := watch.Stat(j.found.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		j.tries++
		d.postpone(ctx, j)
		return
	case statOf(now) != statOf(latest):
		return
	case statOf(latest) != statOf(j.found):
		j.tries = 0
	}
	d.found(ctx, latest, j.tries)
}

// failed logs a file's failure and records it.
func (c *collector) failed(r result) {
	c.total.add(func(t *counts) { t.failed++ })
	c.log.Error("File %q could not be sent: %v", r.found.Path, r.err)
	err := c.ledger.Update(r.file, func(f *ledger.File) { f.Status, f.Reason = ledger.Failed, r.err.Error() })
	if err != nil {
		c.log.Error("%v", err)
	}
}

// unsupported answers for a new file whose name matches no pattern.
func (c *collector) unsupported(path string) {
	c.watchLog.Warning("Filename %q is not supported! Skip file...", filepath.Base(path))
	found, err := watch.Stat(path)
	if err != nil {
		return
	}
	// A file that is known has only been renamed, as rotation does; its entry stays its own.
	if _, change, err := c.ledger.Identify(path, statOf(found)); err != nil || change != ledger.Fresh {
		return
	}
	file := newFile(found)
	if err := c.ledger.Update(file, func(f *ledger.File) { f.Status = ledger.Unsupported }); err != nil {
		c.log.Error("%v", err)
	}
}
