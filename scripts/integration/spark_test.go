//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

var standalone struct {
	once    sync.Once
	spark   stack.Spark
	jars    []string
	cluster *stack.RunningSparkCluster
	err     error
}

// sharedSpark returns the standalone cluster that all tests share, and the jars that its jobs
// need. Nobody stops it before the end.
func sharedSpark(t *testing.T) *stack.RunningSparkCluster {
	t.Helper()
	for _, program := range []string{"java", "mvn", "spark-submit"} {
		need(t, program)
	}
	s := &standalone
	s.once.Do(func() { s.cluster, s.err = startSpark() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.cluster
}

func startSpark() (*stack.RunningSparkCluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a first run fetches jars
	defer cancel()
	var err error
	if standalone.spark, err = stack.FindSpark(ctx); err != nil {
		return nil, err
	}
	if standalone.jars, err = stack.SparkKafkaJars(ctx, standalone.spark.Version); err != nil {
		return nil, err
	}
	return stack.StartSparkCluster(ctx, stack.SparkCluster{Spark: standalone.spark, Workers: 1, Cores: 2, Memory: 1200})
}

// onSpark has the site's listeners start jobs of small memory, with jars that are there.
func (s *site) onSpark(spark stack.Spark, jars []string) {
	streaming, _ := s.conf["spark-streaming"].(map[string]any)
	if streaming == nil {
		streaming = make(map[string]any)
		s.conf["spark-streaming"] = streaming
	}
	maps.Copy(streaming, map[string]any{
		"driver_memory": "700m", "spark_executor_memory": "900m", "spark_jars": strings.Join(jars, ","),
	})
	s.env = append(append(s.env, spark.Env()...), "PATH="+filepath.Dir(spark.Submit)+":"+os.Getenv("PATH"))
	s.writeConf()
}

// A comparison is a topic that the embedded engine and a Spark job have read, each into a
// table of its own.
type comparison struct {
	*exactSite
	cluster *cluster
}

// newComparison sends what the golden tests and the generator have of a type, and what is
// bad in all sorts of ways, by the collector where it takes that.
func newComparison(t *testing.T, kind string) *comparison {
	t.Helper()
	c := &comparison{exactSite: &exactSite{site: newSite(t, sharedKafka(t, kafka4), kind, nil), count: partitions}, cluster: sharedCluster(t)}
	text := append(generated(t, kind, 2_000_000), strings.Join(extremes[kind], "\n")+"\n"...)
	c.arrive("a.log", text)
	c.run(0, c.args("--skip-conversion", "--once")...)
	c.produce(segment{rows: append([]string{"", "a", ",,,", strings.Repeat(",", 60), "\xff", `"`, "2018-03-20 09:00:00"}, extremes[kind]...)})
	folder := filepath.Join("..", "..", "..", "shared", "golden", kind)
	cases, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Logf("without recorded data, which lies beside the repository")
	}
	for _, golden := range cases {
		var sent recording
		if err := json.Unmarshal(readFile(t, filepath.Join(golden, "expected_segments.json")), &sent); err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, row := range sent.Rows {
			rows = append(rows, string(row))
		}
		if len(rows) > 0 {
			c.produce(segment{rows: rows})
		}
	}
	return c
}

// read has an engine read the topic into the database of that name.
func (c *comparison) read(engine string, args ...string) {
	c.t.Helper()
	c.onHDFS(c.cluster, engine)
	args = append(args, "-g", c.topic+"-"+engine, "-p", fmt.Sprint(partitions), "--from", "earliest", "--once", "--create-table")
	p := c.launch(engine, listenerBinary(c.t), c.args(args...)...)
	if code := p.end(); code != 0 {
		c.t.Fatalf("%s: exit code %d", engine, code)
	}
}

// same wants the tables of two databases to have the same rows.
func (c *comparison) same(a, b string) {
	c.t.Helper()
	a, b = c.databaseOf(a)+"."+c.kind, c.databaseOf(b)+"."+c.kind
	const both = "SELECT count(*) FROM (SELECT * FROM %[1]s EXCEPT ALL SELECT * FROM %[2]s)"
	got := c.cluster.query(c.t, fmt.Sprintf("SELECT count(*) FROM %[1]s UNION ALL SELECT count(*) FROM %[2]s UNION ALL ("+both+") UNION ALL (SELECT count(*) FROM (SELECT * FROM %[2]s EXCEPT ALL SELECT * FROM %[1]s))", a, b))
	if len(got) != 4 || got[0] != got[1] || got[0] == "0" || got[2] != "0" || got[3] != "0" {
		c.t.Errorf("%s and %s: rows, and rows that the other has not: %q", a, b, got)
	}
	c.t.Logf("%s rows in %s and %s", got[0], a, b)
}

// letters returns the dead letters that an engine has set aside, without their order.
func (c *comparison) letters(engine string) map[string]int {
	c.t.Helper()
	c.mirror(c.cluster.hdfs.NameNodes()[0], engine)
	files, err := filepath.Glob(c.warehouse("dead_letter", "*.jsonl"))
	if err != nil {
		c.t.Fatal(err)
	}
	letters := make(map[string]int)
	for _, file := range files {
		for line := range bytes.Lines(readFile(c.t, file)) {
			var letter map[string]any
			if err := json.Unmarshal(line, &letter); err != nil {
				c.t.Fatalf("%s: %v: %s", file, err, line)
			}
			text, err := json.Marshal(letter) // in one order of keys
			if err != nil {
				c.t.Fatal(err)
			}
			letters[string(text)]++
		}
	}
	return letters
}

// What a Spark job stores in Hive's table and sets aside is what the listener itself does: on
// a standalone cluster, and with an older Spark in one process.
func TestSparkStoresTheSame(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"flow", "dns", "proxy"} {
		t.Run(kind, func(t *testing.T) {
			cluster := sharedSpark(t)
			c := newComparison(t, kind)
			c.read("embedded", "--master", "local")
			want := c.letters("embedded")
			if len(want) < 5 {
				t.Errorf("only %d dead letters", len(want))
			}
			c.onSpark(standalone.spark, standalone.jars)
			c.read("spark4", "--master", cluster.URL())
			c.same("embedded", "spark4")
			compareRows(t, "dead letters of Spark", c.letters("spark4"), want)
			older, jars := olderSpark(t)
			c.onSpark(older, jars)
			c.read("spark3", "--master", "local[2]", "--engine", "spark")
			c.same("embedded", "spark3")
			compareRows(t, "dead letters of Spark 3", c.letters("spark3"), want)
		})
	}
}

// olderSpark is the Spark 3.5 whose programs are in the folder that SPOT_SPARK3 names.
func olderSpark(t *testing.T) (stack.Spark, []string) {
	t.Helper()
	folder := os.Getenv("SPOT_SPARK3")
	if folder == "" {
		missing(t, "SPOT_SPARK3 does not name the folder of the programs of pyspark 3.5.7")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a first run fetches jars
	defer cancel()
	spark, err := stack.SparkOf(ctx, filepath.Join(folder, "spark-submit"))
	if err != nil {
		t.Fatal(err)
	}
	jars, err := stack.SparkKafkaJars(ctx, spark.Version)
	if err != nil {
		t.Fatal(err)
	}
	return spark, jars
}
