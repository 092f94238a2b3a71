package install

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// other is a user who is not root, and need not have an account.
const other = 12345

// wantOwner wants that all in the folder belongs to a user.
func (f *folder) wantOwner(want uint32) {
	f.t.Helper()
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			f.t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) give(user uint32) {
	f.t.Helper()
	err := filepath.WalkDir(f.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(user), int(user))
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only root can run this as two users")
	}
}

// What sudo makes belongs to the owner of the folder, so both can run it again, and go back,
// in any order.
func TestOwner(t *testing.T) {
	needRoot(t)
	for name, users := range map[string][]uint32{
		"sudo, then without": {0, other, 0},
		"without, then sudo": {other, 0, other},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.makeOld()
			f.give(other)
			before := treeOf(t, f.dir)
			for i, user := range users {
				f.user = user
				f.install()
				f.wantOwner(other)
				f.user = users[(i+1)%len(users)]
				f.run("./install_DC.sh", "--restore").wants(0)
				wantTree(t, "restored", treeOf(t, f.dir), before)
			}
		})
	}
}

// A third user runs what was made, whatever the umask was.
func TestThirdUser(t *testing.T) {
	needRoot(t)
	f := newFolder(t)
	f.run("sh", "-c", "umask 077; exec ./install_DC.sh").wants(0)
	f.user = other
	f.run("sh", "-c", ". venv/bin/activate; exec python collector.py -t flow").wants(0).
		wantsStart(f.path("venv/bin/collector.py"), f.dir, "-t", "flow")
	f.run("./start_listener.py").wants(0).wantsStart(f.path("venv/bin/start_listener.py"), f.dir)
	before := treeOf(t, f.dir)
	f.run("./install_DC.sh").wants(2).says("can't be written to by this user: run install_DC.sh with sudo", failure)
	f.run("./install_DC.sh", "--restore").wants(2)
	wantTree(t, "after the refusal", treeOf(t, f.dir), before)
}

// What a run as root could not give away is told at once, not found out in the middle.
func TestEnvironmentOfRoot(t *testing.T) {
	needRoot(t)
	f := newFolder(t)
	f.makeOld()
	f.install()
	if err := os.Lchown(f.dir, other, other); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, f.dir)
	f.user = other
	f.run("./install_DC.sh").wants(2).says("venv belongs to another user: run it with sudo.", failure)
	f.run("./install_DC.sh", "--restore").wants(2).says("venv belongs to another user: run it with sudo.")
	wantTree(t, "after the refusal", treeOf(t, f.dir), before)
	f.user = 0
	f.install()
	f.user = other
	f.install()
}

// A folder on which nothing can be written.
func TestReadOnly(t *testing.T) {
	f := newFolder(t)
	f.makeOld()
	if os.Geteuid() == 0 {
		f.give(other)
		f.user = other
	}
	if err := os.Chmod(f.dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(f.dir, 0o755) }) // to remove it
	before := treeOf(t, f.dir)
	f.run("./install_DC.sh").wants(2).says("can't be written to by this user", failure)
	wantTree(t, "after the refusal", treeOf(t, f.dir), before)
}

// A machine that has only a shell and the core utilities, so neither Python nor Go.
func TestBareMachine(t *testing.T) {
	t.Run("core utilities", func(t *testing.T) {
		testBareMachine(t, (*folder).bareMachine, "bash", "sh")
	})
	t.Run("busybox", func(t *testing.T) {
		testBareMachine(t, (*folder).busyboxMachine, "sh")
	})
}

func testBareMachine(t *testing.T, path func(*folder) string, shells ...string) {
	f := newFolder(t)
	f.env = append(f.env, "PATH="+path(f))
	f.makeOldVenv("venv") // whose Python is gone
	f.remove("venv", "bin", "python2.7")
	before := treeOf(t, f.dir)
	for range 2 {
		// It would complain of what it needs and has not, such as clear, or apt.
		if r := f.run("sh", "install_DC.sh").wants(0); r.stderr != "" {
			t.Errorf("stderr %q", r.stderr)
		}
	}
	for _, shell := range shells {
		for _, script := range []string{"collector.py", "start_listener.py"} {
			r := f.run(shell, "-c", ". venv/bin/activate; exec python -u "+script+` -t flow --topic "a  b"`).wants(0)
			r.wantsStart(f.path("venv/bin", script), f.dir, "-t", "flow", "--topic", "a  b")
			f.run(shell, "-c", "exec ./"+script+" x").wants(0).wantsStart(f.path("venv/bin", script), f.dir, "x")
		}
		for command, want := range map[string]struct {
			code   int
			stderr string
		}{
			"python":                 {127, "python: command not found"},
			"python3 -c pass":        {127, "python3: command not found"},
			"python worker.py":       {2, "python: can't open file 'worker.py': [Errno 2] No such file or directory\n"},
			"python2 -u colector.py": {2, "python2: can't open file 'colector.py': [Errno 2] No such file or directory\n"},
			"python install_DC.sh":   {127, "python: command not found"},
		} {
			r := f.run(shell, "-c", ". venv/bin/activate; exec "+command).wants(want.code)
			if !strings.HasPrefix(r.stderr, want.stderr) || r.stdout != "" {
				t.Errorf("%s: stdout %q, stderr %q, want %q", command, r.stdout, r.stderr, want.stderr)
			}
		}
	}
	f.run("sh", "install_DC.sh", "--restore").wants(0)
	wantTree(t, "restored", treeOf(t, f.dir), before)
}

// busyboxMachine makes a folder for the PATH of a machine that has busybox alone.
func (f *folder) busyboxMachine() string {
	f.t.Helper()
	busybox := need(f.t, "busybox")
	dir := filepath.Join(f.t.TempDir(), "busybox")
	for _, name := range strings.Fields(f.run(busybox, "--list").wants(0).stdout) {
		f.link(busybox, dir, name)
	}
	return dir
}

// bareMachine makes a folder for the PATH that has bash, sh and core utilities, all of which
// a machine without any of the rest still has.
func (f *folder) bareMachine() string {
	f.t.Helper()
	dir := filepath.Join(f.t.TempDir(), "bare")
	names := []string{"bash", "sh", "env", "cat", "id", "stat", "uname", "readlink", "sleep", "sed"}
	for _, name := range append(names, tools...) {
		f.link(need(f.t, name), dir, name)
	}
	return dir
}
