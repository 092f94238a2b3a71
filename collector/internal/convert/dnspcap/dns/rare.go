package dns

// a6 reads an A6 record: the rest of an address behind a prefix, and the prefix's name.
func (d *rdata) a6() bool {
	prefix := d.uint8(d.at)
	if prefix > 128 {
		return false
	}
	return d.skip(1+(128-prefix+7)/8) && (prefix == 0 || d.name())
}

// prefixes reads an APL record.
func (d *rdata) prefixes() bool {
	for d.left() > 1 {
		if !d.skip(4) || !d.skip(d.uint8(d.at-1)&0x7f) {
			return false
		}
	}
	return true
}

// hip reads a HIP record: a tag and a key, then the names of rendezvous servers.
func (d *rdata) hip() bool {
	at := d.at
	if !d.skip(4) || !d.skip(d.uint8(at)+int(d.uint16(at+2))) {
		return false
	}
	for d.left() > 1 {
		if !d.name() {
			return false
		}
	}
	return true
}

// servers reads the addresses at the end of a WINS record, whose number stands before them.
func (d *rdata) servers() bool {
	for n := d.uint32(d.at - 4); n > 0 && d.left() != 0; n-- {
		if !d.skip(4) {
			return false
		}
	}
	return true
}

// proxied reads an XPF record: the ends of the connection to a proxy.
func (d *rdata) proxied() bool {
	switch ipVersion := d.uint8(d.at); ipVersion {
	case 4:
		return d.skip(2 + 2*4 + 2*2)
	case 6:
		return d.skip(2 + 2*16 + 2*2)
	}
	return true
}

// ipsecKey reads an IPSECKEY record, in which a gateway may stand before the key.
func (d *rdata) ipsecKey() bool {
	const (
		gatewayIPv4 = 1
		gatewayIPv6 = 2
		gatewayName = 3
	)
	if !d.skip(3) {
		return false
	}
	ok := true
	switch d.uint8(d.at - 2) {
	case gatewayIPv4:
		ok = d.skip(4)
	case gatewayIPv6:
		ok = d.skip(16)
	case gatewayName:
		ok = d.name()
	}
	return ok && d.rest()
}

// nsec3 reads an NSEC3 record. The hash is read in groups of 5 bits, of which the last may
// reach into the byte behind it.
func (d *rdata) nsec3() bool {
	if !d.skip(4) || !d.text() {
		return false
	}
	size := d.uint8(d.at)
	if !d.text() || size%5 != 0 && d.at == len(d.raw) {
		return false
	}
	return d.windows()
}
