package stack

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSystemdGroups(t *testing.T) {
	for _, c := range []struct {
		groups string
		want   []string
	}{
		{"0::/user.slice/session-1.scope\n", []string{"/sys/fs/cgroup/user.slice/session-1.scope"}},
		{"0::/\n", []string{"/sys/fs/cgroup"}},
		{"9:cpu:/a:b\n1:name=systemd:/user:1\n", []string{"/sys/fs/cgroup/systemd/user:1"}},
		{"1:name=systemd:/x\n0::/no/such group\n", []string{"/sys/fs/cgroup/systemd/x"}}, // legacy: the common one isn't mounted
		{"9:cpu:/\n", nil},
		{"", nil},
	} {
		if got := systemdGroups(c.groups); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.groups, got, c.want)
		}
	}
}

func TestRemoveFolders(t *testing.T) {
	top := filepath.Join(t.TempDir(), "top")
	for _, folder := range []string{"a/b/c", "a/d", "e"} {
		if err := os.MkdirAll(filepath.Join(top, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // what is gone is no error
		if err := removeFolders(top); err != nil {
			t.Error(err)
		}
		if isFolder(top) {
			t.Error("it is left")
		}
	}
	if err := os.MkdirAll(filepath.Join(top, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "a", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if removeFolders(top) == nil {
		t.Error("a folder that isn't empty: no error")
	}
}

func TestChildren(t *testing.T) {
	if got := children(1 << 30); got != nil {
		t.Errorf("children of no process: %v", got)
	}
	p, err := startProcess(t.TempDir(), filepath.Join(t.TempDir(), "log"), "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	defer p.kill()
	if got := children(os.Getpid()); !slices.Contains(got, p.cmd.Process.Pid) {
		t.Errorf("children %v, not %d", got, p.cmd.Process.Pid)
	}
}
