//go:build integration

package integration

import (
	"encoding/json"
	"io"
	"path/filepath"
	"testing"
	"time"

	"spot-ingest/scripts/generate"
)

// A question about a minute, or about an address, is answered by a few row groups of an
// hour, and answered rightly.
func TestReadersSkip(t *testing.T) {
	t.Parallel()
	needPython(t, "duckdb", "pyarrow", "pyspark")
	need(t, "java")
	s := newSite(t, sharedKafka(t, kafka4), "flow", nil)
	s.arriveFrom("a.csv", func(w io.Writer) error {
		_, err := generate.Flow(w, generate.Options{Seed: 1, Rows: 1_000_000, Span: time.Hour})
		return err
	})
	s.run(0, s.args("--skip-conversion", "--once")...)
	s.listenOnce()
	readers := filepath.Join("testdata", "readers")
	var skipped struct {
		Files, Groups, Time int
		Address             float64
	}
	out := python(t, nil, filepath.Join(readers, "skip_duckdb.py"), s.warehouse("hive"))
	if err := json.Unmarshal(out, &skipped); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%d files, %d row groups: a minute skips %d of them, an address that is nowhere %.1f",
		skipped.Files, skipped.Groups, skipped.Time, skipped.Address)
	if skipped.Groups < 4 || skipped.Time < skipped.Groups/3 || skipped.Address < 0.9*float64(skipped.Groups) {
		t.Error("too few")
	}
	t.Logf("Spark: %s", python(t, nil, filepath.Join(readers, "skip_spark.py"), s.warehouse("hive"), "sip", "dip"))
}
