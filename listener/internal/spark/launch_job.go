package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
)

// A Job is what job.json tells the job, and the listener that the job starts as its partner.
type Job struct {
	Partner      []string   `json:"partner"` // how the partner is started
	Name         string     `json:"name"`    // of the application
	Kafka        Kafka      `json:"kafka"`
	Table        string     `json:"table"`       // flow, dns or proxy
	Zone         string     `json:"zone"`        // of local times; see Zone
	Gaps         [][3]int64 `json:"gaps"`        // see Zone
	Compression  string     `json:"compression"` // snappy, none, zstd or gzip
	BatchSeconds float64    `json:"batch_seconds"`
	Once         bool       `json:"once"`
	Partitions   int        `json:"partitions"` // -p

	// Files are the partner's, by the name under which [Launch] has them: where they are for
	// the driver.
	Files map[string]string `json:"files"`
	// Listener is the partner's own, and nothing to the job.
	Listener any `json:"listener,omitempty"`
}

// Kafka tells the job where its messages are.
type Kafka struct {
	Servers string            `json:"servers"` // with commas
	Topic   string            `json:"topic"`
	Options map[string]string `json:"options"` // of Spark's source, as "kafka.security.protocol"
}

// A Launch is a job and all that it takes to start it.
type Launch struct {
	// Submission lacks Spark, Script, Modules, Ship and JobFile, which Submit finds.
	Submission
	// Job lacks Partner and Files.
	Job Job
	// Scripts has the job, listener.py, and the Python files that it imports.
	Scripts fs.FS
	// Program is the path of this program, which is the job's partner.
	Program string
	// Files are the paths of the files that the partner reads, by a name that is good for the
	// driver's folder in cluster mode: "ingest_conf.json".
	Files map[string]string
}

// NewLaunch returns what the configuration and the command line say of a job: all but Program,
// Files, Job.Listener and Job.Kafka.Options. submit is the path of spark2-submit or
// spark-submit, empty if there is none, and tz the time zone as zone.Local has it. Its errors
// are those of a wrong configuration, for exit code 1.
func NewLaunch(conf *config.Config, args cli.ListenerArgs, submit, tz string) (Launch, error) {
	s, err := newSubmission(conf, args, submit)
	if err != nil {
		return Launch{}, err
	}
	pipeline, err := conf.Pipeline(args.Type)
	if err != nil {
		return Launch{}, err
	}
	kafka, err := conf.Kafka()
	if err != nil {
		return Launch{}, err
	}
	job := Job{
		Name:         args.AppName,
		Kafka:        Kafka{Servers: strings.Join(kafka.Servers, ","), Topic: args.Topic, Options: map[string]string{}},
		Table:        string(pipeline.Type),
		Compression:  s.Settings.Compression,
		BatchSeconds: s.Settings.Batch.Seconds(),
		Once:         args.Once,
		Partitions:   args.Partitions,
	}
	if job.Name == "" {
		job.Name = args.Topic
	}
	if job.Zone, job.Gaps, err = Zone(tz); err != nil {
		return Launch{}, err
	}
	return Launch{Submission: s, Job: job, Scripts: Scripts()}, nil
}

const (
	scriptName  = "listener.py"
	jobName     = "job.json"
	programName = "spot-listener"
	// PartnerCommand is the word by which this program is started as the job's partner, with
	// the path of job.json after it.
	PartnerCommand = "spark-partner"
)

// Check tells why the job can't be started, as far as that can be told before.
func (l Launch) Check() error {
	if err := checkPlace(l.master(), l.deployMode()); err != nil {
		return err
	}
	if l.Submission.Submit == "" {
		return errors.New("neither spark2-submit nor spark-submit is on the PATH: " +
			"put Spark's bin folder there, or give --master local to write the table in this process")
	}
	return nil
}

// Submit starts the job and waits until spark-submit ends, as [Run] does. Its files are in a
// private folder meanwhile. The error is for exit code 2, unless it is [ErrKilled].
func (l Launch) Submit(stop, kill context.Context, log *logging.Logger) error {
	if err := l.Check(); err != nil {
		return err
	}
	l.findSpark(stop, log)
	dir, err := os.MkdirTemp("", "spot-listener-")
	if err != nil {
		return fmt.Errorf("make a folder for the job's files: %w", err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			log.Warning("Files of the job stay behind: %v", err)
		}
	}()
	if err := l.unpack(dir); err != nil {
		return fmt.Errorf("write the job's files: %w", err)
	}
	argv, err := l.Argv()
	if err != nil {
		return err
	}
	if stop.Err() != nil {
		return nil
	}
	log.Info("Start %q.", argv)
	err = Run(stop, kill, argv)
	if l.Cluster() && stop.Err() != nil {
		log.Warning("Only spark-submit was stopped: the job goes on in the cluster until it is ended there.")
	}
	return err
}

// findSpark finds Spark's version, if it matters.
func (l *Launch) findSpark(ctx context.Context, log *logging.Logger) {
	if !l.needsVersion() {
		return
	}
	var from string
	l.Spark, from = FindVersion(l.Submission.Submit, os.Getenv)
	if !l.Spark.Known() {
		l.Spark, from = askVersion(ctx, l.Submission.Submit), l.Submission.Submit+" --version"
	}
	switch {
	case !l.Spark.Known():
		log.Warning("The version of Spark is not known, so nothing says which packages for Kafka and Avro fit: the job starts without. "+
			"If it fails, set spark_packages in section spark-streaming to org.apache.spark:spark-sql-kafka-0-10_SCALA:SPARK,org.apache.spark:spark-avro_SCALA:SPARK "+
			"with its versions, or spark_jars to the jars themselves, or SPARK_HOME. [%s]", l.Submission.Submit)
	case l.Spark.tooOld():
		log.Warning("Spark is %s by %s: the job is made for 3.5 and later.", l.Spark.Spark, from)
	default:
		log.Info("Spark is %s with Scala %s, by %s.", l.Spark.Spark, l.Spark.Scala, from)
	}
}

// unpack writes the job's files into a folder, and sets what tells Spark of them.
func (l *Launch) unpack(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	// Spark takes lists of paths apart at commas, and the rest for patterns and URIs.
	if strings.ContainsAny(dir, ",*?[]{}#%") {
		return fmt.Errorf("%s: Spark takes no such path: set TMPDIR to a folder with a plain name", dir)
	}
	if err := l.unpackScripts(dir); err != nil {
		return err
	}
	l.Job.Files = make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(l.Files)) {
		if l.Job.Files[name], err = l.provide(dir, name, l.Files[name], 0o600); err != nil {
			return err
		}
	}
	program, err := l.provide(dir, programName, l.Program, 0o700)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, jobName)
	l.JobFile = path
	if l.Cluster() {
		l.Ship = append(l.Ship, path)
		l.JobFile, program = jobName, "./"+program
	}
	l.Job.Partner = []string{program, PartnerCommand, l.JobFile}
	return l.writeJob(path)
}

func (l *Launch) writeJob(path string) error {
	text, err := json.MarshalIndent(l.Job, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

func (l *Launch) unpackScripts(dir string) error {
	names, err := fs.Glob(l.Scripts, "*.py")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(l.Scripts, name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		if name == scriptName {
			l.Script = path
		} else {
			l.Modules = append(l.Modules, path)
		}
	}
	if l.Script == "" {
		return fmt.Errorf("%s is not among the job's scripts", scriptName)
	}
	return nil
}

// provide returns where the driver finds a file: where it is, or in cluster mode, where it is
// copied for Spark to bring it, under its name in the driver's folder.
func (l *Launch) provide(dir, name, path string, mode fs.FileMode) (string, error) {
	if !l.Cluster() {
		return filepath.Abs(path)
	}
	to := filepath.Join(dir, name)
	l.Ship = append(l.Ship, to)
	return name, copyFile(to, path, mode)
}

func copyFile(to, from string, mode fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
