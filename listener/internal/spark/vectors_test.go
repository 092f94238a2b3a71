//go:build integration

package spark

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// A vector is a row in a time zone, and its values and folder, or the reason why it is bad.
type vector struct {
	Table  string  `json:"table"`
	Zone   string  `json:"zone"`
	Text   *string `json:"row"`
	Base64 []byte  `json:"row_b64"`
	outcome
}

type outcome struct {
	Values []any  `json:"values"`
	Folder string `json:"folder"`
	Reason string `json:"reason"`
}

func (v vector) row() []byte {
	if v.Text != nil {
		return []byte(*v.Text)
	}
	return v.Base64
}

// A question is what the job is asked: rows of one table and zone.
type question struct {
	Table string     `json:"table"`
	Zone  string     `json:"zone"`
	Gaps  [][3]int64 `json:"gaps"`
	Rows  [][]byte   `json:"rows"`
}

// TestVectors makes sure that the job makes of every vector, and of every recorded row of the
// original, what package table makes of it.
func TestVectors(t *testing.T) {
	vectors := append(readVectors(t), recordedVectors(t)...)
	var questions []question
	var asked [][]vector
	at := make(map[string]int)
	for _, v := range vectors {
		key := v.Table + " " + v.Zone
		i, known := at[key]
		if !known {
			i = len(questions)
			at[key] = i
			name, gaps, err := Zone(v.Zone)
			if err != nil {
				t.Fatal(err)
			}
			questions = append(questions, question{Table: v.Table, Zone: name, Gaps: gaps})
			asked = append(asked, nil)
		}
		questions[i].Rows = append(questions[i].Rows, v.row())
		asked[i] = append(asked[i], v)
	}
	rows, bad := 0, 0
	for i, outcomes := range ask(t, questions) {
		if len(outcomes) != len(asked[i]) {
			t.Fatalf("%d answers to %d rows", len(outcomes), len(asked[i]))
		}
		for j, got := range outcomes {
			want := asked[i][j]
			rows++
			if want.Reason != "" {
				bad++
			}
			if difference := differ(want.Table, got, want.outcome); difference != "" {
				t.Errorf("%s in %s, %q: %s", want.Table, want.Zone, want.row(), difference)
			}
		}
	}
	if rows < 2500 || bad < 900 {
		t.Errorf("only %d rows, %d of them bad", rows, bad)
	}
	t.Logf("%d rows, %d of them bad", rows, bad)
}

// differ tells how two outcomes differ. A FLOAT is compared as one.
func differ(name string, got, want outcome) string {
	schema := table.Of(config.Type(name)).Schema
	for i := range got.Values {
		if i < len(schema) && schema[i].Type == columns.Float32 {
			got.Values[i], want.Values = float(got.Values[i]), slices.Clone(want.Values)
			want.Values[i] = float(want.Values[i])
		}
	}
	if fmt.Sprintf("%#v", got) == fmt.Sprintf("%#v", want) {
		return ""
	}
	return fmt.Sprintf("\n got %#v\nwant %#v", got, want)
}

func float(v any) any {
	switch v {
	case "NaN", "+Inf", "-Inf":
		return v
	}
	number, _ := v.(json.Number)
	f, err := number.Float64()
	if err != nil {
		return v
	}
	return math.Float32bits(float32(f))
}

// ask runs the job's modules over the questions, in one Spark.
func ask(t *testing.T, questions []question) [][]outcome {
	submit, jars := pyspark(t)
	dir := t.TempDir()
	asked, answers := filepath.Join(dir, "asked"), filepath.Join(dir, "answers")
	var b bytes.Buffer
	for _, q := range questions {
		if err := json.NewEncoder(&b).Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(asked, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Glob("job/*.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(submit, "--master", "local[1]", "--driver-memory", "1g", "--conf", "spark.ui.enabled=false", "--jars", jars,
		"--py-files", strings.Join(modules, ","), filepath.Join("testdata", "vectors.py"), asked, answers)
	cmd.Env = append(os.Environ(), "SPARK_LOCAL_IP=127.0.0.1")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out[max(0, len(out)-4000):])
	}
	t.Logf("Spark took %v", time.Since(start).Round(time.Second))
	return readLines[[]outcome](t, answers)
}

// pyspark returns the spark-submit on the PATH, and the jars for its --jars.
func pyspark(t *testing.T) (submit, jars string) {
	t.Helper()
	submit, err := exec.LookPath("spark-submit")
	if err != nil {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatal(err)
		}
		t.Skipf("no spark-submit on the PATH: %v", err)
	}
	cmd := exec.Command("go", "run", "./scripts/stack", "spark", "-jars")
	cmd.Dir = filepath.Join("..", "..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return submit, strings.TrimSpace(string(out))
}

func readVectors(t *testing.T) []vector {
	return readLines[vector](t, filepath.Join("..", "table", "testdata", "vectors.jsonl"))
}

func readLines[T any](t *testing.T, file string) (out []T) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	d.UseNumber()
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, v)
	}
	return out
}

// recordedVectors are the rows of recordings of the original, if they are there, and what
// package table makes of them: it is compared with the recordings elsewhere.
func recordedVectors(t *testing.T) (out []vector) {
	files, err := filepath.Glob("../../../../shared/golden/*/*/expected_segments.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recorded struct {
			Rows []json.RawMessage `json:"accepted_rows"`
		}
		if err := json.Unmarshal(text, &recorded); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := filepath.Base(filepath.Dir(filepath.Dir(file)))
		for _, raw := range recorded.Rows {
			row := recordedRow(t, raw)
			for _, zone := range []string{"UTC", "America/New_York"} {
				out = append(out, vector{Table: name, Zone: zone, Base64: row, outcome: parse(t, name, zone, row)})
			}
		}
	}
	return out
}

// recordedRow reads a row, a string or base64 where it is not UTF-8.
func recordedRow(t *testing.T, raw json.RawMessage) []byte {
	var text string
	var other struct{ B64 []byte }
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	if err := json.Unmarshal(raw, &other); err != nil {
		t.Fatal(err)
	}
	return other.B64
}

// parse returns what package table makes of a row.
func parse(t *testing.T, name, zone string, row []byte) (o outcome) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	tab := table.Of(config.Type(name))
	p := tab.NewParser(location)
	hour, err := p.Parse(row)
	if err != nil {
		return outcome{Reason: err.Error()}
	}
	o.Folder = tab.Folder(hour)
	rows := columns.New(tab.Schema)
	p.Append(rows)
	for i := range rows.Columns {
		o.Values = append(o.Values, jsonValue(&rows.Columns[i], tab.Schema[i].Type))
	}
	return o
}

// jsonValue is the first value of a column, as JSON has it.
func jsonValue(v *columns.Values, typ columns.Type) any {
	switch typ {
	case columns.Int32:
		return json.Number(fmt.Sprint(v.Int32s[0]))
	case columns.Int64:
		return json.Number(fmt.Sprint(v.Int64s[0]))
	case columns.Float32:
		if f := float64(v.Float32s[0]); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprint(f)
		}
		return json.Number(fmt.Sprint(v.Float32s[0]))
	}
	return string(v.String(0))
}
