package dnspcap

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"spot-ingest/collector/internal/convert/dnspcap/dns"
)

// Options say which columns a row has. They come from the options of tshark that Spot
// documents, and no others: whoever asks for more gets tshark.
type Options struct {
	// Zone is the time zone of frame.time; nil is UTC.
	Zone *time.Location

	columns []column
}

// A column is one of those that a frame has, or a field of DNS.
type column struct {
	kind  kind
	field dns.Field // with dnsField
}

type kind uint8

const (
	dnsField kind = iota
	frameTime
	frameEpoch
	frameNumber
	frameLength
	source
	destination
	source6
	destination6
)

var kinds = map[string]kind{
	"frame.time": frameTime, "frame.time_epoch": frameEpoch, "frame.number": frameNumber, "frame.len": frameLength,
	"ip.src": source, "ip.dst": destination, "ipv6.src": source6, "ipv6.dst": destination6,
}

// Documented are the options that Spot's ingest_conf.json has for tshark, as words. They
// are also what no options at all mean.
var Documented = []string{
	"-E", "separator=,", "-E", "header=y", "-E", "occurrence=f", "-T", "fields",
	"-e", "frame.time", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "ip.src", "-e", "ip.dst", "-e", "dns.resp.name",
	"-e", "dns.resp.type", "-e", "dns.resp.class", "-e", "dns.flags.rcode", "-e", "dns.a", "dns.flags.response == 1",
}

// ParseOptions reads the words of a tshark command line. It takes those of [Documented],
// in any order and with other columns of the same families, and -n, which makes no
// difference to them. The error names what only tshark can do.
func ParseOptions(words []string) (Options, error) {
	if len(words) == 0 {
		words = Documented
	}
	var o Options
	has := map[string]bool{}
	filter := ""
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "-n" {
			continue
		}
		if w == "" || w[0] != '-' {
			if filter != "" {
				return o, errors.New("process_opt has two filters")
			}
			filter = strings.Join(words[i:], " ") // tshark takes all the rest for the filter
			break
		}
		if len(w) < 2 || !strings.Contains("eETY", w[1:2]) {
			return o, fmt.Errorf("process_opt has %s", w)
		}
		value := w[2:]
		if value == "" {
			if i++; i == len(words) {
				return o, fmt.Errorf("process_opt ends with %s", w)
			}
			value = words[i]
		}
		switch w[1] {
		case 'e':
			c, known := columnNamed(value)
			if !known {
				return o, fmt.Errorf("process_opt has -e %s", value)
			}
			o.columns = append(o.columns, c)
		case 'Y':
			if filter != "" {
				return o, errors.New("process_opt has two filters")
			}
			filter = value
		default:
			has[w[:2]+" "+value] = true
		}
	}
	return o, o.check(has, filter)
}

func columnNamed(name string) (column, bool) {
	if k, known := kinds[name]; known {
		return column{kind: k}, true
	}
	field, known := dns.FieldNamed(name)
	return column{field: field}, known
}

// check makes sure that the options ask for what a reader does, no less and no more.
func (o Options) check(has map[string]bool, filter string) error {
	for _, needed := range []string{"-T fields", "-E separator=,", "-E occurrence=f"} {
		if !has[needed] {
			return fmt.Errorf("process_opt lacks %s", needed)
		}
		delete(has, needed)
	}
	delete(has, "-E header=y") // a header line is no row, so it makes no difference
	delete(has, "-E header=n")
	if others := slices.Sorted(maps.Keys(has)); len(others) > 0 {
		return fmt.Errorf("process_opt has %s", others[0])
	}
	if len(o.columns) == 0 {
		return fmt.Errorf("process_opt has no -e")
	}
	switch strings.Join(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(filter, "==", " == "), " eq ", " == ")), " ") {
	case "dns.flags.response == 1":
		return nil
	case "":
		return fmt.Errorf("process_opt lacks the filter dns.flags.response == 1")
	}
	return fmt.Errorf("process_opt has the filter %s", filter)
}
