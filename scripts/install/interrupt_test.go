package install

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tools are the commands with which install_DC.sh changes anything.
var tools = []string{"mktemp", "mkdir", "chmod", "chown", "cp", "ln", "mv", "rm"}

// interrupter makes programs in the place of the tools, of which the nth that is called sends
// a signal to its caller instead of doing its work. They are in dir.
func (f *folder) interrupter(signal string) (dir, count string) {
	f.t.Helper()
	dir = filepath.Join(f.t.TempDir(), "tools")
	count = filepath.Join(dir, "count")
	for _, tool := range tools {
		path := need(f.t, tool)
		f.write(0o755, `#!/bin/sh
read -r count <'`+count+`'
echo $((count + 1)) >'`+count+`'
if [ $count = "$INTERRUPT_AT" ]; then
    kill -`+signal+` $PPID
    exit 1
fi
exec '`+path+`' "$@"
`, dir, tool)
	}
	return dir, count
}

// Whatever ends it, and wherever: what was there is there, under the one name or the other,
// and the next run makes the installation, or the way back, complete.
func TestInterrupted(t *testing.T) {
	for _, tt := range []struct {
		signal, task string
		without      string // a part of the Python tools
	}{
		{"KILL", "install", ""}, {"KILL", "again", ""}, {"TERM", "install", ""},
		{"KILL", "--restore", ""}, {"KILL", "--restore", "venv"}, {"KILL", "--restore", "*.py"}, {"INT", "--restore", ""},
	} {
		t.Run(tt.signal+" "+tt.task+" "+tt.without, func(t *testing.T) {
			if testing.Short() && (tt.signal != "KILL" || tt.task == "again") {
				t.Skip("takes long with the race detector, which sees nothing of it")
			}
			f := newFolder(t)
			f.makeOld()
			f.run("sh", "-c", "rm -rf "+tt.without)
			i := interruption{f: f, task: tt.task, old: treeOf(t, f.dir)}
			i.tools, i.count = f.interrupter(tt.signal)
			step := 0
			stride := 1
			if tt.signal != "KILL" {
				stride = 2 // all ends are alike where a signal can be caught
			}
			for i.at(step) {
				step += stride
			}
			if least := 6; step < least {
				t.Errorf("there were %d steps, want at least %d", step, least)
			}
		})
	}
}

type interruption struct {
	f            *folder
	tools, count string // a folder, and a file
	task         string
	old          tree
	installed    bool
}

// at interrupts at one step, and tells whether there was one.
func (i *interruption) at(step int) bool {
	t, f := i.f.t, i.f
	t.Helper()
	if i.task != "install" && !i.installed {
		f.install()
		i.installed = true
	}
	what := fmt.Sprintf("step %d", step)
	before := treeOf(t, f.dir)
	r := i.run(step)
	calls := i.calls()
	i.wantKept(what)
	if strings.Contains(r.stderr, "nothing was changed") {
		wantTree(t, what+", interrupted", treeOf(t, f.dir), before)
	}
	// Where nothing has changed yet, the next step begins with the same. It must not find what
	// is left of this one, if it was killed: to remove that is one more step.
	if calls > step && maps.Equal(i.now(), before) {
		f.run("sh", "-c", "rm -rf .install_DC.*").wants(0)
		return true
	}
	if i.task != "--restore" {
		f.install()
		i.wantRepaired(what)
	}
	i.restore(what)
	return calls > step
}

// now is what is in the folder, without what was left by one that was killed.
func (i *interruption) now() tree {
	now := treeOf(i.f.t, i.f.dir)
	maps.DeleteFunc(now, func(name, _ string) bool { return strings.HasPrefix(name, ".install_DC.") })
	return now
}

// restore goes back, if it was not done already.
func (i *interruption) restore(what string) {
	t, f := i.f.t, i.f
	t.Helper()
	if r := f.run("./install_DC.sh", "--restore"); r.code != 0 && !strings.Contains(r.stderr, "There is nothing to restore") {
		t.Errorf("%s: exit code %d\n%s%s", what, r.code, r.stdout, r.stderr)
	}
	wantTree(t, what+", restored", treeOf(t, f.dir), i.old)
	i.installed = false
}

// run does the task, and interrupts it.
func (i *interruption) run(step int) result {
	i.f.t.Helper()
	i.f.write(0o666, "0\n", i.count)
	args := []string{"env", fmt.Sprintf("INTERRUPT_AT=%d", step), "PATH=" + i.tools + ":" + os.Getenv("PATH"), "./install_DC.sh"}
	if i.task == "--restore" {
		args = append(args, i.task)
	}
	return i.f.run(args...)
}

// calls is how many of the tools were called.
func (i *interruption) calls() int {
	i.f.t.Helper()
	text, err := os.ReadFile(i.count)
	if err != nil {
		i.f.t.Fatal(err)
	}
	calls, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		i.f.t.Fatal(err)
	}
	return calls
}

// wantKept wants all of the Python tools there, under the old name or the new one.
func (i *interruption) wantKept(what string) {
	t := i.f.t
	t.Helper()
	now := treeOf(t, i.f.dir)
	for name, content := range i.old {
		top, rest, _ := strings.Cut(name, "/")
		if now[name] != content && now[filepath.Join(top+".python", rest)] != content {
			t.Errorf("%s: %s is lost: it is %.99s", what, name, now[name])
		}
	}
}

// wantRepaired wants an installation that is complete, and no rest of what was interrupted.
func (i *interruption) wantRepaired(what string) {
	t := i.f.t
	t.Helper()
	i.wantKept(what + ", repaired")
	now := treeOf(t, i.f.dir)
	for _, name := range laid {
		if now[name] == "" || now[name] == i.old[name] && name != "venv" && name != "venv/bin" {
			t.Errorf("%s: %s is not installed: %.99s", what, name, now[name])
		}
	}
	for name := range now {
		if strings.HasPrefix(name, ".install_DC.") {
			t.Errorf("%s: %s is left", what, name)
		}
	}
}
