package watch

import (
	"time"

	"spot-ingest/pkg/logging"
)

// The times by which files are judged; Options.Quiet replaces the first two.
const (
	quietKnown   = 2 * time.Second  // nobody has it open for writing; text
	quietUnknown = 30 * time.Second // a writer can't be known
	textPeriod   = 30 * time.Second // text that never becomes quiet
	settleTime   = 60 * time.Second // text without growth
	stuckTime    = time.Hour        // idle but open by a writer: say so
	onceLimit    = 60 * time.Second // how long Once waits for writers

	busyPollMin = 50 * time.Millisecond
	busyPollMax = 5 * time.Second
	retryTime   = 5 * time.Second // after a stat that failed for a passing reason
)

// rules are the times that hold for one watcher.
type rules struct {
	text, once                            bool
	known, unknown, period, settle, limit time.Duration
}

func rulesOf(o Options) rules {
	r := rules{
		text: o.Text, once: o.Once,
		known: quietKnown, unknown: quietUnknown, period: textPeriod, settle: settleTime, limit: onceLimit,
	}
	if o.Quiet > 0 {
		r.known, r.unknown = o.Quiet, o.Quiet
		r.period = max(r.period, o.Quiet)
		r.settle = max(r.settle, o.Quiet)
		r.limit = max(r.limit, 2*o.Quiet)
	}
	return r
}

// A tracker decides when files are finished. It touches files by stat and probe only, and
// knows the time as it is told.
type tracker struct {
	rules rules
	log   *logging.Logger
	start time.Time
	stat  func(path string) (stat, error) // fs.ErrNotExist if it is no regular file
	probe func(path string) (lease, stat) // the state while nobody could write, if free

	due        queue // quieting and settling, by time
	ready      queue // oldest modification first
	deadline   int64 // Once: when to give up
	unfinished []string
}

func newTracker(r rules, log *logging.Logger, start time.Time) *tracker {
	return &tracker{
		rules: r, log: log, start: start, stat: statRegular, probe: probe,
		due: queue{less: byDue}, ready: queue{less: byModTime},
	}
}

func (t *tracker) at(now time.Time) int64 { return int64(now.Sub(t.start)) }

// observe takes note of a regular file's state, as a scan or an event found it.
func (t *tracker) observe(d *folder, name string, st stat, now time.Time) {
	n := t.at(now)
	f := d.files[name]
	switch {
	case f == nil:
		f = &file{stat: st}
		d.files[name] = f
		f.wait = &wait{file: f, dir: d, name: name, index: -1, since: n, looked: n, seen: n, changed: t.byModTime(st, now)}
		t.restart(f.wait, n)
	case f.wait != nil:
		if t.note(f.wait, st, now) {
			t.restart(f.wait, n)
		}
	case f.stat != st:
		f.wait = &wait{file: f, dir: d, name: name, index: -1, since: n, looked: n, sent: f.stat}
		t.note(f.wait, st, now)
		t.restart(f.wait, n)
	}
	f.pass = d.pass
}

// wrote takes note of a write event and tells whether to look at the file now. One that
// waits to become quiet is looked at when its time comes, however often it is written to.
func (t *tracker) wrote(f *file, now time.Time) (look bool) {
	w := f.wait
	if w == nil || w.state == settling || w.state == ready && !t.rules.text {
		return true
	}
	w.event = t.at(now)
	return false
}

// note compares a waiting file's state with what was known, and tells whether it changed.
func (t *tracker) note(w *wait, st stat, now time.Time) (changed bool) {
	when := t.at(now)
	if w.event > w.looked {
		when = w.event
	}
	w.looked = t.at(now)
	if w.stat == st {
		w.seen = max(w.seen, w.event)
		return false
	}
	switch {
	case st.inode != w.inode || st.birth != w.birth: // another file has taken the name
		w.changed = t.byModTime(st, now)
	case st.mtime > w.mtime && st.mtime <= now.UnixNano():
		w.changed = t.byModTime(st, now)
	default: // its time was set, or is too coarse to tell
		w.changed = when
	}
	w.seen, w.busy = when, 0
	w.stat = st
	return true
}

// restart puts a file that has changed into the queue where it belongs.
func (t *tracker) restart(w *wait, n int64) {
	switch {
	case w.index < 0: // new
	case w.state == quieting:
		t.due.fix(w) // when its time comes it is found changed, and waits on
		return
	case w.state == ready && t.rules.text:
		w.settled = false
		t.ready.fix(w)
		return
	case w.state == ready:
		t.ready.remove(w)
	case w.state == settling:
		t.due.remove(w)
		w.since = n
	}
	w.state = quieting
	w.due = w.changed + int64(t.rules.known)
	if t.rules.text {
		w.due = min(w.due, w.since+int64(t.rules.period))
	}
	t.due.push(w)
}

// byModTime is when a file changed by its own time. A time in the future tells nothing
// and counts as now; a year is as good as anything before.
func (t *tracker) byModTime(st stat, now time.Time) int64 {
	const year = 365 * 24 * time.Hour
	age := now.Sub(time.Unix(0, st.mtime)) // by the wall clock
	return t.at(now) - int64(min(max(age, 0), year))
}

// forget drops a file that is no longer there.
func (t *tracker) forget(d *folder, name string) {
	f := d.files[name]
	if f == nil {
		return
	}
	delete(d.files, name)
	if w := f.wait; w != nil && w.index >= 0 {
		if w.state == ready {
			t.ready.remove(w)
		} else {
			t.due.remove(w)
		}
	}
}

// begun starts the times we observe by ourselves when the first scan has ended, the same
// for all files, so that their order of becoming finished is that of modification.
func (t *tracker) begun(now time.Time) {
	n := t.at(now)
	t.deadline = n + int64(t.rules.limit)
	for _, w := range t.due.items {
		w.seen = n
	}
}
