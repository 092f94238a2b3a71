package watch

import (
	"errors"
	"io/fs"
	"time"
)

// judge looks at up to limit files whose time has come, and tells whether there are more.
func (t *tracker) judge(now time.Time, limit int) (more bool) {
	n := t.at(now)
	for ; t.due.len() > 0 && t.due.items[0].due <= n; limit-- {
		if limit == 0 {
			return true
		}
		w := t.due.items[0]
		t.due.remove(w)
		t.check(w, now)
	}
	return false
}

// check looks at a file whose time has come and puts it into a queue again, or away.
func (t *tracker) check(w *wait, now time.Time) {
	n := t.at(now)
	st, err := t.stat(w.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.forget(w.dir, w.name)
		return
	case err != nil:
		t.later(w, n, n+int64(retryTime))
		return
	}
	if t.note(w, st, now) && w.state == settling {
		w.state, w.since = quieting, n
	}
	if t.rules.text {
		t.checkText(w, n)
	} else {
		t.checkWhole(w, now)
	}
}

func (t *tracker) checkText(w *wait, n int64) {
	idle := time.Duration(n - w.changed)
	settled := idle >= t.rules.settle || t.rules.once && idle >= t.rules.known
	switch {
	case settled:
		t.finish(w, true)
	case w.state == settling:
		t.later(w, n, w.changed+int64(t.rules.settle))
	case idle >= t.rules.known || time.Duration(n-w.since) >= t.rules.period:
		t.finish(w, false)
	default:
		t.later(w, n, min(w.changed+int64(t.rules.known), w.since+int64(t.rules.period)))
	}
}

func (t *tracker) checkWhole(w *wait, now time.Time) {
	n := t.at(now)
	if due := w.changed + int64(t.rules.known); n < due {
		t.later(w, n, due)
		return
	}
	held, st := t.probe(w.path())
	switch {
	case held == leaseFree && t.note(w, st, now):
		t.later(w, n, w.changed+int64(t.rules.known))
	case held == leaseFree:
		t.finish(w, true)
	case held == leaseBusy:
		t.checkBusy(w, n)
	case n < w.seen+int64(t.rules.unknown):
		t.later(w, n, w.seen+int64(t.rules.unknown))
	default:
		t.finish(w, true)
	}
}

// checkBusy waits for a writer to close the file. Nothing tells when that happens, so it
// is asked again, less often the longer the file has been idle.
func (t *tracker) checkBusy(w *wait, n int64) {
	if w.busy == 0 {
		w.busy = n
	}
	idle := time.Duration(n - max(w.changed, w.busy))
	if idle >= stuckTime && !w.warned {
		w.warned = true
		t.log.Warning("File \"%s\" has not changed for %v but is still open by its writer. It is taken when the writer closes it.",
			w.path(), stuckTime)
	}
	t.later(w, n, n+int64(min(max(idle/40, busyPollMin), busyPollMax)))
}

// later waits until due; in Once mode not beyond the deadline, at which it gives up.
func (t *tracker) later(w *wait, n, due int64) {
	if t.rules.once {
		if n >= t.deadline {
			t.unfinished = append(t.unfinished, w.path())
			t.forget(w.dir, w.name)
			return
		}
		due = min(due, t.deadline)
	}
	w.due = due
	t.due.push(w)
}

// finish makes a file ready to be received, unless nothing is new since it last was.
func (t *tracker) finish(w *wait, settled bool) {
	if w.sent == w.stat && (w.file.settled || !settled) {
		t.rest(w)
		return
	}
	w.state, w.settled = ready, settled
	t.ready.push(w)
}

// delivered takes note that the first of the ready files has been received.
func (t *tracker) delivered() {
	w := t.ready.items[0]
	t.ready.remove(w)
	w.sent, w.file.settled = w.stat, w.settled
	t.rest(w)
}

// rest ends the wait of a file that has been emitted, or lets it settle.
func (t *tracker) rest(w *wait) {
	if !t.rules.text || t.rules.once || w.file.settled {
		w.file.wait = nil
		return
	}
	w.state = settling
	w.due = w.changed + int64(t.rules.settle)
	t.due.push(w)
}
