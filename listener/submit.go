package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"spot-ingest/listener/internal/spark"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/zone"
)

// confName is the name of the configuration among the files that go to the driver.
const confName = "ingest_conf.json"

// submit has Spark do the work, and waits until it ends. What can be told to be wrong is told
// before Spark is started.
func (l *listener) submit(ctx, kill context.Context, conf *config.Config) int {
	launch, err := spark.NewLaunch(conf, l.args, findSubmit(), zone.Local())
	if err != nil {
		return fail(err)
	}
	log := l.root.Named("SPOT.INGEST.SPARK")
	if err := launch.Check(); err != nil {
		return spark.Exit(err, log, os.Stderr)
	}
	if launch.Job.Listener, err = l.partnerJob(ctx, conf); err != nil {
		if ctx.Err() != nil && !l.args.Once {
			return exitOK // stopped while it waited for Hive
		}
		return fail(err)
	}
	if launch.Program, err = os.Executable(); err != nil {
		return fail(fmt.Errorf("find the listener's own program, which the Spark job starts: %w", err))
	}
	launch.Scripts = spark.Scripts()
	launch.Files = map[string]string{confName: l.args.ConfigFile}
	err = launch.Submit(ctx, kill, log)
	if err == nil && ctx.Err() != nil && l.args.Once {
		return fail(errStopped)
	}
	return spark.Exit(err, log, os.Stderr)
}

// partnerJob is what the job's partner is told.
func (l *listener) partnerJob(ctx context.Context, conf *config.Config) (*partnerJob, error) {
	job := &partnerJob{Arguments: l.args, Environment: make(map[string]string)}
	for _, name := range passedOn {
		if value := os.Getenv(name); value != "" {
			job.Environment[name] = value
		}
	}
	if err := l.findHive(ctx, conf); err != nil {
		return nil, err
	}
	w, err := l.whereabouts(conf)
	if err != nil {
		return nil, err
	}
	var warnings []string
	if job.Setting, warnings, err = w.choose(); err != nil {
		return nil, err
	}
	for _, warning := range warnings {
		l.log.Warning("%s", warning)
	}
	place, err := job.Setting.place(w)
	if err == nil {
		job.Place = &place
	} else if !errors.As(err, new(*unknownPlaceError)) { // which the driver's host may know
		return nil, err
	}
	return job, nil
}
