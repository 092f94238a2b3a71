package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestDDL(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(nil, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Fatalf("exit %d, stderr %q", code, &stderr)
	}
	const golden = "testdata/all.sql"
	if *update {
		if err := os.WriteFile(golden, stdout.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if stdout.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &stdout, want)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string // lines, in this order
	}{
		{"-db Spot_2 -location file:///data/spot/ proxy flow", []string{
			"CREATE EXTERNAL TABLE IF NOT EXISTS Spot_2.proxy (", "  m STRING,", "LOCATION 'file:///data/spot/proxy/hive';",
			"CREATE EXTERNAL TABLE IF NOT EXISTS Spot_2.flow (", "  m TINYINT,", "LOCATION 'file:///data/spot/flow/hive';"}},
		{"-location / dns", []string{"CREATE EXTERNAL TABLE IF NOT EXISTS spot.dns (", "LOCATION '/dns/hive';"}},
		{"-location file:/// dns", []string{"LOCATION 'file:/dns/hive';"}},
		{"-location hdfs://nameservice1/user/spot dns", []string{"LOCATION 'hdfs://nameservice1/user/spot/dns/hive';"}},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(c.args), &stdout, &stderr); code != 0 {
			t.Fatalf("%s: exit %d, %s", c.args, code, &stderr)
		}
		lines := strings.Split(stdout.String(), "\n")
		for _, want := range c.want {
			at := slices.Index(lines, want)
			if at < 0 {
				t.Fatalf("%s: no line %q (any more) in\n%s", c.args, want, &stdout)
			}
			lines = lines[at+1:]
		}
		for _, line := range lines {
			if strings.HasPrefix(line, "CREATE") || strings.Contains(line, "${") {
				t.Errorf("%s: one too many: %s", c.args, line)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"-h"}, 0, "usage: go run ./scripts/ddl", ""},
		{[]string{"netflow"}, 2, "", `ddl: table "netflow": want flow, dns or proxy`},
		{[]string{""}, 2, "", `ddl: table "": want flow, dns or proxy`},
		{[]string{"-table", "flow"}, 2, "", "ddl: flag provided but not defined: -table"},
		{[]string{"-db", ""}, 2, "", `ddl: -db "": want`},
		{[]string{"-db", "spot; DROP"}, 2, "", `ddl: -db "spot; DROP": want`},
		{[]string{"-location", "data"}, 2, "", `ddl: -location "data": want`},
		{[]string{"-location", "/it's"}, 2, "", `ddl: -location "/it's": want`},
		{[]string{"-location", "/a;b"}, 2, "", `ddl: -location "/a;b": want`},
		{[]string{"-location", "/${a}"}, 2, "", `ddl: -location "/${a}": want`},
		{[]string{"-location", "/a\nb"}, 2, "", `ddl: -location "/a\nb": want`},
		{[]string{"-location", `/a\`}, 2, "", `ddl: -location "/a\\": want`},
	} {
		var stdout, stderr bytes.Buffer
		code := run(c.args, &stdout, &stderr)
		if code != c.code || !strings.HasPrefix(stdout.String(), c.stdout) || !strings.HasPrefix(stderr.String(), c.stderr) ||
			(c.stdout == "") != (stdout.Len() == 0) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", c.args, code, &stdout, &stderr)
		}
	}
}

func TestWriteFails(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(nil, brokenPipe{}, &stderr); code != 1 || stderr.String() != "ddl: broken pipe\n" {
		t.Errorf("exit %d, %q", code, &stderr)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
