package generate

import "io"

const dnsHeader = "frame.time,frame.time_epoch,frame.len,ip.src,ip.dst,dns.resp.name,dns.resp.type,dns.resp.class,dns.flags.rcode,dns.a\n"

// DNS writes what tshark prints of a capture with the options of ingest_conf.json and
// TZ=UTC: a header and a row a response. The comma within frame.time makes 11 pieces.
func DNS(w io.Writer, o Options) (Totals, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Totals{}, err
	}
	d := newLookups(newRandom(o.Seed, 'd'))
	return write(w, o, d.r, source{header: dnsHeader, row: d.row, odd: d.odd})
}

type lookups struct {
	r       *random
	names   []string
	clients []endpoint
	servers []endpoint
	// Those that speak IPv6 are needed for captures only: tshark's columns are of IPv4.
	clients6 []endpoint
	servers6 []endpoint
	types    weighted[int]
	rcodes   weighted[int]
}

func newLookups(r *random) *lookups {
	d := &lookups{r: r, names: hostNames(r, 8192)}
	f := newFlows(r)
	d.clients, d.servers, d.clients6, d.servers6 = f.clients, f.servers, f.clients6, f.server6
	for _, t := range []struct{ weight, kind int }{
		{520, 1}, {180, 28}, {140, 5}, {60, 65}, {40, 6}, {25, 12}, {15, 16}, {10, 15}, {7, 33}, {3, 48},
	} {
		d.types.add(t.weight, t.kind)
	}
	for _, c := range []struct{ weight, code int }{{930, 0}, {55, 3}, {10, 2}, {5, 5}} {
		d.rcodes.add(c.weight, c.code)
	}
	return d
}

func (d *lookups) row(b []byte, c *clock) []byte {
	r := d.r
	name := d.names[r.popular(len(d.names))]
	kind, rcode := d.types.draw(r), d.rcodes.draw(r)
	if rcode != 0 {
		kind = 6 // of a refusal tshark shows the authority's SOA
	}

	b = appendFrameTime(b, c)
	b = appendColumn(b, 70+2*len(name)+16*r.heavy(3))
	b = d.appendAddresses(b)
	if rcode == 2 || rcode == 5 { // failed or refused: no record at all
		b = append(b, ",,,"...)
	} else {
		b = append(append(b, ','), name...)
		b = appendColumn(b, kind)
		b = append(b, ",0x0001"...)
	}
	b = appendColumn(b, rcode)
	b = append(b, ',')
	if kind == 1 || (kind == 5 && !r.oneIn(4)) {
		b = append(b, d.servers[r.popular(len(d.servers))].addr...)
	}
	return b
}

// appendFrameTime adds frame.time and frame.time_epoch.
func appendFrameTime(b []byte, c *clock) []byte {
	b = append(b, c.frame...)
	b = c.appendNanos(append(b, '.'))
	b = append(b, " UTC,"...)
	b = appendInt(b, int(c.unix))
	return c.appendNanos(append(b, '.'))
}

// appendAddresses adds resolver and client, both empty if they spoke IPv6: the columns
// are ip.src and ip.dst.
func (d *lookups) appendAddresses(b []byte) []byte {
	if d.r.below(100) < 7 {
		return append(b, ",,"...)
	}
	b = append(append(b, ','), pick(d.r, resolvers)...)
	return append(append(b, ','), d.clients[d.r.popular(len(d.clients))].addr...)
}

var resolvers = []string{"10.0.0.53", "10.0.0.53", "10.1.0.53", "9.9.9.9", "149.112.112.112"}

func (d *lookups) odd(b []byte, c *clock) []byte {
	switch d.r.below(3) {
	case 0:
		return b
	case 1: // newer versions of tshark print a time without a comma
		b = append(append(b, c.stamp[:10]...), 'T')
		b = append(b, c.stamp[11:]...)
		return append(b, ".000000000Z,none,70,10.0.0.53,10.0.2.62,www.example.org,1,0x0001,0,203.0.113.7"...)
	}
	return append(b, c.frame...) // torn before the epoch
}

// hostNames makes n names of about a thousand domains, some of them long.
func hostNames(r *random, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = pick(r, hostWords) + pick(r, hostSuffixes) + pick(r, domainWords) + pick(r, domainEnds) + pick(r, zones)
	}
	return names
}

var (
	hostWords    = []string{"www", "cdn", "api", "mail", "static", "login", "img", "update", "telemetry", "video", "ns1", "_dmarc", "xn--bcher-kva", "edge-a1b2c3d4"}
	hostSuffixes = []string{".", ".", ".", "2.", "17.", ".eu-west-1.", ".prod.", ".really-long-label-that-a-tracker-might-use-to-carry-an-identifier."}
	domainWords  = []string{"example", "acme", "nimbus", "harbor", "quartz", "meadow", "copper", "lumen", "atlas", "violet", "tundra", "falcon"}
	domainEnds   = []string{"", "-cloud", "-apps", "bank", "media", "shop", "lab", "data"}
	zones        = []string{".com", ".com", ".com", ".net", ".org", ".example", ".test", ".co.uk", ".io"}
)
