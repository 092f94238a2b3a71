package cli

import (
	"flag"
	"time"
)

// Hooks are what a command line asks of its program.
type Hooks struct {
	// Load reads the configuration file of that path, relative to the working directory. It
	// is called once for each -c, or once with the default path.
	Load func(path string) error
	// IsPipeline tells whether the configuration that was loaded last has a pipeline of that
	// name. It is asked for values of -t that are no type.
	IsPipeline func(name string) bool
	// Version is the line that --version prints.
	Version string
}

// CollectorArgs are the values of the collector's command line.
type CollectorArgs struct {
	ConfigFile     string // -c
	LogLevel       string // -l, any text
	SkipConversion bool   // --skip-conversion
	Topic          string // --topic
	Type           string // -t, a type (dns, flow, proxy) or a pipeline's name

	Once         bool      // --once
	Backlog      bool      // --backlog
	BacklogSince time.Time // --backlog-since, zero if not given
	Resend       []string  // --resend, in the order given
	JSONLogs     bool      // --json-logs
}

// Collector returns the parser of the collector's command line. It sets args to the defaults
// at once, and to the values given when it parses.
func Collector(args *CollectorArgs, hooks Hooks) *Parser {
	*args = CollectorArgs{}
	f := flag.NewFlagSet("Distributed Collector Daemon of Apache Spot", flag.ContinueOnError)
	f.StringVar(&args.ConfigFile, "config-file", "ingest_conf.json", "path of configuration file")
	f.StringVar(&args.LogLevel, "log-level", "INFO", "determine the level of the logger")
	f.BoolVar(&args.SkipConversion, "skip-conversion", false,
		"no transformation will be applied to the data; useful for importing CSV files")
	f.StringVar(&args.Topic, "topic", "", "name of topic where the messages will be published")
	f.StringVar(&args.Type, "type", "", "type of data that will be collected")

	f.BoolVar(&args.Once, "once", false, "send the files that are there and not sent yet, then exit")
	f.BoolVar(&args.Backlog, "backlog", false,
		"also send the files that were there at the first start, which are not sent otherwise")
	f.Func("backlog-since",
		"like --backlog, for files changed at TIME or later: RFC 3339 or YYYY-MM-DD[ hh:mm[:ss]] in local time",
		func(s string) (err error) { args.BacklogSince, err = parseTime(s, time.Local); return })
	f.Func("resend", "send FILE again, as new data; can be given several times",
		func(s string) error { args.Resend = append(args.Resend, s); return nil })

	p := New(f, "optional arguments",
		Option{Name: "config-file", Short: "c", Load: hooks.Load},
		Option{Name: "log-level", Short: "l"},
		Option{Name: "skip-conversion"})
	p.Group("mandatory arguments",
		Option{Name: "topic", Metavar: "TOPIC", Required: true},
		typeOption(hooks))
	p.Further("further arguments", append([]Option{
		{Name: "once"},
		{Name: "backlog"},
		{Name: "backlog-since", Metavar: "TIME"},
		{Name: "resend", Metavar: "FILE"},
	}, commonOptions(f, &args.JSONLogs, hooks)...)...)
	p.Epilog = "END"
	return p
}

func typeOption(hooks Hooks) Option {
	return Option{Name: "type", Short: "t", Required: true,
		Choices: []string{"dns", "flow", "proxy"}, Accept: hooks.IsPipeline}
}

// commonOptions declares the last of the further options, which both programs have.
func commonOptions(f *flag.FlagSet, jsonLogs *bool, hooks Hooks) []Option {
	f.BoolVar(jsonLogs, "json-logs", false, "write the log as JSON, one object a line")
	f.Bool("version", false, "show the version of the program and exit")
	return []Option{
		{Name: "json-logs"},
		{Name: "version", Print: func() string { return hooks.Version + "\n" }},
	}
}
