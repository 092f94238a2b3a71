// Package dns reads DNS messages and keeps the first occurrence of each field, in the text
// that tshark 4.0 prints for it with "-T fields -E occurrence=f". What tshark makes of
// odd, cut and hostile messages was found by comparing; the package follows it there, too,
// but for the comma: within a name it is printed as \054, so that it can't be taken for
// the end of a column.
package dns

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// A Field is a field of a DNS message that can be printed.
type Field uint8

// The fields. Those of resource records are of the first record of the message, be it an
// answer, an authority or an additional one.
const (
	RespName      Field = iota // dns.resp.name
	RespType                   // dns.resp.type, decimal
	RespClass                  // dns.resp.class, as 0x0001; OPT records have none
	RespTTL                    // dns.resp.ttl, seconds; OPT records have none
	RespLen                    // dns.resp.len, bytes of the record's data
	RCode                      // dns.flags.rcode, of responses only
	A                          // dns.a
	AAAA                       // dns.aaaa
	CNAME                      // dns.cname
	QryName                    // dns.qry.name
	QryType                    // dns.qry.type, decimal
	QryClass                   // dns.qry.class, as 0x0001
	ID                         // dns.id, as 0x12ab
	Response                   // dns.flags.response, 1 or 0
	Opcode                     // dns.flags.opcode
	Queries                    // dns.count.queries; updates have zones instead
	Answers                    // dns.count.answers; updates have prerequisites instead
	Authorities                // dns.count.auth_rr; updates have updates instead
	Additionals                // dns.count.add_rr
	Zones                      // dns.count.zones
	Prerequisites              // dns.count.prerequisites
	Updates                    // dns.count.updates

	fieldCount
)

var fieldNames = [fieldCount]string{
	RespName: "dns.resp.name", RespType: "dns.resp.type", RespClass: "dns.resp.class",
	RespTTL: "dns.resp.ttl", RespLen: "dns.resp.len", RCode: "dns.flags.rcode",
	A: "dns.a", AAAA: "dns.aaaa", CNAME: "dns.cname",
	QryName: "dns.qry.name", QryType: "dns.qry.type", QryClass: "dns.qry.class",
	ID: "dns.id", Response: "dns.flags.response", Opcode: "dns.flags.opcode",
	Queries: "dns.count.queries", Answers: "dns.count.answers",
	Authorities: "dns.count.auth_rr", Additionals: "dns.count.add_rr",
	Zones: "dns.count.zones", Prerequisites: "dns.count.prerequisites", Updates: "dns.count.updates",
}

// FieldNamed finds a field by tshark's name for it, such as "dns.resp.name".
func FieldNamed(name string) (Field, bool) {
	for f, n := range fieldNames {
		if n == name {
			return Field(f), true
		}
	}
	return 0, false
}

// String returns tshark's name of the field.
func (field Field) String() string {
	if field < fieldCount {
		return fieldNames[field]
	}
	return "dns.Field(" + strconv.Itoa(int(field)) + ")"
}

// Fields are the first occurrences of the wanted fields in the messages added since the
// last Reset.
type Fields struct {
	wanted, missing uint32 // sets of fields: 1<<Field
	response        bool
	number          [fieldCount]uint32 // A's is the address, big-endian
	aaaa            [16]byte

	respName, qryName, cname name
}

// New returns Fields that keep the wanted ones. The zero Fields keep none, and still tell
// responses from queries.
func New(wanted ...Field) *Fields {
	f := new(Fields)
	for _, field := range wanted {
		f.wanted |= 1 << field
	}
	f.Reset()
	return f
}

// Reset forgets all messages.
func (f *Fields) Reset() {
	f.missing = f.wanted
	f.response = false
}

// IsResponse tells whether any of the messages is a response.
func (f *Fields) IsResponse() bool { return f.response }

// lacks tells whether a field is wanted and hasn't been found yet.
func (f *Fields) lacks(field Field) bool { return f.missing>>field&1 != 0 }

// keep takes a value if it is the first of its field.
func (f *Fields) keep(field Field, value uint32) {
	if f.lacks(field) {
		f.missing &^= 1 << field
		f.number[field] = value
	}
}

// Append appends the text of a wanted field to dst; nothing if no message has the field.
func (f *Fields) Append(dst []byte, field Field) []byte {
	if (f.wanted&^f.missing)>>field&1 == 0 {
		return dst
	}
	switch field {
	case RespName:
		return appendText(dst, f.respName.bytes())
	case QryName:
		return appendText(dst, f.qryName.bytes())
	case CNAME:
		return appendText(dst, f.cname.bytes())
	case RespClass, QryClass, ID:
		return appendHex(dst, f.number[field])
	case A:
		return appendIPv4(dst, f.number[field])
	case AAAA:
		return AppendIPv6(dst, f.aaaa)
	}
	return strconv.AppendUint(dst, uint64(f.number[field]), 10)
}

// appendHex appends 16 bits as 0x12ab.
func appendHex(dst []byte, v uint32) []byte {
	return append(dst, '0', 'x', hexDigits[v>>12&15], hexDigits[v>>8&15], hexDigits[v>>4&15], hexDigits[v&15])
}

func appendIPv4(dst []byte, v uint32) []byte {
	for shift := 24; ; shift -= 8 {
		dst = strconv.AppendUint(dst, uint64(v>>shift&255), 10)
		if shift == 0 {
			return dst
		}
		dst = append(dst, '.')
	}
}

// AppendIPv6 appends an address as inet_ntop prints it: unlike Go, it writes IPv4-compatible
// ones as ::192.0.2.1, too.
func AppendIPv6(dst []byte, address [16]byte) []byte {
	low := binary.BigEndian.Uint32(address[12:])
	if low > 0xffff && [12]byte(address[:12]) == [12]byte{} {
		return appendIPv4(append(dst, "::"...), low)
	}
	return netip.AddrFrom16(address).AppendTo(dst)
}

const hexDigits = "0123456789abcdef"
