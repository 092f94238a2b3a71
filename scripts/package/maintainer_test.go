package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A host is a folder in which a maintainer script takes place: programs that only write down
// how they were called, and folders instead of the system's.
type host struct {
	t      *testing.T
	root   string
	shells [][]string
}

func newHost(t *testing.T) *host {
	h := &host{t: t, root: t.TempDir(), shells: [][]string{{"/bin/sh"}}}
	for _, shell := range [][]string{{"dash"}, {"busybox", "sh"}, {"bash", "--posix"}} {
		if path, err := exec.LookPath(shell[0]); err == nil {
			h.shells = append(h.shells, append([]string{path}, shell[1:]...))
		}
	}
	h.mkdir("bin")
	for _, tool := range []string{"mkdir", "rm"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, h.path("bin/"+tool)); err != nil {
			t.Fatal(err)
		}
	}
	h.program("id", `[ -e `+h.path("user")+` ]`)
	h.program("chown", "")
	return h
}

func (h *host) path(name string) string { return filepath.Join(h.root, name) }

func (h *host) mkdir(name string) {
	h.t.Helper()
	if err := os.MkdirAll(h.path(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) write(name, text string, mode os.FileMode) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), mode); err != nil {
		h.t.Fatal(err)
	}
}

// program puts a program on the PATH.
func (h *host) program(name, script string) {
	h.write("bin/"+name, "#!/bin/sh\n[ "+name+" = id ] || echo "+name+" \"$@\" >>"+h.path("calls")+"\n"+script+"\n", 0o755)
}

func (h *host) exists(name string) bool {
	_, err := os.Lstat(h.path(name))
	return err == nil
}

// script runs a maintainer script by a shell and returns what it called and what it said.
func (h *host) script(shell []string, name string, args ...string) (calls, said string) {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join("maintainer", name+".sh"))
	if err != nil {
		h.t.Fatal(err)
	}
	moved := string(text)
	for _, dir := range []string{"/run/systemd", "/var/lib", "/etc/systemd"} {
		moved = strings.ReplaceAll(moved, " "+dir, " "+h.root+dir)
	}
	h.write("script", moved, 0o755)
	h.write("calls", "", 0o644)
	cmd := exec.Command(shell[0], append(append(shell[1:], h.path("script")), args...)...)
	cmd.Env = []string{"PATH=" + h.path("bin")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Errorf("%s %q by %q: %v\n%s", name, args, shell, err, out)
	}
	log, err := os.ReadFile(h.path("calls"))
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.ReplaceAll(string(log), h.root, ""), strings.ReplaceAll(string(out), h.root, "")
}

const (
	chowned = "chown spot-ingest:spot-ingest /var/lib/spot-ingest/staging /var/lib/spot-ingest\n"
	reload  = "systemctl daemon-reload\n"
	units   = " spot-collector@*.service spot-listener@*.service\n"
)

// TestPostinstall has dpkg and rpm install and upgrade.
func TestPostinstall(t *testing.T) {
	const made = "groupadd --system spot-ingest\n" +
		"useradd --system --gid spot-ingest --home-dir /var/lib/spot-ingest --no-create-home --shell /usr/sbin/nologin --comment Spot ingest spot-ingest\n"
	for _, c := range []struct {
		name     string
		args     []string
		systemd  bool // runs
		sysusers bool // is installed
		user     bool // is there
		want     string
	}{
		{"deb", []string{"configure", ""}, true, true, false, "systemd-sysusers spot-ingest.conf\n" + chowned + reload},
		{"deb, without version", []string{"configure"}, true, true, false, "systemd-sysusers spot-ingest.conf\n" + chowned + reload},
		{"deb upgrade", []string{"configure", "1.0.0"}, true, true, true,
			"systemd-sysusers spot-ingest.conf\n" + chowned + reload + "systemctl try-restart" + units},
		{"deb without systemd", []string{"configure"}, false, false, false, made + chowned},
		{"deb without systemd again", []string{"configure", "1.0.0"}, false, false, true, chowned},
		{"deb that fails", []string{"abort-upgrade", "1.0.1"}, true, true, false, ""},
		{"rpm", []string{"1"}, true, true, false, "systemd-sysusers spot-ingest.conf\n" + chowned + reload},
		{"rpm upgrade", []string{"2"}, true, false, true, chowned + reload + "systemctl try-restart" + units},
		{"rpm without systemd", []string{"1"}, false, false, false, made + chowned},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range newHost(t).shells {
				h := newHost(t)
				h.mkdir("var/lib")
				h.program("systemctl", "")
				h.program("groupadd", "")
				h.program("useradd", ": >"+h.path("user"))
				if c.systemd {
					h.mkdir("run/systemd/system")
				}
				if c.sysusers {
					h.program("systemd-sysusers", ": >"+h.path("user"))
				}
				if c.user {
					h.write("user", "", 0o644)
				}
				calls, said := h.script(h.shells[i], "postinstall", c.args...)
				if calls != c.want || said != "" {
					t.Errorf("by %q called\n%swant\n%ssaid %q", h.shells[i], calls, c.want, said)
				}
			}
		})
	}
}

// TestPostinstallKeeps wants folders and links that are there left alone.
func TestPostinstallKeeps(t *testing.T) {
	h := newHost(t)
	h.write("user", "", 0o644)
	h.mkdir("var/lib")
	if err := os.Symlink("/elsewhere", h.path("var/lib/spot-ingest")); err != nil {
		t.Fatal(err)
	}
	calls, _ := h.script(h.shells[0], "postinstall", "configure", "")
	if calls != "" {
		t.Errorf("called %q", calls)
	}
}

// TestPostinstallFolders wants folders that only the user may enter.
func TestPostinstallFolders(t *testing.T) {
	h := newHost(t)
	h.write("user", "", 0o644)
	h.mkdir("var/lib")
	h.script(h.shells[0], "postinstall", "configure", "")
	for _, name := range []string{"var/lib/spot-ingest", "var/lib/spot-ingest/staging"} {
		if info, err := os.Stat(h.path(name)); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestPostinstallWithoutUser wants the package installed where nobody can make users.
func TestPostinstallWithoutUser(t *testing.T) {
	h := newHost(t)
	h.program("groupadd", "exit 1")
	calls, said := h.script(h.shells[0], "postinstall", "1")
	if calls != "groupadd --system spot-ingest\n" || !strings.Contains(said, "the user spot-ingest could not be made") {
		t.Errorf("called %q, said %q", calls, said)
	}
}

// TestRemove has dpkg and rpm remove, upgrade and purge.
func TestRemove(t *testing.T) {
	const link = "etc/systemd/system/multi-user.target.wants/spot-collector@flow.service"
	for _, c := range []struct {
		script, args, want string
		forgets, tells     bool
	}{
		{"preremove", "remove", "systemctl stop" + units, false, false},
		{"preremove", "0", "systemctl stop" + units, false, false},
		{"preremove", "upgrade 1.0.1", "", false, false},
		{"preremove", "1", "", false, false},
		{"postremove", "remove", reload + "systemctl reset-failed" + units, false, false},
		{"postremove", "purge", reload + "systemctl reset-failed" + units, true, true},
		{"postremove", "0", reload + "systemctl reset-failed" + units, true, true},
		{"postremove", "upgrade 1.0.1", "", false, false},
		{"postremove", "1", "", false, false},
	} {
		for _, systemd := range []bool{true, false} {
			for i := range newHost(t).shells {
				h := newHost(t)
				h.mkdir("var/lib/spot-ingest")
				h.mkdir(filepath.Dir(link))
				h.write("etc/systemd/system/multi-user.target.wants/other.service", "", 0o644)
				if err := os.Symlink("/usr/lib/systemd/system/spot-collector@.service", h.path(link)); err != nil {
					t.Fatal(err)
				}
				h.program("systemctl", "")
				want := ""
				if systemd {
					h.mkdir("run/systemd/system")
					want = c.want
				}
				calls, said := h.script(h.shells[i], c.script, strings.Fields(c.args)...)
				if calls != want {
					t.Errorf("%s %s called\n%swant\n%s", c.script, c.args, calls, want)
				}
				if tells := strings.Contains(said, "/var/lib/spot-ingest is left"); tells != c.tells || !tells && said != "" {
					t.Errorf("%s %s said %q", c.script, c.args, said)
				}
				if h.exists(link) == c.forgets || !h.exists("etc/systemd/system/multi-user.target.wants/other.service") {
					t.Errorf("%s %s: link is there: %v", c.script, c.args, h.exists(link))
				}
				if !h.exists("var/lib/spot-ingest") {
					t.Errorf("%s %s removed the state", c.script, c.args)
				}
			}
		}
	}
}

// TestFailingSystemctl wants nothing of dpkg's or rpm's work to stand still for it.
func TestFailingSystemctl(t *testing.T) {
	for script, args := range map[string]string{"postinstall": "configure 1.0.0", "preremove": "remove", "postremove": "purge"} {
		h := newHost(t)
		h.write("user", "", 0o644)
		h.mkdir("var/lib")
		h.mkdir("run/systemd/system")
		h.program("systemctl", "exit 1")
		if _, said := h.script(h.shells[0], script, strings.Fields(args)...); !strings.Contains(said, "spot-ingest: ") {
			t.Errorf("%s said nothing of it: %q", script, said)
		}
	}
}
