package config

import (
	"path/filepath"
	"testing"
)

func TestStateDir(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "none", "spot-ingest")
	for name, c := range map[string]struct {
		text, system, xdg, home, want string
	}{
		"given":             {`{"state_dir":"/srv/state/"}`, folder, "/xdg", "/home/u", "/srv/state"},
		"writable":          {`{}`, folder, "/xdg", "/home/u", folder},
		"can be made":       {`{"state_dir":""}`, filepath.Join(folder, "new"), "/xdg", "/home/u", filepath.Join(folder, "new")},
		"user's":            {`{}`, missing, "/xdg", "/home/u", "/xdg/spot-ingest"},
		"home":              {`{}`, missing, "", "/home/u", "/home/u/.local/state/spot-ingest"},
		"relative variable": {`{}`, missing, "xdg", "/home/u", "/home/u/.local/state/spot-ingest"},
		"nowhere":           {`{}`, missing, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", c.xdg)
			t.Setenv("HOME", c.home)
			cfg, err := parse("conf.json", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.stateDir(c.system)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
