package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// collector.py and start_listener.py work without an activated environment, by whatever they
// are started, and start the program of their own folder in the folder where they were called.
func TestScripts(t *testing.T) {
	f := newFolder(t)
	f.install()
	outside := t.TempDir()
	f.link(f.path("collector.py"), outside, "collector.py")
	f.link("collector.py", outside, "collect")
	f.link(f.dir, outside, "folder")
	collector, listener := f.path("venv/bin/collector.py"), f.path("venv/bin/start_listener.py")
	linked := filepath.Join(outside, "folder/venv/bin/start_listener.py")
	path := "PATH=" + f.dir + ":" + os.Getenv("PATH")
	for _, tt := range []struct {
		dir     string
		command []string
		program string
	}{
		{f.dir, []string{"./collector.py"}, collector},
		{f.dir, []string{"./start_listener.py"}, listener},
		{f.dir, []string{f.path("collector.py")}, collector},
		{f.dir, []string{"sh", "collector.py"}, collector},
		{f.dir, []string{"sh", "./start_listener.py"}, listener},
		{f.path("scripts"), []string{"../collector.py"}, collector},
		{"/", []string{f.path("start_listener.py")}, listener},
		{"/", []string{"sh", f.path("start_listener.py")}, listener},
		{"/", []string{"env", path, "collector.py"}, collector},
		{"/", []string{"env", path, "sh", "-c", `exec collector.py "$@"`, "sh"}, collector},
		{f.dir, []string{"env", "PATH=:" + os.Getenv("PATH"), "collector.py"}, collector},
		{f.path("scripts"), []string{"env", "PATH=..:" + os.Getenv("PATH"), "start_listener.py"}, listener},
		{outside, []string{"./collector.py"}, collector},
		{outside, []string{"sh", "collector.py"}, collector},
		{outside, []string{"./collect"}, collector},
		{"/", []string{filepath.Join(outside, "collect")}, collector},
		{outside, []string{"folder/start_listener.py"}, linked},
	} {
		f.runIn(tt.dir, append(tt.command, arguments...)...).wants(0).wantsStart(tt.program, tt.dir, arguments...)
	}
	f.env = append(f.env, "STAND_IN_EXITS=9", "LC_ALL=C")
	f.run("./collector.py").wants(9)
}

// pythons are all that are there, without an environment.
func pythons(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".pyenv/versions/*/bin/python"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/usr/bin/python2", "/usr/bin/python3"} {
		if _, err := os.Stat(name); err == nil {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		missing(t, "there is no Python")
	}
	return found
}

// A Python that is called by its path, so past ours, finds a program in them too.
func TestScriptsByPython(t *testing.T) {
	for _, python := range pythons(t) {
		t.Run(python, func(t *testing.T) {
			f := newFolder(t)
			f.install()
			f.env = append(f.env, "LC_ALL=C", "PYTHONDONTWRITEBYTECODE=", "PYTHONWARNINGS=error")
			outside := f.t.TempDir()
			f.link(f.path("collector.py"), outside, "my collector.py")
			direct := f.run("./collector.py").wants(0).started()
			for _, tt := range []struct{ dir, script, program string }{
				{f.dir, "collector.py", "collector.py"},
				{f.dir, "./start_listener.py", "start_listener.py"},
				{"/", f.path("collector.py"), "collector.py"},
				{f.path("bin"), "../start_listener.py", "start_listener.py"},
				{outside, "my collector.py", "collector.py"},
			} {
				r := f.runIn(tt.dir, append([]string{python, "-B", tt.script}, arguments...)...).wants(0)
				s := r.wantsStart(f.path("venv/bin", tt.program), tt.dir, arguments...)
				if s.ignored != direct.ignored {
					t.Errorf("signals %s are ignored, want %s", s.ignored, direct.ignored)
				}
			}
			before := treeOf(t, f.dir)
			f.run(python, "collector.py").wants(0)
			wantTree(t, "after a run", treeOf(t, f.dir), before)
			f.env = append(f.env, "STAND_IN_EXITS=9")
			f.run(python, "collector.py").wants(9)
		})
	}
}

// Without an installation they say what to do.
func TestScriptsAlone(t *testing.T) {
	f := newFolder(t)
	for _, script := range []string{"collector.py", "start_listener.py"} {
		f.copy(script, f.path(script))
		for _, command := range [][]string{{"./" + script}, {"sh", script}} {
			r := f.run(append(command, "-t", "flow")...).wants(1)
			want := script + ": ./venv/bin/" + script + " is missing: run ./install_DC.sh first\n"
			if r.stderr != want || r.stdout != "" {
				t.Errorf("stdout %q, stderr %q, want %q", r.stdout, r.stderr, want)
			}
		}
	}
}

// The one who reads the second line of a file must find it there.
func TestMarks(t *testing.T) {
	const mark = "# spot-ingest: laid by install_DC.sh\n"
	for _, name := range []string{"activate", "python", "collector.py", "start_listener.py"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(content), "\n")
		if lines[1] != mark {
			t.Errorf("%s: line 2 is %q, want %q", name, lines[1], mark)
		}
	}
}
