//go:build integration

package stack

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestSparkKafkaJarsAreWhatSparkNeeds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a first run fetches jars
	defer cancel()
	jars, err := SparkKafkaJars(ctx, "4.1.1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, jar := range jars {
		names = append(names, filepath.Base(jar))
	}
	want := []string{
		"commons-pool2-2.12.1.jar", "kafka-clients-3.9.1.jar", "spark-avro_2.13-4.1.1.jar",
		"spark-sql-kafka-0-10_2.13-4.1.1.jar", "spark-token-provider-kafka-0-10_2.13-4.1.1.jar",
	}
	if !slices.Equal(names, want) {
		t.Errorf("jars %q, want %q", names, want)
	}
}
