package table

import "spot-ingest/listener/internal/columns"

var flow = newTable(Table{
	Name: "flow",
	columns: []column{
		{name: "treceived", typ: columns.String, from: 0},
		{name: "unix_tstamp", typ: columns.Int64, from: unixTime},
		{name: "tryear", typ: columns.Int32, from: 1},
		{name: "trmonth", typ: columns.Int32, from: 2},
		{name: "trday", typ: columns.Int32, from: 3},
		{name: "trhour", typ: columns.Int32, from: 4},
		{name: "trminute", typ: columns.Int32, from: 5},
		{name: "trsec", typ: columns.Int32, from: 6},
		{name: "tdur", typ: columns.Float32, from: 7},
		{name: "sip", typ: columns.String, from: 8, searched: true},
		{name: "dip", typ: columns.String, from: 9, searched: true},
		{name: "sport", typ: columns.Int32, from: 10},
		{name: "dport", typ: columns.Int32, from: 11},
		{name: "proto", typ: columns.String, from: 12},
		{name: "flag", typ: columns.String, from: 13},
		{name: "fwd", typ: columns.Int32, from: 14},
		{name: "stos", typ: columns.Int32, from: 15},
		{name: "ipkt", typ: columns.Int64, from: 16},
		{name: "ibyt", typ: columns.Int64, from: 17},
		{name: "opkt", typ: columns.Int64, from: 18},
		{name: "obyt", typ: columns.Int64, from: 19},
		{name: "input", typ: columns.Int32, from: 20},
		{name: "output", typ: columns.Int32, from: 21},
		{name: "sas", typ: columns.Int32, from: 22},
		{name: "das", typ: columns.Int32, from: 23},
		{name: "dtos", typ: columns.Int32, from: 24},
		{name: "dir", typ: columns.Int32, from: 25},
		{name: "rip", typ: columns.String, from: 26},
	},
	blanks: &unicodeBlanks,
	parse:  (*Parser).flow,
})

var dns = newTable(Table{
	Name: "dns",
	columns: []column{
		{name: "frame_time", typ: columns.String, from: frameTime},
		{name: "unix_tstamp", typ: columns.Int64, from: unixTime},
		{name: "frame_len", typ: columns.Int32, from: 3},
		{name: "ip_dst", typ: columns.String, from: 5, searched: true},
		{name: "ip_src", typ: columns.String, from: 4, searched: true},
		{name: "dns_qry_name", typ: columns.String, from: 6, searched: true},
		{name: "dns_qry_class", typ: columns.String, from: 8},
		{name: "dns_qry_type", typ: columns.Int32, from: 7},
		{name: "dns_qry_rcode", typ: columns.Int32, from: 9},
		{name: "dns_a", typ: columns.String, from: 10},
	},
	blanks: &unicodeBlanks,
	parse:  (*Parser).dns,
})

var proxy = newTable(Table{
	Name: "proxy",
	columns: []column{
		{name: "p_date", typ: columns.String, from: 0},
		{name: "p_time", typ: columns.String, from: 1},
		{name: "clientip", typ: columns.String, from: 3, searched: true},
		{name: "host", typ: columns.String, from: proxyHost, searched: true},
		{name: "reqmethod", typ: columns.String, from: 12},
		{name: "useragent", typ: columns.String, from: 20},
		{name: "resconttype", typ: columns.String, from: 13},
		{name: "duration", typ: columns.Int32, from: 2},
		{name: "username", typ: columns.String, from: 4, searched: true},
		{name: "authgroup", typ: columns.String, from: 5},
		{name: "exceptionid", typ: columns.String, from: 6},
		{name: "filterresult", typ: columns.String, from: 7},
		{name: "webcat", typ: columns.String, from: 8},
		{name: "referer", typ: columns.String, from: 9},
		{name: "respcode", typ: columns.String, from: 10},
		{name: "action", typ: columns.String, from: 11},
		{name: "urischeme", typ: columns.String, from: 14},
		{name: "uriport", typ: columns.String, from: 16},
		{name: "uripath", typ: columns.String, from: proxyPath},
		{name: "uriquery", typ: columns.String, from: proxyQuery},
		{name: "uriextension", typ: columns.String, from: 19},
		{name: "serverip", typ: columns.String, from: 21},
		{name: "scbytes", typ: columns.Int32, from: 22},
		{name: "csbytes", typ: columns.Int32, from: 23},
		{name: "virusid", typ: columns.String, from: 24},
		{name: "bcappname", typ: columns.String, from: 25},
		{name: "bcappoper", typ: columns.String, from: 26},
		{name: "fulluri", typ: columns.String, from: fullURI},
	},
	padded: true,
	blanks: &byteBlanks,
	parse:  (*Parser).proxy,
})

// The fields of a proxy row that make its full URI.
const (
	proxyHost  = 15
	proxyPath  = 17
	proxyQuery = 18
)
