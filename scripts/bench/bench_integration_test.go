//go:build integration

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

func TestBench(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	o := options{size: 3 * megabyte, types: []string{"flow", "dns", "proxy"}, kafka: "4.3.1", runs: 2, collector: self(t, "collector")}
	if err := run(ctx, o, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"flow: 3.0 MB", "dns: 3.0 MB", "proxy: 3.0 MB", "kcat -P", "× kcat's, goal ≤ 1.30", "MB a CPU second, goal ≥ 400"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	o.types, o.collector = []string{"flow"}, self(t, "lossy")
	if err := run(ctx, o, &out); err == nil || !strings.Contains(err.Error(), "have arrived, the file has") {
		t.Errorf("a collector that loses a row: %v", err)
	}
}
