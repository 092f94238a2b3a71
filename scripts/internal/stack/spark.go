package stack

import (
	"context"
	"fmt"
	"path/filepath"
)

// sparkKafka are the jars by which Spark reads from Kafka, a version of Spark. What else
// they depend on Spark brings along.
var sparkKafka = map[string][]artifact{
	"3.5.7": {
		{Group: "org.apache.spark", Name: "spark-sql-kafka-0-10_2.12", Version: "3.5.7"},
		{Group: "org.apache.spark", Name: "spark-token-provider-kafka-0-10_2.12", Version: "3.5.7"},
		{Group: "org.apache.spark", Name: "spark-avro_2.12", Version: "3.5.7"},
		{Group: "org.apache.kafka", Name: "kafka-clients", Version: "3.4.1"},
		{Group: "org.apache.commons", Name: "commons-pool2", Version: "2.11.1"},
	},
	"4.1.1": {
		{Group: "org.apache.spark", Name: "spark-sql-kafka-0-10_2.13", Version: "4.1.1"},
		{Group: "org.apache.spark", Name: "spark-token-provider-kafka-0-10_2.13", Version: "4.1.1"},
		{Group: "org.apache.spark", Name: "spark-avro_2.13", Version: "4.1.1"},
		{Group: "org.apache.kafka", Name: "kafka-clients", Version: "3.9.1"},
		{Group: "org.apache.commons", Name: "commons-pool2", Version: "2.12.1"},
	},
}

// SparkKafkaJars returns the jars that a version of Spark needs on top of its own to read
// Avro from Kafka, for --jars. Spark itself comes with Python's package pyspark. They are
// fetched once, as Kafka's are.
func SparkKafkaJars(ctx context.Context, version string) ([]string, error) {
	artifacts, known := sparkKafka[version]
	if !known {
		return nil, fmt.Errorf("jars for Kafka of spark %q: not known for this version", version)
	}
	alone := make([]artifact, len(artifacts))
	for i, a := range artifacts {
		a.Without = []exclusion{{Group: "*", Name: "*"}}
		alone[i] = a
	}
	dir, err := cachedJars(ctx, "spark-kafka-"+version, alone)
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "*.jar"))
}
