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

// All three write the same rows, which the benchmark itself checks.
func TestBenchListener(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import duckdb, pyspark").CombinedOutput(); err != nil {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Skipf("python3 lacks duckdb or pyspark: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	o := listenerOptions{rows: 100_000, peers: []string{"spark", "duckdb"}, messages: 3, kafka: "4.3.1", runs: 1}
	if err := runListener(ctx, o, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"100000 rows in ", "rows a second, goal ≥ 800000", "× as fast as spark, goal ≥ 6.0", "× as fast as duckdb, goal ≥ 1.0",
		" MB, goal ≤ 400: ", "latency: 3 messages at a batch of 1 s",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	t.Log(&out)
}
