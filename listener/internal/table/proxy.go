package table

import "spot-ingest/listener/internal/columns"

// proxy reads the row as a line of a proxy's log: 27 fields, quoted where they hold blanks.
// Fields behind these are ignored.
func (p *Parser) proxy() (Hour, error) {
	n, ascii, ok := tokenise(p.row, &p.fields)
	if !ok {
		return Hour{}, p.unclosed(n)
	}
	if err := p.check(n, ascii); err != nil {
		return Hour{}, err
	}
	hour, ok := p.clock.dayAndTime(p.field(0), p.field(1))
	if !ok {
		return Hour{}, p.badDay()
	}
	return hour, p.readNumbers()
}

// appendFullURI joins host, path and query. A path or query of one byte is a dash that
// stands for none, or says nothing.
func (p *Parser) appendFullURI(v *columns.Values) {
	v.Bytes = append(v.Bytes, p.field(proxyHost)...)
	if path := p.field(proxyPath); len(path) > 1 {
		v.Bytes = append(v.Bytes, path...)
	}
	query := p.field(proxyQuery)
	if len(query) <= 1 {
		query = nil
	}
	v.AddString(query)
}
