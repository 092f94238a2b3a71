package doh

import "encoding/binary"

const (
	messageHeader = 12
	minQuestion   = 5  // the root's name, type and class
	minRecord     = 11 // the same, time to live, length of data
	maxName       = 255
	maxPointers   = 64 // in one name
)

// counts reads the numbers of questions and records of a message's header.
func counts(m []byte) (questions, records int) {
	for i := range 3 {
		records += int(binary.BigEndian.Uint16(m[6+2*i:]))
	}
	return int(binary.BigEndian.Uint16(m[4:])), records
}

// startsMessage judges a message by its header.
func startsMessage(m []byte) bool {
	questions, records := counts(m)
	opcode := m[2] >> 3 & 15
	return opcode == 0 && messageHeader+minQuestion*questions+minRecord*records <= maxContent
}

// isMessage tells whether m is exactly one DNS message (RFC 1035, section 4).
func isMessage(m []byte) bool {
	if len(m) < messageHeader || !startsMessage(m) {
		return false
	}
	questions, records := counts(m)
	at, ok := messageHeader, true
	for range questions {
		if at, ok = nameEnd(m, at); !ok || len(m)-at < minQuestion-1 {
			return false
		}
		at += minQuestion - 1
	}
	for range records {
		if at, ok = nameEnd(m, at); !ok || len(m)-at < minRecord-1 {
			return false
		}
		at += minRecord - 1
		at += int(binary.BigEndian.Uint16(m[at-2:]))
		if at > len(m) {
			return false
		}
	}
	return at == len(m)
}

// nameEnd returns where the name at m[at:] ends. Its pointers must lead backwards, as the RFC has it: so they can't loop.
func nameEnd(m []byte, at int) (end int, ok bool) {
	from, length := at, 1
	for pointers := 0; at < len(m) && length <= maxName; {
		b := int(m[at])
		switch {
		case b == 0:
			if pointers == 0 {
				end = at + 1
			}
			return end, true
		case b < 0x40:
			at += 1 + b
			length += 1 + b
		case b >= 0xc0 && at+1 < len(m):
			if pointers == 0 {
				end = at + 2
			}
			at = b&0x3f<<8 | int(m[at+1])
			if pointers++; at >= from || at < messageHeader || pointers > maxPointers {
				return 0, false
			}
			from = at
		default:
			return 0, false
		}
	}
	return 0, false
}
