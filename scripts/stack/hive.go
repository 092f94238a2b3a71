package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"spot-ingest/scripts/internal/stack"
)

var metastoreComponent = component{
	synopsis: "metastore [-version V] [-port N] [-hadoop-conf FOLDER]",
	about:    "a Hive metastore on 127.0.0.1, with an empty database,",
	server: func(flags *flag.FlagSet) server {
		m := new(metastoreServer)
		flags.StringVar(&m.Version, "version", "3.1.3", "`version` of Hive: 3.1.3 or 4.0.1")
		flags.IntVar(&m.Port, "port", 0, "`port` for clients (0: a free one)")
		flags.StringVar(&m.HadoopConfDir, "hadoop-conf", "", "`folder` of core-site.xml, for tables in HDFS")
		return m
	},
}

type metastoreServer struct{ stack.Metastore }

func (m *metastoreServer) check() error { return checkPort(m.Port) }

func (m *metastoreServer) serve(ctx context.Context, _ io.Reader, stdout io.Writer) error {
	s, err := stack.StartMetastore(ctx, m.Metastore)
	if err != nil {
		return err
	}
	return serveOn(ctx, "hive metastore "+m.Version, s.URI(), s, stdout)
}

var hiveServer2Component = component{
	synopsis: "hiveserver2 [-metastore URI] [-spark-submit PROGRAM] [-port N] [-hadoop-conf FOLDER]",
	about:    "Spark's server of HiveServer2's protocol on 127.0.0.1",
	server: func(flags *flag.FlagSet) server {
		h := new(hiveServer2Server)
		flags.StringVar(&h.Metastore, "metastore", "", "`URI` of a metastore (none: a database of its own)")
		flags.StringVar(&h.SparkSubmit, "spark-submit", "", "`program` spark-submit of pyspark (none: the one on the PATH)")
		flags.IntVar(&h.Port, "port", 0, "`port` for clients (0: a free one)")
		flags.StringVar(&h.HadoopConfDir, "hadoop-conf", "", "`folder` of core-site.xml, for tables in HDFS")
		return h
	},
}

type hiveServer2Server struct{ stack.HiveServer2 }

func (h *hiveServer2Server) check() error { return checkPort(h.Port) }

func (h *hiveServer2Server) serve(ctx context.Context, _ io.Reader, stdout io.Writer) error {
	s, err := stack.StartHiveServer2(ctx, h.HiveServer2)
	if err != nil {
		return err
	}
	return serveOn(ctx, "hiveserver2", s.Addr(), s, stdout)
}

// A service is what scripts/internal/stack has started.
type service interface {
	Done() <-chan struct{}
	Stop() error
	Close() error
	LogTail() string
}

// serveOn tells that a service is ready on an address, and runs it until the context ends.
// Then its data are removed.
func serveOn(ctx context.Context, name, address string, s service, stdout io.Writer) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(stdout, "%s ready on %s\n", name, address)
	return untilEnd(ctx, name, s)
}

// untilEnd stops a service at the context's end. One that ends by itself is an error.
func untilEnd(ctx context.Context, name string, s interface {
	Done() <-chan struct{}
	Stop() error
	LogTail() string
}) error {
	select {
	case <-ctx.Done():
		return s.Stop()
	case <-s.Done():
		return fmt.Errorf("%s ended by itself; the end of its log:\n%s", name, s.LogTail())
	}
}

func checkPort(port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("-port %d: want 0 to 65535", port)
	}
	return nil
}
