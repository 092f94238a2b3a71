package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"spot-ingest/listener/internal/spark"
	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
	"spot-ingest/pkg/zone"
)

// partnerCommand is the first argument by which the driver of a Spark job starts its partner;
// the second is the job's file.
const partnerCommand = spark.PartnerCommand

// A partnerJob is what a partner must know, which may run on another host than the listener
// that submitted the job: the part of the job's file that is for it.
type partnerJob struct {
	Arguments cli.ListenerArgs `json:"arguments"`
	// Place is where the tables lie; if the submitting host did not know on which file
	// system, null, and the driver's host decides by Setting.
	Place   *Place  `json:"place"`
	Setting setting `json:"setting"`
	// Environment is what the submitting host had set of HADOOP_USER_NAME and TZ.
	Environment map[string]string `json:"environment"`

	configFile string // where the driver's host has it
}

// passedOn are the variables that count for the partner as for the listener.
var passedOn = []string{"HADOOP_USER_NAME", "TZ"}

// runPartner is the main program of the partner. It ends when its driver does.
func runPartner(path string) int {
	job, err := readJob(path)
	if err != nil {
		return fail(err)
	}
	for name, value := range job.Environment {
		if err := os.Setenv(name, value); err != nil {
			return fail(err)
		}
	}
	zone.SetLocal()
	// What the partner prints goes through the driver, whose end must not end a commit.
	signal.Ignore(syscall.SIGPIPE)
	conf, err := config.Load(job.configFile)
	if err != nil {
		return fail(err)
	}
	answers := os.NewFile(answersFD, "answers")
	if _, err := answers.Stat(); err != nil {
		return fail(fmt.Errorf("%s is a command of Spark jobs only: %w", partnerCommand, err))
	}
	defer answers.Close()
	args := job.Arguments
	log := logging.New(os.Stdout, logging.ParseLevel(args.LogLevel), args.JSONLogs)
	ctx, _ := cli.Signals("listener", drainTime, stopTime, stopMessage)
	l, err := newListener(conf, args, log)
	if err != nil {
		return fail(err)
	}
	err = newPartner(l, answers).serve(ctx, os.Stdin, func(ctx context.Context) error {
		if err := l.findHive(ctx, conf); err != nil {
			return err
		}
		if err := l.settlePlace(job); err != nil {
			return err
		}
		return l.start(ctx, conf)
	})
	if err != nil {
		return fail(err)
	}
	return exitOK
}

// answersFD is the file descriptor on which the driver takes the answers.
const answersFD = 3

func readJob(path string) (*partnerJob, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Files    map[string]string `json:"files"`
		Listener *partnerJob       `json:"listener"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if file.Listener == nil {
		return nil, fmt.Errorf("%s: %w", path, errors.New("it is no job of this listener"))
	}
	file.Listener.configFile = file.Files[confName]
	return file.Listener, nil
}

// settlePlace takes the place that the submitting listener has found, or looks for it here.
func (l *listener) settlePlace(job *partnerJob) error {
	if job.Place != nil {
		l.place = *job.Place
		return nil
	}
	var err error
	l.place, err = job.Setting.place(Whereabouts{HadoopConfDir: os.Getenv("HADOOP_CONF_DIR"), Local: isLocal(job.Arguments.Master)})
	return err
}
