package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestThirdParty wants the licence of all that is in the programs, and the notices.
func TestThirdParty(t *testing.T) {
	s := &source{root: filepath.Join("..", ".."), version: "1.0.0"}
	text, modules, err := s.thirdParty([]string{"amd64", "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	requires, err := s.read("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		if !bytes.Contains(requires, []byte("\t"+strings.Replace(module, "@", " ", 1))) {
			t.Errorf("%s is not in go.mod", module)
		}
		if !bytes.Contains(text, []byte("\n"+module+": LICEN")) {
			t.Errorf("no licence of %s", module)
		}
	}
	for _, want := range []string{"\nGo: LICENSE\n", "\nGo: PATENTS\n", ": NOTICE\n", "/LICENSE.txt\n", "Apache License", "Redistribution and use"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(string(text), "kfake@") {
		t.Error("a module is named that only tests need")
	}
}

// TestCollect wants what is beside a package and above it in its module, and nothing else.
func TestCollect(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"LICENSE", "m/License.md", "m/NOTICE", "m/licence.go", "m/COPYING-LGPL", "m/authors", "m/a/LICENSE_1_0.txt", "m/a/b/PATENTS", "m/c/LICENSE",
		"m/a/b/licenced", "m/a/b/LICENSES/x",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("text of "+name+"\n\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	texts := make(map[string]string)
	if err := collect(texts, filepath.Join(root, "m/a/b"), filepath.Join(root, "m")); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(texts))
	want := []string{"COPYING-LGPL", "License.md", "NOTICE", "a/LICENSE_1_0.txt", "a/b/PATENTS", "authors"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var b bytes.Buffer
	if err := write(&b, "m@v1", texts); err != nil || !strings.Contains(b.String(), "\nm@v1: NOTICE\n") || !strings.Contains(b.String(), "\ntext of m/NOTICE\n") {
		t.Errorf("%v:\n%s", err, b.String())
	}
	if err := collect(texts, filepath.Join(root, "m"), filepath.Join(root, "m/c")); err == nil {
		t.Error("a folder that is not in the module's is no error")
	}
}

func TestWithoutLicence(t *testing.T) {
	for _, texts := range []map[string]string{nil, {"NOTICE": "x"}, {"AUTHORS": "x", "a/PATENTS": "y"}} {
		if err := write(&bytes.Buffer{}, "example.org/m@v1.0.0", texts); err == nil || err.Error() != "example.org/m@v1.0.0 has no licence file" {
			t.Errorf("%q: %v", texts, err)
		}
	}
}
