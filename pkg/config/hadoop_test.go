package config

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file of Hadoop's configuration is understood if it has a golden list of properties, and
// else refused with a golden error.
func TestReadHadoopConf(t *testing.T) {
	for _, path := range fixtures(t, "hadoop-*.xml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			properties, err := ReadHadoopConf(path)
			base := strings.TrimSuffix(path, "xml")
			if strings.Contains(path, "hadoop-invalid-") {
				if err == nil {
					t.Fatalf("no error, but %q", properties)
				}
				golden(t, base+"golden.txt", []byte(err.Error()+"\n"))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(properties, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, base+"golden.json", append(got, '\n'))
		})
	}
}

func TestReadHadoopConfUnreadable(t *testing.T) {
	if _, err := ReadHadoopConf("testdata/none.xml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if _, err := ReadHadoopConf("testdata"); err == nil || !strings.Contains(err.Error(), "testdata") {
		t.Errorf("a folder: got %v", err)
	}
}

func FuzzHadoopConf(f *testing.F) {
	for _, path := range fixtures(f, "hadoop-*.xml") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		properties, err := parseHadoopConf(text)
		if (properties == nil) == (err == nil) {
			t.Errorf("%q: got %v, %v", text, properties, err)
		}
		for name, value := range properties {
			if name == "" || strings.TrimSpace(name) != name || strings.TrimSpace(value) != value {
				t.Errorf("%q: got %q = %q", text, name, value)
			}
		}
	})
}
