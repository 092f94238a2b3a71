package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSpotConf(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[string]string
	}{
		{"", nil},
		{"HUSER='/user/spot'\nDBNAME='spot'\n", map[string]string{"HUSER": "/user/spot", "DBNAME": "spot"}},
		{"HUSER=/user/spot", map[string]string{"HUSER": "/user/spot"}},
		{`HUSER="/user/spot"`, map[string]string{"HUSER": "/user/spot"}},
		{"\r\nHUSER='/user/spot'\r\nDBNAME=spot\r\n", map[string]string{"HUSER": "/user/spot", "DBNAME": "spot"}},
		{"  export HUSER='/a'\nexport\tDBNAME=b\nexports=c\n", map[string]string{"HUSER": "/a", "DBNAME": "b", "exports": "c"}},
		{"# HUSER='/a'\n #DBNAME='b'\n\n\tno assignment\n", nil},
		{"HUSER='/a' # the base\nDBNAME=b # the base\n", map[string]string{"HUSER": "/a", "DBNAME": "b"}},
		{"A='x # y'\nB=x#y\nC=#y\n", map[string]string{"A": "x # y", "B": "x#y", "C": ""}},
		{"A=''\nB=\nC='it\"s'\n", map[string]string{"A": "", "B": "", "C": `it"s`}},
		{"A='one'\nA='two'\n", map[string]string{"A": "two"}},
		{"A='a=b'\n", map[string]string{"A": "a=b"}},
		// Nothing is expanded or run, and what isn't understood stays as it is.
		{"A=${HUSER}/x\nB='$(touch x)'\n", map[string]string{"A": "${HUSER}/x", "B": "$(touch x)"}},
		{"A='open\nB='a'b\n", map[string]string{"A": "'open", "B": "'a'b"}},
	} {
		path := filepath.Join(t.TempDir(), "spot.conf")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadSpotConf(path); err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}

func TestReadSpotConfUnreadable(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadSpotConf(filepath.Join(folder, "spot.conf")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if _, err := ReadSpotConf(folder); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("a folder: got %v", err)
	}
	large := filepath.Join(folder, "large")
	if err := os.WriteFile(large, make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSpotConf(large); err == nil || !strings.Contains(err.Error(), large+": larger than") {
		t.Errorf("a large file: got %v", err)
	}
}

func FuzzSpotConf(f *testing.F) {
	f.Add("export HUSER='/user/spot' # base\r\nA=\"b\"\nC=#\n=\nexport =''")
	f.Fuzz(func(t *testing.T, text string) {
		for key, value := range parseSpotConf(text) {
			if strings.ContainsAny(key+value, "\n") || strings.TrimSpace(key) != key || !strings.Contains(text, value) {
				t.Errorf("%q: got %q = %q", text, key, value)
			}
		}
	})
}
