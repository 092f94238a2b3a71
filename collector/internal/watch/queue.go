package watch

import "container/heap"

// A queue holds waiting files, the least first; each knows its place, so that it can be
// moved or taken out.
type queue struct {
	items []*wait
	less  func(a, b *wait) bool
}

func byDue(a, b *wait) bool {
	if a.due != b.due {
		return a.due < b.due
	}
	return byModTime(a, b)
}

func byModTime(a, b *wait) bool {
	if a.mtime != b.mtime {
		return a.mtime < b.mtime
	}
	if a.dir != b.dir {
		return a.dir.path < b.dir.path
	}
	return a.name < b.name
}

func (q *queue) len() int { return len(q.items) }

func (q *queue) push(w *wait) { heap.Push((*ordered)(q), w) }

// remove takes w out. A state that orders w may have changed before, so it can't be
// trusted to be where less says; its index can.
func (q *queue) remove(w *wait) { heap.Remove((*ordered)(q), w.index) }

func (q *queue) fix(w *wait) { heap.Fix((*ordered)(q), w.index) }

// ordered is a queue as container/heap wants it.
type ordered queue

func (q *ordered) Len() int           { return len(q.items) }
func (q *ordered) Less(i, j int) bool { return q.less(q.items[i], q.items[j]) }

func (q *ordered) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	q.items[i].index, q.items[j].index = i, j
}

func (q *ordered) Push(x any) {
	w := x.(*wait)
	w.index = len(q.items)
	q.items = append(q.items, w)
}

func (q *ordered) Pop() any {
	last := len(q.items) - 1
	w := q.items[last]
	q.items[last] = nil
	q.items = q.items[:last]
	w.index = -1
	return w
}
