package dnspcap

import (
	"slices"
	"strings"
	"testing"
)

func TestParseOptions(t *testing.T) {
	const base = "-T fields -E separator=, -E occurrence=f "
	tests := []struct {
		words []string
		names string // of the columns, if it is taken
		err   string
	}{
		{nil, "time epoch len src dst dns.resp.name dns.resp.type dns.resp.class dns.flags.rcode dns.a", ""},
		{Documented, "time epoch len src dst dns.resp.name dns.resp.type dns.resp.class dns.flags.rcode dns.a", ""},
		{append(strings.Fields("-n -E header=n -eframe.time -Eoccurrence=f -e dns.a -Tfields -Eseparator=,"), "-Y", "dns.flags.response==1"), "time dns.a", ""},
		{append(strings.Fields(base+"-e ipv6.src -e ipv6.dst -e frame.number -e dns.qry.name"), "dns.flags.response", "eq", "1"), "src6 dst6 number dns.qry.name", ""},
		{strings.Fields(base + "-e frame.time"), "", "process_opt lacks the filter dns.flags.response == 1"},
		{append(strings.Fields(base+"-e frame.time"), "dns.flags.response == 0"), "", "process_opt has the filter dns.flags.response == 0"},
		{append(strings.Fields(base+"-e frame.time"), "dns.flags.response == 1", "&& ip"), "", "process_opt has the filter dns.flags.response == 1 && ip"},
		{append(strings.Fields(base+"-e http.host"), "dns.flags.response == 1"), "", "process_opt has -e http.host"},
		{append(strings.Fields(base), "dns.flags.response == 1"), "", "process_opt has no -e"},
		{append(strings.Fields(base+"-E quote=d -e frame.time"), "dns.flags.response == 1"), "", "process_opt has -E quote=d"},
		{append(strings.Fields("-T fields -E separator=, -e frame.time"), "dns.flags.response == 1"), "", "process_opt lacks -E occurrence=f"},
		{append(strings.Fields("-T fields -E separator=; -E occurrence=f -e frame.time"), "dns.flags.response == 1"), "", "process_opt lacks -E separator=,"},
		{append(strings.Fields("-T json -E separator=, -E occurrence=f -e frame.time"), "dns.flags.response == 1"), "", "process_opt lacks -T fields"},
		{strings.Fields(base + "-d udp.port==8053,dns"), "", "process_opt has -d"},
		{strings.Fields("-T fields -e"), "", "process_opt ends with -e"},
		{[]string{"-"}, "", "process_opt has -"},
		{append(strings.Fields(base+"-e frame.time -Y tcp"), "dns.flags.response == 1"), "", "process_opt has two filters"},
		{append(strings.Fields(base+"-e frame.time -Y tcp"), "-Y", "dns.flags.response == 1"), "", "process_opt has two filters"},
	}
	for _, tt := range tests {
		o, err := ParseOptions(tt.words)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: error %v, want %s", tt.words, err, tt.err)
			}
			continue
		}
		if names := columnNames(o); err != nil || names != tt.names {
			t.Errorf("%q: %s, %v; want %s", tt.words, names, err, tt.names)
		}
	}
}

func columnNames(o Options) string {
	short := map[kind]string{frameTime: "time", frameEpoch: "epoch", frameNumber: "number", frameLength: "len",
		source: "src", destination: "dst", source6: "src6", destination6: "dst6"}
	var names []string
	for _, c := range o.columns {
		if c.kind != dnsField {
			names = append(names, short[c.kind])
			continue
		}
		for _, name := range []string{"dns.resp.name", "dns.resp.type", "dns.resp.class", "dns.flags.rcode", "dns.a", "dns.qry.name"} {
			if same, _ := columnNamed(name); same == c {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, " ")
}

// Several things that tshark is asked for beside what is known: any of them is named.
func TestParseOptionsNamesOne(t *testing.T) {
	words := append(slices.Clone(Documented[:len(Documented)-1]), "-E", "bom=y", "-E", "aggregator=;", "dns.flags.response == 1")
	if _, err := ParseOptions(words); err == nil || !strings.HasPrefix(err.Error(), "process_opt has -E ") {
		t.Error(err)
	}
}
