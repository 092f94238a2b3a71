package convert

import (
	"bytes"
	"strconv"

	"spot-ingest/collector/internal/convert/nfcapd"
)

// split puts the fields of a line into spread and returns their number.
func split(spread *[maxColumns][]byte, line []byte) int {
	for n := range spread {
		end := bytes.IndexByte(line, ',')
		if end < 0 {
			spread[n] = line
			return n + 1
		}
		spread[n], line = line[:end], line[end+1:]
	}
	return maxColumns + 1
}

// appendTime appends "2019-08-12 18:50:47" and its six parts, unpadded.
func appendTime(dst, t []byte) []byte {
	dst = append(dst, t...)
	for _, part := range [...][]byte{t[0:4], t[5:7], t[8:10], t[11:13], t[14:16], t[17:19]} {
		for len(part) > 1 && part[0] == '0' {
			part = part[1:]
		}
		dst = append(append(dst, ','), part...)
	}
	return dst
}

// startsWithDate tells whether a line or field begins like "2019-08-12 18:50:47".
func startsWithDate(b []byte) bool {
	const shape = "0000-00-00 00:00:00"
	if len(b) < len(shape) || bytes.HasPrefix(b, []byte("0000-")) {
		return false
	}
	for i := range len(shape) {
		if c := shape[i]; c == '0' && (b[i] < '0' || b[i] > '9') || c != '0' && b[i] != c {
			return false
		}
	}
	return true
}

// isNoTime knows both ways in which nfdump prints a time that isn't there.
func isNoTime(b []byte) bool {
	return bytes.HasPrefix(b, []byte("1970-01-01 00:00:00")) || bytes.HasPrefix(b, []byte("0000-00-00 00:00:00"))
}

// appendField appends a column as Spot's own nfdump prints it.
func (f *flowLines) appendField(dst []byte, col int) []byte {
	value := f.field(col)
	switch {
	case col == colFlags && len(value) == 8:
		return appendFlags(dst, value)
	case !f.coded:
	case col == colProto:
		return appendProto(dst, value)
	case col == colDstPort:
		return appendPort(dst, value)
	case col == colDir && string(value) == "I":
		return append(dst, '0')
	case col == colDir && string(value) == "E":
		return append(dst, '1')
	}
	return append(dst, value...)
}

// appendFlags turns the eight flags CEUAPRSF into Spot's six, or into a number if one of
// the first two, which it doesn't know, is set.
func appendFlags(dst, flags []byte) []byte {
	if flags[0] == '.' && flags[1] == '.' {
		return append(dst, flags[2:]...)
	}
	var bits uint64
	for _, c := range flags {
		bits <<= 1
		if c != '.' {
			bits |= 1
		}
	}
	return strconv.AppendUint(append(dst, "  0x"...), bits, 16)
}

// appendPort turns ICMP's "8.0", type and code as nfdump prints them since 1.7.5, back
// into the number that NetFlow carries in the port's place.
func appendPort(dst, port []byte) []byte {
	kind, code, isICMP := bytes.Cut(port, []byte("."))
	if !isICMP {
		return append(dst, port...)
	}
	high, highErr := strconv.ParseUint(string(kind), 10, 8)
	low, lowErr := strconv.ParseUint(string(code), 10, 8)
	if highErr != nil || lowErr != nil {
		return append(dst, port...)
	}
	return strconv.AppendUint(dst, high<<8|low, 10)
}

// appendProto turns a protocol's number, which nfdump prints since 1.7.5, into its name.
func appendProto(dst, number []byte) []byte {
	n, err := strconv.ParseUint(string(number), 10, 8)
	if err != nil {
		return append(dst, number...)
	}
	return append(dst, nfcapd.ProtocolName(uint8(n))...)
}
