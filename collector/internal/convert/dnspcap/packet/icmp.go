package packet

// icmp opens the packet that an ICMP error quotes. Redirects quote one too, which
// was delivered all the same and isn't looked at.
func (d *Decoder) icmp(b []byte, n int) {
	const header = 8
	if len(b) < header {
		return
	}
	const unreachable, sourceQuench, timeExceeded, badParameter = 3, 4, 11, 12
	switch b[0] {
	case unreachable, timeExceeded, badParameter:
		length := int(b[5]) * 4
		b, n = quotation(b[header:], n-header, length)
	case sourceQuench:
		b, n = b[header:], n-header
	default:
		return
	}
	d.p.Quoted = true
	d.ip(b, n)
}

// quotation leaves out the extensions that may follow what is quoted (RFC 4884):
// then its length is said, and is at least 128 bytes. Before there were extensions
// that field had no use.
func quotation(b []byte, n, length int) ([]byte, int) {
	const minLength = 128
	if length < minLength {
		return b, n
	}
	return clip(b, n, length)
}

// icmpv6 does the same for ICMPv6, its redirects included.
func (d *Decoder) icmpv6(b []byte, n int) {
	const header = 8
	if len(b) < header {
		return
	}
	const unreachable, tooBig, timeExceeded, badParameter, redirect = 1, 2, 3, 4, 137
	switch b[0] {
	case unreachable, timeExceeded:
		length := int(b[4]) * 8
		b, n = quotation(b[header:], n-header, length)
	case tooBig, badParameter:
		b, n = b[header:], n-header
	case redirect:
		b, n = redirected(b, n)
	default:
		return
	}
	d.p.Quoted = true
	d.ipv6(b, n)
}

// redirected finds the option of an ICMPv6 redirect that holds the packet (RFC 4861,
// section 4.6.3).
func redirected(b []byte, n int) ([]byte, int) {
	const header, optionHeader, optionRedirected = 40, 8, 4
	if len(b) < header {
		return nil, 0
	}
	b, n = b[header:], n-header
	for len(b) >= optionHeader {
		size := int(b[1]) * 8
		if size == 0 {
			break
		}
		if b[0] == optionRedirected {
			b, n = clip(b, n, size)
			return b[optionHeader:], n - optionHeader
		}
		if size > len(b) {
			break
		}
		b, n = b[size:], n-size
	}
	return nil, 0
}
