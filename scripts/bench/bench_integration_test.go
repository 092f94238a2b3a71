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

// Raw files go through the real collector: no stand-in decodes them.
func TestBenchRaw(t *testing.T) {
	for _, tool := range []string{"nfdump", "tshark"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatal(err)
		} else if err != nil {
			t.Skip(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	if err := run(ctx, options{size: 2 * megabyte, types: []string{"nfcapd", "pcap"}, kafka: "4.3.1", runs: 1}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nnfcapd: ", " × as fast as nfdump prints CSV", "flows a second, goal ≥ 1000000",
		"\npcap: ", " × as fast as tshark prints CSV", " MB, goal ≤ 64: ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	t.Log(&out)
}
