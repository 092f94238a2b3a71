package main

import (
	"hash/maphash"
	"strings"
)

// A layout tells how a table's columns make up the row's text that Kafka carries, and what
// of them is shown.
type layout struct {
	fields    string // the columns in the order of the text's fields
	separator string
	shown     string
	// plain returns the text as the columns make it up: without what they don't keep.
	plain func(row string) string
	// fits tells whether a row that was made has a place in the table.
	fits func(row string) bool
}

var flowLayout = layout{
	fields: "treceived tryear trmonth trday trhour trminute trsec tdur sip dip sport dport proto flag " +
		"fwd stos ipkt ibyt opkt obyt input output sas das dtos dir rip",
	separator: ",",
	shown:     "treceived sip dip sport dport proto flag ipkt ibyt",
	plain:     func(row string) string { return row },
	fits:      func(string) bool { return true },
}

var dnsLayout = layout{
	fields:    "frame_time unix_tstamp frame_len ip_src ip_dst dns_qry_name dns_qry_type dns_qry_class dns_qry_rcode dns_a",
	separator: ",",
	shown:     "frame_time unix_tstamp ip_src ip_dst dns_qry_name dns_qry_type dns_a",
	// frame_time, which has a comma, has always been stored with a second blank behind it,
	// and of the epoch the whole seconds.
	plain: func(row string) string {
		f := strings.SplitN(row, ",", 4)
		if len(f) < 4 {
			return row
		}
		seconds, _, _ := strings.Cut(f[2], ".")
		return f[0] + ", " + f[1] + "," + seconds + "," + f[3]
	},
	// An answer may come without the question, but its type is a number.
	fits: func(row string) bool {
		f := strings.Split(row, ",")
		return len(f) > 7 && f[7] != ""
	},
}

var proxyLayout = layout{
	fields: "p_date p_time duration clientip username authgroup exceptionid filterresult webcat referer respcode " +
		"action reqmethod resconttype urischeme host uriport uripath uriquery uriextension useragent serverip " +
		"scbytes csbytes virusid bcappname bcappoper",
	separator: " ",
	shown:     "p_date p_time clientip host reqmethod respcode webcat scbytes",
	plain:     func(row string) string { return row }, // quotes are part of a value
	fits:      func(string) bool { return true },
}

// A tally sums up rows whatever their order: tallies of the same rows, each as often, are
// equal, and it would be a great coincidence if others were.
type tally struct {
	count int64
	sum   uint64
}

var seed = maphash.MakeSeed()

func (t *tally) add(row string) {
	t.count++
	t.sum += maphash.String(seed, row)
}
