package install

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// withSource makes a folder as a clone has it: without binaries, and with all that is built.
func (f *folder) withSource() {
	f.t.Helper()
	f.remove("bin")
	for _, name := range []string{"go.mod", "go.sum"} {
		f.copy(filepath.Join(repository, name), f.path(name))
	}
	for _, name := range []string{"collector", "listener", "pkg"} {
		err := filepath.WalkDir(filepath.Join(repository, name), func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.Name() == "testdata" {
				return fs.SkipDir
			}
			if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, "_test.go") {
				to, _ := filepath.Rel(repository, path)
				f.copy(path, f.path(to))
			}
			return err
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// built are the real programs, built by install_DC.sh once for all tests.
var built struct {
	once     sync.Once
	dir      string // holds a source tree, a clone where there is git, in which it was installed
	revision string // of the clone
	err      error
}

// sourceName is a name as hard as can be: Go embeds no files in a folder whose name is a pattern.
const sourceName = `it's a "clone"`

func realPrograms(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		built.dir, built.err = os.MkdirTemp("", "spot-install-")
		if built.err != nil {
			return
		}
		f := &folder{t: t, dir: filepath.Join(built.dir, sourceName)}
		f.fill(f.dir)
		f.withSource()
		f.write(0o644, "go 1.24.0\n", built.dir, "go.work") // somebody's, of which this is no part
		if _, err := exec.LookPath("git"); err == nil {
			f.initClone()
			built.revision = f.commit()
		}
		f.env = append(f.env, "GOOS=windows", "GOARCH=386") // of one who builds for others
		f.install().says("  |- Build collector and listener with Go ", " *  collector devel", " *  listener devel")
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, sourceName, "venv", "bin")
}

// initClone makes the folder a clone, for which no setting of this machine counts.
func (f *folder) initClone() {
	f.t.Helper()
	f.env = append(f.env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	f.run("git", "init", "-q").wants(0)
	f.copy(filepath.Join(repository, ".gitignore"), f.path(".gitignore"))
}

// commit commits all there is, and gives the commit's name.
func (f *folder) commit() string {
	f.t.Helper()
	git := []string{"git", "-c", "user.name=n", "-c", "user.email=e"}
	f.run(append(git, "add", "-A")...).wants(0)
	f.run(append(git, "commit", "-qm", "m")...).wants(0)
	return strings.TrimSpace(f.run(append(git, "log", "-1", "--format=%H")...).wants(0).stdout)
}

// What is built from source works as what came with the package does.
func TestBuild(t *testing.T) {
	t.Parallel()
	dir := realPrograms(t)
	for _, program := range []string{"collector", "listener"} {
		out, err := exec.Command("go", "version", "-m", filepath.Join(dir, program)).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range []string{"-trimpath=true", "CGO_ENABLED=0"} {
			if !strings.Contains(string(out), setting) {
				t.Errorf("%s is built without %s:\n%s", program, setting, out)
			}
		}
		out, err = exec.Command(filepath.Join(dir, program), "--help").Output()
		if err != nil || !strings.HasPrefix(string(out), "usage: ") {
			t.Errorf("%s --help: %v\n%s", program, err, out)
		}
	}
}

// What is built in a clone knows its commit, which what is unfinished does not modify.
func TestBuildInClone(t *testing.T) {
	need(t, "git")
	t.Parallel()
	dir := realPrograms(t)
	for _, program := range []string{"collector", "listener"} {
		out, err := exec.Command(filepath.Join(dir, program), "--version").Output()
		if want := program + " devel (commit " + built.revision[:12]; err != nil || !strings.HasPrefix(string(out), want) || strings.Contains(string(out), "modified") {
			t.Errorf("%s --version: %v, %q, want %q", program, err, out, want)
		}
	}
}

// Where git tells no commit, as in a clone without any, and to root in another user's, Go would
// give up: it is told to build without.
func TestBuildWithoutCommit(t *testing.T) {
	git := need(t, "git")
	f := newFolder(t)
	dir := openTempDir(t)
	f.withGoIn(dir)
	f.fakeGo("go1.24.0", "", dir, "go")
	f.link(git, dir, "git")
	f.env = append(f.env, "PATH="+dir+":"+f.bareMachine())
	wants := func(what, stamp string) {
		t.Helper()
		f.install()
		log, err := os.ReadFile(f.path("build.log"))
		if err != nil || !strings.Contains(string(log), " -buildvcs="+stamp+" ") {
			t.Errorf("%s: built by %q (%v), want -buildvcs=%s", what, log, err, stamp)
		}
		f.remove("build.log")
	}
	wants("no clone", "false")
	f.initClone()
	wants("no commit", "false")
	f.commit()
	wants("a commit", "auto")
	if os.Geteuid() != 0 {
		return
	}
	f.give(other)
	wants("another user's", "false")
	f.wantOwner(other)
}

// fakeGo makes a Go that has a version, and tells how it was called to build.
func (f *folder) fakeGo(version, build string, elem ...string) {
	f.t.Helper()
	f.write(0o755, fmt.Sprintf(`#!/bin/sh
case $1 in
version) echo "go version %s linux/amd64" ;;
build)
    printf '%%s\n' "$(id -u)" "$HOME" "$CGO_ENABLED" "$*" >build.log
    %s
    for word; do
        case $word in */venv/bin/) cp programs/* "$word" ;; esac
    done
    ;;
*) exit 1 ;;
esac
`, version, build), elem...)
}

// withGoIn makes the folder one of a clone, in which Go is looked for in dir besides the PATH.
func (f *folder) withGoIn(dir string) {
	f.t.Helper()
	for _, program := range []string{"collector", "listener"} {
		f.write(0o755, strings.ReplaceAll(standIn, "NAME", program), f.path("programs", program))
		f.write(0o644, "package main\n", f.path(program, "main.go"))
	}
	f.remove("bin")
	f.write(0o644, "module spot-ingest\n\ngo 1.24.0\n", f.path("go.mod"))
	content, err := os.ReadFile(f.path("install_DC.sh"))
	if err != nil {
		f.t.Fatal(err)
	}
	const places = "/usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go /snap/bin/go"
	if strings.Count(string(content), places) != 1 {
		f.t.Fatalf("install_DC.sh does not look for Go in %s", places)
	}
	f.write(0o755, strings.Replace(string(content), places, dir+"/go", 1), f.path("install_DC.sh"))
	f.env = append(f.env, "PATH="+f.t.TempDir()+":"+f.bareMachine())
}

// Which Go is taken, and what is said where none will do.
func TestGo(t *testing.T) {
	for name, tt := range map[string]struct {
		needed        string
		onPath, other string // versions
		taken         string // empty: none
		says          string
	}{
		"just right":              {"1.24.0", "go1.24.0", "", "1.24.0", ""},
		"newer":                   {"1.24.0", "go1.26.8", "", "1.26.8", ""},
		"much newer":              {"1.24.0", "go2.0", "", "2.0", ""},
		"without a third number":  {"1.24", "go1.24", "", "1.24", ""},
		"unreleased":              {"1.24.0", "devel go1.27-a1b2c3 Mon", "", "1.27-a1b2c3", ""},
		"the second":              {"1.24.0", "go1.19.8", "go1.24.1", "1.24.1", ""},
		"not on the PATH":         {"1.24.0", "", "go1.24.1", "1.24.1", ""},
		"it fetches a newer one":  {"1.24.0", `$([ "$GOTOOLCHAIN" = local ] && echo go1.22.1 || echo go1.24.5)`, "", "1.24.5", ""},
		"too old":                 {"1.24.0", "go1.19.8", "", "", "Go 1.24 or later is needed, this is 1.19.8 ("},
		"both too old":            {"1.24.0", "go1.9", "go1.23.12", "", "Go 1.24 or later is needed, this is 1.9 ("},
		"a little too old":        {"1.24.3", "go1.24.2", "", "", "Go 1.24.3 or later is needed, this is 1.24.2 ("},
		"none":                    {"1.24.0", "", "", "", "/bin/" + runtime.GOARCH + ", and no Go to build them.\nTake the package for this architecture, or install Go 1.24 or later.\n"},
		"one that is out of work": {"1.24.0", "$(exit 1)", "", "", "and no Go to build them."},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			dir := filepath.Join(openTempDir(t), "go")
			f.withGoIn(dir)
			f.makeOld()
			f.write(0o644, "module spot-ingest\n\ngo "+tt.needed+"\n\ntoolchain go1.99.9\n", f.path("go.mod"))
			bin := openTempDir(t)
			f.env = append(f.env, "PATH="+bin+":"+f.bareMachine())
			if tt.onPath != "" {
				f.fakeGo(tt.onPath, "", bin, "go")
			}
			if tt.other != "" {
				f.fakeGo(tt.other, "", dir, "go")
			}
			if tt.taken == "" {
				before := treeOf(t, f.dir)
				f.run("./install_DC.sh").wants(2).says(tt.says, failure)
				wantTree(t, "after the failure", treeOf(t, f.dir), before)
				return
			}
			f.install().says("  |- Build collector and listener with Go "+tt.taken+" (", " *  collector 1.2.3\n")
			log, err := os.ReadFile(f.path("build.log"))
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Split(string(log), "\n")
			if words[2] != "0" || !strings.HasPrefix(words[3], "build -trimpath -buildvcs=false -ldflags -s -w -o ./.install_DC.") ||
				!strings.HasSuffix(words[3], "/venv/bin/ ./collector ./listener") {
				t.Errorf("built by %q", words)
			}
		})
	}
}

// A build that fails, or that is interrupted, leaves all as it was.
func TestBuildFails(t *testing.T) {
	f := newFolder(t)
	dir := openTempDir(t)
	f.withGoIn(dir)
	f.makeOld()
	before := treeOf(t, f.dir)
	f.fakeGo("go1.24.0", "rm build.log; echo 'no network' >&2; exit 1", dir, "go")
	f.run("./install_DC.sh").wants(2).says("no network\n", "Go could not build them, for the reason above.", failure)
	wantTree(t, "after the failure", treeOf(t, f.dir), before)
}

func TestBuildInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			f := newFolder(t)
			dir := openTempDir(t)
			f.withGoIn(dir)
			f.makeOld()
			before := treeOf(t, f.dir)
			pid := filepath.Join(dir, "pid")
			f.fakeGo("go1.24.0", "rm build.log; echo $$ >'"+pid+"'; exec sleep 1000", dir, "go")
			cmd := exec.Command("./install_DC.sh")
			cmd.Dir, cmd.Env = f.dir, append(os.Environ(), f.env...)
			var out strings.Builder
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var builder int
			await(t, "the build", func() bool {
				content, _ := os.ReadFile(pid)
				_, err := fmt.Sscanf(string(content), "%d\n", &builder)
				return err == nil
			})
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // the exit code tells
			if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.HasSuffix(out.String(), failure) {
				t.Errorf("exit code %d, stdout %q", code, out.String())
			}
			if err := syscall.Kill(builder, 0); err != syscall.ESRCH {
				t.Errorf("the build goes on: %v", err)
			}
			wantTree(t, "after the signal", treeOf(t, f.dir), before)
		})
	}
}

// With sudo it is the owner of the folder who builds, in whose caches root must leave nothing;
// unless the owner has no home for them.
func TestBuildAsOwner(t *testing.T) {
	needRoot(t)
	for name, tt := range map[string]struct {
		owner, builder uint32
		home           bool
	}{
		"a user":             {1, 1, true}, // daemon: any account will do
		"one without a home": {1, 0, false},
		"one without name":   {other, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			dir := openTempDir(t)
			f.withGoIn(dir)
			f.fakeGo("go1.24.0", "", dir, "go")
			f.give(tt.owner)
			home := "/nonexistent"
			if tt.home {
				home = openTempDir(t)
				if err := os.Chown(home, int(tt.owner), int(tt.owner)); err != nil {
					t.Fatal(err)
				}
			}
			bin := openTempDir(t)
			f.link(need(t, "setpriv"), bin, "setpriv")
			f.link(need(t, "cut"), bin, "cut")
			f.write(0o755, fmt.Sprintf("#!/bin/sh\ncase $2 in 0) echo root:x:0:0:root:/root:/bin/sh ;; 1) echo daemon:x:1:1:d:%s:/bin/sh ;; *) exit 2 ;; esac\n", home), bin, "getent")
			f.env = append(f.env, "PATH="+bin+":"+f.bareMachine(), "HOME=/of/sudo")
			f.install()
			log, err := os.ReadFile(f.path("build.log"))
			if err != nil {
				t.Fatal(err)
			}
			f.remove("build.log")
			f.wantOwner(tt.owner)
			if tt.builder == 0 {
				home = "/root"
			}
			want := fmt.Sprintf("%d\n%s\n0\n", tt.builder, home)
			if !strings.HasPrefix(string(log), want) {
				t.Errorf("built by %q, want %q", log, want)
			}
		})
	}
}
