package spark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spot-ingest/pkg/logging"
)

// ErrKilled is the end of a job that was not waited for.
var ErrKilled = errors.New("spark-submit was killed by the second signal: what was not committed is read again at the next start")

// Exit returns the program's exit code for what [Launch.Submit] returned, and tells of a
// failure, in the log and as the original did on standard error: 0, 1 for [ErrKilled], 2 for
// all else.
func Exit(err error, log *logging.Logger, stderr io.Writer) int {
	const failed = "Failed to submit Spark Job!"
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrKilled):
		log.Warning("%v", err)
		fmt.Fprintf(stderr, "listener: error: %v\n", err)
		return 1
	}
	log.Error(failed)
	log.Error("%v", err)
	fmt.Fprintf(stderr, "%s\nlistener: error: %v\n", failed, err)
	return 2
}

// leftTime is how long processes that spark-submit has left may take to end.
const leftTime = 10 * time.Second

// Run starts spark-submit, without a shell, and waits for it. Its output is that of this
// process, its environment too; it reads nothing. When stop ends it gets a SIGTERM, whatever
// signal this process has had, for Java takes USR1 for itself. When kill ends, it is killed with
// all that it started, and the error is [ErrKilled].
//
// The error is nil if it ends well, and also if it ends after stop, however it does so: Java
// that is told to end says 143. If this process is killed, spark-submit gets a SIGTERM too,
// so that no driver stays behind.
//
// A driver in Python is a process of its own that need not notice the end of Java's. What is
// left when spark-submit ends gets a SIGTERM, and is waited for.
func Run(stop, kill context.Context, argv []string) error {
	if stop.Err() != nil {
		return nil
	}
	// Its children that are left become ours, to be waited for.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prepare to wait for what %s starts: %w", argv[0], err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A group of its own, so that a terminal's Ctrl-C comes to it only once, through us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	ended, err := start(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	err = wait(stop, kill, cmd.Process, ended)
	endGroup(kill, cmd.Process.Pid)
	switch {
	case kill.Err() != nil:
		return ErrKilled
	case stop.Err() != nil || err == nil:
		return nil
	}
	return fmt.Errorf("%s: %w", argv[0], err)
}

// start starts a program on a thread that lives until it ends, for the signal of Pdeathsig comes
// when that thread ends.
func start(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, end := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			end <- cmd.Wait()
		}
	}()
	return end, <-started
}

// wait waits for the end of a process, which it brings about when stop or kill ends. What such
// a signal could fail at is only that the process has ended already.
func wait(stop, kill context.Context, process *os.Process, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-stop.Done():
		_ = process.Signal(syscall.SIGTERM)
	}
	select {
	case err := <-ended:
		return err
	case <-kill.Done():
		_ = syscall.Kill(-process.Pid, syscall.SIGKILL)
	}
	return <-ended
}

// endGroup ends what is left of a process group whose leader is gone.
func endGroup(kill context.Context, group int) {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := unix.Wait4(-group, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return // no more of them
			}
		}
	}()
	timer := time.NewTimer(leftTime)
	defer timer.Stop()
	select {
	case <-gone:
		return
	case <-timer.C:
	case <-kill.Done():
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	<-gone
}
