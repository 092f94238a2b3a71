// Command stack runs a real component on 127.0.0.1 until it is interrupted:
//
//	go run ./scripts/stack kafka -version 3.9.2 -topic spot:4
//
// Jars are fetched by Maven at the first run. A component's data are removed at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

const usage = "usage: go run ./scripts/stack %s\n\nRuns %s until INT or TERM.\n\n"

// A component is something that can be started. Each has a file of its own.
type component struct {
	synopsis string // its name and options
	about    string // what runs, and what is to be known about it
	// server declares the options; what it returns sees their values.
	server func(*flag.FlagSet) server
}

// A server runs one component.
type server interface {
	// check tells what is wrong with the options.
	check() error
	// serve runs the component until the context ends. It prints one line that holds
	// " ready on " to stdout once it can be used, and may read commands from stdin.
	serve(ctx context.Context, stdin io.Reader, stdout io.Writer) error
}

// components are all components by their names.
var components = map[string]component{
	"hdfs":        hdfsComponent,
	"hiveserver2": hiveServer2Component,
	"kafka":       kafkaComponent,
	"metastore":   metastoreComponent,
	"spark":       sparkComponent,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run returns 0 after an ordinary end, 1 if the component failed, 2 after a usage error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "stack:", err)
		return 2
	}
	if err := s.serve(ctx, stdin, stdout); err != nil {
		fmt.Fprintln(stderr, "stack:", err)
		return 1
	}
	return 0
}

// parse returns the component's server with its options set.
func parse(args []string, stdout, stderr io.Writer) (server, error) {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	c, known := components[name]
	if !known {
		if name == "-h" || name == "-help" || name == "--help" {
			overview(stdout)
			return nil, flag.ErrHelp
		}
		overview(stderr)
		return nil, fmt.Errorf("component %q: want %s", name, strings.Join(names(), ", "))
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by run
	flags.Usage = func() {}
	s := c.server(flags)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stdout, usage, c.synopsis, c.about)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return nil, err
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil {
		err = s.check()
	}
	return s, err
}

func names() []string { return slices.Sorted(maps.Keys(components)) }

// overview tells how to start each component.
func overview(w io.Writer) {
	for _, name := range names() {
		fmt.Fprintf(w, "usage: go run ./scripts/stack %s\n", components[name].synopsis)
	}
	fmt.Fprint(w, "\nEach runs a component on 127.0.0.1 until INT or TERM; -h after its name tells more.\n")
}
