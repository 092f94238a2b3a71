//go:build integration

package integration

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a running collector.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	ended  chan struct{}
}

// patience bounds every wait for a collector; the longest is for Kafka to count as away.
const patience = 300 * time.Second

func (s *site) start(args ...string) *process {
	s.t.Helper()
	s.writeConf()
	cmd := exec.Command(collectorBinary, args...)
	cmd.Dir = s.dir
	cmd.Env = append(append(os.Environ(), "TZ=UTC"), s.env...)
	p := &process{t: s.t, cmd: cmd, stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the state tells
	}()
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		if s.t.Failed() {
			s.t.Logf("collector %s:\n%s%s", strings.Join(args, " "), p.stdout.shortened(), p.stderr.shortened())
		}
	})
	return p
}

// run runs a collector to its end and wants the exit code.
func (s *site) run(want int, args ...string) *process {
	s.t.Helper()
	p := s.start(args...)
	if got := p.end(); got != want {
		s.t.Errorf("exit code %d, want %d", got, want)
	}
	return p
}

// end waits for the process and returns its exit code.
func (p *process) end() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("the collector does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop ends the collector by SIGTERM, which must go well.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("the collector has ended by itself: %v", err)
	}
	if code := p.end(); code != 0 {
		p.t.Errorf("SIGTERM: exit code %d", code)
	}
}

// kill ends the collector as a crash would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatalf("the collector has ended by itself: %v", err)
	}
	<-p.ended
}

// waitFor waits for a line on stdout that holds one of the texts, after those that were
// waited for before, and returns the text.
func (p *process) waitFor(texts ...string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		if found := p.stdout.next(texts); found != "" {
			return found
		}
		select {
		case <-p.stdout.more:
		case <-deadline:
			p.t.Fatalf("the collector did not print %q", texts)
		case <-p.ended:
			if found := p.stdout.next(texts); found != "" {
				return found
			}
			p.t.Fatalf("the collector ended with %d and did not print %q", p.cmd.ProcessState.ExitCode(), texts)
		}
	}
}

// skip has waitFor pass over what was printed so far.
func (p *process) skip() {
	p.stdout.mu.Lock()
	defer p.stdout.mu.Unlock()
	if end := bytes.LastIndexByte(p.stdout.text, '\n'); end >= 0 {
		p.stdout.at = end + 1
	}
}

// says tells whether stdout holds a text.
func (p *process) says(text string) bool { return strings.Contains(p.stdout.String(), text) }

// line returns the last line on stdout that holds a text.
func (p *process) line(text string) (last string) {
	for line := range strings.Lines(p.stdout.String()) {
		if strings.Contains(line, text) {
			last = strings.TrimSuffix(line, "\n")
		}
	}
	return last
}

// An output collects what a process prints, and tells whoever waits for a line.
type output struct {
	more chan struct{} // holds one when something was printed

	mu   sync.Mutex
	text []byte
	at   int // behind the last line that was waited for
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	o.text = append(o.text, b...)
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// next finds the first whole line that holds one of the texts, and returns that text.
func (o *output) next(texts []string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		line, _, whole := bytes.Cut(o.text[o.at:], []byte{'\n'})
		if !whole {
			return ""
		}
		o.at += len(line) + 1
		for _, text := range texts {
			if bytes.Contains(line, []byte(text)) {
				return text
			}
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// shortened leaves out the middle of a long log.
func (o *output) shortened() string {
	const most = 3000
	text := o.String()
	if len(text) > 2*most {
		return text[:most] + "\n[...]\n" + text[len(text)-most:]
	}
	return text
}
