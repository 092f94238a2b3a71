package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
)

// An engine is what writes the table: this process, or a Spark job.
type engine struct {
	spark bool
	why   string
}

func (e engine) String() string {
	if e.spark {
		return "Engine: Spark (" + e.why + ")."
	}
	return "Engine: embedded (" + e.why + ")."
}

// chooseEngine chooses by --master, by --engine, which overrides it, and by the path of the
// program that starts Spark jobs, empty if there is none. The defaults are empty.
func chooseEngine(master, override, submit string) engine {
	switch {
	case override != "":
		return engine{override == "spark", "--engine " + override}
	case isLocal(master):
		return engine{false, "--master " + master}
	case master != "":
		return engine{true, "--master " + master}
	case submit != "":
		return engine{true, "no --master is given, so yarn, as " + submit + " is on the PATH"}
	}
	return engine{false, "no --master is given, and neither spark2-submit nor spark-submit is on the PATH"}
}

// localMaster is how Spark writes masters that are one process: local, with a number of
// threads or *, and a number of failures.
var localMaster = regexp.MustCompile(`^local(\[([0-9]+|\*)( *, *[0-9]+)?\])?$`)

func isLocal(master string) bool { return localMaster.MatchString(master) }

// findSubmit returns the path of spark2-submit or spark-submit, empty if neither is on the
// PATH.
func findSubmit() string {
	for _, name := range []string{"spark2-submit", "spark-submit"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// sparkOnly returns a sentence about the settings that were given and that the embedded
// engine has no use for, empty if there are none.
func sparkOnly(args cli.ListenerArgs, conf config.Listener) string {
	deployMode := args.DeployMode
	if deployMode == "client" {
		deployMode = "" // the default
	}
	var names []string
	for _, setting := range []struct{ name, value string }{
		{"--deploy-mode", deployMode},
		{"--app-name", args.AppName},
		{"driver_memory", conf.DriverMemory},
		{"spark_exec", conf.Executors},
		{"spark_executor_memory", conf.ExecutorMemory},
		{"spark_executor_cores", conf.ExecutorCores},
	} {
		if setting.value != "" {
			names = append(names, setting.name)
		}
	}
	if names == nil {
		return ""
	}
	return "For Spark only, and not used by the embedded engine: " + strings.Join(names, ", ") + "."
}

// checkPartitions judges -p, of which the command line takes any whole number.
func checkPartitions(partitions int) error {
	if partitions < 1 {
		return fmt.Errorf("-p/--partitions is %d: want 1 or more, usually the number of the topic's partitions", partitions)
	}
	return nil
}
