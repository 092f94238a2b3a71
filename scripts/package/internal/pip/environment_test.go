//go:build integration

package pip

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An environment is one that pip installs into.
type environment struct {
	t      *testing.T
	folder string
}

// newEnvironment has the command make an environment; its path is added to the command.
func newEnvironment(t *testing.T, command ...string) *environment {
	t.Helper()
	e := &environment{t, filepath.Join(t.TempDir(), "venv")}
	run(t, nil, append(command, e.folder)...)
	return e
}

// pip runs pip without any index, and without the settings of the machine.
func (e *environment) pip(args ...string) string {
	e.t.Helper()
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PIP_") })
	env = append(env, "PIP_CONFIG_FILE="+os.DevNull, "PIP_NO_INDEX=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PYTHONWARNINGS=ignore")
	return run(e.t, env, append([]string{e.python(), "-m", "pip"}, args...)...)
}

func (e *environment) python() string { return filepath.Join(e.folder, "bin", "python") }

// pipVersion is the first number of pip's version.
func (e *environment) pipVersion() int {
	e.t.Helper()
	words := strings.Fields(e.pip("--version"))
	major, _, _ := strings.Cut(words[1], ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		e.t.Fatalf("version of pip: %q", words)
	}
	return n
}

// check wants the commands of that version, and pip to be content.
func (e *environment) check(version string) {
	e.t.Helper()
	for _, command := range commands {
		out := run(e.t, nil, filepath.Join(e.folder, "bin", command), "--version")
		if !strings.HasPrefix(out, command+" "+version) {
			e.t.Errorf("%s --version prints %q, want %s", command, out, version)
		}
	}
	shown := e.pip("show", "distributed-collector")
	if !strings.Contains(shown, "\nVersion: "+strings.Replace(version, "-", "", 1)+"\n") {
		e.t.Errorf("pip shows %s", shown)
	}
	e.pip("check")
}

// files lists what lies in the environment, but for what Python compiles by itself.
func (e *environment) files() []string {
	e.t.Helper()
	var files []string
	err := filepath.WalkDir(e.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() != "__pycache__" && !strings.HasSuffix(path, ".pyc") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return files
}

// run wants the command to succeed and returns what it prints.
func run(t *testing.T, env []string, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return string(out)
}

// python3s returns the Python 3 of the PATH, and the oldest and the newest that pyenv has.
func python3s(t *testing.T) []string {
	t.Helper()
	var found []string
	if path, err := exec.LookPath("python3"); err == nil {
		found = append(found, path)
	}
	others := pyenv("3.*")
	if n := len(others); n > 2 {
		others = []string{others[0], others[n-1]}
	}
	found = append(found, others...)
	if found == nil {
		missing(t, "no Python 3")
	}
	return found
}

// pyenv returns the Pythons of pyenv whose versions fit the pattern, the oldest first.
func pyenv(pattern string) []string {
	root := os.Getenv("PYENV_ROOT")
	if root == "" {
		root = filepath.Join(os.Getenv("HOME"), ".pyenv")
	}
	found, _ := filepath.Glob(filepath.Join(root, "versions", pattern, "bin", "python"))
	minor := func(path string) int {
		_, rest, _ := strings.Cut(filepath.Base(filepath.Dir(filepath.Dir(path))), ".")
		minor, _, _ := strings.Cut(rest, ".")
		n, _ := strconv.Atoi(minor)
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return minor(a) - minor(b) })
	return found
}

// python2 returns a Python 2.7.
func python2(t *testing.T) string {
	t.Helper()
	if found := pyenv("2.7.*"); len(found) > 0 {
		return found[0]
	}
	path, err := exec.LookPath("python2.7")
	if err != nil || exec.Command(path, "-c", "pass").Run() != nil {
		t.Skip("no Python 2.7: Debian has none any more")
	}
	return path
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// built compiles both programs for this machine, as a release of that version.
func built(t *testing.T, version string) Binaries {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir, "-ldflags", "-s -w -X spot-ingest/pkg/cli.release="+version,
		"spot-ingest/collector", "spot-ingest/listener")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return Binaries{runtime.GOARCH, filepath.Join(dir, "collector"), filepath.Join(dir, "listener")}
}
