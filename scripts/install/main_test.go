// Package install tests install_DC.sh and what it lays down: the environment's activate and
// python, and the scripts collector.py and start_listener.py. They are run as users run them,
// by every shell and every Python that is there, mostly with programs in the place of the
// collector and the listener that print how they were started.
package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	defer func() {
		if built.dir != "" {
			os.RemoveAll(built.dir)
		}
	}()
	// What the caller has activated is not part of any test.
	for _, name := range []string{"VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "VIRTUAL_ENV_DISABLE_PROMPT", "PYTHONHOME", "CDPATH", "ENV", "BASH_ENV"} {
		os.Unsetenv(name)
	}
	// Nor what it ignores, as of tests in the background: a shell can't catch that.
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	return m.Run()
}

// patience is how long something may take; it is never waited for in full.
const patience = 5 * time.Minute // as a build from source may

// repository is the folder that install_DC.sh lies in.
const repository = "../.."

// A hard name: what a shell would take for something else.
const hardName = `it's "$HOME" \n * spot`

// standIn is a program in the place of the collector or the listener. It prints its path, its
// process, which signals it ignores, its folder and its arguments, each ended by a zero.
const standIn = `#!/bin/sh
if [ "${1-}" = --version ]; then
    echo "NAME 1.2.3"
    exit
fi
while read -r key value; do
    if [ "$key" = SigIgn: ]; then ignored=$value; fi
done </proc/$$/status
printf '%s\0' "$0" $$ "$ignored" "$PWD" "$@"
exit "${STAND_IN_EXITS-0}"
`

// A folder is one in which install_DC.sh lies.
type folder struct {
	t    *testing.T
	dir  string
	env  []string
	user uint32 // who runs commands, if it isn't 0
}

// newFolder makes a folder as a package has it, with stand-ins for the programs.
func newFolder(t *testing.T) *folder {
	t.Helper()
	t.Parallel()
	f := &folder{t: t, dir: filepath.Join(openTempDir(t), hardName)}
	f.fill(f.dir)
	return f
}

// openTempDir is a temporary folder that other users may enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (f *folder) fill(dir string) {
	f.t.Helper()
	for _, program := range []string{"collector", "listener"} {
		f.write(0o755, strings.ReplaceAll(standIn, "NAME", program), dir, "bin", runtime.GOARCH, program)
	}
	f.copy(filepath.Join(repository, "install_DC.sh"), dir, "install_DC.sh")
	f.copy(filepath.Join(repository, "ingest_conf.json"), dir, "ingest_conf.json")
	for _, name := range []string{"activate", "python", "collector.py", "start_listener.py"} {
		f.copy(name, dir, "scripts", "install", name)
	}
}

// path is that of a file in the folder.
func (f *folder) path(elem ...string) string {
	return filepath.Join(append([]string{f.dir}, elem...)...)
}

func (f *folder) write(mode fs.FileMode, content string, elem ...string) {
	f.t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	// A process that another test starts meanwhile would have the file open for a moment, and
	// what is open for writing can't be run.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(content), mode)
	syscall.ForkLock.RUnlock()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) copy(from string, to ...string) {
	f.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		f.t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		f.t.Fatal(err)
	}
	f.write(info.Mode().Perm(), string(content), to...)
}

func (f *folder) link(target string, elem ...string) {
	f.t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		f.t.Fatal(err)
	}
}

// A result is how a command ended.
type result struct {
	t              *testing.T
	command        string
	pid, code      int
	stdout, stderr string
}

// run runs a command in the folder to its end.
func (f *folder) run(args ...string) result {
	f.t.Helper()
	return f.runIn(f.dir, args...)
}

func (f *folder) runIn(dir string, args ...string) result {
	f.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), f.env...)
	if f.user != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: f.user, Gid: f.user}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // the exit code tells
	defer timer.Stop()
	var ended *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
		f.t.Fatal(err)
	}
	return result{f.t, fmt.Sprintf("%q", args), cmd.Process.Pid, cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// install runs install_DC.sh, which must go well.
func (f *folder) install() result {
	f.t.Helper()
	return f.run("./install_DC.sh").wants(0)
}

func (r result) wants(code int) result {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("%s: exit code %d, want %d\nstdout %s\nstderr %s", r.command, r.code, code, r.stdout, r.stderr)
	}
	return r
}

// says wants texts on stdout or stderr.
func (r result) says(texts ...string) result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			r.t.Errorf("%s does not say %q\nstdout %s\nstderr %s", r.command, text, r.stdout, r.stderr)
		}
	}
	return r
}

// A start is what a stand-in tells of its own.
type start struct {
	program string // its path
	pid     int
	ignored string // signals
	dir     string
	args    []string
}

// started reads what a stand-in printed, which must be all that was printed.
func (r result) started() start {
	r.t.Helper()
	words := strings.Split(r.stdout, "\x00")
	if len(words) < 5 || words[len(words)-1] != "" {
		r.t.Fatalf("%s started no program: exit code %d\nstdout %q\nstderr %s", r.command, r.code, r.stdout, r.stderr)
	}
	pid, err := strconv.Atoi(words[1])
	if err != nil {
		r.t.Fatal(err)
	}
	program := words[0]
	if !filepath.IsAbs(program) {
		program = filepath.Join(words[3], program)
	}
	return start{filepath.Clean(program), pid, words[2], words[3], words[4 : len(words)-1]}
}

// wantsStart wants that the command became a program, in its own process and folder.
func (r result) wantsStart(program, dir string, args ...string) start {
	r.t.Helper()
	s := r.started()
	if s.pid != r.pid {
		r.t.Errorf("%s: the program is process %d, not %d", r.command, s.pid, r.pid)
	}
	if s.program != program || s.dir != dir || !slices.Equal(s.args, args) {
		r.t.Errorf("%s started %q in %q with %q,\nwant %q in %q with %q", r.command, s.program, s.dir, s.args, program, dir, args)
	}
	if r.stderr != "" {
		r.t.Errorf("%s: stderr %q", r.command, r.stderr)
	}
	return s
}

// shells are the shells that users have, and that may be a machine's sh.
var shells = map[string][]string{
	"bash": {"bash"}, "posix": {"bash", "--posix"}, "dash": {"dash"}, "zsh": {"zsh", "-f"}, "busybox": {"busybox", "sh"},
}

// need skips the test if a program is missing, or fails it where all have to be there.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, "%s is not installed: %v", program, err)
	}
	return path
}

// missing says that something this test needs is not there.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// A tree is what is in a folder: by each path, without the folder's, what is there.
type tree map[string]string

// treeOf reads a folder, or a file: modes, owners, contents, and where links lead.
func treeOf(t *testing.T, dir string) tree {
	t.Helper()
	found := make(tree)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var content []byte
		switch {
		case d.Type() == fs.ModeSymlink:
			var target string
			target, err = os.Readlink(path)
			content = []byte(target)
		case d.Type().IsRegular():
			content, err = os.ReadFile(path)
		}
		name, _ := filepath.Rel(dir, path)
		found[name] = fmt.Sprintf("%v %d %q", info.Mode(), info.Sys().(*syscall.Stat_t).Uid, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantTree compares two trees.
func wantTree(t *testing.T, what string, got, want tree) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s is\n%.99s, want\n%.99s", what, name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, wanted := want[name]; !wanted {
			t.Errorf("%s: there is %s: %.99s", what, name, got[name])
		}
	}
}
