package generate

// A frame is a packet that waits for its time.
type frame struct {
	at     int64 // nanoseconds since 1970
	data   []byte
	length int // on the wire
	// isRow tells that a response ends in this frame, which from sent to to.
	isRow    bool
	answer   answer
	from, to *endpoint
}

// maxWaiting limits the frames that wait: where more would be on their way at a time,
// those before are sent early.
const maxWaiting = 1024

// A queue gives back the frames that wait by time. It is a heap, and keeps used frames.
type queue struct {
	waiting []*frame
	unused  []*frame
}

func (q *queue) frame() *frame {
	n := len(q.unused)
	if n == 0 {
		return &frame{data: make([]byte, 0, ethernetHeader+4+linkMTU)}
	}
	f := q.unused[n-1]
	q.unused = q.unused[:n-1]
	*f = frame{data: f.data[:0]}
	return f
}

func (q *queue) push(f *frame) {
	q.waiting = append(q.waiting, f)
	for i := len(q.waiting) - 1; i > 0; {
		parent := (i - 1) / 2
		if q.waiting[parent].at <= q.waiting[i].at {
			return
		}
		q.waiting[parent], q.waiting[i] = q.waiting[i], q.waiting[parent]
		i = parent
	}
}

// pop takes out the earliest frame. It is the caller's until release.
func (q *queue) pop() *frame {
	w := q.waiting
	first, last := w[0], len(w)-1
	w[0], w[last] = w[last], nil
	w = w[:last]
	q.waiting = w
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(w) {
			return first
		}
		if child+1 < len(w) && w[child+1].at < w[child].at {
			child++
		}
		if w[i].at <= w[child].at {
			return first
		}
		w[i], w[child] = w[child], w[i]
		i = child
	}
}

func (q *queue) release(f *frame) { q.unused = append(q.unused, f) }
