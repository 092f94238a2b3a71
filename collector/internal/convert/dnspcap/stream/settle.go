package stream

import "encoding/binary"

// wake delivers what a half's new bytes completed, and gives up on those that won't come.
func (t *Table) wake(h *half, deliver func([]byte, int)) {
	t.settle(h, deliver)
	for h.wait != nil && (len(h.wait.spans) > maxSpans || h.stuck()) {
		t.giveUp(h)
		t.settle(h, deliver)
	}
}

// settle delivers the messages of the backlog that are complete and moves the half past them.
func (t *Table) settle(h *half, deliver func([]byte, int)) {
	for h.wait != nil {
		w := h.wait
		if len(w.spans) == 0 {
			t.release(h)
			return
		}
		if !h.synced && w.spans[0].from == 0 && !w.spans[0].done {
			end := runEnd(w.spans, 0)
			if !begins(w.buf[:end], end) {
				t.stats.Skipped += uint64(w.spans[0].to)
				t.advance(h, w.spans[0].to)
				continue
			}
			h.synced = end >= headLength
		}
		w.pass(h.synced, deliver)
		if first := w.spans[0]; !first.done || first.from > 0 {
			return
		}
		t.advance(h, w.spans[0].to)
		h.synced = true
	}
}

// pass goes over the spans once and delivers the messages that are whole, in order. synced says that one begins at 0; others
// begin where one ends, also where its bytes are missing yet, and where a chain of messages tells by itself.
func (w *backlog) pass(synced bool, deliver func([]byte, int)) {
	old := append(w.old[:0], w.spans...)
	w.old, w.spans = old, w.spans[:0]
	at, known := 0, synced // where the next message begins
	for i := 0; i < len(old); {
		s := old[i]
		if s.done || s.to <= at { // delivered, or part of a message that lacks others
			w.push(s)
			if s.done {
				at, known = max(at, s.to), true
			}
			i++
			continue
		}
		if s.from < at {
			w.push(span{from: s.from, to: at})
			old[i].from = at
			continue
		}
		end := runEnd(old, i)
		if !known || s.from > at {
			if whole, ok := chain(w.buf[s.from:end], end-s.from); !ok || whole == 0 {
				w.push(s)
				at, known = s.to, false
				i++
				continue
			}
		}
		rest := s.from + split(w.buf[s.from:end], deliver)
		w.push(span{from: s.from, to: rest, done: true})
		w.push(span{from: rest, to: end})
		at, known = end, rest == end
		if end-rest >= 2 {
			at, known = rest+2+int(binary.BigEndian.Uint16(w.buf[rest:])), true
		}
		for i < len(old) && old[i].to <= end {
			i++
		}
	}
}

// push appends a span, joined to the last one where both are done.
func (w *backlog) push(s span) {
	if s.from == s.to {
		return
	}
	if n := len(w.spans); n > 0 && s.done && w.spans[n-1].done && w.spans[n-1].to == s.from {
		w.spans[n-1].to = s.to
		return
	}
	w.spans = append(w.spans, s)
}

// stuck says whether what the first bytes wait for won't come: the receiver has it, though the capture hasn't, or what
// follows was taken for another message.
func (h *half) stuck() bool {
	end := 0
	for _, s := range h.wait.spans {
		if s.from > end {
			return h.lost(h.next + uint32(s.from))
		}
		if s.done {
			return true
		}
		end = s.to
	}
	return false
}

// giveUp moves the half past a gap: past the message that lacks bytes, if its end is known, else to the next bytes there are.
func (t *Table) giveUp(h *half) {
	w := h.wait
	first := w.spans[0]
	to, synced := first.from, false
	if first.from == 0 {
		to = first.to
		if end := w.expected(h.synced); end > 0 {
			to, synced = end, true
		}
		for _, s := range w.spans {
			if s.done && s.from < to {
				to, synced = s.from, true
			}
		}
	}
	t.stats.Gaps++
	t.stats.Skipped += uint64(to)
	t.advance(h, to)
	h.synced = synced
}
