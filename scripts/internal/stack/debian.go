package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// debianRelease is what is bootstrapped.
const debianRelease = "bookworm"

// A Debian is the root folder of a minimal Debian with systemd, on which machines are
// booted. They don't change it.
type Debian struct {
	dir      string
	machines atomic.Int64
}

// CanBootDebian says what is missing for [BootstrapDebian] and [Debian.Boot], or nil.
func CanBootDebian() error {
	if os.Geteuid() != 0 {
		return errors.New("to boot a Debian needs root")
	}
	for program, debianPackage := range map[string]string{
		"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux", "unshare": "util-linux",
	} {
		if _, err := find(program, debianPackage); err != nil {
			return err
		}
	}
	return nil
}

// BootstrapDebian fetches Debian's smallest set of packages, systemd, and the named
// packages, by the host's own sources of apt. The context bounds that. The caller must
// Close what is returned.
func BootstrapDebian(ctx context.Context, packages ...string) (*Debian, error) {
	dir, err := os.MkdirTemp("", "spot-debian-")
	if err != nil {
		return nil, fmt.Errorf("bootstrap debian: %w", err)
	}
	d := &Debian{dir: dir}
	// Users of the machine must get through to its root.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, errors.Join(fmt.Errorf("bootstrap debian: %w", err), d.Close())
	}
	include := strings.Join(append([]string{"systemd", "systemd-sysv", "dbus"}, packages...), ",")
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--variant=minbase", "--include="+include, debianRelease, d.root())
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("mmdebstrap %s with %s: %w\n%s", debianRelease, include, err, tail(out)), d.Close())
	}
	return d, nil
}

func (d *Debian) root() string { return filepath.Join(d.dir, "root") }

// Close removes the root folder. No machine may run on it any more.
func (d *Debian) Close() error {
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("remove debian: %w", err)
	}
	return nil
}

// bootScript runs as the first process of namespaces of its own for processes and mounts,
// in a control group of its own: so nothing of a machine outlives it or meets another's.
// nspawn's locks are in /run, and of no use beyond the machine.
const (
	groupScript = `echo $$ >"$0/cgroup.procs" && exec "$@"`
	bootScript  = `mount -t tmpfs tmpfs /run && exec "$@"`
)

// Boot starts systemd on a copy of the root folder, in memory, and returns when the
// machine is up with all its services. It shares the host's network. The caller must Stop
// it, and the context bounds the start alone.
func (d *Debian) Boot(ctx context.Context) (*DebianMachine, error) {
	number := d.machines.Add(1)
	m := &DebianMachine{name: fmt.Sprintf("%s-%d", filepath.Base(d.dir), number)}
	var err error
	if m.group, err = makeControlGroup(m.name); err != nil {
		return nil, fmt.Errorf("boot debian: %w", err)
	}
	m.process, err = startProcess(d.dir, filepath.Join(d.dir, fmt.Sprintf("console-%d", number)),
		"sh", "-c", groupScript, m.group.own(),
		// Whatever ends this process, the machine ends with it: nspawn by itself leaves it.
		"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", bootScript, "sh",
		"systemd-nspawn", "--quiet", "--boot", "--directory="+d.root(), "--volatile=overlay", "--machine="+m.name,
		"--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off")
	if err == nil {
		if err = m.waitReady(ctx); err == nil {
			return m, nil
		}
		err = fmt.Errorf("%w; the end of its console:\n%s", err, m.process.tail())
		m.process.kill()
	}
	return nil, errors.Join(fmt.Errorf("boot debian: %w", err), m.group.remove())
}

// waitReady waits for systemd to have started all services that belong to the boot.
func (m *DebianMachine) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	for {
		var state string
		if m.init = m.findInit(); m.init != 0 {
			state, _, _ = m.Run(ctx, "root", "systemctl is-system-running --wait")
			switch strings.TrimSpace(state) {
			case "running":
				return nil
			case "degraded", "maintenance":
				failed, _, err := m.Run(ctx, "root", "systemctl --no-legend --failed")
				return errors.Join(fmt.Errorf("it is %s: %s", strings.TrimSpace(state), failed), err)
			}
		}
		if !m.process.running() {
			return fmt.Errorf("it ended: %w", m.process.err)
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("it does not come up: %w: %s", ctx.Err(), state)
		}
	}
}
