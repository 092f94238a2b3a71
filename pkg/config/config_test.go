package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file, which -update writes.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func fixtures(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no testdata/%s: %v", pattern, err)
	}
	return paths
}

// everything asks for all that a file is asked for; the first error wins. The pipeline
// is flow, unless the fixture names another in a key of its own.
func everything(path string) (any, error) {
	c, err := Load(path)
	if err != nil {
		return nil, err
	}
	name := "flow"
	if raw, found := c.values["pipeline under test"]; found {
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, err
		}
	}
	var all struct {
		Kafka     Kafka
		Collector Collector
		Listener  Listener
		Warehouse Warehouse
		Hive      Hive
		Zookeeper string
		StateDir  string
	}
	if all.Kafka, err = c.Kafka(); err != nil {
		return nil, err
	}
	if all.Collector, err = c.Collector(name); err != nil {
		return nil, err
	}
	if all.Listener, err = c.Listener(); err != nil {
		return nil, err
	}
	if all.Warehouse, err = c.Warehouse(); err != nil {
		return nil, err
	}
	if all.Hive, err = c.Hive(); err != nil {
		return nil, err
	}
	all.Zookeeper = c.Zookeeper()
	all.StateDir, err = c.StateDir()
	return all, err
}

func TestValid(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/xdg")
	for _, path := range fixtures(t, "valid-*.json") {
		if strings.HasSuffix(path, ".golden.json") {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			all, err := everything(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(all, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, "json")+"golden.json", append(got, '\n'))
		})
	}
}

func TestInvalid(t *testing.T) {
	for _, path := range fixtures(t, "invalid-*.json") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := everything(path)
			if err == nil {
				t.Fatal("no error")
			}
			golden(t, strings.TrimSuffix(path, "json")+"golden.txt", []byte(err.Error()+"\n"))
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	if _, err := Load("testdata/none.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if _, err := Load("testdata"); err == nil || !strings.Contains(err.Error(), "testdata") {
		t.Errorf("a folder: got %v", err)
	}
	large := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(large, bytes.Repeat([]byte(" "), maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "larger than 1048576 bytes") {
		t.Errorf("a large file: got %v", err)
	}
}

func TestPipeline(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       Pipeline
	}{
		{`{"pipelines":{"flow":{}}}`, "flow", Pipeline{"flow", Flow}},
		{`{"pipelines":{"flow":{"type":"dns"}}}`, "flow", Pipeline{"flow", DNS}},
		{`{"pipelines":{"a":{"type":"proxy"},"b":{"type":"dns"},"c":7}}`, "proxy", Pipeline{"a", Proxy}},
		{`{"pipelines":{"dns_server_1":{"type":"dns"},"dns":{"type":"dns"}}}`, "dns_server_1", Pipeline{"dns_server_1", DNS}},
		{`{"pipelines":{"dns_server_1":{"type":"dns"},"dns":{"type":"dns"}}}`, "dns", Pipeline{"dns", DNS}},
	} {
		cfg, err := parse("conf.json", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := cfg.Pipeline(c.name); err != nil || got != c.want {
			t.Errorf("%s, %s: got %v, %v", c.text, c.name, got, err)
		}
	}
}

func TestUnknownPipeline(t *testing.T) {
	for text, want := range map[string]string{
		`{"pipelines":{"b":{"type":"flow"},"a":{}}}`: `conf.json: "flo" is neither a type (dns, flow, proxy) nor one of its pipelines (a, b)`,
		`{}`:                `conf.json: "flo" is neither a type (dns, flow, proxy) nor one of its pipelines (it has none)`,
		`{"pipelines":[1]}`: `conf.json: "flo" is neither a type (dns, flow, proxy) nor one of its pipelines (it has none)`,
	} {
		cfg, err := parse("conf.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = cfg.Collector("flo")
		var unknown *UnknownPipelineError
		if !errors.As(err, &unknown) || err.Error() != want {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// What one program needs must not be asked of the other.
func TestOnlyWhatIsAsked(t *testing.T) {
	cfg, err := parse("conf.json", []byte(`{"dbname":7,"kafka":{"kafka_server":"kafka ip"},"spark-streaming":8,
		"pipelines":{"flow":{"collector_path":"in"},"dns":{"type":"none of the three"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Collector("flow"); err != nil {
		t.Error(err)
	}
	if _, err := cfg.Kafka(); err == nil {
		t.Error("the placeholder of kafka_server was taken")
	}
	cfg, err = parse("conf.json", []byte(`{"kafka":{"kafka_server":"h"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Kafka(); err != nil {
		t.Error(err)
	}
	if _, err := cfg.Listener(); err != nil {
		t.Error(err)
	}
	if _, err := cfg.Warehouse(); err != nil {
		t.Error(err)
	}
	if hive, err := cfg.Hive(); err != nil || hive.Metastore != nil || hive.HiveServer2 != "" {
		t.Errorf("got %+v, %v", hive, err)
	}
	if got := cfg.Zookeeper(); got != "" {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range fixtures(f, "*.json") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("conf.json", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "conf.json: ") {
				t.Errorf("the error doesn't name the file: %v", err)
			}
			return
		}
		if k, err := c.Kafka(); err == nil && (len(k.Servers) == 0 || k.MaxRequestSize < minMaxRequestSize) {
			t.Errorf("got %+v", k)
		}
		for _, name := range []string{"flow", "dns", "proxy"} {
			if col, err := c.Collector(name); err == nil &&
				(col.Path == "" || col.LocalStaging == "" || !isType(string(col.Type)) || col.Processes < 1 || col.ConvertTimeout <= 0) {
				t.Errorf("got %+v", col)
			}
		}
		if l, err := c.Listener(); err == nil &&
			(l.Batch < minBatch || l.Batch > day || l.RollTime < 0 || l.RollBytes != 0 && l.RollBytes < minRollBytes || l.Compression == "") {
			t.Errorf("got %+v", l)
		}
		if w, err := c.Warehouse(); err == nil && (w.Database == "database name" || w.AppPath == "hdfs application path") {
			t.Errorf("got %+v", w)
		}
		if h, err := c.Hive(); err == nil && h.Metastore != nil && h.HiveServer2 != "" {
			t.Errorf("got %+v", h)
		}
		if z := c.Zookeeper(); z != strings.TrimSpace(z) || strings.HasPrefix(z, "zk ip") || strings.HasSuffix(z, "zk port") {
			t.Errorf("got %q", z)
		}
		if dir, err := c.StateDir(); err == nil && !filepath.IsAbs(dir) {
			t.Errorf("got %q", dir)
		}
	})
}
