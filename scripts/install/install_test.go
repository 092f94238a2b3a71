package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The last lines, as scripts look for them.
const (
	success = "\n***********************************************************\n" +
		"*           Installation completed successfully           *\n" +
		"***********************************************************\n\n"
	failure = "\n-----------------------------------------------------------\n" +
		"      ERROR: Unable to install distributed collector.      \n\n"
)

// Everything that an installation makes, in a folder where nothing was.
var laid = []string{
	"collector.py", "start_listener.py", "venv", "venv/.spot-ingest", "venv/bin", "venv/bin/activate",
	"venv/bin/collector", "venv/bin/collector.py", "venv/bin/listener", "venv/bin/start_listener.py", "venv/bin/python", "venv/bin/python2", "venv/bin/python3",
}

// wantInstalled wants an installation that is complete, with no rest of what made it, and that
// all else is as it was.
func (f *folder) wantInstalled(before tree) {
	f.t.Helper()
	now := treeOf(f.t, f.dir)
	for _, name := range laid {
		content, there := now[name]
		if !there {
			f.t.Errorf("there is no %s", name)
			continue
		}
		mode := "-rwxr-xr-x"
		switch name {
		case "venv", "venv/bin":
			mode = "drwxr-xr-x"
		case "venv/.spot-ingest", "venv/bin/activate":
			mode = "-rw-r--r--"
		case "venv/bin/collector.py", "venv/bin/start_listener.py":
			mode = "Lrwxrwxrwx"
		}
		if got, _, _ := strings.Cut(content, " "); got != mode {
			f.t.Errorf("%s has the mode %s, want %s", name, got, mode)
		}
		delete(now, name)
	}
	rest := make(tree)
	for name, content := range before {
		if !slices.Contains(laid, name) {
			rest[name] = content
		}
	}
	wantTree(f.t, "what was there", now, rest)
	f.run("venv/bin/python", "collector.py", "a").wants(0).wantsStart(f.path("venv/bin/collector.py"), f.dir, "a")
	f.run("./start_listener.py", "a").wants(0).wantsStart(f.path("venv/bin/start_listener.py"), f.dir, "a")
}

// However it is called, it installs in the folder that it lies in.
func TestCalls(t *testing.T) {
	outside := func(f *folder) string { return filepath.Dir(f.dir) }
	for name, tt := range map[string]struct {
		dir     func(*folder) string
		command func(*folder) []string
	}{
		"itself":     {nil, func(*folder) []string { return []string{"./install_DC.sh"} }},
		"bash":       {nil, func(*folder) []string { return []string{"bash", "install_DC.sh"} }},
		"sh":         {nil, func(*folder) []string { return []string{"sh", "install_DC.sh"} }},
		"sh by path": {outside, func(f *folder) []string { return []string{"sh", hardName + "/install_DC.sh"} }},
		"elsewhere":  {outside, func(f *folder) []string { return []string{f.path("install_DC.sh")} }},
		"by CDPATH": {outside, func(f *folder) []string {
			other := filepath.Join(outside(f), "other")
			f.write(0o644, "", other, hardName, "file")
			return []string{"env", "CDPATH=" + other, "bash", hardName + "/install_DC.sh"}
		}},
		"C":               {nil, func(*folder) []string { return []string{"env", "LC_ALL=C", "LANG=C", "./install_DC.sh"} }},
		"no environment":  {nil, func(*folder) []string { return []string{"env", "-i", "PATH=" + os.Getenv("PATH"), "./install_DC.sh"} }},
		"a strange umask": {nil, func(*folder) []string { return []string{"sh", "-c", "umask 077; ./install_DC.sh"} }},
		"by the PATH": {outside, func(f *folder) []string {
			return []string{"env", "PATH=" + f.dir + ":" + os.Getenv("PATH"), "install_DC.sh"}
		}},
		"by a link": {outside, func(f *folder) []string {
			link := filepath.Join(outside(f), "link")
			f.link(hardName+"/install_DC.sh", link)
			return []string{"bash", "link"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			dir := f.dir
			if tt.dir != nil {
				dir = tt.dir(f)
			}
			before := treeOf(t, f.dir)
			r := f.runIn(dir, tt.command(f)...).wants(0)
			if !strings.HasSuffix(r.stdout, success) || r.stderr != "" {
				t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
			}
			r.says("\n  |- Create virtual environment...\n", " *  Use the binaries in \"bin/"+runtime.GOARCH+"\".\n", " *  collector 1.2.3\n")
			f.wantInstalled(before)
		})
	}
}

// Shells of all kinds can run it, since "sh install_DC.sh" is whatever sh is.
func TestShells(t *testing.T) {
	for name, command := range shells {
		if name == "zsh" {
			continue // it is nobody's sh
		}
		t.Run(name, func(t *testing.T) {
			need(t, command[0])
			f := newFolder(t)
			f.makeOld()
			f.run(append(command, "install_DC.sh")...).wants(0)
			f.run(append(command, "install_DC.sh")...).wants(0)
			f.run(append(command, "install_DC.sh", "--restore")...).wants(0)
		})
	}
}

// A way of copying that loses what is executable, such as unzip's, does not matter.
func TestLostModes(t *testing.T) {
	f := newFolder(t)
	f.run("find", ".", "-type", "f", "-exec", "chmod", "600", "{}", "+").wants(0)
	before := treeOf(t, f.dir)
	f.run("sh", "install_DC.sh").wants(0)
	f.wantInstalled(before)
}

// Names of folders that a shell may stumble over.
func TestFolderNames(t *testing.T) {
	for _, name := range []string{" ", "a\nb", "a\n", "\n", "'", "''", `\`, `$(touch x)`, "`touch x`", "-n", "-", "*", "a;b", "é\xff", "@VENV@", "=@VENV@"} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			hard := filepath.Join(filepath.Dir(f.dir), "in", name)
			if err := os.MkdirAll(filepath.Dir(hard), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(f.dir, hard); err != nil {
				t.Fatal(err)
			}
			f.dir = hard
			before := treeOf(t, f.dir)
			f.install()
			f.wantInstalled(before)
			for _, shell := range shells {
				if _, err := exec.LookPath(shell[0]); err != nil {
					continue // other tests say so
				}
				script := `. ./venv/bin/activate && printf '%s\0' "$VIRTUAL_ENV" && python collector.py x`
				r := f.run(append(shell, "-euc", script)...).wants(0)
				venv, rest, _ := strings.Cut(r.stdout, "\x00")
				r.stdout = rest
				if venv != f.path("venv") || r.started().program != f.path("venv/bin/collector.py") {
					t.Errorf("%s: VIRTUAL_ENV is %q, want %q; started %q", shell, venv, f.path("venv"), r.started().program)
				}
			}
		})
	}
}

// Again and again: also with a collector running from the environment, with parts missing,
// and with newer binaries, which all processes that start afterwards are of.
func TestAgain(t *testing.T) {
	f := newFolder(t)
	before := treeOf(t, f.dir)
	f.install()
	first := treeOf(t, f.dir)
	f.install()
	wantTree(t, "the second time", treeOf(t, f.dir), first)
	for _, name := range laid {
		if err := os.RemoveAll(f.path(name)); err != nil {
			t.Fatal(err)
		}
		f.install()
		wantTree(t, "without "+name, treeOf(t, f.dir), first)
	}
	f.remove("venv/bin/collector")
	f.link("..", f.path("venv/bin/collector"))
	f.install()
	wantTree(t, "with a link to a folder", treeOf(t, f.dir), first)
	f.wantInstalled(before)

	// A program of the machine, of which the file can't be written to while it runs.
	f.copy(need(t, "sleep"), f.path("bin", runtime.GOARCH, "collector"))
	f.install()
	running := exec.Command(f.path("venv/bin/collector"), "1000")
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = running.Process.Kill()
		_ = running.Wait() // killed
	})
	if file, err := os.OpenFile(f.path("venv/bin/collector"), os.O_WRONLY, 0); err == nil {
		file.Close()
		t.Error("a running program can be written to: this shows nothing")
	}
	f.fill(f.dir)
	f.install()
	f.wantInstalled(before)
	if err := running.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the collector that was running: %v", err)
	}
}

// Several at the same time come one after the other.
func TestAtOnce(t *testing.T) {
	f := newFolder(t)

	// While another is at work, nothing is touched that may be its.
	f.write(0o644, "", f.path(".install_DC.others", "file"))
	unlock := f.lock()
	waiting := exec.Command(f.path("install_DC.sh"))
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- waiting.Wait() }()
	await(t, "install_DC.sh to wait", func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", waiting.Process.Pid))
		comm, _ := os.ReadFile("/proc/" + strings.TrimSpace(string(children)) + "/comm")
		return string(comm) == "flock\n" || len(ended) > 0
	})
	if _, err := os.Stat(f.path(".install_DC.others/file")); err != nil || len(ended) > 0 {
		t.Errorf("it did not wait: %v", err)
	}
	unlock()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.path(".install_DC.others")); err == nil {
		t.Error("what was left by another is still there")
	}
	f.run("rm", "-rf", "venv", "collector.py", "start_listener.py").wants(0)

	f.makeOld()
	old := treeOf(t, f.path("venv"))
	results := make(chan result)
	const times = 4
	for range times {
		go func() { results <- f.run("./install_DC.sh") }()
	}
	for range times {
		if r := <-results; r.code != 0 {
			t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
		}
	}
	wantTree(t, "venv.python", treeOf(t, f.path("venv.python")), old)
}

// lock holds the lock as another install_DC.sh does, until unlock is called.
func (f *folder) lock() (unlock func()) {
	f.t.Helper()
	holder := exec.Command(need(f.t, "flock"), f.path("install_DC.sh"), "sh", "-c", "echo locked; read -r _")
	stdin, err := holder.StdinPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	locked, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err == nil {
		_, err = locked.Read(make([]byte, 1))
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return func() {
		f.t.Helper()
		stdin.Close()
		if err := holder.Wait(); err == nil {
			f.t.Error("the lock was given back by itself") // read ends at the end of its input
		}
	}
}

// Where flock is an old one, or busybox's, it does not wait, but two are never at work.
func TestAtOnceByOtherFlock(t *testing.T) {
	for name, lacks := range map[string]string{"old": "-E) exit 64", "busybox": "-w) exit 1"} {
		t.Run(name, func(t *testing.T) {
			flock := need(t, "flock")
			f := newFolder(t)
			f.makeOld()
			f.write(0o644, "", f.path(".install_DC.others", "file"))
			bin := f.t.TempDir()
			f.write(0o755, "#!/bin/sh\nfor word; do case $word in "+lacks+" ;; esac; done\nexec '"+flock+"' \"$@\"\n", bin, "flock")
			f.env = append(f.env, "PATH="+bin+":"+os.Getenv("PATH"))
			before := treeOf(t, f.dir)
			unlock := f.lock()
			f.run("./install_DC.sh").wants(2).says("Another install_DC.sh is at work in ", failure)
			wantTree(t, "while another is at work", treeOf(t, f.dir), before)
			unlock()
			f.install()
			if _, err := os.Stat(f.path(".install_DC.others")); err == nil {
				t.Error("what was left by another is still there")
			}
		})
	}
}

// What can't be installed says why, changes nothing, and exits with 2.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		break_  func(*folder)
		args    []string
		reasons []string
	}{
		"no binaries and no source": {func(f *folder) { f.remove("bin") }, nil,
			[]string{"There are no binaries for this machine (", "/bin/" + runtime.GOARCH + ".\n", "Go 1.24 or later"}},
		"a binary is missing": {func(f *folder) { f.remove("bin", runtime.GOARCH, "listener") }, nil,
			[]string{"There are no binaries for this machine ("}},
		"of another architecture": {func(f *folder) {
			f.write(0o755, "\x7fELF\x02\x01\x01\x00 of another", f.path("bin", runtime.GOARCH, "collector"))
		}, nil, []string{"The collector can't be run on this machine", "noexec"}},
		"a broken binary": {func(f *folder) {
			f.write(0o755, "#!/bin/sh\nexit 3\n", f.path("bin", runtime.GOARCH, "listener"))
		}, nil, []string{"The listener can't be run on this machine"}},
		"an incomplete package": {func(f *folder) { f.remove("scripts", "install", "activate") }, nil,
			[]string{"scripts/install/activate is missing or damaged"}},
		"another system's line ends": {func(f *folder) {
			f.run("sed", "-i", `s/$/\r/`, "scripts/install/python").wants(0)
		}, nil, []string{"scripts/install/python is missing or damaged"}},
		"two environments": {func(f *folder) { f.makeOldVenv("venv.python") }, nil,
			[]string{"has a Python environment in venv, and another one in venv.python.", "Nothing was changed."}},
		"two of a script": {func(f *folder) { f.write(0o644, "other", f.path("collector.py.python")) }, nil,
			[]string{"has a collector.py of the Python tools, and another one in collector.py.python."}},
		"a dangling venv.python": {func(f *folder) { f.link("nowhere", f.path("venv.python")) }, nil,
			[]string{"another one in venv.python."}},
		"an unknown option": {func(*folder) {}, []string{"--force"}, []string{"usage: install_DC.sh [--restore]"}},
		"too much":          {func(*folder) {}, []string{"--restore", "x"}, []string{"usage: install_DC.sh [--restore]"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.makeOld()
			tt.break_(f)
			before := treeOf(t, f.dir)
			r := f.run(append([]string{"./install_DC.sh"}, tt.args...)...).wants(2).says(tt.reasons...)
			if !strings.HasSuffix(r.stdout, failure) {
				t.Errorf("stdout %q", r.stdout)
			}
			wantTree(t, "after the failure", treeOf(t, f.dir), before)
		})
	}
}

func (f *folder) remove(elem ...string) {
	f.t.Helper()
	if err := os.RemoveAll(f.path(elem...)); err != nil {
		f.t.Fatal(err)
	}
}

// A full disk, here one on which files have a limit, changes nothing.
func TestNoSpace(t *testing.T) {
	f := newFolder(t)
	f.makeOld()
	f.write(0o755, strings.ReplaceAll(standIn, "NAME", "listener")+strings.Repeat("#\n", 10_000), f.path("bin", runtime.GOARCH, "listener"))
	before := treeOf(t, f.dir)
	f.run("bash", "-c", "ulimit -f 8; exec ./install_DC.sh").wants(2).says("is the disk of ", failure)
	wantTree(t, "after the failure", treeOf(t, f.dir), before)
	f.install()
}

// Nobody needs to read what it prints.
func TestUnread(t *testing.T) {
	for _, output := range []string{"| true", "2>&1 | head -n 1", ">/dev/full", ">&-"} {
		t.Run(output, func(t *testing.T) {
			f := newFolder(t)
			before := treeOf(t, f.dir)
			f.run("bash", "-o", "pipefail", "-c", "./install_DC.sh "+output).wants(0)
			f.wantInstalled(before)
		})
	}
}

func TestHelp(t *testing.T) {
	f := newFolder(t)
	before := treeOf(t, f.dir)
	f.run("./install_DC.sh", "--help").wants(0).says("usage: install_DC.sh [--restore]")
	wantTree(t, "after --help", treeOf(t, f.dir), before)
}

// await waits for a condition that another process brings about.
func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !met(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
