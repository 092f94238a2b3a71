//go:build integration

package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// A cluster is an HDFS, a Hive metastore, and a server that answers SQL by both.
type cluster struct {
	hdfs      *stack.FileSystem
	metastore *stack.MetastoreServer
	sql       *stack.HiveServer2Server
}

var hadoop struct {
	once    sync.Once
	cluster *cluster
	err     error
}

// sharedCluster returns the cluster that all tests share. Nobody stops it before the end.
func sharedCluster(t *testing.T) *cluster {
	t.Helper()
	for _, program := range []string{"java", "mvn", "spark-submit"} {
		need(t, program)
	}
	hadoop.once.Do(func() { hadoop.cluster, hadoop.err = startCluster() })
	if hadoop.err != nil {
		t.Fatal(hadoop.err)
	}
	return hadoop.cluster
}

func startCluster() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a first run fetches jars
	defer cancel()
	c := &cluster{}
	var err error
	if c.hdfs, err = stack.StartHDFS(ctx, stack.HDFS{}); err != nil {
		return c, err
	}
	if c.metastore, err = stack.StartMetastore(ctx, stack.Metastore{Version: "3.1.3", HadoopConfDir: c.hdfs.ConfDir()}); err != nil {
		return c, err
	}
	c.sql, err = stack.StartHiveServer2(ctx, stack.HiveServer2{Metastore: c.metastore.URI(), HadoopConfDir: c.hdfs.ConfDir()})
	return c, err
}

// closeCluster ends what was started of it.
func closeCluster() (errs []error) {
	c := hadoop.cluster
	if c == nil {
		return nil
	}
	if c.sql != nil {
		errs = append(errs, c.sql.Close())
	}
	if c.metastore != nil {
		errs = append(errs, c.metastore.Close())
	}
	if c.hdfs != nil {
		errs = append(errs, c.hdfs.Close())
	}
	return errs
}

// query asks the server by Hive's own client, beeline, and returns the rows, fields parted
// by tabs.
func (c *cluster) query(t *testing.T, statement string) (rows []string) {
	t.Helper()
	submit, err := exec.LookPath("spark-submit")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(submit), "beeline"), "-u", "jdbc:hive2://"+c.sql.Addr()+"/default",
		"-n", "spot", "-p", "", "--silent=true", "--showHeader=false", "--outputformat=tsv2", "-e", statement)
	cmd.Env = append(os.Environ(), "SPARK_LOCAL_IP=127.0.0.1")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("beeline, %s: %v\n%s%s", statement, err, stdout.String(), stderr.String())
	}
	for line := range strings.Lines(stdout.String()) {
		if _, row, prompt := strings.Cut(line, "/default> "); prompt {
			line = row // of the last of several statements
		}
		if line = strings.TrimSpace(line); line != "" {
			rows = append(rows, line)
		}
	}
	return rows
}

// newHDFSSite makes a site whose tables are in a folder of HDFS, and in a database of Hive.
func newHDFSSite(t *testing.T, c *cluster, broker *stack.Broker, count int, batch time.Duration) *exactSite {
	t.Helper()
	s := newExactSite(t, broker, count, batch)
	s.onHDFS(c, "")
	return s
}

// onHDFS moves the site's tables into the cluster, to a place and a database of their own.
func (s *exactSite) onHDFS(c *cluster, place string) {
	s.t.Helper()
	c.query(s.t, "CREATE DATABASE "+s.databaseOf(place))
	s.conf["dbname"] = s.databaseOf(place)
	s.conf["hdfs_app_path"] = "/" + s.topic + place
	s.conf["hive"] = map[string]any{"metastore": c.metastore.URI()}
	s.env = append(s.env, "HADOOP_CONF_DIR="+c.hdfs.ConfDir(), "HADOOP_USER_NAME=spot")
	s.writeConf()
}

func (s *exactSite) databaseOf(place string) string {
	return strings.ToLower(strings.NewReplacer("-", "_", ".", "_").Replace(s.topic + place))
}

// mirror copies the type's folder of a place out of HDFS to where a local one would be. The
// active name node is asked.
func (s *exactSite) mirror(nameNode, place string) {
	s.t.Helper()
	if err := os.RemoveAll(s.warehouse()); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := stack.Mirror(ctx, nameNode, "/"+s.topic+place+"/"+s.kind, s.warehouse()); err != nil {
		s.t.Fatal(err)
	}
}
