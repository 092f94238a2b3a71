package nfcapd

// A flow is what a row says of one.
type flow struct {
	received uint64 // milliseconds since 1970; 0 if it isn't recorded
	first    uint64 // likewise
	duration int64  // milliseconds
	unsigned bool   // of duration: nfdump 1.7 takes a negative one for one of 584 million years

	src, dst address
	router   address

	packets, bytes       uint64
	outPackets, outBytes uint64

	input, output    uint32
	srcAS, dstAS     uint32
	srcPort, dstPort uint16 // dstPort is ICMP's type and code, if it is that

	proto, flags   uint8
	status         uint8 // of forwarding
	srcTos, dstTos uint8
	direction      uint8

	event bool // of a firewall or of NAT
}

// An address is one of IPv4, in lo, or of IPv6.
type address struct {
	hi, lo uint64
	v6     bool
}

func ipv4(b []byte) address { return address{lo: uint64(le.Uint32(b))} }

// ipv6 reads two numbers of 64 bits, the higher one first.
func ipv6(b []byte) address { return address{hi: le.Uint64(b), lo: le.Uint64(b[8:]), v6: true} }
