package install

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// all sorts of arguments, which must come through as they are.
var arguments = []string{"-t", "flow", "", "a  b", "x\ny\n", "--", "-u", "*", `$(touch x)`, `\n`, "'", "é\xff", "-c", ""}

// Interpreter options in front of the script mean nothing to ours.
var skipped = [][]string{
	{}, {"-u"}, {"-B"}, {"-E", "-s"}, {"-S", "-O"}, {"-OO"}, {"-v"}, {"-uB"}, {"-3"}, {"-tt"}, {"-I"}, {"-bb"}, {"-i"}, {"-x"},
	{"-W", "ignore"}, {"-Wignore"}, {"-X", "dev"}, {"-Xdev"}, {"-Q", "new"}, {"-uW", "ignore"}, {"-uWignore", "-B"},
	{"--"}, {"-u", "--"}, {"-W", "-c"}, {"-W", ""}, {"-qRdP"},
}

// python runs the program of the script's own installation in its place.
func TestPythonRunsOurs(t *testing.T) {
	f := newFolder(t)
	f.install()
	f.env = append(f.env, "PATH="+f.path("venv/bin")+":"+os.Getenv("PATH"))
	for i, options := range skipped {
		name := []string{"python", "python2", "python3"}[i%3]
		args := append(append([]string{name}, options...), "collector.py")
		f.run(append(append([]string{"env"}, args...), arguments...)...).wants(0).
			wantsStart(f.path("venv/bin/collector.py"), f.dir, arguments...)
	}
	f.env = append(f.env, "STAND_IN_EXITS=7")
	f.run("env", "python", "start_listener.py").wants(7).wantsStart(f.path("venv/bin/start_listener.py"), f.dir)
}

// Each shell that may be the machine's sh reads the command line in the same way.
func TestPythonByEachShell(t *testing.T) {
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			need(t, shell[0])
			f := newFolder(t)
			f.install()
			if name == "zsh" {
				shell = []string{"zsh", "--emulate", "sh", "-f"}
			}
			bin := filepath.Join(f.t.TempDir(), "bin")
			f.fakePython(bin, "python")
			f.env = append(f.env, "PATH="+bin+":"+os.Getenv("PATH"))
			python := append(slices.Clone(shell), f.path("venv/bin/python"))
			for _, options := range skipped {
				args := append(append(python, options...), "./collector.py")
				f.run(append(args, arguments...)...).wants(0).wantsStart(f.path("venv/bin/collector.py"), f.dir, arguments...)
			}
			for _, args := range passedOn {
				f.run(append(python, args...)...).wants(0).wantsStart(filepath.Join(bin, "python"), f.dir, args...)
			}
		})
	}
}

// Whatever way a script is named, its own installation counts.
func TestPythonFindsTheScript(t *testing.T) {
	f := newFolder(t)
	f.install()
	second := &folder{t: t, dir: filepath.Join(openTempDir(t), "second")}
	second.fill(second.dir)
	second.install()
	outside := t.TempDir()
	f.link(f.path("collector.py"), outside, "collector.py")
	f.link(f.dir, outside, "link")
	f.link("link/start_listener.py", outside, "start_listener.py")
	f.link(f.path("venv", "bin", "python"), outside, "python2")
	for _, tt := range []struct{ dir, python, script, program string }{
		{f.dir, "venv/bin/python", "./collector.py", f.path("venv/bin/collector.py")},
		{f.dir, "venv/bin/python", f.path("collector.py"), f.path("venv/bin/collector.py")},
		{f.path("scripts"), "../venv/bin/python", "../start_listener.py", f.path("venv/bin/start_listener.py")},
		{"/", f.path("venv/bin/python"), f.path("collector.py"), f.path("venv/bin/collector.py")},
		{f.dir, "venv/bin/python", second.path("collector.py"), second.path("venv/bin/collector.py")},
		{second.dir, f.path("venv/bin/python"), "collector.py", second.path("venv/bin/collector.py")},
		{outside, f.path("venv/bin/python"), "collector.py", f.path("venv/bin/collector.py")},
		{outside, f.path("venv/bin/python"), "link/collector.py", filepath.Join(outside, "link/venv/bin/collector.py")},
		{outside, f.path("venv/bin/python"), "start_listener.py", f.path("venv/bin/start_listener.py")},
		{outside, "./python2", f.path("collector.py"), f.path("venv/bin/collector.py")},
		{outside, "link/venv/bin/python3", "./link/collector.py", filepath.Join(outside, "link/venv/bin/collector.py")},
	} {
		f.runIn(tt.dir, tt.python, tt.script, "x").wants(0).wantsStart(tt.program, tt.dir, "x")
	}
	f.link(f.dir, outside, "-c")
	f.runIn(outside, f.path("venv/bin/python"), "--", "-c/collector.py", "x").wants(0).
		wantsStart(filepath.Join(outside, "-c/venv/bin/collector.py"), outside, "x")
}

// Command lines that are for the real Python, with all their words.
var passedOn = [][]string{
	{}, {"-"}, {"-c", "pass", "collector.py"}, {"-cpass", "collector.py"}, {"-uc", "pass", "collector.py"}, {"-m", "pdb", "collector.py"},
	{"-um", "pdb", "collector.py"}, {"-V", "collector.py"}, {"-h", "collector.py"}, {"-?", "collector.py"}, {"--version", "collector.py"},
	{"--help"}, {"-", "collector.py"}, {"-u", "-", "collector.py"}, {"worker.py", "collector.py"}, {"-W", "collector.py"},
	{"-W", "collector.py", "worker.py"}, {"-u", "other/collector.py", "-t", "flow"}, {"other"}, {"none/collector.py"}, {"link.py"},
	{"", "collector.py"}, {"collector.py "}, {"--", "-c", "collector.py"}, {"-z", "collector.py"}, {"--check-hash-based-pycs", "never", "x"},
	{"worker.py", "", "a  b", "x\ny\n", "*", "$(touch x)", `\n`, "é\xff"},
}

// fakePython makes a Python that tells how it was started, as the stand-ins do.
func (f *folder) fakePython(elem ...string) {
	f.t.Helper()
	f.write(0o755, strings.ReplaceAll(standIn, "--version", "--stand-in"), elem...)
}

func TestPythonPassesOn(t *testing.T) {
	f := newFolder(t)
	f.install()
	f.write(0o644, "#!/usr/bin/env python\n# Licensed to others\n", f.path("other", "collector.py"))
	f.write(0o644, "print('worker')\n", f.path("worker.py"))
	f.link("collector.py", f.path("link.py"))
	bin := filepath.Join(t.TempDir(), "bin")
	for _, name := range []string{"python", "python2", "python3"} {
		f.fakePython(bin, name)
	}
	f.env = append(f.env, "PATH="+f.path("venv/bin")+":"+bin+":"+os.Getenv("PATH"))
	for _, name := range []string{"python", "python2", "python3"} {
		for _, args := range passedOn {
			f.run(append([]string{"env", name}, args...)...).wants(0).wantsStart(filepath.Join(bin, name), f.dir, args...)
		}
	}
}

// Which Python is the real one.
func TestRealPython(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(f *folder, bin string)
		path    func(f *folder, bin string) string // behind the environment's own
		python  string
		want    func(f *folder, bin string) string // empty: none
	}{
		"of the environment that was here": {
			func(f *folder, bin string) { f.makeOldVenv("venv.python"); f.fakePython(bin, "python") },
			nil, "python", func(f *folder, _ string) string { return f.path("venv.python/bin/python") }},
		"by a link, its python": {
			func(f *folder, bin string) {
				f.makeOldVenv("venv.python")
				f.fakePython(bin, "python")
				f.link(f.path("venv/bin/python"), f.path("my bin", "python"))
			},
			nil, "my bin/python", func(f *folder, _ string) string { return f.path("venv.python/bin/python") }},
		"its python2": {
			func(f *folder, bin string) { f.makeOldVenv("venv.python"); f.fakePython(bin, "python2") },
			nil, "python2", func(f *folder, _ string) string { return f.path("venv.python/bin/python2") }},
		"no python3 there": {
			func(f *folder, bin string) { f.makeOldVenv("venv.python"); f.fakePython(bin, "python3") },
			nil, "python3", func(_ *folder, bin string) string { return bin + "/python3" }},
		"its base was removed": {
			func(f *folder, bin string) {
				f.link("/nowhere/python", f.path("venv.python/bin/python"))
				f.fakePython(bin, "python")
			},
			nil, "python", func(_ *folder, bin string) string { return bin + "/python" }},
		"of the PATH": {
			func(f *folder, bin string) { f.fakePython(bin, "python") },
			nil, "python", func(_ *folder, bin string) string { return bin + "/python" }},
		"by another name": {
			func(f *folder, bin string) { f.fakePython(bin, "python3"); f.fakePython(bin, "python2") },
			nil, "python", func(_ *folder, bin string) string { return bin + "/python3" }},
		"by the last name": {
			func(f *folder, bin string) { f.fakePython(bin, "python2") },
			nil, "python", func(_ *folder, bin string) string { return bin + "/python2" }},
		"python3 is no python2": {
			func(f *folder, bin string) { f.fakePython(bin, "python3"); f.fakePython(bin, "python") },
			nil, "python2", nil},
		"not a folder, nor what can't run": {
			func(f *folder, bin string) {
				f.write(0o644, "", bin, "a", "python", "x")
				f.write(0o644, "#!/bin/sh\n", bin, "b", "python")
				f.fakePython(bin, "python")
			},
			func(_ *folder, bin string) string { return bin + "/a:" + bin + "/b:" + bin },
			"python", func(_ *folder, bin string) string { return bin + "/python" }},
		"relative and empty entries": {
			func(f *folder, bin string) { f.fakePython(f.path("python")) },
			func(*folder, string) string { return "nowhere::venv/bin" },
			"python", func(f *folder, _ string) string { return f.path("python") }},
		"a relative entry": {
			func(f *folder, bin string) { f.fakePython(f.path("my bin"), "python") },
			func(*folder, string) string { return "./venv/bin:my bin" },
			"python", func(f *folder, _ string) string { return f.path("my bin/python") }},
		"other names of this one": {
			func(f *folder, bin string) {
				f.link(f.dir, bin, "link")
				f.link(f.path("venv/bin"), bin, "bin")
				f.link(f.path("venv/bin/python"), bin, "a", "python")
				f.link("../a/python", bin, "b", "python")
				f.fakePython(bin, "python")
			},
			func(f *folder, bin string) string {
				return strings.Join([]string{bin + "/link/venv/bin", bin + "/bin", bin + "/a", bin + "/b", f.path("venv/../venv/bin/"), bin}, ":")
			},
			"python", func(_ *folder, bin string) string { return bin + "/python" }},
		"another installation's": {
			func(f *folder, bin string) {
				if err := os.CopyFS(filepath.Join(bin, "copy"), os.DirFS(f.path("venv"))); err != nil {
					f.t.Fatal(err)
				}
				f.fakePython(bin, "python")
			},
			func(_ *folder, bin string) string { return bin + "/copy/bin:" + bin },
			"python", func(_ *folder, bin string) string { return bin + "/python" }},
		"nothing but shims": {
			func(f *folder, bin string) { f.link(f.path("venv/bin/python"), bin, "python") }, nil, "python", nil},
		// As pyenv's do when the system's Python is chosen: they look for one on the PATH.
		"a shim that comes back": {
			func(f *folder, bin string) {
				f.write(0o755, "#!/bin/sh\nexec env python \"$@\"\n", bin, "first", "python")
				f.write(0o755, "#!/bin/sh\nexec env python \"$@\"\n", bin, "second", "python")
				f.fakePython(bin, "last", "python")
			},
			func(f *folder, bin string) string { return bin + "/first:" + bin + "/second:" + bin + "/last" },
			"python", func(_ *folder, bin string) string { return bin + "/last/python" }},
		"nothing but shims that come back": {
			func(f *folder, bin string) {
				f.write(0o755, "#!/bin/sh\nexec env python \"$@\"\n", bin, "python")
				f.write(0o755, "#!/bin/sh\nexec env python3 \"$@\"\n", bin, "python3")
			}, nil, "python", nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.install()
			bin := filepath.Join(f.t.TempDir(), "bin")
			tt.prepare(f, bin)
			path := bin
			if tt.path != nil {
				path = tt.path(f, bin)
			}
			f.env = append(f.env, "PATH="+f.path("venv/bin")+":"+path+":"+f.bareMachine())
			f.write(0o644, "", f.path("worker.py"))
			r := f.run("env", tt.python, "worker.py", "a  b")
			if tt.want == nil {
				r.wants(127).says(": command not found")
				return
			}
			r.wants(0).wantsStart(tt.want(f, bin), f.dir, "worker.py", "a  b")
		})
	}
}

// A Python gets the environment that it would have without ours; so does the collector.
func TestPythonEnvironment(t *testing.T) {
	f := newFolder(t)
	f.install()
	env := need(t, "env")
	bin := filepath.Join(t.TempDir(), "bin")
	f.link(env, bin, "python")
	f.copy(env, f.path("venv", "bin", "collector"))
	// Names that a script might have for its own.
	for _, name := range []string{"name", "word", "words", "script", "rest", "folder", "line", "self", "program", "dir", "home", "path"} {
		f.env = append(f.env, name+"=the user's "+name)
	}
	f.env = append(f.env, "IFS=:", "PATH="+f.path("venv/bin")+":"+bin+":"+os.Getenv("PATH"))
	want := f.run("sh", "-c", `exec "$1"`, "sh", env).wants(0).stdout
	for _, args := range [][]string{{"python"}, {"python", "collector.py"}, {"python", "-u", "./collector.py"}, {"./collector.py"}} {
		got := f.run(append([]string{"sh", "-c", `exec "$@"`, "sh"}, args...)...).wants(0).stdout
		if left, right := environment(got), environment(want); !slices.Equal(left, right) {
			t.Errorf("%q: environment\n%q, want\n%q", args, left, right)
		}
	}
}

// What one Python says to the next of what was tried does not reach the collector.
func TestPythonTriedNotPassedOn(t *testing.T) {
	f := newFolder(t)
	f.install()
	f.copy(need(t, "env"), f.path("venv", "bin", "collector"))
	f.env = append(f.env, "SPOT_INGEST_PYTHON=1:/usr/bin/python")
	if r := f.run("venv/bin/python", "collector.py").wants(0); strings.Contains(r.stdout, "SPOT_INGEST_PYTHON") {
		t.Errorf("environment %s", r.stdout)
	}
}

// environment sorts what env printed, without what each shell sets anew.
func environment(text string) []string {
	all := strings.Split(text, "\n")
	all = slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, "_=") || strings.HasPrefix(line, "SHLVL=") })
	slices.Sort(all)
	return all
}

// The Python that is really here works through ours, pyenv's shims too.
func TestPythonOfTheMachine(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		missing(t, "python3 is not installed: %v", err)
	}
	f := newFolder(t)
	f.install()
	const program = `import os, sys; print([sys.argv, sys.prefix, os.getcwd(), os.environ.get("VIRTUAL_ENV")])`
	want := f.run("env", "VIRTUAL_ENV="+f.path("venv"), python, "-c", program, "a  b").wants(0)
	got := f.run("sh", "-c", `. venv/bin/activate; exec python3 -c "$@"`, "sh", program, "a  b").wants(0)
	if got.stdout != want.stdout {
		t.Errorf("stdout %q, want %q; stderr %q", got.stdout, want.stdout, got.stderr)
	}
	if got := f.run("sh", "-c", ". venv/bin/activate; echo 'print(6*7)' | python3 -"); got.stdout != "42\n" {
		t.Errorf("from stdin: %q; stderr %q", got.stdout, got.stderr)
	}
	// A script of theirs starts the collector by its name.
	f.write(0o644, "import subprocess, sys\nsys.exit(subprocess.call(['python', 'collector.py', 'a  b']))\n", f.path("worker.py"))
	r := f.run("sh", "-c", ". venv/bin/activate; exec python3 worker.py").wants(0)
	if s := r.started(); s.program != f.path("venv/bin/collector.py") || !slices.Equal(s.args, []string{"a  b"}) {
		t.Errorf("started %q with %q", s.program, s.args)
	}
}

// All names of the old environment's Python lead there, and so do its other programs, whose
// first line names a path that is ours now.
func TestPythonOfOldEnvironment(t *testing.T) {
	t.Parallel()
	// The first line of a program can't name a path with a blank.
	f := &folder{t: t, dir: filepath.Join(openTempDir(t), "spot-ingest")}
	f.fill(f.dir)
	f.makeOld()
	f.write(0o755, "", f.path("venv", "bin", "python2.7-config"))
	f.write(0o755, "#!"+f.path("venv/bin/python2.7")+"\n", f.path("venv", "bin", "pip2.7"))
	f.write(0o755, "#!"+f.path("venv/bin/python")+"\n", f.path("venv", "bin", "pip"))
	before := treeOf(t, f.dir)
	f.install()
	f.remove("venv", "bin", "python2.7") // as an installation before this one had none
	f.install()
	f.env = append(f.env, "PATH="+f.path("venv/bin")+":"+os.Getenv("PATH"))
	f.run("env", "python2.7", "worker.py", "a  b").wants(0).wantsStart(f.path("venv.python/bin/python2.7"), f.dir, "worker.py", "a  b")
	f.run("env", "python2.7", "collector.py", "a  b").wants(0).wantsStart(f.path("venv/bin/collector.py"), f.dir, "a  b")
	f.run("venv.python/bin/pip", "list").wants(0).wantsStart(f.path("venv.python/bin/python"), f.dir, "venv.python/bin/pip", "list")
	f.run("venv.python/bin/pip2.7", "list").wants(0).wantsStart(f.path("venv.python/bin/python2.7"), f.dir, "venv.python/bin/pip2.7", "list")
	if _, err := os.Stat(f.path("venv/bin/python2.7-config")); err == nil {
		t.Error("ours took the name of another program")
	}
	f.run("./install_DC.sh", "--restore").wants(0)
	wantTree(t, "restored", treeOf(t, f.dir), before)
}

// Scripts find the packages of the environment that was here before, and after the way back
// it is what it was.
func TestPythonPackages(t *testing.T) {
	t.Parallel()
	python := need(t, "python3")
	// Python's own activate is at a loss with harder names.
	f := &folder{t: t, dir: filepath.Join(openTempDir(t), "spot ingest")}
	f.fill(f.dir)
	if r := f.run(python, "-m", "venv", "--without-pip", "venv"); r.code != 0 {
		missing(t, "python3 makes no environment: %s%s", r.stdout, r.stderr)
	}
	libraries, err := fs.Glob(os.DirFS(f.dir), "venv/lib/python3*/site-packages")
	if err != nil || len(libraries) != 1 {
		t.Fatalf("%q, %v", libraries, err)
	}
	f.write(0o644, "answer = 42\n", f.path(libraries[0], "ours.py"))
	f.write(0o644, "import ours\nprint(ours.answer)\n", f.path("worker.py"))
	before := treeOf(t, f.dir)
	activated := func() string {
		t.Helper()
		return f.run("bash", "-c", "source venv/bin/activate; exec python -B worker.py").wants(0).stdout
	}
	want := activated()
	f.install()
	if got := activated(); got != want || got != "42\n" {
		t.Errorf("printed %q, want %q", got, want)
	}
	f.run("bash", "-c", "source venv/bin/activate; exec python collector.py x").wants(0).wantsStart(f.path("venv/bin/collector.py"), f.dir, "x")
	f.run("./install_DC.sh", "--restore").wants(0)
	wantTree(t, "restored", treeOf(t, f.dir), before)
	if got := activated(); got != want {
		t.Errorf("restored, it printed %q, want %q", got, want)
	}
}
