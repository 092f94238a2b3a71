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
var tools = []string{"mktemp", "mkdir", "chmod", "chown", "cp", "mv", "rm"}

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
	for _, tt := range []struct{ signal, task string }{
		{"KILL", "install"}, {"KILL", "again"}, {"KILL", "--restore"}, {"TERM", "install"}, {"INT", "--restore"},
	} {
		t.Run(tt.signal+" "+tt.task, func(t *testing.T) {
			if testing.Short() && tt.signal != "KILL" {
				t.Skip("takes long with the race detector, which sees nothing of it")
			}
			f := newFolder(t)
			f.makeOld()
			if tt.task == "again" {
				f.install()
			}
			i := interruption{f: f, count: f.interrupter(tt.signal), restore: tt.task == "--restore"}
			step := 0
			for i.at(step) {
				step++
			}
			t.Logf("interrupted %d times", step)
			if least := 3; step < least {
				t.Errorf("interrupted %d times, want at least %d", step, least)
			}
		})
	}
}

type interruption struct {
	f       *folder
	count   string
	restore bool
}

// at interrupts at one step, and tells whether there was one.
func (i interruption) at(step int) bool {
	t, f := i.f.t, i.f
	t.Helper()
	if i.restore {
		i.run(-1, "./install_DC.sh").wants(0)
	}
	before := treeOf(t, f.dir)
	args := []string{"./install_DC.sh"}
	if i.restore {
		args = append(args, "--restore")
	}
	r := i.run(step, args...)
	steps, err := os.ReadFile(i.count)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := strconv.Atoi(strings.TrimSpace(string(steps)))
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("step %d", step)
	i.wantKept(what, before)
	if strings.Contains(r.stderr, "nothing was changed") {
		wantTree(t, what+", interrupted", treeOf(t, f.dir), before)
	}
	if i.restore {
		i.run(-1, args...)
		i.wantKept(what+", repaired", before)
		if r := i.run(-1, args...); !strings.Contains(r.stderr, "There is nothing to restore") {
			t.Errorf("%s: restored again:\n%s%s", what, r.stdout, r.stderr)
		}
		return calls > step
	}
	i.run(-1, args...).wants(0)
	after := treeOf(t, f.dir)
	for _, name := range laid {
		if after[name] == "" {
			t.Errorf("%s: there is no %s", what, name)
		}
	}
	for name := range after {
		if strings.HasPrefix(name, ".install_DC.") {
			t.Errorf("%s: %s is left", what, name)
		}
	}
	i.wantKept(what+", repaired", before)
	if before["venv.python"] == "" {
		i.run(-1, "./install_DC.sh", "--restore").wants(0)
		wantTree(t, what+", restored", treeOf(t, f.dir), before)
	}
	return calls > step
}

func (i interruption) run(step int, args ...string) result {
	i.f.t.Helper()
	i.f.write(0o666, "0\n", i.count)
	return i.f.run(append([]string{"env", fmt.Sprintf("INTERRUPT_AT=%d", step)}, args...)...)
}

// wantKept wants all of the Python tools there, under the old name or the new one.
func (i interruption) wantKept(what string, before tree) {
	t := i.f.t
	t.Helper()
	now := treeOf(t, i.f.dir)
	for name, content := range before {
		top, rest, _ := strings.Cut(name, "/")
		plain := strings.TrimSuffix(top, ".python")
		if plain != "venv" && plain != "collector.py" && plain != "start_listener.py" {
			if now[name] != content {
				t.Errorf("%s: %s is %.99s, want %.99s", what, name, now[name], content)
			}
			continue
		}
		if before[plain+".python"] != "" && top == plain {
			continue // ours
		}
		if old, kept := now[filepath.Join(plain, rest)], now[filepath.Join(plain+".python", rest)]; old != content && kept != content {
			t.Errorf("%s: %s is lost: it is neither %.99s nor %.99s", what, name, old, kept)
		}
	}
}
