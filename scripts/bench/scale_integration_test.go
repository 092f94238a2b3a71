//go:build integration

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Listeners store all rows, which the benchmark itself checks. Spark, which takes minutes, is
// left to the tests of its own.
func TestBenchScale(t *testing.T) {
	if _, err := exec.LookPath("spark-submit"); err != nil {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	all := setups
	setups = []setup{{embedded, 1, onHDFS}, {embedded, 2, onHDFS}}
	defer func() { setups = all }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	o := scaleOptions{rows: 50_000, partitions: 4, runs: 1, kafka: "4.3.1"}
	if err := runScale(ctx, o, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"50000 rows in ", "few are 5000 rows", "\n| 1 listener | HDFS | ", "\n| 2 listeners | HDFS | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	t.Log(&out)
}
