package generate

import (
	"net/netip"
	"strings"
)

// A site is a name that is asked for, and the zone it lies in.
type site struct {
	name string
	*zone
}

// A zone holds the names that a zone's records need.
type zone struct {
	apex, master, mailbox string
	servers, exchangers   [2]string
	service               string
}

func newZone(apex string) *zone {
	return &zone{
		apex: apex, master: "ns1." + apex, mailbox: "hostmaster." + apex,
		servers:    [2]string{"ns1." + apex, "ns2." + apex},
		exchangers: [2]string{"mx1." + apex, "mx2." + apex},
		service:    "_sip._tcp." + apex,
	}
}

// shortenLabels makes a name fit for a message: a line of text takes labels of more than
// 63 bytes, too.
func shortenLabels(name string) string {
	labels := strings.Split(name, ".")
	for i, l := range labels {
		labels[i] = l[:min(len(l), 63)]
	}
	return strings.Join(labels, ".")
}

// apexOf returns the last two labels, or three where two are for registration.
func apexOf(name string) string {
	labels := strings.Split(name, ".")
	n := 2
	if strings.HasSuffix(name, ".co.uk") {
		n = 3
	}
	return strings.Join(labels[len(labels)-n:], ".")
}

func reverseName(addr netip.Addr) string {
	a := addr.As4()
	var b []byte
	for i := 3; i >= 0; i-- {
		b = append(appendInt(b, int(a[i])), '.')
	}
	return string(append(b, "in-addr.arpa"...))
}
