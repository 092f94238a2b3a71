package install

import (
	"io/fs"
	"os"
	"testing"
)

// makeOld makes an installation of the Python tools: an environment, scripts, and what they
// need, with things that a careless hand would lose.
func (f *folder) makeOld() {
	f.t.Helper()
	f.makeOldVenv("venv")
	f.write(0o640, "#!/usr/bin/env python\n\n#\n# Licensed to …\n# collector\n", f.path("collector.py"))
	f.write(0o755, "#!/usr/bin/env python\n# listener\n", f.path("start_listener.py"))
	f.write(0o644, "worker", f.path("worker.py"))
	f.write(0o600, "egg", f.path("dist", "pipelines-1.0-py2.7.egg"))
	f.write(0o644, "", f.path("common", "__init__.py"))
	f.write(0o644, "other", f.path("pipelines", "flow", "collector.py"))
	f.write(0o644, "log", f.path("logs", "x.log"))
}

func (f *folder) makeOldVenv(name string) {
	f.t.Helper()
	f.write(0o644, "VIRTUAL_ENV='/somewhere'\n", f.path(name, "bin", "activate"))
	f.write(0o755, "#!/bin/sh\nprintf '%s\\0' \"$0\" $$ - \"$PWD\" \"$@\"\n", f.path(name, "bin", "python2.7"))
	f.link("python2.7", f.path(name, "bin", "python"))
	f.link("python", f.path(name, "bin", "python2"))
	f.write(0o400, "read-only", f.path(name, "lib", "python2.7", "site-packages", "avro", "__init__.py"))
	f.link("/nowhere", f.path(name, "lib64"))
}

// Back to the Python tools by one command, from any number of installations: all is as it was,
// modes and links too.
func TestRestore(t *testing.T) {
	for name, old := range map[string]func(*folder){
		"all":            func(f *folder) { f.makeOld() },
		"no environment": func(f *folder) { f.makeOld(); f.remove("venv") },
		"no scripts":     func(f *folder) { f.makeOldVenv("venv") },
		"one script":     func(f *folder) { f.write(0o644, "old", f.path("start_listener.py")) },
		"links": func(f *folder) {
			f.makeOld()
			for _, name := range []string{"venv", "collector.py", "start_listener.py"} {
				if err := os.Rename(f.path(name), f.path("moved "+name)); err != nil {
					f.t.Fatal(err)
				}
				f.link("moved "+name, f.path(name))
			}
		},
		"dangling links": func(f *folder) {
			f.link("/nowhere/venv", f.path("venv"))
			f.link("/nowhere/collector.py", f.path("collector.py"))
		},
		"a file and folders": func(f *folder) {
			f.write(0o600, "venv", f.path("venv"))
			f.write(0o644, "x", f.path("collector.py", "x"))
			f.write(0o644, "x", f.path("start_listener.py", "x"))
		},
		"an environment without rights": func(f *folder) {
			f.makeOld()
			if err := os.Chmod(f.path("venv", "bin"), fs.ModeDir|0o555); err != nil {
				f.t.Fatal(err)
			}
			f.t.Cleanup(func() { _ = os.Chmod(f.path("venv", "bin"), fs.ModeDir|0o755) }) // to remove it
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			old(f)
			before := treeOf(t, f.dir)
			for range 2 {
				f.install()
				f.install()
				f.run("venv/bin/python", "collector.py", "x").wants(0).wantsStart(f.path("venv/bin/collector.py"), f.dir, "x")
				f.run("./install_DC.sh", "--restore").wants(0).says(" *  The Python tools are in place again.\n")
				wantTree(t, "restored", treeOf(t, f.dir), before)
			}
			f.run("./install_DC.sh", "--restore").wants(2).says("There is nothing to restore", "ERROR: Unable to restore the Python tools.")
			wantTree(t, "restored twice", treeOf(t, f.dir), before)
		})
	}
}

// An environment that somebody made anew in ours is theirs, and kept.
func TestEnvironmentInOurs(t *testing.T) {
	for _, file := range []string{"pyvenv.cfg", "lib/python3.11/site-packages/x.py", "bin/activate", "bin/python3"} {
		t.Run(file, func(t *testing.T) { testEnvironmentInOurs(t, file) })
	}
}

func testEnvironmentInOurs(t *testing.T, file string) {
	f := newFolder(t)
	f.install()
	f.write(0o644, "# theirs\n", f.path("venv", file))
	theirs := treeOf(t, f.path("venv"))
	f.install()
	wantTree(t, "venv.python", treeOf(t, f.path("venv.python")), theirs)
	f.run("venv/bin/python", "collector.py").wants(0).wantsStart(f.path("venv/bin/collector.py"), f.dir)
	f.run("./install_DC.sh", "--restore").wants(0)
	wantTree(t, "venv", treeOf(t, f.path("venv")), theirs)
}

// A link to an environment of ours gives way to one of this folder; the other stays.
func TestLinkToOurs(t *testing.T) {
	f := newFolder(t)
	f.install()
	if err := os.Rename(f.path("venv"), f.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	f.link("elsewhere", f.path("venv"))
	before := treeOf(t, f.path("elsewhere"))
	f.install()
	wantTree(t, "the other", treeOf(t, f.path("elsewhere")), before)
	wantTree(t, "venv", treeOf(t, f.path("venv")), before)
}

// Nothing is lost by going back: it refuses, and says what is in the way.
func TestRestoreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*folder)
		reason string
	}{
		"a file of theirs in venv":      {func(f *folder) { f.write(0o644, "x", f.path("venv", "notes")) }, "venv/notes was not made by install_DC.sh"},
		"a hidden one in venv/bin":      {func(f *folder) { f.write(0o644, "x", f.path("venv", "bin", ".notes")) }, "venv/bin/.notes was not made by"},
		"another environment in venv":   {func(f *folder) { f.remove("venv"); f.makeOldVenv("venv") }, "venv was not made by install_DC.sh"},
		"a collector.py of their own":   {func(f *folder) { f.write(0o644, "x", f.path("collector.py")) }, "collector.py was not made by"},
		"a python of their own":         {func(f *folder) { f.write(0o755, "x", f.path("venv", "bin", "python")) }, "venv was not made by"},
		"a start_listener.py, a folder": {func(f *folder) { f.remove("start_listener.py"); f.write(0o644, "x", f.path("start_listener.py", "x")) }, "start_listener.py was not made by"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.makeOld()
			f.install()
			tt.change(f)
			before := treeOf(t, f.dir)
			f.run("./install_DC.sh", "--restore").wants(2).says(tt.reason, "ERROR: Unable to restore the Python tools.")
			wantTree(t, "after the refusal", treeOf(t, f.dir), before)
		})
	}
}
