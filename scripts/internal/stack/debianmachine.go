package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A DebianMachine is a running Debian. Its methods are for one goroutine.
type DebianMachine struct {
	name    string
	group   controlGroup
	process *process
	init    int // its process 1, as the host numbers it
}

// Root is a path by which the host reaches the machine's files while it runs. Absolute
// symbolic links below it lead to the host's files.
func (m *DebianMachine) Root() string { return fmt.Sprintf("/proc/%d/root", m.init) }

// Run runs a script for sh as root, or for the user's own shell after a login, and returns
// all that it printed, and its exit code. An error means that it could not be run.
func (m *DebianMachine) Run(ctx context.Context, user, script string) (output string, code int, err error) {
	if !m.process.running() {
		return "", 0, fmt.Errorf("run a script as %s: %s has ended", user, m.name)
	}
	args := []string{"--target", strconv.Itoa(m.init), "--all", "env", "-i", "--chdir=/",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	if user == "root" {
		args = append(args, "HOME=/root", "sh", "-c", script)
	} else {
		args = append(args, "su", "-", user, "-c", script)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // what it left in the background may hold the output
	err = cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() == nil && errors.As(err, &exit) && exit.Exited() {
		return out.String(), exit.ExitCode(), nil
	}
	if err != nil {
		err = fmt.Errorf("run a script as %s in %s: %w", user, m.name, errors.Join(ctx.Err(), err))
	}
	return out.String(), 0, err
}

// Stop shuts the machine down as an administrator would; one that does not end by itself
// is killed, which is an error.
func (m *DebianMachine) Stop() error {
	var err error
	if m.process.running() {
		err = m.shutDown()
	}
	return errors.Join(err, m.waitGone(), m.group.remove())
}

// waitGone waits for the kernel, which ends the processes of a killed machine by itself.
func (m *DebianMachine) waitGone() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	for isFolder(fmt.Sprintf("/proc/%d", m.init)) {
		if pause(ctx, 10*time.Millisecond) != nil {
			return fmt.Errorf("shut %s down: process %d does not end", m.name, m.init)
		}
	}
	return nil
}

func (m *DebianMachine) shutDown() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	out, code, err := m.Run(ctx, "root", "systemctl --no-block poweroff")
	if err == nil && code == 0 {
		select {
		case <-m.process.done:
			return nil
		case <-ctx.Done():
		}
	}
	m.process.kill()
	return fmt.Errorf("shut %s down: it had to be killed: exit code %d: %w: %s; the end of its console:\n%s",
		m.name, code, errors.Join(ctx.Err(), err), out, m.process.tail())
}

// findInit finds the systemd among the processes below the one that was started, or
// returns 0 where there is none yet.
func (m *DebianMachine) findInit() int {
	for pids := []int{m.process.cmd.Process.Pid}; len(pids) > 0; pids = pids[1:] {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pids[0]))
		if strings.TrimSpace(string(name)) == "systemd" {
			return pids[0]
		}
		pids = append(pids, children(pids[0])...)
	}
	return 0
}

// children returns the processes that a process has started; none if it is gone.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
