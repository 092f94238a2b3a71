package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/pkg/config"
)

// TestPackagedConf wants nothing but local staging changed, and that in every pipeline.
func TestPackagedConf(t *testing.T) {
	shipped, err := os.ReadFile("../../ingest_conf.json")
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := packagedConf(shipped)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ingest_conf.json")
	if err := os.WriteFile(path, packaged, 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"flow", "dns", "proxy"} {
		if staging, err := conf.LocalStaging(name); err != nil || staging != packagedStaging {
			t.Errorf("local_staging of %s is %q, %v", name, staging, err)
		}
	}
	back := strings.Replace(string(packaged), packagedStaging, "/tmp/", 1)
	back = strings.Replace(back, packagedStaging, "/collector_path/dns/tmp", 1)
	back = strings.Replace(back, `            "local_staging":"`+packagedStaging+"\",\n", "", 1)
	if back != string(shipped) {
		t.Errorf("more than local_staging is changed:\n%s", packaged)
	}
}

// TestPackagedConfOfAnotherFile wants files of another form refused rather than half done.
func TestPackagedConfOfAnotherFile(t *testing.T) {
	shipped, err := os.ReadFile("../../ingest_conf.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, conf := range map[string][]byte{
		"one less": bytes.Replace(shipped, []byte("local_staging"), []byte("staging"), 1),
		"one more": bytes.Replace(shipped, []byte(`"parser"`), []byte("\"local_staging\":\"\",\n\"parser\""), 1),
		"no proxy": bytes.Replace(shipped, []byte("/collector_path/proxy"), []byte("/proxy"), 1),
	} {
		if _, err := packagedConf(conf); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
