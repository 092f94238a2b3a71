package stream

import "encoding/binary"

const (
	headerLength = 12               // of a DNS message
	headLength   = 2 + headerLength // with the length bytes: less can't be judged
	maxHops      = 64               // messages in a row after which a chain needs no more proof
	maxName      = 255
)

// begins judges whether to take up a stream at p, the captured part of n bytes.
func begins(p []byte, n int) bool {
	if len(p) < n && len(p) < headLength {
		return false // and the rest, by which it could be told, was cut off
	}
	whole, ok := chain(p, n)
	return ok || whole > 0
}

// fits says whether the length bytes fit one message to a segment of n bytes. Where a capture begins that is proof enough,
// however odd the message. After a gap it is not: the length of a message's last record fits as well.
func fits(p []byte, n int) bool {
	return n >= headLength && len(p) >= 2 && 2+int(binary.BigEndian.Uint16(p)) == n
}

// chain judges whether a message begins at p, the captured part of n bytes of a stream. It follows the length bytes from
// message to message: ok if nothing contradicts, whole is the number of messages that lie within the n bytes and whose headers
// were there to be judged.
func chain(p []byte, n int) (whole int, ok bool) {
	for n > 0 && len(p) >= 2 && whole < maxHops {
		length := int(binary.BigEndian.Uint16(p))
		end := 2 + length
		if !plausible(p[2:min(end, len(p))], length) {
			return whole, false
		}
		if end > n || len(p) < headLength {
			break
		}
		whole++
		n -= end
		p = p[min(end, len(p)):]
	}
	return whole, true
}

// plausible judges whether m, the bytes at hand of a message of the given length, looks like DNS: header, counts, and the
// first question or record as far as they are there.
func plausible(m []byte, length int) bool {
	if length < headerLength {
		return false
	}
	if len(m) < headerLength {
		return true
	}
	const stateful = 6 // DSO messages have data but no records (RFC 8490 5.4)
	opcode := m[2] >> 3 & 15
	questions := int(binary.BigEndian.Uint16(m[4:]))
	records := int(binary.BigEndian.Uint16(m[6:])) + int(binary.BigEndian.Uint16(m[8:])) + int(binary.BigEndian.Uint16(m[10:]))
	if opcode > stateful || headerLength+5*questions+11*records > length {
		return false
	}
	if questions+records == 0 {
		return length == headerLength || opcode == stateful
	}
	return plausibleRecord(m[headerLength:], questions == 0)
}

// plausibleRecord judges the first question or record of a message: its name can't be compressed yet.
func plausibleRecord(m []byte, record bool) bool {
	i := 0
	for {
		if i >= len(m) {
			return true
		}
		label := int(m[i])
		if label > 63 || i > maxName {
			return false
		}
		i += 1 + label
		if label == 0 {
			break
		}
	}
	if len(m) < i+4 {
		return true
	}
	const opt = 41 // its class field is a size
	if record && binary.BigEndian.Uint16(m[i:]) == opt {
		return true
	}
	switch binary.BigEndian.Uint16(m[i+2:]) &^ 0x8000 { // multicast DNS uses the high bit as a flag
	case 1, 3, 4, 254, 255: // IN, CH, HS, NONE, ANY
		return true
	}
	return false
}
