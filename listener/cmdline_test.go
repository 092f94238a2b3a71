package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What ends before a message is read.
func TestEndsAtOnce(t *testing.T) {
	t.Parallel()
	usual := func(more ...string) []string {
		return append([]string{"-t", "flow", "--topic", topic, "-p", "3", "-m", "local"}, more...)
	}
	tests := []struct {
		name string
		args []string
		edit func(s *site)
		code int
		out  string // regular expression on stdout
		err  string // and on stderr; empty: nothing is there
	}{
		{name: "help", args: []string{"-h"}, out: `^usage: Start Spark Job for Streaming Listener Daemon`},
		{name: "help without a config", args: []string{"--help", "-c", "missing"}, out: `^usage: `},
		{name: "version", args: []string{"--version"}, out: `^listener devel( \(commit .*\))?\n$`},
		{name: "nothing", code: 2, err: `(?s)^usage: .*argument -p/--partitions is required\n$`},
		{name: "no topic", args: []string{"-t", "flow", "-p", "1"}, code: 2, err: `argument --topic is required`},
		{name: "no type", args: []string{"-t", "foo", "--topic", topic, "-p", "1"}, code: 2, err: `invalid choice: 'foo' \(choose from 'dns', 'flow', 'proxy'\)`},
		{name: "-p in words", args: []string{"-t", "flow", "--topic", topic, "-p", "many"}, code: 2, err: `argument -p/--partitions: `},
		{name: "-p 0", args: usual("-p", "0"), code: 1, err: `-p/--partitions is 0: want 1 or more`},
		{name: "empty topic", args: usual("--topic", ""), code: 2, err: `--topic is empty`},
		{name: "--from", args: usual("--from", "yesterday"), code: 2, err: `--from: invalid position: 'yesterday'`},
		{name: "--bad-row-limit", args: usual("--bad-row-limit", "-1"), code: 2, err: `--bad-row-limit`},
		{name: "no config", args: usual("-c", "missing.json"), code: 1, err: `missing.json`},
		{name: "broken config", args: usual("-c", "broken.json"), edit: func(s *site) { s.write("{", "broken.json") }, code: 1, err: `broken.json`},
		{name: "broken setting", args: usual(), edit: func(s *site) { s.set("spark_batch_size", "often") }, code: 1, err: `spark-streaming.spark_batch_size is "often"`},
		{name: "broken codec", args: usual(), edit: func(s *site) { s.set("parquet_compression", "brotli") }, code: 1, err: `spark-streaming.parquet_compression is "brotli"`},
		{name: "placeholder", args: usual(), edit: func(s *site) { s.conf["kafka"] = map[string]any{"kafka_server": "kafka ip"} }, code: 1, err: `kafka_server is still the placeholder "kafka ip"`},
		{name: "no place", args: usual(), edit: func(s *site) { s.conf["hdfs_app_path"] = "hdfs application path" }, code: 1, err: `neither HUSER of .*spot.conf nor hdfs_app_path of ingest_conf.json is set`},
		{name: "HDFS away", args: usual("--once"), edit: func(s *site) {
			s.conf["hdfs_app_path"] = "hdfs://127.0.0.1:1/user/spot"
			s.plight.Patience = time.Second
		}, code: 1,
			out: `HDFS is not available, trying again: `, err: `HDFS has not been available for 1s: .*connection refused`},
		{name: "S3", args: usual(), edit: func(s *site) { s.conf["hdfs_app_path"] = "s3a://bucket/spot" }, code: 1, err: `tables can be on HDFS .* and in local folders`},
		{name: "Hive away", args: usual("--once"), edit: func(s *site) {
			s.hive(map[string]any{"metastore": "thrift://127.0.0.1:1"})
			s.plight.Patience = time.Second
		}, code: 1,
			out: `Hive is not available, trying again: `, err: `Hive has not been available for 1s: .*section hive of ingest_conf.json`},
		{name: "Hive without a database", args: usual(), edit: func(s *site) { s.hive(map[string]any{"metastore": "h"}); delete(s.conf, "dbname") }, code: 1, err: `dbname of ingest_conf.json is not set`},
		{name: "--create-table without Hive", args: usual("--create-table"), code: 1, err: `--create-table: set .*metastore`},
		{name: "a file in the way", args: usual(), edit: func(s *site) { s.write("", "warehouse") }, code: 1, err: `warehouse`},
		{name: "yarn, no Spark", args: usual("-m", "yarn"), edit: func(s *site) { s.env = []string{"PATH=" + s.dir} }, code: 2, err: `^Failed to submit Spark Job!\n.*neither spark2-submit nor spark-submit is on the PATH`},
		{name: "Mesos", args: usual("-m", "mesos://h:5050"), edit: (*site).installSpark, code: 2, err: `^Failed to submit Spark Job!\n.*does not run on Mesos`},
		{name: "Spark, no place", args: usual("-m", "yarn"), edit: func(s *site) { s.installSpark(); s.conf["hdfs_app_path"] = "" }, code: 1, err: `neither HUSER of .*spot.conf nor hdfs_app_path of ingest_conf.json is set`},
		{name: "Spark on S3", args: usual("-m", "yarn"), edit: func(s *site) { s.installSpark(); s.conf["hdfs_app_path"] = "s3a://bucket/spot" }, code: 1, err: `tables can be on HDFS`},
		{name: "no -m, no Spark, no explicit place", args: []string{"-t", "flow", "--topic", topic, "-p", "3"}, code: 1, err: `give --master local or write file:///`,
			edit: func(s *site) { s.env = []string{"PATH=" + s.dir} }},
		{name: "kinit refuses", args: usual(), edit: (*site).installKinit, code: 1, err: `^listener: error: KRB_AUTH is set: .*/kinit for spot@EXAMPLE.COM failed: exit status 1: no such key\n$`},
		{name: "no Kerberos settings", args: usual(), edit: func(s *site) { s.env = []string{"KRB_AUTH=1"} }, code: 1, err: `KRB_AUTH is set: .*spot.conf`},
		{name: "no such topic", args: []string{"-t", "flow", "--topic", "missing", "-p", "3", "-m", "local"}, code: 1, err: `"missing"`},
		{name: "-r into no folder", args: usual("-r", "missing/x.log"), code: 1, err: `redirect standard error \(-r\)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, "flow")
			if tt.edit != nil {
				tt.edit(s)
			}
			p := s.runCommand(tt.code, tt.args...)
			if out := p.stdout.String(); !regexp.MustCompile(tt.out).MatchString(out) {
				t.Errorf("stdout %q, want %s", out, tt.out)
			}
			if err := p.stderr.String(); !regexp.MustCompile(tt.err).MatchString(err) || tt.err == "" && err != "" {
				t.Errorf("stderr %q, want %s", err, tt.err)
			}
			if strings.Contains(p.stderr.String(), "panic") {
				t.Error("panic")
			}
		})
	}
}

// hive has the configuration say where Hive is.
func (s *site) hive(section map[string]any) {
	s.conf["hive"] = section
	s.conf["dbname"] = "spot"
}

// installSpark puts a spark-submit first on the PATH. Nobody may start it.
func (s *site) installSpark() {
	s.t.Helper()
	script := "#!/bin/sh\ntouch " + s.path("started") + "\n"
	if err := os.WriteFile(s.path("spark-submit"), []byte(script), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+s.dir+":"+os.Getenv("PATH"))
	s.t.Cleanup(func() {
		if _, err := os.Stat(s.path("started")); err == nil {
			s.t.Error("Spark was started")
		}
	})
}

// installKinit asks for Kerberos, with a kinit that grants no ticket.
func (s *site) installKinit() {
	s.t.Helper()
	kinit := s.write("#!/bin/sh\necho no such key >&2\nexit 1\n", "kinit")
	if err := os.Chmod(kinit, 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "KRB_AUTH=1", "KINITPATH="+kinit)
	s.write("KERBEROS='true'\nKEYTAB='spot.keytab'\nPRINCIPAL='spot@EXAMPLE.COM'\nSASL_MECH='GSSAPI'\nSECURITY_PROTO='sasl_plaintext'\n", "spot.conf")
}

// Options of the Python program that mean nothing here do no harm, and are said once.
func TestAccepted(t *testing.T) {
	s := newSite(t, "flow")
	s.installSpark()
	s.send(0, rows(0, 10)...)
	s.set("driver_memory", "1g")
	s.set("spark_exec", 4)
	s.set("spark_executor_memory", "2g")
	s.set("spark_executor_cores", "2")
	p := s.run(0, "-d", "cluster", "-n", "spot", "-g", "mine", "-p", "99", "-l", "debug", "--from", "earliest", "--once")
	s.wantNumbers(0, 10)
	for _, text := range []string{
		"For Spark only, and not used by the embedded engine: --deploy-mode, --app-name, driver_memory, spark_exec, spark_executor_memory, spark_executor_cores.",
		`-p is 99, but topic "T" has 3 partitions: that does no harm.`,
	} {
		if n := strings.Count(p.stdout.String(), text); n != 1 {
			t.Errorf("said %d times: %q", n, text)
		}
	}
	if got := s.files("commits/T/mine"); len(got) == 0 {
		t.Errorf("no commit log of group mine")
	}
}

func TestRedirect(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, rows(0, 10)...)
	log := s.write("old text", "spark.log")
	p := s.run(0, "-r", "spark.log", "--from", "earliest", "--once")
	p.says("Received netflow segments from topic. [Rows: 10]")
	if text, err := os.ReadFile(log); err != nil || len(text) != 0 {
		t.Errorf("left: %q, %v", text, err)
	}
	p = s.run(2, "-r", "spark.log", "-m", "mesos://h:5050")
	text, err := os.ReadFile(log)
	if err != nil || !strings.HasPrefix(string(text), "Failed to submit Spark Job!\nlistener: error: --master mesos") || p.stderr.String() != "" {
		t.Errorf("spark.log %q, %v; stderr %q", text, err, p.stderr)
	}
}

// A pipeline's name does for -t what its type does.
func TestPipelineName(t *testing.T) {
	s := newSite(t, "flow")
	s.conf["pipelines"] = map[string]any{"flow_internals": map[string]any{"type": "flow"}}
	s.send(0, rows(0, 10)...)
	s.run(0, "-t", "flow_internals", "--from", "earliest", "--once")
	s.wantNumbers(0, 10)
}

// The table lies where Spot's own settings say; a scheme says that it is on this host.
func TestPlace(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, rows(0, 10)...)
	s.write(fmt.Sprintf("HUSER='file://%s'\n", s.path("huser")), "spot.conf")
	p := s.runCommand(0, "-t", "flow", "--topic", topic, "-p", "1", "--engine", "embedded", "--from", "earliest", "--once")
	p.says("the tables lie where the former says", "Engine: embedded (--engine embedded).", "The table lies in \""+s.path("huser", "flow", "hive")+"\"")
	if got := s.numbers(); len(got) != 0 {
		t.Errorf("in hdfs_app_path: %v", got)
	}
	s.conf["hdfs_app_path"] = s.path("huser")
	if err := os.Rename(s.path("huser"), s.path("warehouse")); err != nil {
		t.Fatal(err)
	}
	s.wantNumbers(0, 10)
}

func TestJSONLogs(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, row(0), "bad")
	p := s.run(0, "--from", "earliest", "--once", "--json-logs")
	n := 0
	for l := range strings.Lines(p.stdout.String()) {
		if !regexp.MustCompile(`^\{"time":"[^"]+","level":"(INFO|WARNING)","logger":"SPOT\.INGEST\.[A-Z]+","message":".+"\}\n$`).MatchString(l) {
			t.Errorf("%s", l)
		}
		n++
	}
	if n < 5 {
		t.Errorf("%d lines", n)
	}
}
