//go:build integration

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// version is the one that is packed here, whatever the change log says.
const version = "1.0.0"

// need skips a test whose program is missing, or fails it where all must be there.
func need(t *testing.T, program, from string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	message := fmt.Sprintf("%s is missing (apt-get install %s)", program, from)
	if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// output runs a command, which must go well, and returns what it prints.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// clone lays a tree's last commit into a folder, with options of git.
func clone(t *testing.T, tree, folder string, options ...string) {
	t.Helper()
	tree, err := filepath.Abs(tree)
	if err != nil {
		t.Fatal(err)
	}
	output(t, "git", append(append([]string{"clone", "-q"}, options...), "file://"+tree, folder)...)
}

// pack packs what is in a folder, from within it.
func pack(folder, out, umask string, env []string, args ...string) (string, error) {
	// The shell sets the umask, and goes.
	script := "umask " + umask + "; exec go run ./scripts/package \"$@\""
	cmd := exec.Command("sh", append([]string{"-c", script, "sh", "-out", out, "-version", version}, args...)...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// packed are the packages of the last commit, made once for all tests.
var packed struct {
	sync.Once
	folder string
	text   string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if packed.folder != "" {
		os.RemoveAll(packed.folder)
	}
	os.Exit(code)
}

// packages returns the folder of the packages. The clone they were made of is beside it.
func packages(t *testing.T) string {
	t.Helper()
	packed.Do(func() {
		if packed.folder, packed.err = os.MkdirTemp("", "spot-packages-"); packed.err != nil {
			return
		}
		clone(t, "../..", filepath.Join(packed.folder, "clone"))
		packed.text, packed.err = pack(filepath.Join(packed.folder, "clone"), filepath.Join(packed.folder, "dist"), "022", nil)
	})
	if packed.err != nil {
		t.Fatalf("%v\n%s", packed.err, packed.text)
	}
	return filepath.Join(packed.folder, "dist")
}

// TestSameBytes packs the same commit in another folder, with another umask, time zone,
// language and home, on one processor, without the commits before, with a tag, where git lays
// lines' ends in another way, and beside a file that git ignores. It wants the same bytes.
func TestSameBytes(t *testing.T) {
	first := packages(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "a longer name", "for 'it'")
	clone(t, filepath.Join(first, "..", "clone"), folder, "--depth=1", "--config=core.autocrlf=true")
	output(t, "git", "-C", folder, "tag", "v0.9.0")
	if err := os.WriteFile(filepath.Join(folder, "docs", "ignored.test"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(dir, "out")
	env := append(goFolders(t), "TZ=Asia/Tokyo", "LC_ALL=de_DE.UTF-8", "HOME="+dir, "GOMAXPROCS=1")
	if text, err := pack(folder, second, "077", env); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	names, err := os.ReadDir(first)
	if err != nil {
		t.Fatal(err)
	}
	others, err := os.ReadDir(second)
	if err != nil || len(others) != len(names) {
		t.Fatalf("%v and %v, %v", names, others, err)
	}
	for _, e := range names {
		a, err := os.ReadFile(filepath.Join(first, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", e.Name())
		}
	}
}

// goFolders returns the variables by which the Go command finds in another home what it has in
// this one.
func goFolders(t *testing.T) (env []string) {
	t.Helper()
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GONOSUMDB", "GOSUMDB"} {
		env = append(env, name+"="+strings.TrimSpace(output(t, "go", "env", name)))
	}
	return env
}

// TestNames wants each kind of package for each architecture, and sums that hold.
func TestNames(t *testing.T) {
	dist := packages(t)
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	all := strings.Join(names, "\n")
	for _, want := range []string{
		`spot-ingest_1\.0\.0_amd64\.deb`, `spot-ingest_1\.0\.0_arm64\.deb`, `spot-ingest-1\.0\.0-1\.x86_64\.rpm`, `spot-ingest-1\.0\.0-1\.aarch64\.rpm`,
		`spot-ingest-1\.0\.0-linux-amd64\.tar\.gz`, `spot-ingest-1\.0\.0-linux-arm64\.tar\.gz`, `spot-ingest-1\.0\.0\.spdx\.json`,
		`distributed_collector-1\.0\.0-.*x86_64\.whl`, `distributed_collector-1\.0\.0-.*aarch64\.whl`, `distributed_collector-1\.0\.0\.tar\.gz`, `SHA256SUMS`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(all) {
			t.Errorf("no %s", want)
		}
	}
	if len(names) != 11 {
		t.Errorf("%d files:\n%s", len(names), all)
	}
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = dist
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Count(out, []byte(": OK\n")) != len(names)-1 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

// TestFolderForm unpacks the tar.gz and has its programs say their version, with the commit.
func TestFolderForm(t *testing.T) {
	dist, dir := packages(t), t.TempDir()
	output(t, "tar", "-xzf", filepath.Join(dist, "spot-ingest-1.0.0-linux-"+runtime.GOARCH+".tar.gz"), "-C", dir)
	top := filepath.Join(dir, "spot-ingest-1.0.0")
	commit := strings.TrimSpace(output(t, "git", "-C", filepath.Join(dist, "..", "clone"), "log", "-1", "--format=%H"))
	for _, program := range programs {
		got := output(t, filepath.Join(top, "bin", runtime.GOARCH, program.name), "--version")
		if want := regexp.MustCompile(`^` + program.name + ` 1\.0\.0 \(commit ` + commit[:12] + `, \d{4}-\d\d-\d\d\)\n$`); !want.MatchString(got) {
			t.Errorf("%q, want %s", got, want)
		}
	}
	shipped, err := os.ReadFile("../../ingest_conf.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(top, "ingest_conf.json")); err != nil || !bytes.Equal(got, shipped) {
		t.Errorf("ingest_conf.json is not the shipped one: %v", err)
	}
	for _, name := range []string{
		"install_DC.sh", "scripts/install/activate", "scripts/install/python", "scripts/install/collector.py", "scripts/install/start_listener.py",
		"README.md", "CHANGELOG.md", "LICENSE", "THIRD-PARTY.txt", "docs/migration.md", tables, "man/spot-collector.1", "man/spot-listener.1", "man/ingest_conf.json.5",
		"systemd/spot-collector@.service", "systemd/spot-listener@.service", "systemd/spot-ingest.conf", "systemd/flow.env",
	} {
		if info, err := os.Stat(filepath.Join(top, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestArchive packs a tree without git, which has to be told its date.
func TestArchive(t *testing.T) {
	dist, dir := packages(t), t.TempDir()
	tree, out := filepath.Join(dir, "tree"), filepath.Join(dir, "out")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, "git", "-C", filepath.Join(dist, "..", "clone"), "archive", "-o", filepath.Join(dir, "x.tar"), "HEAD")
	output(t, "tar", "-xf", filepath.Join(dir, "x.tar"), "-C", tree)
	text, err := pack(tree, out, "022", []string{"SOURCE_DATE_EPOCH="}, "-arch", runtime.GOARCH)
	if err == nil || !strings.Contains(text, "set SOURCE_DATE_EPOCH") {
		t.Errorf("without a date: %v\n%s", err, text)
	}
	if text, err = pack(tree, out, "022", []string{"SOURCE_DATE_EPOCH=1764204000"}, "-arch", runtime.GOARCH); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	listing := output(t, "tar", "--utc", "-tvzf", filepath.Join(out, "spot-ingest-1.0.0-linux-"+runtime.GOARCH+".tar.gz"))
	for line := range strings.Lines(listing) {
		if !strings.Contains(line, " root/root ") || !strings.Contains(line, " 2025-11-27 00:40 ") {
			t.Error(line)
		}
	}
	output(t, "tar", "-xzf", filepath.Join(out, "spot-ingest-1.0.0-linux-"+runtime.GOARCH+".tar.gz"), "-C", dir)
	if got := output(t, filepath.Join(dir, "spot-ingest-1.0.0", "bin", runtime.GOARCH, "collector"), "--version"); got != "collector 1.0.0\n" {
		t.Errorf("--version: %q", got)
	}
}

// TestSPDX has another program's judgement of the bill of materials.
func TestSPDX(t *testing.T) {
	python := need(t, "python3", "python3-venv")
	dir := t.TempDir()
	output(t, python, "-m", "venv", dir)
	output(t, filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--requirement", "testdata/requirements.txt")
	spdx := filepath.Join(packages(t), "spot-ingest-1.0.0.spdx.json")
	output(t, filepath.Join(dir, "bin", "pyspdxtools"), "--infile", spdx)
	// It is one that also says no.
	text, err := os.ReadFile(spdx)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.spdx.json")
	if err := os.WriteFile(bad, bytes.Replace(text, []byte(`"SHA1"`), []byte(`"SHA256"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(dir, "bin", "pyspdxtools"), "--infile", bad).CombinedOutput(); err == nil {
		t.Errorf("a file without SHA-1 is let pass: %s", out)
	}
	for _, program := range programs {
		sum := strings.Fields(output(t, "sha256sum", programIn(t, program.name)))[0]
		if !bytes.Contains(text, []byte(`"`+sum+`"`)) {
			t.Errorf("the sum of %s is not there", program.name)
		}
	}
}

// programIn returns the path of a program, unpacked from the folder form.
func programIn(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	output(t, "tar", "-xzf", filepath.Join(packages(t), "spot-ingest-1.0.0-linux-arm64.tar.gz"), "-C", dir)
	return filepath.Join(dir, "spot-ingest-1.0.0", "bin", "arm64", name)
}
