// Package spark has the listener's job for Spark, a program in Python, and starts it.
//
// The job's driver starts this program once more, as its partner, which does all that concerns
// the consumer group, the commit log and Hive. The files launch*.go start the job: by
// spark2-submit or spark-submit, with an argument vector and never by a shell. Spark's version is
// found without starting Java, where possible; only a script that is Spark's by its text is ever
// started to ask for it, so that a program that stands in for spark-submit is started once.
package spark

import (
	"strconv"
	"strings"

	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
)

// A Submission is what spark-submit is told: where and with what Spark runs the job, and what
// the job is told in turn.
type Submission struct {
	Submit     string // the path of spark2-submit or spark-submit
	Master     string // -m; empty: yarn
	DeployMode string // -d; empty: client
	// Settings are those of the section spark-streaming.
	Settings config.Listener
	// Spark is the version of the installation, by which --packages are chosen.
	Spark Version

	Script  string   // the absolute path of the job, listener.py
	Modules []string // the paths of the Python files that it imports
	Ship    []string // the paths of the files that go to the driver in cluster mode
	JobFile string   // job.json, as the driver finds it

	Database   string // dbname; empty: left out
	GroupID    string // -g; empty: left out
	LogLevel   string // -l
	AppName    string // -n; empty: left out
	Partitions int    // -p
	Type       string // -t, as given
	Topic      string // --topic
	Zookeeper  string // --zkquorum; empty: left out
}

func newSubmission(conf *config.Config, args cli.ListenerArgs, submit string) (Submission, error) {
	settings, err := conf.Listener()
	if err != nil {
		return Submission{}, err
	}
	house, err := conf.Warehouse()
	if err != nil {
		return Submission{}, err
	}
	return Submission{
		Submit: submit, Master: args.Master, DeployMode: args.DeployMode, Settings: settings,
		Database: house.Database, GroupID: args.GroupID, LogLevel: args.LogLevel, AppName: args.AppName,
		Partitions: args.Partitions, Type: args.Type, Topic: args.Topic, Zookeeper: conf.Zookeeper(),
	}, nil
}

// Argv returns the words by which spark-submit is started, the program's path first: those of
// Apache Spot's start_listener.py in the same order, and between them --packages or --jars,
// without which Spark knows neither Kafka nor Avro, and --files in cluster mode. Settings that
// are unset are left out. It fails if Spark would refuse the job, or never start it; the error
// says what to do.
func (s Submission) Argv() ([]string, error) {
	if err := checkPlace(s.master(), s.deployMode()); err != nil {
		return nil, err
	}
	w := words{s.Submit, "--master", s.master(), "--deploy-mode", s.deployMode()}
	w.set("--py-files", strings.Join(s.Modules, ","))
	w.set("--driver-memory", s.Settings.DriverMemory)
	w.set("--num-executors", s.Settings.Executors)
	w.conf("spark.executor.memory", s.Settings.ExecutorMemory)
	w.conf("spark.executor.cores", s.Settings.ExecutorCores)
	w.set("--packages", s.packages())
	w.set("--jars", s.Settings.Jars)
	if s.Cluster() {
		w.set("--files", strings.Join(s.Ship, ","))
	}
	w = append(w, s.Script)
	w.set("-b", s.Settings.BatchSize)
	w.set("-d", s.Database)
	w.set("-g", s.GroupID)
	w.set("-l", s.LogLevel)
	w.set("-n", s.AppName)
	w.set("-p", strconv.Itoa(s.Partitions))
	w.set("-t", s.Type)
	w.set("--topic", s.Topic)
	w.set("--zkquorum", s.Zookeeper)
	w.set("--job", s.JobFile)
	return w, nil
}

// Cluster tells that the driver runs on another machine, and has no file of this one but
// those that Spark brings there.
func (s Submission) Cluster() bool { return s.deployMode() == "cluster" }

func (s Submission) master() string {
	if s.Master == "" {
		return "yarn"
	}
	return s.Master
}

func (s Submission) deployMode() string {
	if s.DeployMode == "" {
		return "client"
	}
	return s.DeployMode
}

// packages returns the Maven coordinates that Spark is to fetch: those of spark_packages, or
// else, unless spark_jars brings the jars, those that the version needs.
func (s Submission) packages() string {
	switch {
	case strings.EqualFold(s.Settings.Packages, "none"):
		return ""
	case s.Settings.Packages != "":
		return s.Settings.Packages
	case s.Settings.Jars != "":
		return ""
	}
	return strings.Join(s.Spark.packages(), ",")
}

// needsVersion tells that the packages are to be chosen by Spark's version.
func (s Submission) needsVersion() bool { return s.Settings.Packages == "" && s.Settings.Jars == "" }

// words are an argument vector.
type words []string

// set adds an option with its value, unless that is empty.
func (w *words) set(option, value string) {
	if value != "" {
		*w = append(*w, option, value)
	}
}

func (w *words) conf(key, value string) {
	if value != "" {
		*w = append(*w, "--conf", key+"="+value)
	}
}
