package install

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tools are the commands with which install_DC.sh changes anything.
var tools = []string{"mktemp", "mkdir", "chmod", "chown", "cp", "ln", "mv", "rm"}

// interrupter makes programs in the place of the tools, of which the nth that is called sends
// a signal to its caller instead of doing its work.
func (f *folder) interrupter(signal string) (count string) {
	f.t.Helper()
	dir := filepath.Join(f.t.TempDir(), "tools")
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
	f.env = append(f.env, "PATH="+dir+":"+os.Getenv("PATH"))
	return count
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
			i := interruption{f, f.interrupter(tt.signal), tt.task, treeOf(t, f.dir)}
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
	f     *folder
	count string // a file
	task  string
	old   tree
}

// at interrupts at one step, and tells whether there was one.
func (i interruption) at(step int) bool {
	t, f := i.f.t, i.f
	t.Helper()
	args := []string{"./install_DC.sh"}
	if i.task != "install" {
		i.run(-1, args...).wants(0)
	}
	if i.task == "--restore" {
		args = append(args, i.task)
	}
	before := treeOf(t, f.dir)
	r := i.run(step, args...)
	calls := i.calls()
	what := fmt.Sprintf("step %d", step)
	i.wantKept(what)
	if strings.Contains(r.stderr, "nothing was changed") {
		wantTree(t, what+", interrupted", treeOf(t, f.dir), before)
	}
	if i.task != "--restore" {
		i.run(-1, args...).wants(0)
		i.wantRepaired(what)
		args = append(args, "--restore")
	}
	// Restored it may be already.
	if r := i.run(-1, args...); r.code != 0 && !strings.Contains(r.stderr, "There is nothing to restore") {
		t.Errorf("%s: exit code %d\n%s%s", what, r.code, r.stdout, r.stderr)
	}
	wantTree(t, what+", restored", treeOf(t, f.dir), i.old)
	return calls > step
}

func (i interruption) run(step int, args ...string) result {
	i.f.t.Helper()
	i.f.write(0o666, "0\n", i.count)
	return i.f.run(append([]string{"env", fmt.Sprintf("INTERRUPT_AT=%d", step)}, args...)...)
}

// calls is how many of the tools were called.
func (i interruption) calls() int {
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
func (i interruption) wantKept(what string) {
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
func (i interruption) wantRepaired(what string) {
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
