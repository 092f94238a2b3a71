package generate

import (
	"encoding/binary"
	"strconv"
)

// A connection is a TCP connection between two hosts; index 0 is the client's side.
type connection struct {
	talk
	at     int64
	seq    [2]uint32 // the next byte of each side
	stamps [2]uint32 // the last time stamp option of each side
}

const (
	segmentSize  = 1448 // of IPv4, with the time stamp option
	segmentSize6 = 1428
)

func (t *traffic) connection(at int64, k talk) connection {
	return connection{talk: k, at: at, seq: [2]uint32{uint32(t.r.pcg.Uint64()), uint32(t.r.pcg.Uint64())}}
}

// segment sends one segment after a gap: short if its side goes on, longer if it's the
// other one's turn.
func (t *traffic) segment(c *connection, fromServer bool, flags byte, payload []byte) *frame {
	mine, other := 0, 1
	s := segment{source: c.clientPort, destination: c.serverPort, flags: flags}
	if fromServer {
		mine, other = 1, 0
		s.source, s.destination = s.destination, s.source
	}
	c.at += int64(t.r.between(20_000, 300_000))
	c.stamps[mine] = uint32(c.at/1e6) + uint32(mine)*7919 // each side has a clock of its own
	s.seq, s.time = c.seq[mine], c.stamps[mine]
	if flags&tcpACK != 0 {
		s.ack, s.echo = c.seq[other], c.stamps[other]
	}
	from, to := c.ends(fromServer)
	t.part = appendTCP(t.part[:0], from.ip, to.ip, s, payload)
	c.seq[mine] += uint32(len(payload))
	if flags&(tcpSYN|tcpFIN) != 0 {
		c.seq[mine]++
	}
	return t.ip(c.at, &c.talk, fromServer, protoTCP)
}

func (t *traffic) open(c *connection) {
	t.segment(c, false, tcpSYN, nil)
	t.segment(c, true, tcpSYN|tcpACK, nil)
	t.segment(c, false, tcpACK, nil)
}

func (t *traffic) close(c *connection) {
	t.segment(c, false, tcpFIN|tcpACK, nil)
	t.segment(c, true, tcpFIN|tcpACK, nil)
	t.segment(c, false, tcpACK, nil)
}

// write sends data in full segments, of which every other one is acknowledged.
func (t *traffic) write(c *connection, fromServer bool, data []byte) {
	for n := 1; len(data) > 0; n++ {
		size, flags := c.segmentSize(), byte(tcpACK)
		if len(data) <= size {
			size, flags = len(data), tcpACK|tcpPSH
		}
		t.segment(c, fromServer, flags, data[:size])
		if data = data[size:]; len(data) == 0 || n%2 == 0 {
			t.segment(c, !fromServer, tcpACK, nil)
		}
	}
}

func (c *connection) segmentSize() int {
	if c.client.ip.Is6() {
		return segmentSize6
	}
	return segmentSize
}

// maxPipelined is the number of questions that a client sends without waiting.
const maxPipelined = 4

// session is a connection with some questions, answered in one go: the answers end
// wherever they do in its segments.
func (t *traffic) session(at int64) {
	c := t.connection(at, t.dnsTalk())
	var questions [maxPipelined]question
	n := int(min(int64(t.r.between(1, maxPipelined)), t.rowsLeft))
	for i := range n {
		questions[i] = t.ask()
		if t.r.oneIn(4) {
			questions[i] = t.askMuch()
		}
	}
	t.converse(&c, questions[:n])
}

// converse sends all questions, then all answers.
func (t *traffic) converse(c *connection, questions []question) {
	t.open(c)
	var ends [maxPipelined]int
	var answers [maxPipelined]answer
	t.stream = t.stream[:0]
	for i := range questions {
		t.writeQuery(&t.query, &questions[i])
		t.stream = appendPrefixed(t.stream[:0], t.query.b)
		t.segment(c, false, tcpACK|tcpPSH, t.stream)
	}
	t.segment(c, true, tcpACK, nil)
	t.stream = t.stream[:0]
	for i := range questions {
		t.writeResponse(&t.reply, &questions[i])
		t.stream = appendPrefixed(t.stream, t.reply.b)
		ends[i], answers[i] = len(t.stream), t.reply.seen
	}
	c.at += t.latency()
	t.answer(c, ends[:len(questions)], answers[:len(questions)])
	t.close(c)
}

// answer sends t.stream, in segments that are full, or cut somewhere.
func (t *traffic) answer(c *connection, ends []int, answers []answer) {
	for sent, next := 0, 0; sent < len(t.stream); {
		size := min(c.segmentSize(), len(t.stream)-sent)
		switch {
		case sent == 0 && t.r.oneIn(5):
			size = 2 // some servers send the length on its own
		case t.r.oneIn(3):
			size = t.r.between(1, size)
		}
		f := t.segment(c, true, tcpACK|tcpPSH, t.stream[sent:sent+size])
		sent += size
		for first := true; next < len(ends) && ends[next] <= sent; next++ {
			if first {
				f.holds(answers[next], t)
				first = false
			} else {
				f.answer.follow(answers[next])
			}
		}
		t.segment(c, false, tcpACK, nil)
	}
}

func appendPrefixed(b, message []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	return append(b, message...)
}

// tls is a request and a response on a connection that was there before.
func (t *traffic) tls(at int64) {
	c := t.connection(at, t.webTalk(443))
	t.write(&c, false, t.record(t.r.between(120, 900)))
	c.at += t.latency()
	t.write(&c, true, t.record(t.r.between(200, 400*t.r.heavy(4))))
}

// record is TLS application data.
func (t *traffic) record(n int) []byte {
	t.stream = append(t.stream[:0], 23, 3, 3, byte(n>>8), byte(n))
	t.stream = append(t.stream, t.noiseOf(n)...)
	return t.stream
}

func (t *traffic) http(at int64) {
	c := t.connection(at, t.webTalk(80))
	t.open(&c)
	b := append(t.stream[:0], "GET /"...)
	b = append(b, pick(t.r, pathWords)...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, t.sites[t.r.popular(len(t.sites))].name...)
	t.stream = append(b, "\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"...)
	t.write(&c, false, t.stream)
	c.at += t.latency()
	n := t.r.between(100, 300*t.r.heavy(4))
	b = append(t.stream[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, "\r\nServer: nginx\r\n\r\n"...)
	t.stream = append(b, t.noiseOf(n)...)
	t.write(&c, true, t.stream)
	t.close(&c)
}
