package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"spot-ingest/scripts/internal/stack"
)

var sparkComponent = component{
	synopsis: "spark [-workers N] [-cores N] [-memory MIB] [-jars]",
	about:    "a standalone cluster of the pyspark whose spark-submit is on the PATH, on 127.0.0.1,",
	server: func(flags *flag.FlagSet) server {
		s := new(sparkServer)
		flags.IntVar(&s.Workers, "workers", 1, "`number` of workers")
		flags.IntVar(&s.Cores, "cores", 1, "`number` of cores of each worker")
		flags.IntVar(&s.Memory, "memory", 1024, "`MiB` that each worker has for executors")
		flags.BoolVar(&s.jars, "jars", false, "start nothing: print the jars for Kafka and Avro, as --jars takes them, and end")
		return s
	},
}

type sparkServer struct {
	stack.SparkCluster
	jars bool
}

func (s *sparkServer) check() error {
	if s.Workers < 0 || s.Cores < 1 || s.Memory < 1 {
		return errors.New("-workers, -cores and -memory: want numbers above 0")
	}
	return nil
}

func (s *sparkServer) serve(ctx context.Context, _ io.Reader, stdout io.Writer) (err error) {
	if s.Spark, err = stack.FindSpark(ctx); err != nil {
		return err
	}
	if s.jars {
		jars, err := stack.SparkKafkaJars(ctx, s.Spark.Version)
		if err == nil {
			fmt.Fprintln(stdout, strings.Join(jars, ","))
		}
		return err
	}
	cluster, err := stack.StartSparkCluster(ctx, s.SparkCluster)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	fmt.Fprintf(stdout, "spark %s ready on %s\n", s.Spark.Version, cluster.URL())
	return untilEnd(ctx, "spark master", cluster)
}
