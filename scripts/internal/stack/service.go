package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A service is a program that answers on one port of 127.0.0.1, with a folder of its own.
// Its methods are for one goroutine.
type service struct {
	name    string // such as "hive metastore 3.1.3"
	dir     string
	port    int
	command []string // program and arguments
	process *process // nil before the first start
}

// newService makes the folder, in that for temporary files, and chooses a port if it is 0.
// The caller fills in the command.
func newService(name string, port int) (*service, error) {
	s := &service{name: name, port: port}
	var err error
	if port == 0 {
		if s.port, err = freePort(); err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
	}
	if s.dir, err = os.MkdirTemp("", "spot-hive-"); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return s, nil
}

// Addr is host and port for clients.
func (s *service) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// LogTail returns the last lines of the log.
func (s *service) LogTail() string { return s.process.tail() }

// Done is closed when the process has ended, for whatever reason.
func (s *service) Done() <-chan struct{} { return s.process.done }

// Start starts what was stopped or killed again, on the same port and data, and returns once
// it takes connections.
func (s *service) Start(ctx context.Context) error {
	if s.process != nil && s.process.running() {
		return fmt.Errorf("start %s: process %d is running already", s.name, s.process.cmd.Process.Pid)
	}
	p, err := startProcess(s.dir, filepath.Join(s.dir, "log"), s.command[0], s.command[1:]...)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.process = p
	if err := s.waitReady(ctx); err != nil {
		p.kill()
		return fmt.Errorf("start %s on %s: %w; the end of its log:\n%s", s.name, s.Addr(), err, p.tail())
	}
	return nil
}

// waitReady waits for the port, which is opened last.
func (s *service) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr())
		if err == nil {
			conn.Close()
		}
		if !s.process.running() {
			if strings.Contains(s.process.tail(), "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("it ended: %w", s.process.err)
		}
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("no answer: %w", errors.Join(ctx.Err(), err))
		}
	}
}

// Stop ends the program as an administrator would; its data stay. One that had to be killed
// is an error.
func (s *service) Stop() error {
	if s.process == nil || !s.process.running() {
		return nil
	}
	if err := s.process.stop(stopGrace); err != nil {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	return nil
}

// Kill ends the program by SIGKILL, as a crash would; its data stay.
func (s *service) Kill() {
	if s.process != nil && s.process.running() {
		s.process.kill()
	}
}

// Close kills the program and removes its data and its log.
func (s *service) Close() error {
	s.Kill()
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("remove the data of %s: %w", s.name, err)
	}
	return nil
}

// startService starts what create makes, with another free port if somebody else has taken
// the one that was chosen.
func startService(ctx context.Context, chosen bool, create func() (*service, error)) (*service, error) {
	for try := 1; ; try++ {
		s, err := create()
		if err != nil {
			return nil, err
		}
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
		err = errors.Join(err, s.Close())
		if !errors.Is(err, errPortTaken) || chosen || try == portTries {
			return nil, err
		}
	}
}
