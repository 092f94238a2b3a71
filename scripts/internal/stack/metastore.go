package stack

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Metastore says which Hive metastore to start.
type Metastore struct {
	// Version as Maven knows it: 3.1.3 or 4.0.1.
	Version string
	// Port for clients; 0 takes a free one.
	Port int
	// HadoopConfDir is the folder of core-site.xml and hdfs-site.xml, if locations are to be
	// in HDFS; none if it is empty.
	HadoopConfDir string
	// Properties are added to metastore-site.xml and win over what stands there.
	Properties map[string]string
}

// A MetastoreServer is a Hive metastore with a database and a warehouse folder of its own.
// It makes partitions' folders as the user of this process, in local folders, or as the one
// who asks, in HDFS.
type MetastoreServer struct{ *service }

// URI is the address as Hive's clients have it: thrift://127.0.0.1:9083.
func (m *MetastoreServer) URI() string { return "thrift://" + m.Addr() }

// Warehouse is the folder of databases and managed tables.
func (m *MetastoreServer) Warehouse() string { return filepath.Join(m.dir, "warehouse") }

// metastoreProgram is what runs: Java compiles it when it starts.
//
//go:embed metastore.java
var metastoreProgram []byte

// logging keeps the log to warnings, by Log4j 1 and by Log4j 2.
const (
	log4j1 = "log4j.rootLogger=WARN,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n" +
		"log4j.appender.out.layout=org.apache.log4j.PatternLayout\nlog4j.appender.out.layout.ConversionPattern=%d %p %c: %m%n\n"
	log4j2 = "rootLogger.level=warn\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\nappender.out.name=out\n" +
		"appender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %c: %m%n\n"
)

// StartMetastore fetches the version if needed, makes an empty database, and returns once it
// takes connections. Errors hold the end of its log. The context bounds the start alone. The
// caller owns the metastore and must Close it.
func StartMetastore(ctx context.Context, m Metastore) (*MetastoreServer, error) {
	name := "hive metastore " + m.Version
	java, err := find("java", "default-jdk-headless")
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	jars, err := metastoreJars(ctx, m.Version)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s, err := startService(ctx, m.Port != 0, func() (*service, error) {
		s, err := newService(name, m.Port)
		if err != nil {
			return nil, err
		}
		classes := s.dir
		if m.HadoopConfDir != "" {
			classes += ":" + m.HadoopConfDir
		}
		s.command = []string{java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-Djava.io.tmpdir=" + s.dir, "-Dderby.system.home=" + s.dir, "-cp", classes + ":" + filepath.Join(jars, "*"),
			filepath.Join(s.dir, "metastore.java"), strconv.Itoa(s.port)}
		return s, writeAll(s.dir, map[string][]byte{
			"metastore.java": metastoreProgram, "metastore-site.xml": metastoreSite(s.dir, m.Properties),
			"log4j.properties": []byte(log4j1), "log4j2.properties": []byte(log4j2),
		})
	})
	if err != nil {
		return nil, err
	}
	return &MetastoreServer{s}, nil
}

// metastoreSite are settings for an embedded database, which is made at the first start,
// and those that keep the metastore from what only the whole of Hive has.
func metastoreSite(dir string, extra map[string]string) []byte {
	p := map[string]string{
		"javax.jdo.option.ConnectionURL":           "jdbc:derby:;databaseName=" + filepath.Join(dir, "db") + ";create=true",
		"datanucleus.schema.autoCreateAll":         "true",
		"metastore.schema.verification":            "false",
		"metastore.warehouse.dir":                  "file:" + filepath.Join(dir, "warehouse"),
		"metastore.expression.proxy":               "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
		"metastore.task.threads.always":            "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
		"metastore.event.db.notification.api.auth": "false",
		"metastore.stats.autogather":               "false",
	}
	maps.Copy(p, extra)
	var properties [][2]string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		properties = append(properties, [2]string{name, p[name]})
	}
	return hadoopConf(properties)
}

func writeAll(dir string, files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("configure: %w", err)
		}
	}
	return nil
}
