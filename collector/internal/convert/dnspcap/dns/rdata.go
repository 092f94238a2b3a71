package dns

import "encoding/binary"

// Types of records, those whose data can fail to make sense.
const (
	typeA          = 1
	typeNS         = 2
	typeMD         = 3
	typeMF         = 4
	typeCNAME      = 5
	typeSOA        = 6
	typeMB         = 7
	typeMG         = 8
	typeMR         = 9
	typeWKS        = 11
	typePTR        = 12
	typeHINFO      = 13
	typeMINFO      = 14
	typeMX         = 15
	typeTXT        = 16
	typeRP         = 17
	typeAFSDB      = 18
	typeX25        = 19
	typeISDN       = 20
	typeRT         = 21
	typeNSAPPTR    = 23
	typeSIG        = 24
	typeKEY        = 25
	typePX         = 26
	typeGPOS       = 27
	typeAAAA       = 28
	typeLOC        = 29
	typeNXT        = 30
	typeSRV        = 33
	typeNAPTR      = 35
	typeKX         = 36
	typeCERT       = 37
	typeA6         = 38
	typeDNAME      = 39
	typeOPT        = 41
	typeAPL        = 42
	typeDS         = 43
	typeSSHFP      = 44
	typeIPSECKEY   = 45
	typeRRSIG      = 46
	typeNSEC       = 47
	typeDNSKEY     = 48
	typeNSEC3      = 50
	typeNSEC3PARAM = 51
	typeTLSA       = 52
	typeHIP        = 55
	typeCDS        = 59
	typeCDNSKEY    = 60
	typeCSYNC      = 62
	typeZONEMD     = 63
	typeSVCB       = 64
	typeHTTPS      = 65
	typeSPF        = 99
	typeNID        = 104
	typeL32        = 105
	typeL64        = 106
	typeLP         = 107
	typeEUI48      = 108
	typeEUI64      = 109
	typeTKEY       = 249
	typeTSIG       = 250
	typeCAA        = 257
	typeDLV        = 32769
	typeWINS       = 65281
	typeWINSR      = 65282
	typeXPF        = 65422
)

// rdata reads what a record of a type holds, and returns false if it makes no sense: then
// nothing behind it counts. As with tshark, what is read may lie behind the end of the
// record, if only it lies within the message.
func (f *Fields) rdata(d *rdata, kind uint32) bool {
	switch kind {
	case typeA:
		at := d.at
		if !d.skip(4) {
			return false
		}
		f.keep(A, d.uint32(at))
	case typeAAAA:
		at := d.at
		if !d.skip(16) {
			return false
		}
		if f.lacks(AAAA) {
			copy(f.aaaa[:], d.raw[at:])
			f.keep(AAAA, 0)
		}
	case typeCNAME:
		var text *name
		if f.lacks(CNAME) {
			text = &f.cname
		}
		if d.at = d.message.name(d.at, text); d.at < 0 {
			return false
		}
		f.keep(CNAME, 0)
	default:
		return d.check(kind)
	}
	return true
}

// check tells whether the data of a record makes sense.
func (d *rdata) check(kind uint32) bool {
	switch kind {
	case typeNS, typePTR, typeDNAME, typeMD, typeMF, typeMB, typeMG, typeMR, typeNSAPPTR:
		return d.name()
	case typeSOA:
		return d.name() && d.name() && d.skip(20)
	case typeMX, typeAFSDB, typeRT, typeKX, typeLP:
		return d.skip(2) && d.name()
	case typeSRV:
		return d.skip(6) && d.name()
	case typeMINFO, typeRP:
		return d.name() && d.name()
	case typePX:
		return d.skip(2) && d.name() && d.name()
	case typeTXT, typeSPF:
		return d.texts()
	case typeOPT:
		return d.options()
	case typeSVCB, typeHTTPS:
		return d.service()
	case typeHINFO:
		return d.text() && d.text()
	case typeX25:
		return d.text()
	case typeISDN:
		return d.text() && (d.left() <= 1 || d.text())
	case typeGPOS:
		return d.text() && d.text() && d.text()
	case typeNAPTR:
		return d.skip(4) && d.text() && d.text() && d.text() && d.name()
	case typeTKEY:
		return d.name() && d.skip(12) && d.block() && d.block()
	case typeTSIG:
		return d.name() && d.skip(8) && d.block() && d.skip(4) && d.block()
	case typeLOC:
		return d.uint8(d.at) != 0 || d.skip(16) // other versions aren't known
	case typeWKS:
		return d.size >= 5
	case typeA6:
		return d.a6()
	case typeAPL:
		return d.prefixes()
	case typeHIP:
		return d.hip()
	case typeCAA:
		return d.size >= 2 && d.size >= 2+d.uint8(d.at+1)
	case typeWINS:
		return d.skip(16) && d.servers()
	case typeWINSR:
		return d.skip(12) && d.name()
	case typeXPF:
		return d.proxied()
	}
	return d.checkKeys(kind)
}

// checkKeys is check for DNSSEC's types, and others with keys or of a fixed size.
func (d *rdata) checkKeys(kind uint32) bool {
	switch kind {
	case typeRRSIG, typeSIG:
		return d.skip(18) && d.name() && d.rest()
	case typeDNSKEY, typeCDNSKEY, typeKEY, typeDS, typeCDS, typeDLV:
		return d.skip(4) && d.rest()
	case typeNSEC, typeNXT:
		if !d.name() {
			return false
		}
		if kind == typeNXT {
			return d.left() >= 0
		}
		return d.windows()
	case typeNSEC3:
		return d.nsec3()
	case typeNSEC3PARAM:
		return d.skip(4) && d.text()
	case typeCSYNC:
		return d.skip(6) && d.windows()
	case typeSSHFP:
		return d.skip(2) && d.rest()
	case typeTLSA:
		return d.skip(3) && d.rest()
	case typeCERT:
		return d.skip(5) && d.rest()
	case typeZONEMD:
		return d.skip(6) && d.rest()
	case typeIPSECKEY:
		return d.ipsecKey()
	case typeL32, typeEUI48:
		return d.skip(6)
	case typeEUI64:
		return d.skip(8)
	case typeNID, typeL64:
		return d.skip(10)
	}
	return true
}

// An rdata is the data of a record being read.
type rdata struct {
	*message
	at, start, size int
}

// left is how much of the record is left; below 0, more was read.
func (d *rdata) left() int { return d.start + d.size - d.at }

// uint8 is the byte at an offset, 0 behind the end of the message.
func (d *rdata) uint8(at int) int {
	if at >= len(d.raw) {
		return 0
	}
	return int(d.raw[at])
}

func (d *rdata) skip(n int) bool {
	d.at += n
	return d.at <= len(d.raw)
}

func (d *rdata) name() bool {
	d.at = d.message.name(d.at, nil)
	return d.at >= 0
}

// text reads a string with a byte for its length before it.
func (d *rdata) text() bool { return d.skip(1) && d.skip(d.uint8(d.at-1)) }

// block reads bytes with 16 bits for their number before them.
func (d *rdata) block() bool {
	return d.skip(2) && d.skip(int(binary.BigEndian.Uint16(d.raw[d.at-2:])))
}

// rest reads the rest of the record.
func (d *rdata) rest() bool { return d.sized(d.left()) }

// sized tells whether bytes of a calculated number can be read. One too few is taken for
// all of the message.
func (d *rdata) sized(n int) bool {
	left := len(d.raw) - d.at
	if n == -1 {
		return left > 0
	}
	return n >= 0 && n <= left
}

// texts reads strings up to exactly the end of the record.
func (d *rdata) texts() bool {
	for d.left() != 0 {
		if !d.text() {
			return false
		}
	}
	return true
}

// windows reads the bit maps of types that exist, up to exactly the end of the record.
func (d *rdata) windows() bool {
	for d.left() != 0 {
		if !d.skip(1) || !d.text() {
			return false
		}
	}
	return true
}
