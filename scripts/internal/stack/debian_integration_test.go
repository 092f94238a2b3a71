//go:build integration

package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// debianChild is set where this test's program is run to be killed: the Debian's folder,
// and the file in which it is to describe its machine.
const debianChild = "SPOT_DEBIAN_CHILD"

func TestDebian(t *testing.T) {
	if where := os.Getenv(debianChild); where != "" {
		bootAndWait(t, where)
		return
	}
	if err := CanBootDebian(); err != nil {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	d, err := BootstrapDebian(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if isFolder(d.dir) {
			t.Errorf("%s is left", d.dir)
		}
	}()
	t.Run("two", func(t *testing.T) { testTwoMachines(t, ctx, d) })
	t.Run("hangs", func(t *testing.T) { testHangs(t, ctx, d) })
	t.Run("orphaned", func(t *testing.T) { testOrphaned(t, ctx, d) })
}

// testTwoMachines wants two machines on one root folder not to meet, and nothing to be
// left of them.
func testTwoMachines(t *testing.T, ctx context.Context, d *Debian) {
	before := mounts(t)
	var machines []*DebianMachine
	for range 2 {
		m, err := d.Boot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.process.kill)
		machines = append(machines, m)
	}
	first, second := machines[0], machines[1]
	runs(t, ctx, first, "useradd -m -s /bin/sh somebody && echo first >/srv/file && systemd-run -q --unit=test sleep 1000")
	if out, code, err := first.Run(ctx, "somebody", "id -un; pwd; cat /srv/file; echo to stderr >&2; exit 3"); err != nil || code != 3 || out != "somebody\n/home/somebody\nfirst\nto stderr\n" {
		t.Errorf("as a user: exit code %d, %v, %q", code, err, out)
	}
	for _, cmd := range []string{"cat /srv/file", "id somebody", "systemctl is-active test"} {
		if out, code, err := second.Run(ctx, "root", cmd); err != nil || code == 0 {
			t.Errorf("%s on the other machine: exit code %d, %v, %q", cmd, code, err, out)
		}
	}
	if text, err := os.ReadFile(filepath.Join(first.Root(), "srv", "file")); err != nil || string(text) != "first\n" {
		t.Errorf("a file as the host sees it: %q, %v", text, err)
	}
	if err := first.Stop(); err != nil {
		t.Error(err)
	}
	runs(t, ctx, second, "systemctl is-system-running")
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
	for _, m := range machines {
		if err := m.Stop(); err != nil {
			t.Errorf("stopped again: %v", err)
		}
		for _, folder := range m.group {
			if isFolder(folder) {
				t.Errorf("%s is left", folder)
			}
		}
		if _, err := os.Stat(m.Root()); err == nil {
			t.Errorf("%s is left", m.Root())
		}
	}
	if after := mounts(t); after != before {
		t.Errorf("mounted before:\n%safter:\n%s", before, after)
	}
}

// testHangs wants a machine that does not shut down to be killed, and that to be said.
func testHangs(t *testing.T, ctx context.Context, d *Debian) {
	m, err := d.Boot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	runs(t, ctx, m, "rm /usr/bin/systemctl")
	if err := m.Stop(); err == nil || !strings.Contains(err.Error(), "had to be killed") {
		t.Errorf("stopped: %v", err)
	}
	if _, _, err := m.Run(ctx, "root", "true"); err == nil {
		t.Error("a killed machine runs a script")
	}
}

// testOrphaned wants a machine to end with the process that booted it, however that ends.
func testOrphaned(t *testing.T, ctx context.Context, d *Debian) {
	out := filepath.Join(t.TempDir(), "machine")
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDebian$")
	cmd.Env = append(os.Environ(), debianChild+"="+d.dir+":"+out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var init int
	until(t, ctx, "a machine", func() bool {
		text, _ := os.ReadFile(out)
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			init, _ = strconv.Atoi(fields[0])
			t.Cleanup(func() {
				if err := controlGroup(fields[1:]).remove(); err != nil {
					t.Error(err)
				}
			})
		}
		return init != 0
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, "the machine's end", func() bool { return !isFolder(fmt.Sprintf("/proc/%d", init)) })
}

func bootAndWait(t *testing.T, where string) {
	dir, out, _ := strings.Cut(where, ":")
	m, err := (&Debian{dir: dir}).Boot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintln(m.init, strings.Join(m.group, " "))
	if err := os.WriteFile(out+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(out+".new", out); err != nil {
		t.Fatal(err)
	}
	<-m.process.done
}

func until(t *testing.T, ctx context.Context, what string, is func() bool) {
	t.Helper()
	for !is() {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("no %s: %v", what, err)
		}
	}
}

func runs(t *testing.T, ctx context.Context, m *DebianMachine, script string) {
	t.Helper()
	if out, code, err := m.Run(ctx, "root", script); err != nil || code != 0 {
		t.Errorf("%s: exit code %d, %v, %s", script, code, err, out)
	}
}

func mounts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
