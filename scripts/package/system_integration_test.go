//go:build integration

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// golden compares with a file of testdata, which -update writes.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || string(want) != got {
		t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, want)
	}
}

// TestDeb compares both packages with what is expected of them.
func TestDeb(t *testing.T) {
	need(t, "dpkg-deb", "dpkg")
	dist := packages(t)
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(dist, "spot-ingest_1.0.0_"+arch+".deb")
		fields := output(t, "dpkg-deb", "--field", path)
		fields = regexp.MustCompile(`(?m)^(Installed-Size: )\d+$`).ReplaceAllString(fields, "${1}SIZE")
		listing := output(t, "dpkg-deb", "--contents", path)
		listing = regexp.MustCompile(`(?m)^(\S+ \S+) +\d+ \S+ \S+ `).ReplaceAllString(listing, "$1 ")
		// Any documentation is packed.
		listing = regexp.MustCompile(`(?m)^.*/doc/spot-ingest/docs/.+\n`).ReplaceAllString(listing, "")
		control := t.TempDir()
		output(t, "dpkg-deb", "--control", path, control)
		conffiles, err := os.ReadFile(filepath.Join(control, "conffiles"))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "deb.txt", strings.ReplaceAll(fields, "Architecture: "+arch, "Architecture: ARCH")+"\n"+string(conffiles)+"\n"+listing)
	}
}

// TestLintian wants nothing that Debian's checker would call an error or warn of.
func TestLintian(t *testing.T) {
	need(t, "lintian", "lintian")
	dist := packages(t)
	for _, arch := range []string{"amd64", "arm64"} {
		out, err := exec.Command("lintian", "--fail-on", "error,warning", filepath.Join(dist, "spot-ingest_1.0.0_"+arch+".deb")).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", arch, err, out)
		}
	}
}

// TestRPM compares both packages with what is expected of them.
func TestRPM(t *testing.T) {
	need(t, "rpm", "rpm")
	dist := packages(t)
	for _, arch := range []string{"x86_64", "aarch64"} {
		path := filepath.Join(dist, "spot-ingest-1.0.0-1."+arch+".rpm")
		output(t, "rpm", "-K", path)
		query := func(args ...string) string {
			return output(t, "rpm", append([]string{"-qp"}, append(args, path)...)...)
		}
		about := query("--qf", `%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{OS}\n%{LICENSE}\n%{SUMMARY}\n%{BUILDHOST}\n\n`)
		// Flags: c configuration, n kept at an upgrade, d documentation, l licence.
		files := query("--qf", `[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES} %{FILEFLAGS:fflags}\n]`)
		files = regexp.MustCompile(`(?m)^.*/doc/spot-ingest/docs/.+\n`).ReplaceAllString(files, "")
		requires := query("--requires")
		golden(t, "rpm.txt", strings.ReplaceAll(about, arch, "ARCH")+"requires: "+strings.TrimSpace(requires)+"\n\n"+files)
		scripts := query("--qf", `%{POSTIN}%{PREUN}%{POSTUN}`)
		for _, name := range []string{"postinstall", "preremove", "postremove"} {
			text, err := os.ReadFile("maintainer/" + name + ".sh")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(scripts, strings.TrimSpace(string(text))) {
				t.Errorf("%s is not among the scripts", name)
			}
		}
	}
}

// TestSystemd has systemd read the units as they are installed, and judge how much they may do.
func TestSystemd(t *testing.T) {
	need(t, "systemd-analyze", "systemd")
	need(t, "dpkg-deb", "dpkg")
	root := t.TempDir()
	output(t, "dpkg-deb", "--extract", filepath.Join(packages(t), "spot-ingest_1.0.0_amd64.deb"), root)
	// The targets that the units name, for systemd-analyze to find in this root.
	for _, name := range []string{"network-online.target", "network.target", "multi-user.target", "basic.target", "sysinit.target", "shutdown.target", "-.mount", "-.slice", "system.slice"} {
		path := filepath.Join(root, "usr/lib/systemd/system", name)
		if err := os.WriteFile(path, []byte("[Unit]\nDescription="+name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"spot-collector@", "spot-listener@"} {
		out := output(t, "systemd-analyze", "verify", "--root="+root, "--man=no", name+"flow.service")
		if strings.Contains(out, "spot-") {
			t.Error(out)
		}
		// 30 is an exposure of 3.0 of 10.
		path := filepath.Join(root, "usr/lib/systemd/system", name+".service")
		t.Log(regexp.MustCompile(`→.*`).FindString(output(t, "systemd-analyze", "security", "--offline=yes", "--threshold=30", "--no-pager", path)))
	}
}
