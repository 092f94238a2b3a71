package cli

import (
	"flag"
	"time"
)

// ListenerArgs are the values of the listener's command line.
type ListenerArgs struct {
	ConfigFile        string // -c
	DeployMode        string // -d
	GroupID           string // -g; empty: the topic's name
	LogLevel          string // -l, any text
	Master            string // -m; empty if not given
	AppName           string // -n; empty: the topic's name
	RedirectSparkLogs string // -r; empty if not given
	Partitions        int    // -p, any whole number
	Type              string // -t, a type (dns, flow, proxy) or a pipeline's name
	Topic             string // --topic

	Engine      string   // --engine: embedded, spark, or empty if not given
	From        Position // --from
	Once        bool     // --once
	BadRowLimit int      // --bad-row-limit; negative: none
	CreateTable bool     // --create-table
	JSONLogs    bool     // --json-logs
}

// Listener returns the parser of the listener's command line. It sets args to the defaults
// at once, and to the values given when it parses.
func Listener(args *ListenerArgs, hooks Hooks) *Parser {
	*args = ListenerArgs{BadRowLimit: -1}
	f := flag.NewFlagSet("Start Spark Job for Streaming Listener Daemon", flag.ContinueOnError)
	f.StringVar(&args.ConfigFile, "config-file", "ingest_conf.json", "path of configuration file")
	f.StringVar(&args.DeployMode, "deploy-mode", "client",
		`Whether to launch the driver program locally ("client") or on one of the worker `+
			`machines inside the cluster ("cluster")`)
	f.StringVar(&args.GroupID, "group-id", "",
		"name of the consumer group to join for dynamic partition assignment")
	f.StringVar(&args.LogLevel, "log-level", "INFO", "determine the level of the logger")
	f.StringVar(&args.Master, "master", "", "spark://host:port, mesos://host:port, yarn, or local")
	f.StringVar(&args.AppName, "app-name", "", "name of the Spark Job to display on the cluster web UI")
	f.StringVar(&args.RedirectSparkLogs, "redirect-spark-logs", "",
		"redirect output of spark to specific file")
	f.Func("partitions",
		"number of partitions to consume; each partition is consumed in its own thread",
		func(s string) (err error) { args.Partitions, err = parseInt(s); return })
	f.StringVar(&args.Type, "type", "", "type of the data that will be ingested")
	f.StringVar(&args.Topic, "topic", "", "topic to listen for new messages")

	f.StringVar(&args.Engine, "engine", "", "what writes the table: this process, or a Spark job")
	f.Func("from", "where to start reading: earliest, latest, a time, or offsets by partition as 0:123,1:456",
		func(s string) (err error) { args.From, err = parsePosition(s, time.Local); return })
	f.BoolVar(&args.Once, "once", false, "read the messages that are there, then exit")
	f.Func("bad-row-limit", "exit with 1 once more than N rows were set aside as bad",
		func(s string) (err error) { args.BadRowLimit, err = parseCount(s); return })
	f.BoolVar(&args.CreateTable, "create-table", false, "make the table in Hive if it is not there")

	p := New(f, "optional arguments",
		Option{Name: "config-file", Short: "c", Load: hooks.Load},
		Option{Name: "deploy-mode", Short: "d"},
		Option{Name: "group-id", Short: "g"},
		Option{Name: "log-level", Short: "l"},
		Option{Name: "master", Short: "m"},
		Option{Name: "app-name", Short: "n"},
		Option{Name: "redirect-spark-logs", Short: "r"})
	p.Group("mandatory arguments",
		Option{Name: "partitions", Short: "p", Metavar: "PARTITIONS", Required: true},
		typeOption(hooks),
		Option{Name: "topic", Metavar: "TOPIC", Required: true})
	p.Further("further arguments", append([]Option{
		{Name: "engine", Choices: []string{"embedded", "spark"}},
		{Name: "from", Metavar: "POSITION"},
		{Name: "once"},
		{Name: "bad-row-limit", Metavar: "N"},
		{Name: "create-table"},
	}, commonOptions(f, &args.JSONLogs, hooks)...)...)
	p.Epilog = "END"
	return p
}
