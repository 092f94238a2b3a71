package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSpotHiveServer2(t *testing.T) {
	for _, c := range []struct{ host, port, want, err string }{
		{"", "", "", ""},
		{"", "10000", "", ""},
		{"node", "", "node:10000", ""},
		{" hs2.example.com ", " 10001 ", "hs2.example.com:10001", ""},
		{"[2001:db8::1]", "", "[2001:db8::1]:10000", ""},
		{"hs2:10001", "", "hs2:10001", ""},
		{"hs2:10001", "10000", "", `/etc/spot.conf: HS2_HOST is "hs2:10001" and HS2_PORT "10000": want a host`},
		{"${GWNODE}", "10000", "", `HS2_HOST is "${GWNODE}"`},
		{"hs2", "port", "", `HS2_PORT "port"`},
	} {
		got, err := SpotHiveServer2(map[string]string{"HS2_HOST": c.host, "HS2_PORT": c.port}, SpotConf)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}

func TestFindMetastore(t *testing.T) {
	site := func(uris string) string {
		return "<configuration><property><name>hive.metastore.uris</name><value>" + uris + "</value></property></configuration>"
	}
	const hive, spark, hadoop = "HIVE_CONF_DIR", "SPARK_CONF_DIR", "HADOOP_CONF_DIR"
	for _, c := range []struct {
		name  string
		files map[string]string // hive-site.xml, by the variable that names its folder
		want  []string
		from  string // the variable
		err   string
	}{
		{name: "no folder"},
		{name: "no file", files: map[string]string{hive: "", spark: "", hadoop: ""}},
		{name: "Hive's own", files: map[string]string{hive: site("thrift://h:9083"), hadoop: site("thrift://other:9083")},
			want: []string{"h:9083"}, from: hive},
		{name: "one without", files: map[string]string{hive: site(" "), spark: "<configuration/>", hadoop: site("thrift://a,\nthrift://b:9084")},
			want: []string{"a:9083", "b:9084"}, from: hadoop},
		{name: "one before another", files: map[string]string{spark: site("thrift://s"), hadoop: site("thrift://h")},
			want: []string{"s:9083"}, from: spark},
		{name: "broken file", files: map[string]string{hive: "<configuration", hadoop: site("thrift://h")},
			err: "find Hive's metastore by HIVE_CONF_DIR: "},
		{name: "broken value", files: map[string]string{hive: site("thrift://${host}:9083")},
			err: `hive.metastore.uris has "thrift://${host}:9083"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{}
			for variable, text := range c.files {
				env[variable] = t.TempDir()
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(env[variable], "hive-site.xml"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			servers, file, err := FindMetastore(func(name string) string { return env[name] })
			from := ""
			if c.from != "" {
				from = filepath.Join(env[c.from], "hive-site.xml")
			}
			if !slices.Equal(servers, c.want) || file != from {
				t.Errorf("got %q from %q, want %q from %q", servers, file, c.want, from)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
}

func FuzzMetastore(f *testing.F) {
	for _, text := range []string{"", "thrift://h:9083", "thrift://a, thrift://[::1]:1/", "h", "thrift://", "[", "h:0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		servers, err := parseMetastore(text)
		if err != nil {
			return
		}
		again, err := parseMetastore(strings.Join(servers, ","))
		if err != nil || !slices.Equal(again, servers) {
			t.Errorf("%q: got %q, and of that %q, %v", text, servers, again, err)
		}
	})
}
