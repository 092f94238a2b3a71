package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shipped = "../../ingest_conf.json"

// Scripts edit the shipped file by replacing these texts, byte for byte; each stands on
// a line of its own, in this order.
func TestShippedLiterals(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	literals, err := os.ReadFile("testdata/shipped-literals.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(literals), "\n"), "\n")
	var got []string
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimLeft(line, " "); strings.HasPrefix(line, `"`) {
			got = append(got, line)
		}
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing at the end: %s", want[i])
		case i >= len(want):
			t.Errorf("one too many: %s", got[i])
		case got[i] != want[i]:
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if !json.Valid(text) {
		t.Error("no valid JSON")
	}
}

// The shipped file, edited as scripts do, is complete; unedited it says what is not.
func TestShippedEdited(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Kafka(); err == nil || !strings.Contains(err.Error(), `kafka.kafka_server is still the placeholder "kafka ip"`) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"flow", "dns", "proxy"} {
		if _, err := cfg.Collector(name); err == nil || !strings.Contains(err.Error(), `is still the placeholder "/collector_path/`+name) {
			t.Errorf("got %v", err)
		}
	}
	if w, err := cfg.Warehouse(); err != nil || w != (Warehouse{}) {
		t.Errorf("got %+v, %v: the placeholders count as unset", w, err)
	}
	edited := strings.NewReplacer(
		`"kafka ip"`, `"10.0.0.7"`,
		`"kafka port"`, `"9093"`,
		`"database name"`, `"spot"`,
		`"hdfs application path"`, `"/user/spot"`,
		`"driver_memory":"",`, `"driver_memory":"1g",`,
		`/collector_path`, `/data`,
	).Replace(string(text))
	path := filepath.Join(t.TempDir(), "ingest_conf.json")
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err = Load(path); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]any)
	if all["kafka"], err = cfg.Kafka(); err != nil {
		t.Error(err)
	}
	if all["spark-streaming"], err = cfg.Listener(); err != nil {
		t.Error(err)
	}
	if all["warehouse"], err = cfg.Warehouse(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"flow", "dns", "proxy"} {
		if all[name], err = cfg.Collector(name); err != nil {
			t.Error(err)
		}
	}
	got, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/shipped-edited.golden.json", append(got, '\n'))
}
