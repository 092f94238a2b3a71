package generate

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// traffic makes exchanges: the packets of a question and its answer, or of a connection.
type traffic struct {
	*questions
	r         *random
	queue     queue
	exchanges weighted[func(t *traffic, at int64)]

	resolvers, clients, servers    []endpoint
	resolvers6, clients6, servers6 []endpoint

	noise []byte // random, for what nobody looks into
	ipID  uint32

	// scratch
	query, reply message
	part         []byte
	stream       []byte

	// rows and bytes are what the file will hold when the exchanges so far have ended.
	rows, bytes int64
	// rowsLeft is how many rows the next exchange may have at most.
	rowsLeft int64
	size     func(length int) int // of a packet in the file
}

func newTraffic(r *random) *traffic {
	l := newLookups(r)
	t := &traffic{r: r, questions: newQuestions(r, l), noise: make([]byte, 64<<10)}
	for i := 0; i < len(t.noise); i += 8 {
		binary.LittleEndian.PutUint64(t.noise[i:], r.pcg.Uint64())
	}
	for _, text := range resolvers {
		t.resolvers = append(t.resolvers, endpointOf(text))
	}
	for _, text := range []string{"2001:db8::53", "2001:db8:1::53"} {
		t.resolvers6 = append(t.resolvers6, endpointOf(text))
	}
	t.clients, t.servers, t.clients6, t.servers6 = l.clients, l.servers, l.clients6, l.servers6

	t.exchanges.add(940, (*traffic).lookup)
	t.exchanges.add(8, (*traffic).large)
	t.exchanges.add(8, (*traffic).session)
	t.exchanges.add(3, (*traffic).unanswered)
	t.exchanges.add(50, (*traffic).tls)
	t.exchanges.add(18, (*traffic).http)
	t.exchanges.add(20, (*traffic).ping)
	t.exchanges.add(15, (*traffic).ntp)
	t.exchanges.add(10, (*traffic).arp)
	return t
}

func endpointOf(text string) endpoint { return endpoint{ip: netip.MustParseAddr(text), addr: text} }

// A talk is who speaks to whom.
type talk struct {
	client, server         *endpoint
	clientPort, serverPort uint16
	vlan                   uint16
}

// dnsTalk picks a client and its resolver, or a resolver and the server it asks.
func (t *traffic) dnsTalk() talk {
	clients, servers, all := t.clients, t.resolvers, t.servers
	if t.r.below(100) < 7 {
		clients, servers, all = t.clients6, t.resolvers6, t.servers6
	}
	k := t.talk(clients, all, 53)
	if t.r.oneIn(4) {
		k.client = &servers[0]
	} else {
		k.server = &servers[t.r.below(len(servers))]
	}
	return k
}

// webTalk picks a client and a server of the Internet.
func (t *traffic) webTalk(port uint16) talk {
	if t.r.below(100) < 15 {
		return t.talk(t.clients6, t.servers6, port)
	}
	return t.talk(t.clients, t.servers, port)
}

func (t *traffic) talk(clients, servers []endpoint, port uint16) talk {
	k := talk{
		client: &clients[t.r.popular(len(clients))], server: &servers[t.r.popular(len(servers))],
		clientPort: uint16(t.r.between(32768, 60999)), serverPort: port,
	}
	if t.r.oneIn(25) {
		k.vlan = uint16(t.r.between(100, 103))
	}
	return k
}

func (k *talk) ends(fromServer bool) (from, to *endpoint) {
	if fromServer {
		return k.server, k.client
	}
	return k.client, k.server
}

func (t *traffic) lookup(at int64) { t.exchange(at, t.ask()) }

// large is a lookup whose answer doesn't fit into a packet.
func (t *traffic) large(at int64) { t.exchange(at, t.askMuch()) }

// exchange is a question and its answer over UDP, or if the client can't take the answer
// in one datagram, a hint to ask again over TCP.
func (t *traffic) exchange(at int64, q question) {
	k := t.dnsTalk()
	t.writeQuery(&t.query, &q)
	t.udp(at, &k, false, t.query.b)
	at += t.latency()
	t.writeResponse(&t.reply, &q)
	if len(t.reply.b) <= q.limit() {
		t.udp(at, &k, true, t.reply.b).holds(t.reply.seen, t)
		return
	}
	t.writeTruncated(&t.reply, &q)
	t.udp(at, &k, true, t.reply.b).holds(t.reply.seen, t)
	if t.rowsLeft > 1 {
		k.clientPort ^= 1
		c := t.connection(at, k)
		t.converse(&c, []question{q})
	}
}

// unanswered is a question that is asked again after a second.
func (t *traffic) unanswered(at int64) {
	k, q := t.dnsTalk(), t.ask()
	t.writeQuery(&t.query, &q)
	t.udp(at, &k, false, t.query.b)
	t.udp(at+int64(time.Second), &k, false, t.query.b)
}

// latency is the time that a server takes, in nanoseconds: short if it knows.
func (t *traffic) latency() int64 {
	if t.r.oneIn(2) {
		return int64(t.r.between(150_000, 2_000_000))
	}
	return int64(t.r.between(4_000_000, 90_000_000))
}

func (t *traffic) ntp(at int64) {
	k := t.webTalk(123)
	var b [48]byte
	stamp := uint64(at/1e9+2_208_988_800)<<32 | uint64(at%1e9)<<32/1e9 // seconds since 1900
	b[0], b[2], b[3] = 0x23, 6, 0xe9                                   // version 4, client
	binary.BigEndian.PutUint64(b[40:], stamp)
	t.udp(at, &k, false, b[:])
	b[0], b[1] = 0x24, 2 // server, stratum 2
	copy(b[12:16], []byte{192, 0, 2, 123})
	copy(b[24:], b[40:])
	binary.BigEndian.PutUint64(b[16:], stamp-1<<36)
	binary.BigEndian.PutUint64(b[32:], stamp+1<<22)
	binary.BigEndian.PutUint64(b[40:], stamp+1<<23)
	t.udp(at+t.latency(), &k, true, b[:])
}

func (t *traffic) ping(at int64) {
	k := t.talk(t.clients, t.servers, 0)
	id, sequence := k.clientPort, uint16(t.r.between(1, 100))
	const payload = "abcdefghijklmnopqrstuvwabcdefghi" // as Windows does
	t.part = appendEcho(t.part[:0], false, id, sequence, []byte(payload))
	t.ip(at, &k, false, protoICMP)
	t.part = appendEcho(t.part[:0], true, id, sequence, []byte(payload))
	t.ip(at+t.latency(), &k, true, protoICMP)
}

func (t *traffic) arp(at int64) {
	k := t.talk(t.clients, t.resolvers, 0)
	for i, fromServer := range []bool{false, true} {
		from, to := k.ends(fromServer)
		f := t.queue.frame()
		f.at = at + int64(i)*400_000
		b := appendEthernet(f.data, from.ip, to.ip, k.vlan, etherARP)
		if !fromServer { // to whom it may concern
			copy(b, "\xff\xff\xff\xff\xff\xff")
		}
		b = append(b, 0, 1, 8, 0, 6, 4, 0, byte(1+i))
		b = appendAddr(appendMAC(b, from.ip), from.ip)
		if fromServer {
			b = appendMAC(b, to.ip)
		} else {
			b = append(b, 0, 0, 0, 0, 0, 0)
		}
		f.data = appendAddr(b, to.ip)
		t.send(f)
	}
}

// odd sends what no decoder gets a response from.
func (t *traffic) odd(at int64) {
	k, q := t.dnsTalk(), t.ask()
	t.writeQuery(&t.query, &q)
	switch t.r.below(4) {
	case 0: // an EtherType for experiments
		f := t.queue.frame()
		f.at = at
		f.data = append(appendEthernet(f.data, k.client.ip, k.server.ip, 0, 0x88b5), t.noiseOf(46)...)
		t.send(f)
	case 1: // too short for its header
		f := t.queue.frame()
		f.at, f.length = at, 9
		f.data = append(f.data, t.noiseOf(9)...)
		t.enqueue(f)
	case 2: // torn within the header of DNS
		t.udp(at, &k, false, t.query.b[:t.r.between(1, 11)])
	case 3: // captured in part
		f := t.udp(at, &k, false, t.query.b)
		t.bytes += int64(t.size(40) - t.size(len(f.data)))
		f.data = f.data[:40]
	}
}

func (t *traffic) noiseOf(n int) []byte {
	at := t.r.below(len(t.noise) - n)
	return t.noise[at : at+n]
}

// udp sends a datagram, and returns the last frame of it.
func (t *traffic) udp(at int64, k *talk, fromServer bool, payload []byte) *frame {
	from, to := k.ends(fromServer)
	source, destination := k.clientPort, k.serverPort
	if fromServer {
		source, destination = destination, source
	}
	t.part = appendUDP(t.part[:0], from.ip, to.ip, source, destination, payload)
	return t.ip(at, k, fromServer, protoUDP)
}

// ip sends t.part, in fragments if need be, and returns the last frame of it.
func (t *traffic) ip(at int64, k *talk, fromServer bool, proto byte) *frame {
	t.ipID++
	room := linkMTU - ipv4Header
	if k.client.ip.Is6() {
		room = linkMTU - ipv6Header
	}
	part := ipPart{proto: proto, id: t.ipID, length: len(t.part)}
	if len(t.part) <= room {
		return t.fragment(at, k, fromServer, part)
	}
	room = (room - fragmentHeader) &^ 7
	count := (len(t.part) + room - 1) / room
	backwards := t.r.oneIn(4) // some systems send the last one first
	var last *frame
	for i := range count {
		n := i
		if backwards {
			n = count - 1 - i
		}
		part.offset = n * room
		part.length = min(room, len(t.part)-part.offset)
		part.more = n < count-1
		last = t.fragment(at+int64(i)*15_000, k, fromServer, part)
	}
	return last
}

func (t *traffic) fragment(at int64, k *talk, fromServer bool, part ipPart) *frame {
	from, to := k.ends(fromServer)
	f := t.queue.frame()
	f.at, f.from, f.to = at, from, to
	if from.ip.Is4() {
		f.data = appendIPv4Header(appendEthernet(f.data, from.ip, to.ip, k.vlan, etherIPv4), from.ip, to.ip, part)
	} else {
		f.data = appendIPv6Header(appendEthernet(f.data, from.ip, to.ip, k.vlan, etherIPv6), from.ip, to.ip, part)
	}
	f.data = append(f.data, t.part[part.offset:part.offset+part.length]...)
	return t.send(f)
}

// send pads a frame as a network card does.
func (t *traffic) send(f *frame) *frame {
	for len(f.data) < shortestFrame {
		f.data = append(f.data, 0)
	}
	f.length = len(f.data)
	return t.enqueue(f)
}

func (t *traffic) enqueue(f *frame) *frame {
	t.bytes += int64(t.size(len(f.data)))
	t.queue.push(f)
	return f
}

// holds says that responses end in a frame.
func (f *frame) holds(a answer, t *traffic) {
	f.isRow, f.answer = true, a
	t.rows++
}
