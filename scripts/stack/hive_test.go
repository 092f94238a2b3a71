package main

import (
	"reflect"
	"strings"
	"testing"

	"spot-ingest/scripts/internal/stack"
)

func TestHiveOptions(t *testing.T) {
	for args, want := range map[string]server{
		"metastore": &metastoreServer{stack.Metastore{Version: "3.1.3"}},
		"metastore -version 4.0.1 -port 9083 -hadoop-conf /conf":                      &metastoreServer{stack.Metastore{Version: "4.0.1", Port: 9083, HadoopConfDir: "/conf"}},
		"hiveserver2 -metastore thrift://127.0.0.1:9083 -spark-submit /s -port 10000": &hiveServer2Server{stack.HiveServer2{Metastore: "thrift://127.0.0.1:9083", SparkSubmit: "/s", Port: 10000}},
	} {
		if got, err := parse(strings.Fields(args), nil, nil); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", args, got, err, want)
		}
	}
	for _, args := range []string{"metastore -port -1", "hiveserver2 -port 65536"} {
		if _, err := parse(strings.Fields(args), nil, nil); err == nil || !strings.Contains(err.Error(), "want 0 to 65535") {
			t.Errorf("%s: %v", args, err)
		}
	}
}
