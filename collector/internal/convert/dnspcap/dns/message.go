package dns

import "encoding/binary"

const (
	headerSize   = 12
	opcodeUpdate = 5
)

// maxSteps limits the labels and pointers that are followed in a message of a size. Honest
// ones stay far below; one made of pointers into long chains of labels is given up there.
func maxSteps(size int) int { return 4096 + 32*size }

// A message is a message being read: as much of it as was captured.
type message struct {
	raw   []byte
	steps int // left of maxSteps
}

func (m *message) uint16(at int) uint32 { return uint32(binary.BigEndian.Uint16(m.raw[at:])) }
func (m *message) uint32(at int) uint32 { return binary.BigEndian.Uint32(m.raw[at:]) }

// Add reads one message, of which msg was captured. What it says before the place where it
// is cut or stops making sense counts. In a multicast DNS message the top bit of a class
// is a flag of its own and not printed with the class.
func (f *Fields) Add(msg []byte, multicast bool) {
	if len(msg) < 4 {
		return
	}
	m := message{raw: msg, steps: maxSteps(len(msg))}
	response := msg[2]&0x80 != 0
	f.response = f.response || response
	if f.missing == 0 {
		return
	}
	f.header(&m, response)
	if len(msg) < headerSize {
		return
	}
	classMask := uint32(0xffff)
	if multicast {
		classMask = 0x7fff
	}
	at := headerSize
	for n := m.uint16(4); n > 0 && f.missing != 0; n-- {
		if at = f.question(&m, at, classMask); at < 0 {
			return
		}
	}
	for n := m.uint16(6) + m.uint16(8) + m.uint16(10); n > 0 && f.missing != 0; n-- {
		if at = f.record(&m, at, classMask); at < 0 {
			return
		}
	}
}

// header keeps what there is of the header: identifier and flags, then each count.
func (f *Fields) header(m *message, response bool) {
	flags := m.uint16(2)
	opcode := flags >> 11 & 15
	f.keep(ID, m.uint16(0))
	f.keep(Opcode, opcode)
	if response {
		f.keep(Response, 1)
		f.keep(RCode, flags&15)
	} else {
		f.keep(Response, 0)
	}
	counts := [4]Field{Queries, Answers, Authorities, Additionals}
	if opcode == opcodeUpdate {
		counts = [4]Field{Zones, Prerequisites, Updates, Additionals}
	}
	for i, field := range counts {
		if at := 4 + 2*i; at+2 <= len(m.raw) {
			f.keep(field, m.uint16(at))
		}
	}
}

// question reads a question and returns where the next one begins, or -1.
func (f *Fields) question(m *message, at int, classMask uint32) int {
	var text *name
	if f.lacks(QryName) {
		text = &f.qryName
	}
	at = m.name(at, text)
	if at < 0 || at+4 > len(m.raw) {
		return -1
	}
	f.keep(QryName, 0)
	f.keep(QryType, m.uint16(at))
	f.keep(QryClass, m.uint16(at+2)&classMask)
	return at + 4
}

// record reads a resource record and returns where the next one begins, or -1. A record
// that isn't there to its end counts for nothing; one whose data makes no sense does.
func (f *Fields) record(m *message, at int, classMask uint32) int {
	var text *name
	if f.lacks(RespName) {
		text = &f.respName
	}
	at = m.name(at, text)
	if at < 0 || at+10 > len(m.raw) {
		return -1
	}
	kind, size := m.uint16(at), int(m.uint16(at+8))
	end := at + 10 + size
	if end > len(m.raw) {
		return -1
	}
	if kind != typeSRV { // whose name has fields of its own
		f.keep(RespName, 0)
	}
	f.keep(RespType, kind)
	f.keep(RespLen, uint32(size))
	if kind != typeOPT {
		f.keep(RespClass, m.uint16(at+2)&classMask)
		f.keep(RespTTL, m.uint32(at+4))
	}
	if size > 0 && !f.rdata(&rdata{message: m, at: at + 10, start: at + 10, size: size}, kind) {
		return -1
	}
	return end
}
