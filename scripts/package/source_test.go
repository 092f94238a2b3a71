package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFirstVersion(t *testing.T) {
	for changelog, want := range map[string]string{
		"# Changelog\n\nOne entry\n\n## 1.0.0\n\n- x\n\n## 0.9.0\n": "1.0.0",
		"## 1.2.3-rc4 (2026-11-27)\n":                               "1.2.3-rc4",
		"# Changelog\n\n## Unreleased\n\n## 1.0.0\n":                "",
		"# 1.0.0\n### 1.0.0\n":                                      "",
		"## 1.0\n":                                                  "",
		"":                                                          "",
	} {
		got, err := firstVersion([]byte(changelog))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", changelog, got, err, want)
		}
	}
}

// tree makes a source tree with no more than openSource looks at.
func tree(t *testing.T, git bool) string {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "CHANGELOG.md"), []byte("## 1.0.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if git {
		if err := os.Mkdir(filepath.Join(root, ".git"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// fakeGit puts a git on the PATH that is this script, or none if that is empty.
func fakeGit(t *testing.T, script string) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if script == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

const committed = `case $3 in log) echo 1764204000 ;; status) ;; esac`

func TestOpenSource(t *testing.T) {
	for _, c := range []struct {
		name, version, epoch, git string
		checkout                  bool
		want                      source
	}{
		{"checkout", "", "", committed, true, source{version: "1.0.0", git: true}},
		{"other version", "1.0.1", "", committed, true, source{version: "1.0.1", git: true}},
		{"given date", "2.0.0-rc1", "1764204000", committed, true, source{version: "2.0.0-rc1", git: true}},
		{"changed", "", "1764204000", "echo ' M go.mod'", true, source{version: "1.0.0", git: true, changed: " M go.mod"}},
		{"archive", "", "1764204000", "", false, source{version: "1.0.0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SOURCE_DATE_EPOCH", c.epoch)
			fakeGit(t, c.git)
			c.want.root, c.want.time = tree(t, c.checkout), time.Unix(1764204000, 0).UTC()
			got, err := openSource(c.want.root, c.version)
			if err != nil || *got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestOpenSourceFails(t *testing.T) {
	for _, c := range []struct {
		name, version, epoch, git string
		checkout                  bool
		want                      string
	}{
		{"archive without date", "", "", committed, false, "set SOURCE_DATE_EPOCH"},
		{"no date", "", "yesterday", committed, true, `SOURCE_DATE_EPOCH is "yesterday"`},
		{"date before 1970", "", "-1", committed, true, `SOURCE_DATE_EPOCH is "-1"`},
		{"date too late for rpm", "", "4294967296", committed, true, `SOURCE_DATE_EPOCH is "4294967296"`},
		{"no git", "", "", "", true, "git is missing"},
		{"another user's", "", "", "echo \"fatal: detected dubious ownership in repository at '/x'\" >&2; exit 128", true, "git config --global --add safe.directory "},
		{"empty", "", "", "case $3 in log) echo 'fatal: no commits yet' >&2; exit 128 ;; esac", true, "git log: exit status 128: fatal: no commits yet"},
		{"version", "v1.0.0", "", committed, true, `version "v1.0.0"`},
		{"version of another form", "1.0.0-beta", "", committed, true, `version "1.0.0-beta"`},
		{"version with zeros", "1.01.0", "", committed, true, `version "1.01.0"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SOURCE_DATE_EPOCH", c.epoch)
			fakeGit(t, c.git)
			if _, err := openSource(tree(t, c.checkout), c.version); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
}
