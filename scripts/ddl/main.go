// Command ddl prints the statements that make the listener's tables known to Hive, Impala
// or Spark, as Spot's installation declares them:
//
//	go run ./scripts/ddl -db spot -location file:///data/spot flow >flow.sql
//	beeline -f flow.sql    # or hive -f, spark-sql -f
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

const usage = `usage: go run ./scripts/ddl [-db NAME] [-location PATH] [flow|dns|proxy]...

Prints CREATE EXTERNAL TABLE for these tables, or for all three.

`

// The columns need no quoting: none is a reserved word of Hive, Impala or Spark.
//
//go:embed tables.sql
var tables string

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns 0 after an ordinary end, 1 if it cannot write, 2 after a usage error.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "ddl:", err)
		return 2
	}
	if _, err := io.WriteString(stdout, o.ddl()); err != nil {
		fmt.Fprintln(stderr, "ddl:", err)
		return 1
	}
	return 0
}

type options struct {
	db       string
	location string
	tables   []string
}

func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("ddl", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by run
	flags.Usage = func() {}
	flags.StringVar(&o.db, "db", "spot", "`name` of the database")
	flags.StringVar(&o.location, "location", "/user/spot", "`path` or URI of the folder above the tables', as hdfs_app_path")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
	}
	if err != nil {
		return o, err
	}
	o.tables = flags.Args()
	if len(o.tables) == 0 {
		o.tables = []string{"flow", "dns", "proxy"}
	}
	return o, o.check()
}

var (
	name = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	// base is a path or URI that means the same in every shell's string: no quotes,
	// variables, control characters, or semicolons, at which some end a statement.
	base = regexp.MustCompile("^([A-Za-z][A-Za-z0-9+.-]*:)?/[^'\"`\\\\$;\\x00-\\x1f\\x7f]*$")
)

func (o *options) check() error {
	if !name.MatchString(o.db) {
		return fmt.Errorf("-db %q: want letters, digits and underscores", o.db)
	}
	if !base.MatchString(o.location) {
		return fmt.Errorf("-location %q: want an absolute path or a URI, such as file:///data/spot, without quotes, $ and ;", o.location)
	}
	o.location = strings.TrimRight(o.location, "/")
	for _, table := range o.tables {
		if statement(table) == "" {
			return fmt.Errorf("table %q: want flow, dns or proxy", table)
		}
	}
	return nil
}

// statement returns what declares a table, with variables for database and location.
func statement(table string) string {
	for s := range strings.SplitSeq(tables, "\n\n") {
		if strings.HasPrefix(s, "CREATE EXTERNAL TABLE IF NOT EXISTS ${db}."+table+" (\n") {
			return strings.TrimSpace(s) + "\n"
		}
	}
	return ""
}

// ddl returns the statements with a comment before each. A comment has neither quotes nor a
// semicolon, which some versions of beeline and spark-sql would not overlook.
func (o *options) ddl() string {
	var b strings.Builder
	for i, table := range o.tables {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "-- New partitions are made known by MSCK REPAIR TABLE %[1]s.%[2]s (Hive, Spark)\n"+
			"-- or by ALTER TABLE %[1]s.%[2]s RECOVER PARTITIONS (Impala, Spark). Where Hive refuses\n"+
			"-- a folder such as hive/oa, SET hive.msck.path.validation=skip comes first.\n", o.db, table)
		b.WriteString(strings.NewReplacer("${db}", o.db, "${location}", o.location).Replace(statement(table)))
	}
	return b.String()
}
