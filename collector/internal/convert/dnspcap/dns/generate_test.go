package dns

import (
	"encoding/binary"
	"math/rand/v2"
)

// layouts describe the data of the types of records: n name, 1 2 4 bytes, s string, b
// bytes with 16 bits for their number, t strings, w windows of types, * the rest, o EDNS
// options, p parameters of a service, others as their own records have it.
var layouts = map[uint16]string{
	typeA: "4", typeNS: "n", typeMD: "n", typeMF: "n", typeCNAME: "n", typeSOA: "nn44444", typeMB: "n", typeMG: "n",
	typeMR: "n", 10: "*", typeWKS: "41*", typePTR: "n", typeHINFO: "ss", typeMINFO: "nn", typeMX: "2n", typeTXT: "t",
	typeRP: "nn", typeAFSDB: "2n", typeX25: "s", typeISDN: "ss", typeRT: "2n", 22: "*", typeNSAPPTR: "n",
	typeSIG: "2114442n*", typeKEY: "211*", typePX: "2nn", typeGPOS: "sss", typeAAAA: "6", typeLOC: "0111444", typeNXT: "n*",
	typeSRV: "222n", typeNAPTR: "22sssn", typeKX: "2n", typeCERT: "221*", typeA6: "a", typeDNAME: "n", typeOPT: "o",
	typeAPL: "l", typeDS: "211*", typeSSHFP: "11*", typeIPSECKEY: "i", typeRRSIG: "2114442n*", typeNSEC: "nw",
	typeDNSKEY: "211*", 49: "*", typeNSEC3: "112ssw", typeNSEC3PARAM: "112s", typeTLSA: "111*", typeHIP: "h",
	56: "t", 57: "*", 58: "nn", typeCDS: "211*", typeCDNSKEY: "211*", 61: "*", typeCSYNC: "42w", typeZONEMD: "411*",
	typeSVCB: "2np", typeHTTPS: "2np", typeSPF: "t", typeNID: "244", typeL32: "24", typeL64: "244", typeLP: "2n",
	typeEUI48: "24", typeEUI64: "44", typeTKEY: "n44u2bb", typeTSIG: "n42" + "2b22b", 256: "22*", typeCAA: "1s*",
	32768: "211*", typeDLV: "211*", typeWINS: "444v", typeWINSR: "444n", typeXPF: "x", 1234: "*",
}

// A generator makes messages, the same ones each time.
type generator struct {
	*rand.Rand
	kinds []uint16
	msg   []byte
	names []int // offsets of names and of their labels
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 53))}
	for kind := range 1 << 16 {
		if _, known := layouts[uint16(kind)]; known {
			g.kinds = append(g.kinds, uint16(kind))
		}
	}
	return g
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g *generator) uint16(v int) { g.msg = binary.BigEndian.AppendUint16(g.msg, uint16(v)) }

func (g *generator) bytes(n int) {
	for range n {
		if g.oneIn(3) {
			g.msg = append(g.msg, byte(g.IntN(4)))
		} else {
			g.msg = append(g.msg, byte(g.Uint32()))
		}
	}
}

// message makes a message whose parts are all well-formed.
func (g *generator) message() []byte {
	g.msg, g.names = nil, g.names[:0]
	counts := [4]int{g.IntN(5) / 2, g.IntN(4), g.IntN(3), g.IntN(3)}
	g.uint16(g.IntN(1 << 16))
	flags := 0x8000 | g.IntN(1<<16)&^0x7800
	if g.oneIn(8) {
		flags = g.IntN(1 << 16)
	}
	g.uint16(flags)
	for _, n := range counts {
		g.uint16(n)
	}
	for range counts[0] {
		g.name()
		g.uint16(g.kind())
		g.uint16(g.class())
	}
	for range counts[1] + counts[2] + counts[3] {
		g.record()
	}
	return g.msg
}

func (g *generator) kind() int {
	if g.oneIn(3) {
		return []int{typeA, typeA, typeAAAA, typeCNAME, typeOPT, typeNS}[g.IntN(6)]
	}
	return int(g.kinds[g.IntN(len(g.kinds))])
}

func (g *generator) class() int {
	if g.oneIn(4) {
		return []int{0, 3, 254, 255, 0x8001, g.IntN(1 << 16)}[g.IntN(6)]
	}
	return 1
}

func (g *generator) record() {
	g.name()
	kind := g.kind()
	g.uint16(kind)
	g.uint16(g.class())
	g.bytes(4)
	size := len(g.msg)
	g.uint16(0)
	for _, part := range layouts[uint16(kind)] {
		g.part(part)
	}
	binary.BigEndian.PutUint16(g.msg[size:], uint16(len(g.msg)-size-2))
}

// part makes a part of a record's data.
func (g *generator) part(part rune) {
	switch part {
	case 'n':
		g.name()
	case '0':
		g.msg = append(g.msg, 0)
	case '1', '2', '4':
		g.bytes(int(part - '0'))
	case 's':
		g.block(1)
	case 'b':
		g.block(2)
	case 't':
		for range g.IntN(4) {
			g.block(1)
		}
	case 'w':
		for range g.IntN(3) {
			g.bytes(1)
			g.block(1)
		}
	case '*':
		g.bytes(g.IntN(12))
	case 'o':
		for range g.IntN(3) {
			g.uint16(g.IntN(20))
			g.block(2)
		}
	case 'p':
		for range g.IntN(3) {
			g.uint16(g.IntN(9))
			g.block(2)
		}
	case 'a':
		prefix := g.IntN(129)
		g.msg = append(g.msg, byte(prefix))
		g.bytes((128 - prefix + 7) / 8)
		if prefix > 0 {
			g.name()
		}
	case 'l':
		for range g.IntN(3) {
			g.uint16(1 + g.IntN(2))
			g.bytes(1)
			g.block(1)
		}
	case 'i':
		gateway := g.IntN(5)
		g.msg = append(g.msg, 1, byte(gateway), 2)
		g.part([]rune{'*', '4', 'k', 'n', '*'}[gateway])
	case 'k':
		g.bytes(16)
	case 'h':
		n := g.IntN(8)
		g.msg = append(g.msg, byte(n), 1, 0, 3)
		g.bytes(n + 3)
		for range g.IntN(3) {
			g.name()
		}
	case '6':
		for range 8 {
			g.uint16([]int{0, 0, 0, 1, 0xffff, g.IntN(1 << 16)}[g.IntN(6)])
		}
	case 'x':
		g.msg = append(g.msg, byte(4+2*g.IntN(2)), 17)
		g.bytes(4 + 8*(1+3*g.IntN(2)))
	case 'u':
		g.uint16(g.IntN(6)) // a mode of key exchange
	case 'v':
		n := g.IntN(3)
		g.uint16(0)
		g.uint16(n)
		g.bytes(4 * n)
	default:
		panic("no such part: " + string(part))
	}
}

// block makes some bytes behind their number, in width bytes.
func (g *generator) block(width int) {
	n := g.IntN(10)
	if g.oneIn(10) {
		n = g.IntN(40)
	}
	if width == 2 {
		g.msg = append(g.msg, 0)
	}
	g.msg = append(g.msg, byte(n))
	g.bytes(n)
}

// name makes a name, which may end as an earlier one does.
func (g *generator) name() {
	for long := g.oneIn(100); ; {
		switch {
		case long && !g.oneIn(6): // another label
		case len(g.names) > 0 && g.oneIn(2):
			g.uint16(0xc000 | g.names[g.IntN(len(g.names))])
			return
		case g.oneIn(4):
			g.msg = append(g.msg, 0)
			return
		}
		if len(g.msg) < 0x4000 {
			g.names = append(g.names, len(g.msg))
		}
		n := 1 + g.IntN(9)
		if long || g.oneIn(20) {
			n = 1 + g.IntN(63)
		}
		g.msg = append(g.msg, byte(n))
		strange := g.oneIn(12)
		for range n {
			c := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[g.IntN(64)]
			if strange {
				c = byte(g.Uint32())
			}
			g.msg = append(g.msg, c)
		}
	}
}

// mutate spoils a message here and there. It returns how much of it is captured, too.
func (g *generator) mutate(msg []byte) (mutant []byte, captured int) {
	for range g.IntN(4) {
		if len(msg) < 13 {
			break
		}
		at := g.IntN(len(msg))
		if g.oneIn(2) {
			at = 12 + g.IntN(len(msg)-12)
		}
		switch g.IntN(9) {
		case 0:
			msg[at] ^= 1 << g.IntN(8)
		case 1:
			msg[at] = byte(g.Uint32())
		case 2:
			msg = msg[:at]
		case 3:
			msg = append(msg[:at:at], msg[min(len(msg), at+1+g.IntN(4)):]...)
		case 4:
			more := make([]byte, 1+g.IntN(4))
			msg = append(msg[:at:at], append(more, msg[at:]...)...)
		case 5:
			if at+1 < len(msg) {
				binary.BigEndian.PutUint16(msg[at:], uint16(0xc000|g.IntN(len(msg)+2)))
			}
		case 6:
			msg[at] = []byte{0x40, 0x41, 0x41, 0x7f, 0x80, 0xbf, 0, 63}[g.IntN(8)]
		case 7:
			msg[at] += byte(1 - 2*g.IntN(2))
		case 8:
			msg[5+2*g.IntN(4)] += byte(g.IntN(3))
		}
	}
	captured = len(msg)
	if g.oneIn(10) {
		captured = g.IntN(len(msg) + 1)
	}
	return msg, captured
}
