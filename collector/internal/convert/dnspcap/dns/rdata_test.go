package dns

import (
	"strings"
	"testing"
)

// rdataTests have records before an address record, which is only found if the data before
// it makes sense. It is 15 bytes long, and may be taken for data.
var rdataTests = []struct {
	name string
	kind uint16
	data string
	ok   bool
}{
	{"nothing", typeSOA, "", true},
	{"any bytes of an unknown type", 1234, "\xff\xff", true},
	{"any bytes", 10, "\xff\xff", true},
	{"a name", typeNS, "\x01a\xc0\x0c", true},
	{"a name that isn't one", typePTR, "\x80", false},
	{"a name that ends behind the record", typeDNAME, "\x01", true},
	{"numbers behind the names", typeSOA, "\x00\x00" + strings.Repeat("\x00", 20), true},
	{"numbers that end behind the record", typeSOA, "\x00\x00", false},
	{"numbers that end within the address record", typeSOA, "\x00\x00" + strings.Repeat("\x00", 5), true},
	{"a preference and a name", typeMX, "\x00\x0a\x01a\x00", true},
	{"a preference and no name", typeMX, "\x00\x0a\x80", false},
	{"a service", typeSRV, "\x00\x00\x00\x00\x00\x00\xff\xff", false},
	{"two names", typeRP, "\x00\x82", false},
	{"a number and two names", typePX, "\x00\x01\x00\x82", false},

	{"strings", typeTXT, "\x01a\x00\x02bc", true},
	{"a string beyond the record", typeTXT, "\x01a\x03bc", false},
	{"two strings", typeHINFO, "\x01a\x02bc", true},
	{"a string within the address record", typeHINFO, "\x01a\x05bc", true},
	{"a string beyond the message", typeHINFO, "\x01a\xffbc", false},
	{"one string", typeISDN, "\x01a", true},
	{"one string and a byte", typeISDN, "\x01a\xff", true},
	{"one string and another one", typeISDN, "\x01a\xff\xff", false},
	{"three strings", typeGPOS, "\x01a\x01b\xff", false},
	{"three strings and a name", typeNAPTR, "\x00\x01\x00\x02\x00\x01a\x00\x01b\x00", true},
	{"three strings and no name", typeNAPTR, "\x00\x01\x00\x02\x00\x01a\x00\xbf", false},

	{"a key", typeDNSKEY, "\x01\x01\x03\x08key", true},
	{"a key without its algorithm", typeDNSKEY, "\x01\x01\x03", true},
	{"a key of two bytes", typeDNSKEY, "\x01\x01", false},
	{"a signature", typeRRSIG, strings.Repeat("\x00", 18) + "\x00sig", true},
	{"a signature without a name", typeRRSIG, strings.Repeat("\x00", 18) + "\x80", false},
	{"a certificate", typeCERT, "\x00\x01\x00\x02", true},
	{"a short certificate", typeCERT, "\x00\x01\x00", false},
	{"next names", typeNSEC, "\x01a\x00\x00\x01\x40\x01\x01\x80", true},
	{"next names, and half of a window", typeNSEC, "\x01a\x00\x00\x02\x40", false},
	{"next names in the old way", typeNXT, "\x01a\x00\x40", true},
	{"next names in the old way, cut", typeNXT, "\x01", false},
	{"next hashes", typeNSEC3, "\x01\x00\x00\x0a\x01\xff\x05hashs\x00\x01\x40", true},
	{"next hashes, and half of a window", typeNSEC3, "\x01\x00\x00\x0a\x01\xff\x05hashs\x00\x01", false},
	{"a salt beyond the message", typeNSEC3PARAM, "\x01\x00\x00\x0a\xff", false},
	{"a child", typeCSYNC, "\x00\x00\x00\x01\x00\x03\x00\x01\x40", true},
	{"half a child", typeCSYNC, "\x00\x00\x00\x01", false},
	{"a gateway's address", typeIPSECKEY, "\x01\x01\x02\xc0\x00\x02\x01key", true},
	{"a gateway's IPv6 address, cut", typeIPSECKEY, "\x01\x02\x02\xc0\x00\x02\x01", false},
	{"a gateway's name", typeIPSECKEY, "\x01\x03\x02\x80", false},
	{"no gateway", typeIPSECKEY, "\x01\x00\x02", true},
	{"a key exchange", typeTKEY, "\x00" + strings.Repeat("\x00", 12) + "\x00\x01k\x00\x00", true},
	{"a key exchange of a long key", typeTKEY, "\x00" + strings.Repeat("\x00", 12) + "\xff\x01k\x00\x00", false},
	{"a transaction's signature", typeTSIG, "\x00" + strings.Repeat("\x00", 8) + "\x00\x01m" + strings.Repeat("\x00", 6), true},
	{"a transaction's long signature", typeTSIG, "\x00" + strings.Repeat("\x00", 8) + "\x01\x00m" + strings.Repeat("\x00", 6), false},

	{"no options", typeOPT, "", true},
	{"options", typeOPT, "\x00\x03\x00\x01a\x00\x0c\x00\x00", true},
	{"an option within the address record", typeOPT, "\x00\x03\x00\x09a", true},
	{"an option beyond the message", typeOPT, "\x00\x03\x01\x00a", false},
	{"a cookie", typeOPT, "\x00\x0a\x00\x08abcdefgh", true},
	{"half a cookie", typeOPT, "\x00\x0a\x00\x07abcdefg", false},
	{"a subnet", typeOPT, "\x00\x08\x00\x07\x00\x01\x18\x00\xc0\x00\x02", true},
	{"a subnet of no family", typeOPT, "\x00\x08\x00\x00", false},
	{"a short subnet", typeOPT, "\x00\x08\x00\x03\x00\x01\x18\x00\x03\x00\x03abc", true},
	{"a short subnet of another family", typeOPT, "\x00\x08\x00\x02\x00\x09\x00\x03\x00\x03abc", false},
	{"an error without a code", typeOPT, "\x00\x0f\x00\x01\x01", true},
	{"an error", typeOPT, "\x00\x0f\x00\x02\x00\x01", true},

	{"a service's parameters", typeHTTPS, "\x00\x01\x00\x00\x01\x00\x03\x02h2\x00\x03\x00\x02\x01\xbb", true},
	{"a port of no bytes", typeHTTPS, "\x00\x01\x00\x00\x03\x00\x00", true},
	{"a port of many bytes", typeHTTPS, "\x00\x01\x00\x00\x03\xff\xff\x01\xbb", true},
	{"a service's addresses", typeSVCB, "\x00\x01\x00\x00\x04\x00\x08" + address + address, true},
	{"a service's addresses, cut", typeSVCB, "\x00\x01\x00\x00\x04\x00\x11" + address, false},
	{"a protocol's name beyond the message", typeSVCB, "\x00\x01\x00\x00\x01\x00\x01\xff", false},
	{"a flag with a value", typeSVCB, "\x00\x01\x00\x00\x02\xff\xff", true},
	{"an unknown parameter beyond the message", typeSVCB, "\x00\x01\x00\x00\x09\xff\xff", false},

	{"a tag", typeCAA, "\x00\x05issueca.net", true},
	{"a tag beyond the record", typeCAA, "\x00\x05issu", false},
	{"ports", typeWKS, address + "\x06\x40", true},
	{"no protocol", typeWKS, address, false},
	{"a place", typeLOC, "\x00" + strings.Repeat("\x00", 15), true},
	{"a place of another version", typeLOC, "\x01", true},
	{"a prefix", typeA6, "\x40" + strings.Repeat("\x00", 8) + "\x01a\x00", true},
	{"a prefix without a name", typeA6, "\x40" + strings.Repeat("\x00", 8) + "\x80", false},
	{"a long prefix", typeA6, "\x81" + strings.Repeat("\x00", 8), false},
	{"no prefix, no name", typeA6, "\x00" + strings.Repeat("\x00", 16), true},
	{"prefixes", typeAPL, "\x00\x01\x18\x83\xc0\x00\x02\x00", true},
	{"a prefix beyond the message", typeAPL, "\x00\x01\x18\x7f", false},
	{"an identity", typeHIP, "\x02\x01\x00\x01idk\x01a\x00", true},
	{"an identity of a long key", typeHIP, "\x02\x01\xff\x01idk", false},
	{"a server's bad name", typeHIP, "\x02\x01\x00\x01idk\x80\x80", false},
	{"a server", typeWINS, strings.Repeat("\x00", 15) + "\x01" + address, true},
	{"servers beyond the record", typeWINS, strings.Repeat("\x00", 15) + "\x20" + address[:3], false},
	{"a domain", typeWINSR, strings.Repeat("\x00", 12) + "\x82", false},
	{"a proxy", typeXPF, "\x04\x11" + strings.Repeat("\x00", 12), true},
	{"a proxy beyond the message", typeXPF, "\x06\x11" + strings.Repeat("\x00", 12), false},
	{"locators", typeL64, strings.Repeat("\x00", 10), true},
	{"an alias", typeCNAME, "\x80", false},
}

func rdataMessage(kind uint16, data string) []byte {
	return testMessage(0x8180, [4]byte{0, 2}, testRecord("\x00", kind, data), testRecord("\x00", typeA, address))
}

func TestRdata(t *testing.T) {
	for _, test := range rdataTests {
		f := New(A)
		f.Add(rdataMessage(test.kind, test.data), false)
		if got := len(f.Append(nil, A)) > 0; got != test.ok {
			t.Errorf("%s: makes sense: %t", test.name, got)
		}
	}
}
