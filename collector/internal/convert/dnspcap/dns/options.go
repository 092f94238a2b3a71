package dns

// Options of EDNS whose data can fail to make sense.
const (
	optionSubnet   = 8
	optionCookie   = 10
	optionExtended = 15
)

// options reads the options of an OPT record.
func (d *rdata) options() bool {
	for d.left() > 0 {
		at := d.at
		if !d.skip(4) {
			return false
		}
		code, size := d.uint16(at), int(d.uint16(at+2))
		if size > len(d.raw)-d.at {
			return false
		}
		switch {
		case code == optionSubnet && !d.subnet(size):
			return false
		case code == optionCookie && size < 8:
			return false
		case code == optionExtended && size < 2:
			size = 0 // the next option is looked for right there
		}
		d.at = at + 4 + size
	}
	return true
}

// subnet tells whether a client's subnet can be read: a family, two lengths, an address.
func (d *rdata) subnet(size int) bool {
	at := d.at
	if !d.skip(4) {
		return false
	}
	size -= 4
	if size >= 0 && size <= 16 {
		return true
	}
	// 16 bytes are read of a wrong number, and of an unknown family's that many, too.
	if len(d.raw)-d.at < 16 {
		return false
	}
	family := d.uint16(at)
	return family == 1 || family == 2 || d.sized(size)
}

// Parameters of services whose data isn't just bytes.
const (
	paramMandatory = 0
	paramALPN      = 1
	paramNoALPN    = 2
	paramPort      = 3
	paramIPv4      = 4
	paramIPv6      = 6
)

// service reads an SVCB or HTTPS record.
func (d *rdata) service() bool {
	if !d.skip(2) || !d.name() {
		return false
	}
	for d.left() > 0 {
		at := d.at
		if !d.skip(4) || !d.param(d.uint16(at), int(d.uint16(at+2))) {
			return false
		}
	}
	return true
}

// param reads the value of a parameter, of which some have a size whatever is said.
func (d *rdata) param(key uint32, size int) bool {
	switch key {
	case paramMandatory:
		return d.skip((size + 1) / 2 * 2)
	case paramALPN:
		for end := d.at + size; d.at < end; {
			if !d.text() {
				return false
			}
		}
		return true
	case paramNoALPN:
		return true
	case paramPort:
		return d.skip(2)
	case paramIPv4:
		return d.skip((size + 3) / 4 * 4)
	case paramIPv6:
		return d.skip((size + 15) / 16 * 16)
	}
	return d.skip(size)
}
