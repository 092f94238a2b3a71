package spark

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// ErrKilled is the end of a job that was not waited for.
var ErrKilled = errors.New("spark-submit was killed by the second signal: what was not committed is read again at the next start")

// Run starts spark-submit, without a shell, and waits for it. Its output is that of this
// process, its environment too; it reads nothing. When stop ends it gets a SIGTERM, whatever
// signal this process has had, for Java takes USR1 for itself and other than HUP would not
// end by it. When kill ends, it is killed with all that it started, and the error is
// [ErrKilled].
//
// The error is nil if it ends well, and also if it ends after stop, however it does so: Java
// that is told to end says 143. If this process is killed, spark-submit gets a SIGTERM too,
// so that no driver stays behind.
func Run(stop, kill context.Context, argv []string) error {
	if stop.Err() != nil {
		return nil
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A group of its own, so that a terminal's Ctrl-C comes to it only once, through us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// The signal of Pdeathsig comes when the thread that started the program ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	select {
	case err := <-ended:
		if err != nil && stop.Err() == nil {
			return fmt.Errorf("%s: %w", argv[0], err)
		}
		return nil
	case <-stop.Done():
	}
	// The only failure is that it has ended already.
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
		return nil
	case <-kill.Done():
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-ended
	return ErrKilled
}
