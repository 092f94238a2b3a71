package hdfs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// property is one of Hadoop's configuration.
func property(name, value string) string {
	return "<property><name>" + name + "</name><value>" + value + "</value></property>"
}

// The files of a nameservice of two name nodes.
var haSite = property("dfs.nameservices", "other, ns1") + property("dfs.ha.namenodes.ns1", "nn1, nn2") +
	property("dfs.namenode.rpc-address.ns1.nn1", "h1:8020") + property("dfs.namenode.rpc-address.ns1.nn2", "h2:8020") +
	property("dfs.namenode.http-address.ns1.nn1", "h1:9871") + property("dfs.namenode.http-address.ns1.nn2", "0.0.0.0:9872")

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, uri  string
		core, site string
		want       string // URI, path, and name nodes
	}{
		{"host and port", "hdfs://h:8020/a/b", "", "", "hdfs://h:8020 /a/b http://h:9870 http://h:50070"},
		{"host", "hdfs://h/", "", "", "hdfs://h / http://h:9870 http://h:50070"},
		{"no path", "hdfs://h", "", "", "hdfs://h / http://h:9870 http://h:50070"},
		{"a path that isn't clean", "hdfs://h//a/./b/../c/", "", "", "hdfs://h /a/c http://h:9870 http://h:50070"},
		{"a path is no URL's", "hdfs://h/a%20b c+d", "", "", "hdfs://h /a%20b c+d http://h:9870 http://h:50070"},
		{"capitals", "HDFS://h/a", "", "", "hdfs://h /a http://h:9870 http://h:50070"},
		{"IPv6", "hdfs://[::1]:8020/a", "", "", "hdfs://[::1]:8020 /a http://[::1]:9870 http://[::1]:50070"},
		{"WebHDFS", "webhdfs://h:14000/a", "", "", "webhdfs://h:14000 /a http://h:14000"},
		{"WebHDFS's usual port", "webhdfs://h/a", "", "", "webhdfs://h /a http://h:9870 http://h:50070"},
		{"WebHDFS by TLS", "swebhdfs://h:9871/a", "", "", "swebhdfs://h:9871 /a https://h:9871"},
		{"the default", "hdfs:///a", property("fs.defaultFS", "hdfs://h:8020/"), "", "hdfs://h:8020 /a http://h:9870 http://h:50070"},
		{"the default, in short", "hdfs:/a", property("fs.defaultFS", "hdfs://h:8020"), "", "hdfs://h:8020 /a http://h:9870 http://h:50070"},
		{"the default's old name", "hdfs:///a", property("fs.default.name", "hdfs://h:8020"), "", "hdfs://h:8020 /a http://h:9870 http://h:50070"},
		{"the default is WebHDFS", "hdfs:///a", property("fs.defaultFS", "webhdfs://h:1"), "", "webhdfs://h:1 /a http://h:1"},
		{"the web's port", "hdfs://h:8020/a", "", property("dfs.namenode.http-address", "h:5000"), "hdfs://h:8020 /a http://h:5000"},
		{"the web's port of all addresses", "hdfs://h:8020/a", "", property("dfs.namenode.http-address", "0.0.0.0:5000"), "hdfs://h:8020 /a http://h:5000"},
		{"the web's port of another host", "hdfs://h:8020/a", "", property("dfs.namenode.http-address", "i:5000"), "hdfs://h:8020 /a http://h:9870 http://h:50070"},
		{"TLS only", "hdfs://h:8020/a", "", property("dfs.http.policy", "HTTPS_ONLY"), "hdfs://h:8020 /a https://h:9871 https://h:50470"},
		{"TLS only, its port", "hdfs://h:8020/a", "", property("dfs.http.policy", "HTTPS_ONLY") + property("dfs.namenode.https-address", "h:1"), "hdfs://h:8020 /a https://h:1"},
		{"a nameservice", "hdfs://ns1/a", "", haSite, "hdfs://ns1 /a http://h1:9871 http://h2:9872"},
		{"a nameservice is the default", "hdfs:///a", property("fs.defaultFS", "hdfs://ns1"), haSite, "hdfs://ns1 /a http://h1:9871 http://h2:9872"},
		{"a nameservice by WebHDFS", "webhdfs://ns1/a", "", haSite, "webhdfs://ns1 /a http://h1:9871 http://h2:9872"},
		{"a nameservice, TLS only", "hdfs://ns1/a", "", haSite + property("dfs.http.policy", "HTTPS_ONLY"),
			"hdfs://ns1 /a https://h1:9871 https://h1:50470 https://h2:9871 https://h2:50470"},
		{"one of a nameservice", "hdfs://h1:8020/a", "", haSite, "hdfs://h1:8020 /a http://h1:9871"},
		{"a nameservice of one", "hdfs://ns1/a", "", property("dfs.nameservices", "ns1") + property("dfs.namenode.rpc-address.ns1", "h:8020"),
			"hdfs://ns1 /a http://h:9870 http://h:50070"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster, path, err := Find(c.uri, confDir(t, c.core, c.site))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(append([]string{cluster.URI, path}, cluster.NameNodes...), " ")
			if !strings.HasPrefix(c.want, cluster.URI+" "+path+" ") || !reflect.DeepEqual(strings.Fields(c.want[len(cluster.URI+path)+2:]), cluster.NameNodes) {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
		})
	}
}

func TestFindSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		uri, core, site string
		want            []string
	}{
		{"/a", "", "", []string{`"/a" is no place in HDFS`}},
		{"s3://h/a", "", "", []string{"is no place in HDFS"}},
		{"hdfs:a", "", "", []string{"no absolute path"}},
		{"hdfs://u@h/a", "", "", []string{`"u@h" is no host`}},
		{"hdfs://h:x/a", "", "", []string{`"h:x" is no host`}},
		{"hdfs://h:/a", "", "", []string{`"h:" is no host`}},
		{"hdfs://h/a:b", "", "", []string{"no colons"}},
		{"hdfs:///a", "", "", []string{"fs.defaultFS", "core-site.xml", "set it"}},
		{"hdfs:///a", property("fs.defaultFS", "file:///"), "", []string{"core-site.xml", "fs.defaultFS", "file:///", "no place in HDFS"}},
		{"hdfs:///a", property("fs.defaultFS", "hdfs:///"), "", []string{"core-site.xml", "names no host"}},
		{"hdfs:///a", property("fs.defaultFS", "hdfs://${h}"), "", []string{"core-site.xml", "fs.defaultFS", "variables"}},
		{"hdfs:///a", "<oops", "", []string{"core-site.xml"}},
		{"hdfs://h/a", "", "<oops", []string{"hdfs-site.xml"}},
		{"hdfs://ns1/a", "", property("dfs.nameservices", "ns1") + property("dfs.ha.namenodes.ns1", "nn1"),
			[]string{"dfs.namenode.http-address.ns1.nn1", "hdfs-site.xml", "host:port"}},
		{"hdfs://ns1/a", "", haSite + property("dfs.namenode.http-address.ns1.nn1", "h1:no"), []string{"hdfs-site.xml", "dfs.namenode.http-address.ns1.nn1", `"h1:no"`}},
	} {
		_, _, err := Find(c.uri, confDir(t, c.core, c.site))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", c.uri, err, want)
			}
		}
	}
	if _, _, err := Find("hdfs:///a", ""); err == nil || !strings.Contains(err.Error(), "HADOOP_CONF_DIR") {
		t.Errorf("without a folder of Hadoop's configuration: %v", err)
	}
}

// confDir makes a folder with the properties; a text that begins with < but no property
// is written as it is.
func confDir(t *testing.T, core, site string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"core-site.xml": core, "hdfs-site.xml": site} {
		if text == "" {
			continue
		}
		if strings.HasPrefix(text, "<property>") {
			text = "<configuration>" + text + "</configuration>"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func FuzzFind(f *testing.F) {
	for _, uri := range []string{"hdfs://h:8020/a/b", "hdfs://[::1]:1/a", "webhdfs://h/%", "hdfs:///a", "hdfs:a", "swebhdfs://ns1//../a", "file:///a"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		cluster, path, err := Find(uri, "")
		if err != nil {
			return
		}
		if err := checkPath(path); err != nil {
			t.Errorf("%q: %v", uri, err)
		}
		// What it found must mean the same.
		again, samePath, err := Find(cluster.URI+path, "")
		if err != nil || !reflect.DeepEqual(again, cluster) || samePath != path {
			t.Errorf("%q is %+v %q; that is %+v %q, %v", uri, cluster, path, again, samePath, err)
		}
	})
}
