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
