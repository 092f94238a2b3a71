package packet

import "spot-ingest/collector/internal/convert/dnspcap/capture"

// maxUnknown is how many unknown link types are counted each by itself.
const maxUnknown = 8

// LinkCount counts the packets of one link type that Decode doesn't know.
type LinkCount struct {
	Link    capture.LinkType
	Packets int
}

// Stats counts what a Decoder could not use, for a log line.
type Stats struct {
	// Reassembled counts datagrams put together from fragments.
	Reassembled int
	// Incomplete is the number of datagrams that wait for fragments now.
	Incomplete int
	// Evicted counts incomplete datagrams given up for want of room.
	Evicted int
	// TooLong counts fragments that reach beyond 65,535 bytes.
	TooLong int
	// TooDeep counts frames with more layers than are opened.
	TooDeep int
	// UnknownLinks holds the first few link types that aren't known, in order
	// of appearance; OtherLinks counts the packets of all further ones.
	UnknownLinks []LinkCount
	OtherLinks   int
}

// Stats returns the counts so far.
func (d *Decoder) Stats() Stats {
	s := Stats{TooDeep: d.tooDeep, OtherLinks: d.others}
	s.UnknownLinks = append(s.UnknownLinks, d.unknown...)
	if f := d.fragments; f != nil {
		s.Reassembled, s.Incomplete, s.Evicted, s.TooLong = f.completed, f.waiting, f.evicted, f.tooLong
	}
	return s
}

func (d *Decoder) countUnknown(link capture.LinkType) {
	for i := range d.unknown {
		if d.unknown[i].Link == link {
			d.unknown[i].Packets++
			return
		}
	}
	if len(d.unknown) == maxUnknown {
		d.others++
		return
	}
	d.unknown = append(d.unknown, LinkCount{link, 1})
}
