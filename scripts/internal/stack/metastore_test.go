package stack

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestMetastoreSite(t *testing.T) {
	got := string(metastoreSite("/data", map[string]string{"metastore.stats.autogather": "true"}))
	for _, want := range []string{
		"<name>metastore.warehouse.dir</name><value>file:/data/warehouse</value>",
		"<name>metastore.stats.autogather</name><value>true</value>",
		"<value>jdbc:derby:;databaseName=/data/db;create=true</value>",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%d times %q in\n%s", strings.Count(got, want), want, got)
		}
	}
}

func TestMetastoreVersions(t *testing.T) {
	programs(t, "java", "mvn")
	_, err := StartMetastore(context.Background(), Metastore{Version: "2.0"})
	if err == nil || !strings.Contains(err.Error(), `hive metastore "2.0": known are those of 3.1.3 and 4.0.1`) {
		t.Errorf("error %v", err)
	}
}

func TestHiveServer2Command(t *testing.T) {
	h := HiveServer2{SparkSubmit: "/spark/bin/spark-submit", Metastore: "thrift://127.0.0.1:9083", HadoopConfDir: "/conf",
		Properties: map[string]string{"spark.sql.shuffle.partitions": "7"}}
	got := h.command("/data", 10000)
	for _, want := range []string{"HADOOP_CONF_DIR=/conf", "spark.hadoop.hive.metastore.uris=thrift://127.0.0.1:9083",
		"spark.sql.shuffle.partitions=7", "hive.server2.thrift.port=10000", "hive.server2.thrift.bind.host=127.0.0.1"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	// What comes behind is an option of Spark's, or none of anybody's.
	if slices.Index(got, "spark-internal") < slices.Index(got, h.SparkSubmit) || slices.Contains(got, "spark.sql.shuffle.partitions=2") {
		t.Errorf("command %q", got)
	}
}

func TestMissingSparkIsNamed(t *testing.T) {
	programs(t)
	_, err := StartHiveServer2(context.Background(), HiveServer2{})
	if err == nil || !strings.Contains(err.Error(), "spark-submit is not installed") {
		t.Errorf("error %v", err)
	}
}
