package commitlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// mountAgain returns the same tree for another client.
func mountAgain(folder string) *mount { return &mount{tree: fileSystemOf(folder).(*mount).tree} }

// failAt has operations from the nth on fail, so many of them. It returns how many there
// have been.
func failAt(m *mount, nth, burst int, with failure) (count *int) {
	count = new(int)
	m.before = func(string, string) failure {
		if *count++; *count >= nth && *count < nth+burst {
			return with
		}
		return none
	}
	return count
}

// persist commits rows of partition 0 up to an offset, as a listener does: it drops a batch
// of which nothing is committed, and reads again from where the log says.
func persist(l *Log, goal int64) error {
	for range 20 {
		p, _ := l.Position(0)
		if p.Next >= goal {
			return nil
		}
		c, err := batch(l, 0, p.Next, min(p.Next+5, goal), 2)
		if err != nil {
			continue
		}
		var unfinished *UnfinishedError
		switch err := l.Commit(c); {
		case err == nil:
		case errors.As(err, &unfinished):
			for range 20 {
				if err = l.Refresh(); err == nil {
					break
				}
			}
			if err != nil {
				return err
			}
		default:
			abandon(l, c)
		}
	}
	return errors.New("it doesn't get on")
}

// Whatever request is not done, is done without an answer, or is done late, and so many of
// them in a row: each row is committed once.
func TestLostAnswers(t *testing.T) {
	bursts := []int{1, 3}
	if testing.Short() {
		bursts = bursts[:1]
	}
	for _, with := range []failure{dropped, lost, lagging} {
		for _, burst := range bursts {
			for nth, reached := 1, true; reached; nth++ {
				o := fromTemplate(t, treeFolder)
				m := mountAgain(o.Folder)
				m.lag = []int{1, 4, 30}[nth%3]
				o.FileSystem = m
				l := openLog(t, o)
				p, _ := l.Position(0)
				count := failAt(m, nth, burst, with)
				if err := persist(l, p.Next+20); err != nil {
					t.Errorf("failure %d, %d from request %d on: %v", with, burst, nth, err)
				}
				reached = *count >= nth
				l.Close()
				m.settleAll()
				o.FileSystem = fileSystemOf(o.Folder)
				checkLog(t, o)
				if t.Failed() {
					t.Fatalf("failure %d, %d from request %d on", with, burst, nth)
				}
			}
		}
	}
}

// The same while a log is opened, in which another writer has left something, or made.
func TestLostAnswersOfOpen(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		for _, with := range []failure{dropped, lost, lagging} {
			for nth, reached := 1, true; reached; nth++ {
				o := fromTemplate(t, treeFolder)
				if fresh {
					o = options(filepath.Join(treeFolder(t), "flow"), newClock())
				}
				m := mountAgain(o.Folder)
				m.lag = []int{1, 4, 30}[nth%3]
				o.FileSystem = m
				count := failAt(m, nth, 1, with)
				l, err := Open(o)
				if err == nil {
					if err := persist(l, 30); err != nil {
						t.Error(err)
					}
					l.Close()
				}
				reached = *count >= nth
				m.settleAll()
				o.FileSystem = fileSystemOf(o.Folder)
				checkLog(t, o)
				if t.Failed() {
					t.Fatalf("failure %d of request %d", with, nth)
				}
			}
		}
	}
}

// The answer to the rename of a file is lost, and the file is nowhere then: it isn't held for
// moved before a server has said that it isn't in staging.
func TestDoubtfulMove(t *testing.T) {
	o := options(treeFolder(t), newClock())
	m := mountAgain(o.Folder)
	o.FileSystem = m
	l := openLog(t, o)
	c := mustBatch(t, l, 0, 5, 1)
	staged := filepath.Join(l.Staging(), c.Files[0].Staged)
	m.before = func(operation, path string) failure {
		switch {
		case operation == "rename" && path == staged:
			return lost
		case operation == "stat" && path == l.pathOf(c.Files[0].Final):
			mountAgain(o.Folder).Remove(path) // there is none before it is moved
		}
		return none
	}
	var unfinished *UnfinishedError
	if err := l.Commit(c); !errors.As(err, &unfinished) || !errors.Is(err, errLost) {
		t.Errorf("got %v", err)
	}
	if err := l.Refresh(); err != nil {
		t.Error(err)
	}
}

// A race is between a writer that is held for dead while it commits, whoever takes its
// folder, and others.
type race struct {
	t                *testing.T
	o                Options
	writer, other    *Log
	mount            *mount // the writer's
	paused           chan struct{}
	resume           chan int // how many requests it may make; negative: all
	result           chan error
	ended            error
	running, stopped bool
}

// newRace has a writer come to the nth request of its commit. It returns nil if there are
// fewer.
func newRace(t *testing.T, nth int, careless bool) *race {
	r := &race{t: t, o: options(treeFolder(t), newClock()),
		paused: make(chan struct{}), resume: make(chan int), result: make(chan error, 1)}
	if careless { // but when a log is opened, which would be refused
		fileSystemOf(r.o.Folder).(*mount).careless = func(folder string) bool { return filepath.Base(folder) != "none" }
	}
	r.other = openLog(t, r.o)
	mustCommit(t, r.other, 0, 5, 2)
	r.mount = mountAgain(r.o.Folder)
	o := r.o
	o.FileSystem = r.mount
	r.writer = openLog(t, o)
	if err := disown(r.writer, thisIdentity(), noProcess); err != nil {
		t.Fatal(err)
	}
	c, err := batch(r.writer, 0, 5, 12, 3)
	if err != nil {
		t.Fatal(err)
	}
	left := nth - 1
	r.mount.before = func(string, string) failure {
		if left == 0 {
			r.paused <- struct{}{}
			left = <-r.resume
		}
		left--
		return none
	}
	go func() { r.result <- r.writer.Commit(c) }()
	if r.wait(); !r.running {
		return nil
	}
	return r
}

// wait waits until the writer is stopped or its commit ends.
func (r *race) wait() {
	select {
	case <-r.paused:
		r.running = true
	case r.ended = <-r.result:
		r.running, r.mount.before = false, nil
	}
}

// goOn lets the writer make so many requests of its commit.
func (r *race) goOn(requests int) {
	if r.running {
		r.resume <- requests
		r.wait()
	}
}

// finish lets the writer go on to the end of its commit.
func (r *race) finish() {
	r.goOn(-1)
}

// take is what a process does that finds the writer dead; before is called before each of
// its requests.
func (r *race) take(before func(string, string) failure) error {
	m := mountAgain(r.o.Folder)
	m.before = before
	o := r.o
	o.FileSystem = m
	l, err := Open(o)
	if err == nil {
		err = l.Close()
	}
	return err
}

// check ends a race: each row is there once, and the writer knows what became of its batch.
func (r *race) check(what string) {
	r.t.Helper()
	r.finish()
	o := r.o
	l := openLog(r.t, o)
	p, _ := l.Position(0)
	var unfinished *UnfinishedError
	switch {
	case r.ended == nil || errors.As(r.ended, &unfinished) && !unfinished.Doubtful:
		if p.Next < 12 {
			r.t.Errorf("committed, and the position is %d", p.Next)
		}
	case errors.Is(r.ended, ErrTaken) || errors.Is(r.ended, ErrStale):
	default:
		r.t.Errorf("got %v", r.ended)
	}
	if _, err := batch(r.writer, 0, 100, 105, 1); err == nil && r.mount.careless == nil {
		r.t.Error("a file was staged in a folder that was taken")
	}
	c := &Commit{Parts: []Part{{5, 0, Position{Next: 1, Last: 0}}}}
	if err := r.writer.Commit(c); !errors.Is(err, ErrTaken) {
		r.t.Errorf("the next batch: got %v", err)
	}
	if _, ok := l.Position(5); ok {
		r.t.Error("the next batch was committed")
	}
	l.Close()
	checkLog(r.t, o)
	if r.t.Failed() {
		r.t.Fatalf("%s: the writer ended with %v, at %d", what, r.ended, p.Next)
	}
}

// A writer is stopped before each request of its commit, and another process takes its
// folder. Before each request of that one something happens.
func TestTaken(t *testing.T) {
	happenings := map[string]func(r *race) failure{
		"the writer does a little": func(r *race) failure { r.goOn(1); return none },
		"the writer does more":     func(r *race) failure { r.goOn(3); return none },
		"the writer goes on":       func(r *race) failure { r.finish(); return none },
		"another one refreshes":    func(r *race) failure { r.other.Refresh(); return none },
		"another one commits": func(r *race) failure {
			if err := r.other.Refresh(); err != nil {
				r.t.Error(err)
			}
			mustCommit(r.t, r.other, 0, 5, 2)
			return none
		},
		"another one takes it": func(r *race) failure {
			if err := r.take(nil); err != nil {
				r.t.Error(err)
			}
			return none
		},
		"killed":           func(r *race) failure { r.stopped = true; return dropped },
		"killed after it":  func(r *race) failure { r.stopped = true; return lost },
		"its answer lost":  func(r *race) failure { return lost },
		"it is done later": func(r *race) failure { return lagging },
	}
	for name, happen := range happenings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testTaken(t, false, happen)
		})
		t.Run(name+", over a careless file system", func(t *testing.T) {
			t.Parallel()
			testTaken(t, true, happen)
		})
	}
}

func testTaken(t *testing.T, careless bool, happen func(r *race) failure) {
	for writerAt := 1; ; writerAt++ {
		if testing.Short() && writerAt%3 != 0 {
			continue
		}
		// Three quarters of the pairs are left out, other ones at each request.
		for takerAt, reached := 1+writerAt%4, true; reached; takerAt += 4 {
			r := newRace(t, writerAt, careless)
			if r == nil {
				if writerAt < 9 {
					t.Fatalf("a commit has %d requests", writerAt-1)
				}
				return
			}
			r.mount.lag = 3
			count := 0
			r.take(func(string, string) failure {
				if count++; count == takerAt {
					return happen(r)
				}
				if r.stopped {
					return dropped
				}
				return none
			})
			reached = count >= takerAt
			r.mount.settleAll()
			if err := r.take(nil); err != nil { // the next one to come
				t.Error(err)
			}
			r.check(fmt.Sprintf("the writer's request %d, the taker's %d", writerAt, takerAt))
		}
	}
}
