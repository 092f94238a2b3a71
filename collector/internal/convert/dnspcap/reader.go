// Package dnspcap makes the rows of Spot's dns table of a capture: one line a frame that
// holds a DNS response, with the columns that tshark prints by the options which Spot
// documents (see [Documented]), in the text form of tshark 4.0.
//
// A byte's way: capture (file → packets) → packet (layers, tunnels, fragments → UDP and
// TCP) → stream (TCP → messages; doh, where HTTP/2 in clear carries them) → dns (message
// → fields) → a row.
//
// Three things differ from tshark on purpose: ip.src and ip.dst hold the IPv6 addresses
// where a frame has no IPv4 header, a comma within a name is written as an escape so that
// it can't shift columns, and TCP segments that were captured out of order are put in order.
package dnspcap

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
	"spot-ingest/collector/internal/convert/dnspcap/dns"
	"spot-ingest/collector/internal/convert/dnspcap/doh"
	"spot-ingest/collector/internal/convert/dnspcap/packet"
	"spot-ingest/collector/internal/convert/dnspcap/stream"
)

// pieceSize is how much CSV [Reader.Next] makes at a time, but for the last row of it, and
// pieceFrames is how many frames it looks at once it has a row: rows that are few must not
// be kept for long.
const (
	pieceSize   = 256 << 10
	pieceFrames = 1 << 16
)

// A Reader makes rows of one capture. Its memory is bounded by that of the tables of
// fragments and of TCP streams.
type Reader struct {
	packets *capture.Reader
	decoder *packet.Decoder
	streams *stream.Table
	doh     *doh.Table
	columns []column
	time    timeText

	frame  capture.Packet
	layers packet.Packet
	fields *dns.Fields
	rows   int64

	// deliver takes a message of a TCP stream. It is made once: a frame has no garbage.
	deliver func(msg []byte, length int)
}

// NewReader begins to read a capture. Its error is a [*rawfile.Unknown], a
// [*rawfile.Damage], or one of src's own.
func NewReader(src io.Reader, o Options) (*Reader, error) {
	packets, err := capture.NewReader(src)
	if err != nil {
		return nil, err
	}
	r := &Reader{
		packets: packets,
		decoder: packet.NewDecoder(),
		streams: stream.NewTable(),
		doh:     doh.NewTable(),
		columns: o.columns,
		time:    timeText{zone: o.Zone},
	}
	var wanted []dns.Field
	for _, c := range o.columns {
		if c.kind == dnsField {
			wanted = append(wanted, c.field)
		}
	}
	r.fields = dns.New(wanted...)
	r.deliver = func(msg []byte, _ int) { r.fields.Add(msg, false) }
	if r.time.zone == nil {
		r.time.zone = time.UTC
	}
	return r, nil
}

// Rows counts the rows so far.
func (r *Reader) Rows() int64 { return r.rows }

// Skipped counts the packets so far that make no row: they complete no DNS response.
func (r *Reader) Skipped() int64 { return r.frame.Number - r.rows }

// Next appends rows to dst. The error is io.EOF at the end of the capture, a
// [*rawfile.Damage] behind the last good row, or one of the source's own.
func (r *Reader) Next(dst []byte) ([]byte, error) {
	begin := len(dst)
	for frames := 0; len(dst) < begin+pieceSize && (frames < pieceFrames || len(dst) == begin); frames++ {
		if err := r.packets.Next(&r.frame); err != nil {
			return dst, err
		}
		if r.decode() {
			r.rows++
			dst = r.appendRow(dst)
		}
	}
	return dst, nil
}

// decode tells whether the frame holds a DNS response, whose fields it has read then.
func (r *Reader) decode() bool {
	r.decoder.Decode(r.frame.Link, r.frame.Data, r.frame.Length, &r.layers)
	p := &r.layers
	switch p.Transport {
	case packet.UDP:
		if !saysResponse(p.Payload) {
			return false
		}
		verdict := dns.PortUDP(p.SrcPort, p.DstPort)
		if verdict == dns.Claimed || verdict == dns.Unclaimed && !dns.LooksLike(p.Payload, p.Length) {
			return false
		}
		r.fields.Reset()
		r.fields.Add(p.Payload, verdict == dns.MulticastDNS)
		return r.fields.IsResponse()
	case packet.TCP:
		if p.Quoted {
			return false // it was seen elsewhere, or nowhere
		}
		segment := stream.Segment{
			Key: stream.Key{Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort},
			Seq: p.Seq, Ack: p.Ack, SYN: p.SYN, FIN: p.FIN, RST: p.RST, HasAck: p.HasAck,
			Payload: p.Payload, Length: p.Length,
		}
		r.fields.Reset()
		if dns.PortTCP(p.SrcPort, p.DstPort) {
			r.streams.Add(&segment, r.deliver)
		} else {
			r.doh.Add(&segment, r.deliver)
		}
		return r.fields.IsResponse()
	}
	return false
}

// saysResponse looks at the bit that a response has: half of all messages have none, and
// need no further look.
func saysResponse(msg []byte) bool { return len(msg) > 2 && msg[2]&0x80 != 0 }

// Notes tells what of the capture was passed over, although it might have held responses.
func (r *Reader) Notes() []string {
	var notes []string
	note := func(n int, format string, args ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	d, s, h := r.decoder.Stats(), r.streams.Stats(), r.doh.Stats()
	for _, unknown := range d.UnknownLinks {
		note(unknown.Packets, "packets left out: link type %s", unknown.Link)
	}
	note(d.OtherLinks, "packets left out: of further link types")
	note(d.Evicted, "incomplete datagrams given up: more were on their way than are kept")
	note(d.TooLong, "fragments left out: of datagrams longer than there can be")
	note(d.TooDeep, "packets left out: more headers within headers than are opened")
	note(int(s.Evicted), "TCP connections given up: more were open than are followed")
	note(int(h.Evicted), "connections of DNS over HTTP/2 given up: more were open than are followed")
	note(int(h.Streams), "messages over HTTP/2 given up: more, or more of them, came at once than is kept")
	note(int(s.Gaps+h.Gaps), "gaps in TCP connections, where the capture lacks bytes: messages in them are lost")
	note(int(s.Cut), "messages over TCP read as far as the capture's snap length left them")
	return notes
}

func (r *Reader) appendRow(dst []byte) []byte {
	for i, c := range r.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch c.kind {
		case dnsField:
			dst = r.fields.Append(dst, c.field)
		case frameTime:
			if !r.frame.NoTime {
				dst = r.time.appendFrameTime(dst, r.frame.Seconds, r.frame.Nanos)
			}
		case frameEpoch:
			if !r.frame.NoTime {
				dst = appendEpoch(dst, r.frame.Seconds, r.frame.Nanos)
			}
		case frameNumber:
			dst = strconv.AppendInt(dst, r.frame.Number, 10)
		case frameLength:
			dst = strconv.AppendInt(dst, int64(r.frame.Length), 10)
		default:
			dst = r.appendAddress(dst, c.kind)
		}
	}
	return append(dst, '\n')
}

// appendAddress appends an address of the outermost header of its kind, if there is one.
func (r *Reader) appendAddress(dst []byte, k kind) []byte {
	p := &r.layers
	var v4 [4]byte
	var v6 [16]byte
	if k == source || k == source6 {
		v4, v6 = p.Src4, p.Src6
	} else {
		v4, v6 = p.Dst4, p.Dst6
	}
	switch {
	case (k == source || k == destination) && p.HasIPv4:
		return netip.AddrFrom4(v4).AppendTo(dst)
	case p.HasIPv6:
		return dns.AppendIPv6(dst, v6)
	}
	return dst
}
