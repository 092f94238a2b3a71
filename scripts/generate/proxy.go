package generate

import "io"

const proxyHeader = "#Software: SGOS 6.5.9.14\n#Version: 1.0\n" +
	"#Fields: date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result cs-categories" +
	" cs(Referer) sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query" +
	" cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id x-bluecoat-application-name x-bluecoat-application-operation\n"

// Proxy writes a Blue Coat SGOS main log: lines that begin with #, then one line of 27
// fields a request, separated by blanks, in double quotes where they hold some.
func Proxy(w io.Writer, o Options) (Totals, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Totals{}, err
	}
	p := newRequests(newRandom(o.Seed, 'p'))
	return write(w, o, p.r, source{header: proxyHeader, row: p.row, odd: p.odd})
}

type requests struct {
	r                *random
	clients, servers []endpoint
	hosts            []string
	statuses         weighted[outcome]
	methods          weighted[string]
	content          weighted[content]
}

// An outcome is a status with what the proxy did and why.
type outcome struct{ status, action, exception, filter string }

// A content is a media type with a file name's ending that goes with it.
type content struct{ mediaType, extension string }

func newRequests(r *random) *requests {
	p := &requests{r: r, hosts: hostNames(r, 4096)}
	f := newFlows(r)
	p.clients, p.servers = f.clients, f.servers
	p.statuses.add(500, outcome{"200", "TCP_NC_MISS", "-", "OBSERVED"})
	p.statuses.add(180, outcome{"200", "TCP_HIT", "-", "OBSERVED"})
	p.statuses.add(120, outcome{"304", "TCP_HIT", "-", "OBSERVED"})
	p.statuses.add(60, outcome{"302", "TCP_NC_MISS", "-", "PROXIED"})
	p.statuses.add(40, outcome{"404", "TCP_NC_MISS", "-", "PROXIED"})
	p.statuses.add(30, outcome{"403", "TCP_DENIED", "policy_denied", "DENIED"})
	p.statuses.add(8, outcome{"503", "TCP_ERR_MISS", "dns_unresolved_hostname", "PROXIED"})
	p.methods.add(700, "GET")
	p.methods.add(120, "POST")
	p.methods.add(20, "HEAD")
	p.methods.add(10, "PUT")
	p.content.add(300, content{"text/html;%20charset=utf-8", "html"})
	p.content.add(200, content{"application/json", ""})
	p.content.add(150, content{"image/png", "png"})
	p.content.add(100, content{"text/css", "css"})
	p.content.add(100, content{"application/javascript", "js"})
	p.content.add(50, content{"video/mp4", "mp4"})
	p.content.add(80, content{"-", ""})
	return p
}

func (p *requests) row(b []byte, c *clock) []byte {
	r := p.r
	o, host := p.statuses.draw(r), p.hosts[r.popular(len(p.hosts))]
	b = append(b, c.stamp...)
	b = appendInt(append(b, ' '), r.between(1, 40)*r.heavy(10)) // milliseconds
	b = appendWord(b, p.clients[r.popular(len(p.clients))].addr)
	b = appendWord(b, pick(r, users))
	b = append(b, " -"...)
	b = appendWord(b, o.exception)
	b = appendWord(b, o.filter)
	b = appendWord(b, pick(r, categories))
	if r.oneIn(3) {
		b = append(append(b, " http://"...), host...)
		b = appendHex(append(b, '/'), r.below(1<<20))
	} else {
		b = append(b, " -"...)
	}
	b = appendWord(b, o.status)
	if r.oneIn(6) {
		b = appendTunnel(b, host)
	} else {
		b = p.appendRequest(b, o, host)
	}
	b = appendWord(b, pick(r, agents))
	b = appendWord(b, p.servers[r.popular(len(p.servers))].addr)
	b = appendInt(append(b, ' '), 200+r.below(400)*r.heavy(12))
	b = appendInt(append(b, ' '), 150+r.below(90)*r.heavy(6))
	b = append(b, " -"...)
	b = appendWord(b, pick(r, applications))
	return appendWord(b, pick(r, operations))
}

// appendTunnel adds the seven fields from s-action to cs-uri-port and the three of the
// path for TLS, of which the proxy sees no more than the host.
func appendTunnel(b []byte, host string) []byte {
	b = append(b, " TCP_TUNNELED CONNECT - tcp "...)
	b = append(b, host...)
	return append(b, " 443 - - -"...)
}

func (p *requests) appendRequest(b []byte, o outcome, host string) []byte {
	r := p.r
	c := p.content.draw(r)
	b = appendWord(b, o.action)
	b = appendWord(b, p.methods.draw(r))
	b = appendWord(b, c.mediaType)
	b = append(b, " http"...)
	b = appendWord(b, host)
	b = append(b, " 80 "...)
	for n := r.heavy(2); n > 0; n-- {
		b = append(b, '/')
		b = append(b, pick(r, pathWords)...)
		b = appendHex(b, r.below(1<<16))
	}
	if c.extension != "" {
		b = append(append(b, '.'), c.extension...)
	}
	b = append(b, ' ')
	if r.oneIn(3) {
		b = p.appendQuery(b)
	} else {
		b = append(b, '-')
	}
	if c.extension == "" {
		return append(b, " -"...)
	}
	return appendWord(b, c.extension)
}

func (p *requests) appendQuery(b []byte) []byte {
	separator := byte('?')
	for n := p.r.heavy(3); n > 0; n-- {
		b = append(append(b, separator), pick(p.r, pathWords)...)
		b = appendHex(append(b, '='), int(p.r.pcg.Uint64()>>32))
		separator = '&'
	}
	return b
}

func (p *requests) odd(b []byte, c *clock) []byte {
	switch p.r.below(3) {
	case 0:
		return b
	case 1:
		return append(append(b, "#Date: "...), c.stamp...) // as after a rotation
	}
	return append(append(b, c.stamp[:10]...), " torn"...)
}

func appendWord(b []byte, s string) []byte { return append(append(b, ' '), s...) }

func appendHex(b []byte, n int) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		if n>>shift != 0 || shift == 0 {
			b = append(b, digits[n>>shift&15])
		}
	}
	return b
}

var (
	users      = []string{"-", "-", "-", "jdoe", "asmith", `CORP\asmith`, `CORP\mweber`, "svc_backup"}
	categories = []string{
		`"Technology/Internet"`, `"Search Engines/Portals"`, `"Social Networking"`, `"Web Ads/Analytics;Content Servers"`,
		`"News/Media"`, `"Business/Economy"`, `"Malicious Sources/Malnets"`, "none",
	}
	pathWords = []string{"p", "img", "api", "v2", "assets", "session", "id", "news", "item", "track"}
	agents    = []string{
		`"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"`,
		`"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0"`,
		`"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15"`,
		`"Windows-Update-Agent/10.0.10011.16384 Client-Protocol/2.50"`, `"Microsoft-CryptoAPI/10.0"`, `"curl/8.5.0"`, "Go-http-client/1.1", "-",
	}
	applications = []string{`"none"`, `"none"`, `"none"`, "-", `"YouTube"`, `"Office 365"`}
	operations   = []string{`"none"`, `"none"`, "-", `"Play Video"`, `"Download Attachment"`}
)
