package stream

import "encoding/binary"

// A half is one direction of a connection.
type half struct {
	next  uint32 // sequence number of the first byte not dealt with
	first uint32 // of the first byte after the SYN, or of the earliest seen where the capture has no SYN
	acked uint32 // the highest acknowledgement of the other side

	seen   bool // next and first mean something
	syn    bool // the SYN was captured
	synced bool // a message begins at next
	acks   bool // acked means something
	fin    bool // the sender is done

	wait *backlog // bytes from next on that wait for others; nil if there are none
}

// acknowledge notes what the receiver has got.
func (h *half) acknowledge(ack uint32) {
	if !h.acks || int32(ack-h.acked) > 0 {
		h.acked, h.acks = ack, true
	}
}

// lost says whether the bytes before seq reached the receiver: those that the capture hasn't got yet it never will.
func (h *half) lost(seq uint32) bool {
	return h.acks && int32(h.acked-seq) >= 0
}

// add takes n bytes of the stream at seq, of which p were captured.
func (t *Table) add(h *half, seq uint32, p []byte, n int, deliver func([]byte, int)) {
	if !h.seen {
		h.next, h.first, h.seen = seq, seq, true
	}
	if off := int32(seq - h.next); off < 0 && t.before(h, seq, p, n, deliver) {
		return
	}
	for {
		off := int(int32(seq - h.next))
		if off < 0 {
			if -off >= n {
				return
			}
			seq, n, p = h.next, n+off, p[min(-off, len(p)):]
			off = 0
		}
		if h.wait == nil && off > 0 && (h.lost(seq) || off+n > maxWaiting) {
			t.stats.Gaps++
			t.stats.Skipped += uint64(off)
			h.next, h.synced = seq, false
			off = 0
		}
		switch {
		case h.wait == nil && off == 0:
			t.inOrder(h, p, n, deliver)
		case off+n > maxWaiting:
			t.giveUp(h)
			t.settle(h, deliver)
			continue
		case len(p) < n:
			t.holdCut(h, off, p, n, deliver)
			t.wake(h, deliver)
		default:
			t.hold(h, off, p)
			t.wake(h, deliver)
		}
		break
	}
	if !h.syn && h.next-h.first > maxReorder {
		h.first = h.next - maxReorder // only needed for what is out of order where the capture begins
	}
}

// before judges bytes whose sequence number is below those dealt with, and says whether that was all to be done with them.
// Usually they are retransmitted. But where the capture begins in mid-stream an earlier segment may come after a later one,
// and ports may be used again by a connection whose SYN the capture hasn't got: then whole messages speak for themselves.
func (t *Table) before(h *half, seq uint32, p []byte, n int, deliver func([]byte, int)) (done bool) {
	distance := h.next - seq
	early := !h.syn && int32(h.first-seq) >= int32(n) && distance <= maxReorder
	if !early && distance <= farAway {
		return false
	}
	if whole, ok := chain(p, n); !ok || whole == 0 {
		t.stats.Skipped += uint64(n)
		return true
	}
	if early {
		h.first = seq
		t.splitCut(p, deliver)
		return true
	}
	t.drop(h)
	h.next, h.first, h.seen = seq, seq, true
	return false
}

// inOrder takes bytes at h.next while nothing waits: the usual case, in which nothing is copied.
func (t *Table) inOrder(h *half, p []byte, n int, deliver func([]byte, int)) {
	entry := !h.syn && h.next == h.first
	if !h.synced && !begins(p, n) && !(entry && fits(p, n)) {
		t.stats.Skipped += uint64(n)
		h.next += uint32(n)
		return
	}
	if len(p) < n {
		end := t.splitCut(p, deliver)
		h.next += uint32(max(end, n))
		h.synced = end >= n // else messages may begin and end where nothing was captured
		return
	}
	used := 0
	if h.synced = h.synced || n >= headLength; h.synced { // less can't be judged yet
		used = split(p, deliver)
		h.next += uint32(used)
	}
	if used < n {
		t.hold(h, 0, p[used:])
	}
}

// split delivers the messages that p begins with and returns how many bytes they take up.
func split(p []byte, deliver func([]byte, int)) (used int) {
	for len(p)-used >= 2 {
		length := int(binary.BigEndian.Uint16(p[used:]))
		end := used + 2 + length
		if end > len(p) {
			break
		}
		if length > 0 {
			deliver(p[used+2:end], length)
		}
		used = end
	}
	return used
}

// splitCut is split for bytes of which the capture has only the first, p. The last message is delivered without its end, for
// that will never come. It returns where that message ends on the wire: the next one begins there.
func (t *Table) splitCut(p []byte, deliver func([]byte, int)) (end int) {
	end = split(p, deliver)
	p = p[end:]
	if len(p) < 2 {
		return end
	}
	length := int(binary.BigEndian.Uint16(p))
	if len(p) > 2 {
		t.stats.Cut++
		deliver(p[2:], length)
	}
	return end + 2 + length
}
