// Package stream makes DNS messages of the TCP segments of a capture.
//
// Over TCP each message follows two bytes that tell its length (RFC 1035 4.2.2), so a stream can be cut into messages as
// long as its bytes are known from one message's beginning on. A [Table] follows the connections of a capture, puts their
// segments in order, and hands out each message once, with the segment that completes it:
//
//   - bytes seen before (retransmissions, keep-alives, zero window probes) yield nothing again;
//   - a segment after a gap that is made of whole messages is not kept waiting; any other is, until the gap fills, or the
//     receiver acknowledges what the capture hasn't got, or a limit is reached;
//   - where a stream is entered in its middle or after a gap, the first segment that begins like a DNS message is taken
//     for the beginning of one, and what comes before it is passed over;
//   - a message whose end was cut off by the capture's snap length is handed out as far as it is there.
//
// Memory is bounded by the limits below, whatever the capture holds.
package stream

import "bytes"

const (
	// maxConnections is how many connections are followed at once. The one idle for longest makes room for another.
	maxConnections = 8192

	// maxMessage is the longest message with its two length bytes.
	maxMessage = 2 + 65535

	// maxReorder is how far beyond a message that waits for its bytes later ones are kept.
	maxReorder = 64 << 10

	// maxWaiting bounds how far beyond the first byte not dealt with a connection's direction may hold bytes.
	maxWaiting = maxMessage + maxReorder

	// maxSpans bounds into how many pieces the bytes that a direction holds may fall.
	maxSpans = 128

	// maxHeld bounds the bytes that wait on all connections together.
	maxHeld = 8 << 20

	// farAway is a distance in sequence numbers that no retransmission and no receive window spans: a stream that
	// jumps back by more is another one on the same ports.
	farAway = 16 << 20
)

// A Key tells one direction of a connection. IPv4 addresses may be in any 16-byte form, as long as it is always the same.
type Key struct {
	Src, Dst         [16]byte
	SrcPort, DstPort uint16
}

// A Segment is one TCP segment as captured. Add keeps nothing of it.
type Segment struct {
	Key
	Seq, Ack      uint32
	SYN, FIN, RST bool
	HasAck        bool   // the ACK flag: Ack means something
	Payload       []byte // as captured
	Length        int    // bytes of payload on the wire, more than Payload holds if the capture cut the packet
}

// Stats counts what an operator should know of.
type Stats struct {
	Connections uint64 // connections followed
	Evicted     uint64 // of these, forgotten while open to make room for others
	Gaps        uint64 // times that a stream was taken up again after bytes that the capture hasn't got
	Skipped     uint64 // bytes passed over: lost by the capture, of an incomplete message, or not recognised as DNS
	Cut         uint64 // messages handed out without their end, which the capture's snap length cut off
}

// A Table follows the TCP connections of one capture. It is not safe for concurrent use.
type Table struct {
	index map[Key]int32
	conns []conn // conns[0] is the ring's anchor: its older neighbour is the connection used last
	spare []int32
	free  []*backlog
	held  int // bytes of buffers in use
	stats Stats
}

// A conn is one connection. The end whose address and port sort first is the key's Src, and sends in half[0].
type conn struct {
	key          Key
	half         [2]half
	newer, older int32
	closed       bool
}

// NewTable returns a table with no connections.
func NewTable() *Table {
	return &Table{index: make(map[Key]int32), conns: make([]conn, 1)}
}

// Stats returns the counts so far.
func (t *Table) Stats() Stats { return t.stats }

// Add takes the capture's next segment and calls deliver for each message of its direction that is complete now, in the
// order of the stream. msg has no length bytes and is valid during the call; length is the message's length on the wire,
// which is more than len(msg) only if the capture cut it.
func (t *Table) Add(s *Segment, deliver func(msg []byte, length int)) {
	n := max(s.Length, len(s.Payload))
	i, dir := t.find(s, s.SYN || n > 0 && !s.RST)
	if i == 0 {
		return
	}
	c := &t.conns[i]
	h, peer := &c.half[dir], &c.half[1-dir]
	if s.RST {
		// Its payload, if any, is a text for humans (RFC 9293 3.5.3). Data of the other side may still be under way.
		t.close(i)
		return
	}
	seq := s.Seq
	if s.SYN {
		seq++
		t.open(c, dir, seq, s.HasAck)
	}
	if s.HasAck {
		peer.acknowledge(s.Ack)
	}
	if n > 0 {
		t.add(h, seq, s.Payload, n, deliver)
		t.makeRoom(i)
	}
	if s.FIN {
		if h.fin = true; peer.fin {
			t.close(i)
		}
	}
}

// open begins a direction's stream at seq, the sequence number after its SYN, unless that is the stream it has already.
func (t *Table) open(c *conn, dir int, seq uint32, answer bool) {
	h := &c.half[dir]
	if h.seen && h.first == seq {
		h.syn = true
		return
	}
	if h.seen && !answer {
		t.drop(&c.half[1-dir]) // the ports are used again, so what the other side sent belongs to the past as well
	}
	t.drop(h)
	*h = half{next: seq, first: seq, seen: true, syn: true, synced: true}
	c.closed = false
}

// drop forgets what a direction knows.
func (t *Table) drop(h *half) {
	if h.wait != nil {
		t.stats.Skipped += uint64(h.wait.captured(maxWaiting))
		t.release(h)
	}
	*h = half{}
}

// find returns the index of the segment's connection and which of its directions this is; 0 if there is none and none is
// to be made.
func (t *Table) find(s *Segment, create bool) (i int32, dir int) {
	k := s.Key
	order := bytes.Compare(k.Src[:], k.Dst[:])
	if order > 0 || order == 0 && k.SrcPort > k.DstPort {
		k = Key{Src: k.Dst, Dst: k.Src, SrcPort: k.DstPort, DstPort: k.SrcPort}
		dir = 1
	}
	i, ok := t.index[k]
	switch {
	case ok && !t.conns[i].closed:
		if t.conns[0].older != i {
			t.unlink(i)
			t.link(i)
		}
	case !ok && create:
		i = t.create(k)
	}
	return i, dir
}

func (t *Table) create(k Key) int32 {
	t.stats.Connections++
	if len(t.index) == maxConnections {
		t.evict(t.conns[0].newer)
	}
	var i int32
	if n := len(t.spare); n > 0 {
		i, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		i = int32(len(t.conns))
		t.conns = append(t.conns, conn{})
	}
	t.conns[i] = conn{key: k}
	t.index[k] = i
	t.link(i)
	return i
}

// close makes a connection the next to be evicted. It isn't forgotten at once, for its last segments may come again.
func (t *Table) close(i int32) {
	if t.conns[i].closed {
		return
	}
	t.conns[i].closed = true
	t.unlink(i)
	first := &t.conns[0]
	t.conns[i].older, t.conns[i].newer = 0, first.newer
	t.conns[first.newer].older = i
	t.conns[0].newer = i
}

func (t *Table) evict(i int32) {
	c := &t.conns[i]
	if !c.closed {
		t.stats.Evicted++
	}
	t.drop(&c.half[0])
	t.drop(&c.half[1])
	delete(t.index, c.key)
	t.unlink(i)
	t.spare = append(t.spare, i)
}

// makeRoom evicts connections other than the present one until what waits is within its limit.
func (t *Table) makeRoom(present int32) {
	for t.held > maxHeld {
		i := t.conns[0].newer
		if i == present {
			i = t.conns[i].newer
		}
		if i == 0 {
			return
		}
		t.evict(i)
	}
}

// link makes i the connection used last.
func (t *Table) link(i int32) {
	last := t.conns[0].older
	t.conns[i].older, t.conns[i].newer = last, 0
	t.conns[last].newer = i
	t.conns[0].older = i
}

func (t *Table) unlink(i int32) {
	c := &t.conns[i]
	t.conns[c.older].newer = c.newer
	t.conns[c.newer].older = c.older
}
