package stack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A process is a started program whose output goes to a file. It dies with this process,
// however that ends.
type process struct {
	cmd     *exec.Cmd
	logFile string
	done    chan struct{} // closed once the program has ended and err is set
	err     error
}

// startProcess runs a program in dir and appends what it prints to logFile.
func startProcess(dir, logFile, program string, args ...string) (*process, error) {
	return startCommand(dir, logFile, exec.Command(program, args...))
}

// startCommand runs a command in dir and appends what it prints to logFile, but for a
// standard output that is directed elsewhere.
func startCommand(dir, logFile string, cmd *exec.Cmd) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	defer log.Close()
	p := &process{cmd: cmd, logFile: logFile, done: make(chan struct{})}
	if p.cmd.Dir, p.cmd.Stderr = dir, log; p.cmd.Stdout == nil {
		p.cmd.Stdout = log
	}
	// Its own process group keeps a terminal's Ctrl-C from reaching it: whoever started it
	// says when it stops.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// run starts the program and waits for it on one thread: the death signal is sent when
// the thread that started a program ends, not the process.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %v to process %d: %w", s, p.cmd.Process.Pid, err)
	}
	return nil
}

// stop ends the program by SIGTERM, or by SIGKILL if it takes longer than grace, which is
// an error.
func (p *process) stop(grace time.Duration) error {
	// A program that is paused would never see the other signal.
	for _, s := range []syscall.Signal{syscall.SIGCONT, syscall.SIGTERM} {
		if err := p.signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	pid := p.cmd.Process.Pid
	p.kill()
	return fmt.Errorf("process %d did not end within %v of SIGTERM and was killed; the end of its log:\n%s", pid, grace, p.tail())
}

// kill ends the program at once and waits until it is gone.
func (p *process) kill() {
	// The only failure is that the program has ended already.
	_ = p.cmd.Process.Kill()
	<-p.done
}

// tail returns the last lines of the log.
func (p *process) tail() string {
	log, err := os.Open(p.logFile)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	if info, err := log.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := log.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	out, err := io.ReadAll(io.LimitReader(log, tailBytes))
	if err != nil {
		return err.Error()
	}
	return tail(out)
}
