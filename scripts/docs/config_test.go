package docs

import (
	"encoding/json"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"spot-ingest/pkg/config"
)

// readers are the methods of package config that read a key of a section, or a section.
var readers = setOf("section", "optional", "text", "choice", "list", "joined", "whole", "seconds", "written", "boolean",
	"folder", "servers", "port", "metastore", "hiveServer2", "value")

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]+$`)

// readKeys returns the keys that package config reads, without their sections, which are
// among them.
func readKeys(t *testing.T) set {
	t.Helper()
	keys := set{}
	for _, file := range goFiles(t, false, "pkg/config") {
		calls(file, func(in *ast.FuncDecl, name string, call *ast.CallExpr) {
			if !readers[name] || len(call.Args) == 0 {
				return
			}
			args := call.Args[:1]
			if name == "value" { // the first is a placeholder, the others are spellings
				args = call.Args[1:]
			}
			for _, arg := range args {
				key, ok := text(arg)
				if !ok {
					key = constant(in, arg)
				}
				if keyPattern.MatchString(key) {
					keys[key] = true
				}
			}
		})
	}
	return keys
}

// constant returns the value of a function's own constant, empty if it is none.
func constant(in *ast.FuncDecl, e ast.Expr) (value string) {
	name, ok := e.(*ast.Ident)
	if !ok {
		return ""
	}
	ast.Inspect(in, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for i, ident := range spec.Names {
				if ident.Name == name.Name && i < len(spec.Values) {
					value, _ = text(spec.Values[i])
				}
			}
		}
		return true
	})
	return value
}

// documentedKeys returns the keys of the tables of README.md with their rows: those that
// count, and those that are only accepted.
func documentedKeys(t *testing.T) (used, unused map[string][]string) {
	t.Helper()
	used, unused = map[string][]string{}, map[string][]string{}
	for _, row := range readPage(t, "README.md").section(t, "## Configuration").rows(t, "key") {
		keys, into := code(row[0]), used
		if len(row) == 3 {
			into = unused
			if at := strings.Index(row[1], "`zookeeper_"); at >= 0 {
				keys = append(keys, code(row[1][at:])...)
			}
		}
		for _, key := range keys {
			if used[key] != nil || unused[key] != nil {
				t.Errorf("key %q is documented twice", key)
			}
			into[key] = row
		}
	}
	return used, unused
}

// Every key that is read is documented, and every documented one is read.
func TestKeys(t *testing.T) {
	used, unused := documentedKeys(t)
	read, documented := readKeys(t), set{}
	for key := range used {
		parts := strings.Split(key, ".")
		for _, part := range parts {
			if part != "X" {
				documented[part] = true
			}
		}
	}
	for key := range unused { // read, but nothing depends on it
		if part := key[strings.LastIndex(key, ".")+1:]; read[part] {
			documented[part] = true
		}
	}
	compare(t, "key", documented, read)
}

// Every row tells where its key comes from: the shipped file has all of Spot's keys, and none
// of the new ones.
func TestOrigins(t *testing.T) {
	shipped := set{}
	flatten(readShipped(t), "", shipped)
	used, unused := documentedKeys(t)
	documented := set{}
	for _, keys := range []map[string][]string{used, unused} {
		for key, row := range keys {
			documented[key] = true
			switch from := row[len(row)-1]; {
			case from != "Spot" && from != "DC" && from != "new":
				t.Errorf("key %s is from %q", key, from)
			case from == "new" && shipped[key]:
				t.Errorf("key %s is new, and in the shipped file", key)
			}
		}
	}
	for key := range shipped {
		row := used[key]
		if row == nil {
			row = unused[key]
		}
		if row == nil {
			t.Errorf("the shipped file has %s, which is not documented", key)
		} else if row[len(row)-1] == "new" {
			t.Errorf("the shipped file has %s, which is said to be new", key)
		}
	}
}

func readShipped(t *testing.T) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "ingest_conf.json"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// flatten collects the keys of all values, with their sections; pipelines are all called X.
func flatten(values map[string]any, prefix string, keys set) {
	for key, value := range values {
		if prefix == "pipelines." {
			key = "X"
		}
		if inner, ok := value.(map[string]any); ok {
			flatten(inner, prefix+key+".", keys)
		} else {
			keys[prefix+key] = true
		}
	}
}

// The defaults of the table are those that a file has that says no more than it must.
func TestDefaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ingest_conf.json")
	if err := os.WriteFile(path, []byte(`{"kafka":{"kafka_server":"h"},"pipelines":{"flow":{"collector_path":"/in"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	kafka, err := conf.Kafka()
	if err != nil {
		t.Fatal(err)
	}
	collector, err := conf.Collector("flow")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := conf.Listener()
	if err != nil {
		t.Fatal(err)
	}
	hive, err := conf.Hive()
	if err != nil {
		t.Fatal(err)
	}
	used, _ := documentedKeys(t)
	for key, value := range map[string]any{
		"collector_processes":                 collector.Processes,
		"hive_partition_repair":               hive.PartitionRepair,
		"kafka.kafka_port":                    strings.TrimPrefix(kafka.Servers[0], "h:"),
		"kafka.max_request_size":              kafka.MaxRequestSize,
		"kafka.compression_type":              kafka.Compression,
		"pipelines.X.local_staging":           collector.LocalStaging,
		"pipelines.X.recursive":               collector.Recursive,
		"pipelines.X.converter":               collector.Converter,
		"pipelines.X.convert_timeout":         collector.ConvertTimeout.Seconds(),
		"pipelines.X.backlog":                 collector.Backlog,
		"pipelines.X.staging":                 collector.KeepCSV,
		"spark-streaming.spark_batch_size":    listener.Batch.Seconds(),
		"spark-streaming.parquet_compression": listener.Compression,
		"spark-streaming.file_roll_seconds":   listener.RollTime.Seconds(),
		"spark-streaming.file_roll_bytes":     listener.RollBytes,
	} {
		row := used[key]
		if row == nil {
			t.Errorf("key %s is not documented", key)
			continue
		}
		want, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got := row[2]; got != "`"+strings.Trim(string(want), `"`)+"`" {
			t.Errorf("the default of %s is %s, and documented as %s", key, want, got)
		}
	}
}
