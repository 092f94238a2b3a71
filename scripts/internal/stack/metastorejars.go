package stack

import (
	"context"
	"fmt"
)

// metastores are the jars of Hive's metastore, a version of it. They bring Hadoop's clients
// for local folders and HDFS along.
var metastores = map[string][]artifact{
	"3.1.3": {
		{Group: "org.apache.hive", Name: "hive-standalone-metastore", Version: "3.1.3", Without: []exclusion{
			// Its Hadoop is too old for Java 17, and nothing of HBase is used.
			{Group: "org.apache.hadoop", Name: "*"},
			{Group: "org.apache.hbase", Name: "*"},
			{Group: "jdk.tools", Name: "*"}, // comes with old JDKs alone
			{Group: "org.apache.logging.log4j", Name: "log4j-slf4j-impl"},
		}},
		{Group: "org.apache.hadoop", Name: "hadoop-common", Version: "3.4.2"},
		{Group: "org.apache.hadoop", Name: "hadoop-hdfs", Version: "3.4.2"},
		{Group: "org.apache.hadoop", Name: "hadoop-mapreduce-client-core", Version: "3.4.2"},
		{Group: "commons-collections", Name: "commons-collections", Version: "3.2.2"},
	},
	"4.0.1": {
		{Group: "org.apache.hive", Name: "hive-standalone-metastore-server", Version: "4.0.1", Without: []exclusion{
			{Group: "org.apache.hadoop", Name: "*"}, // a mixture of versions
			{Group: "jdk.tools", Name: "*"},
			{Group: "org.slf4j", Name: "slf4j-log4j12"},
			{Group: "log4j", Name: "log4j"},
		}},
		{Group: "org.apache.hadoop", Name: "hadoop-client-api", Version: "3.4.2"},
		{Group: "org.apache.hadoop", Name: "hadoop-client-runtime", Version: "3.4.2"},
		{Group: "org.apache.hadoop", Name: "hadoop-hdfs", Version: "3.4.2", Without: []exclusion{{Group: "*", Name: "*"}}},
	},
}

func metastoreJars(ctx context.Context, version string) (string, error) {
	artifacts, known := metastores[version]
	if !known {
		return "", fmt.Errorf("jars of hive metastore %q: known are those of 3.1.3 and 4.0.1", version)
	}
	return cachedJars(ctx, "hive-metastore-"+version, artifacts)
}
