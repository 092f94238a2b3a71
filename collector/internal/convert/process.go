package convert

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killWait bounds the wait for a killed process. Only one that hangs within the kernel, as
// on a dead network file system, takes any time at all, and nothing can be done about it.
const killWait = 5 * time.Second

// A process is a running tool. Its stdin is empty, and it leads a process group, so that
// its children can be killed with it.
type process struct {
	stdout  *os.File
	stderr  *os.File
	exited  chan struct{} // closed once the process is gone and reaped
	state   *os.ProcessState
	started chan error

	mu   sync.Mutex
	pid  int
	gone bool // the pid may mean somebody else from now on
}

func startProcess(program string, args, env []string) (*process, error) {
	stdout, stdoutW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdoutW.Close()
	stderr, stderrW, err := os.Pipe()
	if err != nil {
		stdout.Close()
		return nil, err
	}
	defer stderrW.Close()
	p := &process{stdout: stdout, stderr: stderr, exited: make(chan struct{}), started: make(chan error)}
	cmd := &exec.Cmd{
		Path: program, Args: append([]string{filepath.Base(program)}, args...), Env: env,
		Stdout: stdoutW, Stderr: stderrW,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	go p.run(cmd)
	if err := <-p.started; err != nil {
		p.closePipes()
		return nil, err
	}
	return p, nil
}

// run starts the process and stays with it until it is reaped. Linux sends the parent
// death signal when the *thread* that forked ends, not the process. So the goroutine keeps
// that thread to itself: no other goroutine can end it, and with it the tool.
func (p *process) run(cmd *exec.Cmd) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		p.started <- err
		return
	}
	p.pid = cmd.Process.Pid
	p.started <- nil
	// Seen, but not yet reaped: a zombie still holds its pid, and its group's.
	for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.kill() // what it left behind in its group
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	cmd.Wait() // its error repeats the state
	p.state = cmd.ProcessState
	close(p.exited)
}

// kill ends the process and its group. It may be called at any time.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		unix.Kill(-p.pid, unix.SIGKILL)
	}
}

// end kills the process if it still runs, waits for it, and lets go of everything.
func (p *process) end() {
	p.kill()
	select {
	case <-p.exited:
	case <-time.After(killWait):
	}
	p.closePipes()
}

func (p *process) closePipes() {
	p.stdout.Close()
	p.stderr.Close()
}
