package cli_test

import (
	"fmt"
	"os"

	"spot-ingest/pkg/cli"
)

func ExampleCollector() {
	var args cli.CollectorArgs
	parser := cli.Collector(&args, cli.Hooks{
		Load:       func(path string) error { fmt.Println("reading", path); return nil },
		IsPipeline: func(name string) bool { return name == "flow_internals" },
		Version:    "collector 1.0",
	})
	if exit := parser.Parse([]string{"--ty=flow_internals", "--to", "netflow"}); exit != nil {
		os.Exit(exit.Write(os.Stdout, os.Stderr))
	}
	fmt.Println(args.Type, "to", args.Topic)
	// Output:
	// reading ingest_conf.json
	// flow_internals to netflow
}
