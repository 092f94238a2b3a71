package main

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"-h", 0, "usage: go run ./scripts/stack kafka", ""},
		{"kafka -h", 0, "-topic name:partitions", ""},
		{"-h extra", 0, "usage: go run ./scripts/stack kafka", ""},
		{"", 2, "", `stack: component "": want `},
		{"oracle", 2, "", `stack: component "oracle": want `},
		{"-version 3.9.2", 2, "", `stack: component "-version": want `},
		{"hdfs -h", 0, "-datanodes number", ""},
		{"hdfs -datanodes 0", 2, "", "-datanodes 0: want 1 to 9"},
		{"kafka -topic spot", 2, "", "want name:partitions, such as spot:4"},
		{"kafka -topic spot:0", 2, "", "want name:partitions, such as spot:4"},
		{"kafka -topic :4", 2, "", "want name:partitions, such as spot:4"},
		{"kafka -port 65536", 2, "", "-port 65536: want 0 to 65535"},
		{"kafka spot:4", 2, "", `unexpected argument "spot:4"`},
		{"kafka -version newest", 1, "", `kafka version "newest": want numbers such as 4.3.1`},
	} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), strings.Fields(c.args), nil, &stdout, &stderr)
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want exit %d, %q, %q", c.args, code, &stdout, &stderr, c.code, c.stdout, c.stderr)
		}
		if (c.stdout == "") != (stdout.Len() == 0) {
			t.Errorf("%q: stdout %q", c.args, &stdout)
		}
	}
}

func TestTopics(t *testing.T) {
	s, err := parse(strings.Fields("kafka -topic flow:4 -topic dns:1 -version 3.9.2"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &kafkaServer{version: "3.9.2", topics: []topic{{"flow", 4}, {"dns", 1}}}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, want %+v", s, want)
	}
}
