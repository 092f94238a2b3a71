package table

import (
	"bytes"
	"strconv"
)

// stockFields is the number of columns in the CSV of nfdump 1.6 and of 1.7 up to 1.7.4:
//
//	ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,
//	nh,nhb,svln,dvln,ismc,odmc,idmc,osmc,mpls1,…,mpls10,cl,sl,al,ra,eng,exid,tr
const stockFields = 48

// The columns that are treated on their own.
const (
	stockFirst    = 0
	stockLast     = 1
	stockFlags    = 8
	stockReceived = 47
)

// stockOrder are the columns of which Spot's are made, from the duration on.
var stockOrder = [...]int{2, 3, 4, 5, 6, 7, stockFlags, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 44}

// isStock tells whether a row of 48 fields is one of nfdump's. Its second field is a time
// then, where Spot's rows have a year.
func (p *Parser) isStock() bool {
	return looksLikeTime(p.field(stockFirst)) && looksLikeTime(p.field(stockLast))
}

// mapStock replaces the row by the one that Spot's own nfdump prints of the same flow.
func (p *Parser) mapStock() error {
	received := p.field(stockReceived)
	if isNoTime(received) {
		// Without "-T all" nfcapd does not store when it received a flow. When the flow was
		// first seen is nearest to it.
		received = p.field(stockFirst)
	}
	if !looksLikeTime(received) {
		return p.badColumn(0, received, notTime)
	}
	b := appendTimeParts(p.mapped[:0], received[:stampLen])
	for _, column := range stockOrder {
		b = append(b, ',')
		if column == stockFlags {
			b = appendFlags(b, p.field(column))
		} else {
			b = append(b, p.field(column)...)
		}
	}
	p.mapped, p.row = b, b
	return nil
}

// isNoTime knows the ways in which nfdump prints a time that isn't there.
func isNoTime(b []byte) bool {
	return bytes.HasPrefix(b, []byte("1970-01-01 00:00:00")) || bytes.HasPrefix(b, []byte("0000-00-00 00:00:00"))
}

// appendTimeParts appends "2019-08-12 18:50:47" and its six parts, unpadded.
func appendTimeParts(b, t []byte) []byte {
	b = append(b, t...)
	for _, part := range [...][]byte{t[0:4], t[5:7], t[8:10], t[11:13], t[14:16], t[17:19]} {
		for len(part) > 1 && part[0] == '0' {
			part = part[1:]
		}
		b = append(append(b, ','), part...)
	}
	return b
}

// appendFlags turns the eight flags CEUAPRSF into Spot's six, or into a number if one of the
// first two, which it doesn't know, is set.
func appendFlags(b, flags []byte) []byte {
	switch {
	case len(flags) != 8:
		return append(b, flags...)
	case flags[0] == '.' && flags[1] == '.':
		return append(b, flags[2:]...)
	}
	var bits uint64
	for _, c := range flags {
		bits <<= 1
		if c != '.' {
			bits |= 1
		}
	}
	return strconv.AppendUint(append(b, "  0x"...), bits, 16)
}
