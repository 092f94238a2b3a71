package stack

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// HiveServer2 says which server of HiveServer2's protocol to start: that of Spark, which
// answers SQL through a metastore.
type HiveServer2 struct {
	// SparkSubmit is the program spark-submit; the one on the PATH if it is empty.
	SparkSubmit string
	// Port for clients; 0 takes a free one.
	Port int
	// Metastore is the URI of a metastore, of a version that Spark's own client knows, such
	// as 3.1.3; a database of its own if it is empty.
	Metastore string
	// HadoopConfDir is the folder of core-site.xml and hdfs-site.xml; none if it is empty.
	HadoopConfDir string
	// Properties are settings of Spark, such as spark.sql.hive.convertMetastoreParquet, that
	// win over those here.
	Properties map[string]string
}

// A HiveServer2Server is Spark's thrift server, with a folder of its own.
type HiveServer2Server struct{ *service }

// StartHiveServer2 returns once the server takes connections. Errors hold the end of its
// log. The context bounds the start alone. The caller owns the server and must Close it.
func StartHiveServer2(ctx context.Context, h HiveServer2) (*HiveServer2Server, error) {
	const name = "hiveserver2"
	if h.SparkSubmit == "" {
		submit, err := find("spark-submit", "python3-pip, and by it pyspark")
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		h.SparkSubmit = submit
	}
	s, err := startService(ctx, h.Port != 0, func() (*service, error) {
		s, err := newService(name, h.Port)
		if err == nil {
			s.command = h.command(s.dir, s.port)
			err = writeAll(s.dir, map[string][]byte{"log4j2.properties": []byte(log4j2)})
		}
		return s, err
	})
	if err != nil {
		return nil, err
	}
	return &HiveServer2Server{s}, nil
}

func (h *HiveServer2) command(dir string, port int) []string {
	settings := map[string]string{
		"spark.ui.enabled":                                "false",
		"spark.sql.warehouse.dir":                         "file:" + filepath.Join(dir, "warehouse"),
		"spark.local.dir":                                 dir,
		"spark.sql.shuffle.partitions":                    "2",
		"spark.driver.host":                               "127.0.0.1",
		"spark.driver.bindAddress":                        "127.0.0.1",
		"spark.hadoop.hive.metastore.schema.verification": "false",
		"spark.hadoop.datanucleus.schema.autoCreateAll":   "true",
		"spark.hadoop.hive.exec.scratchdir":               filepath.Join(dir, "scratch"),
		"spark.hadoop.javax.jdo.option.ConnectionURL":     "jdbc:derby:;databaseName=" + filepath.Join(dir, "db") + ";create=true",
		"spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir=" + dir +
			" -Dderby.system.home=" + dir + " -Dlog4j2.configurationFile=" + filepath.Join(dir, "log4j2.properties"),
	}
	if h.Metastore != "" {
		settings["spark.hadoop.hive.metastore.uris"] = h.Metastore
	}
	maps.Copy(settings, h.Properties)
	// env becomes spark-submit, as that becomes java: it stays one process.
	args := []string{"env", "SPARK_LOCAL_IP=127.0.0.1", "HADOOP_CONF_DIR=" + h.HadoopConfDir}
	// A spark-submit that pip has installed asks the Python beside it where the rest is.
	if python := filepath.Join(filepath.Dir(h.SparkSubmit), "python3"); isFile(python) {
		args = append(args, "PYSPARK_PYTHON="+python)
	}
	args = append(args, h.SparkSubmit,
		"--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "--name", "spot-hiveserver2",
		"--master", "local[2]", "--driver-memory", "512m")
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "--conf", key+"="+settings[key])
	}
	return append(args, "spark-internal",
		"--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1", "--hiveconf", "hive.server2.thrift.port="+strconv.Itoa(port))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
