package watch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"spot-ingest/pkg/logging"
)

// The scripts in testdata tell a story of files line by line. The files are real, in a
// temporary folder whose in/ is watched; clock, events and leases are the script's.
//
//	option text | once | flat | quiet D | exclude P | match REGEXP   before start
//	start                       the watcher begins; before, events go nowhere
//	mkdir P | write P N [D] | append P N [D] (with a file time D from now) |
//	touch P D (the same, no event) | rename P Q |
//	remove P (whatever it is) | link TARGET P | fifo P
//	writer P | closed P         a program has P open for writing, or no more
//	lease unknown               from now on writers can't be known
//	hold, release               events are kept back, and come all at once
//	forbid P, allow P           a folder can't be read, or can again
//	repeat N D COMMAND          the command and tick D, N times
//	deaf, hear                  events are lost; overflow: the loss is noticed
//	stall, resume               the receiver takes nothing
//	tick D                      time passes
//
// and what is expected since the last of those, all of it and in this order:
//
//	=> P N @D [unsettled]       P (below in/) arrived with N bytes at D after start
//	unsupported P | unfinished P | done @D | log LEVEL TEXT | error TEXT
type script struct {
	t       *testing.T
	base    string
	o       Options
	tree    *tree
	start   time.Time
	clock   time.Time
	busy    map[string]bool
	closed  map[string]bool // folders that can't be read
	unknown bool
	watched map[string]bool
	held    []fsnotify.Event
	hold    bool
	deaf    bool
	stalled bool
	ended   bool
	log     bytes.Buffer
	got     []string
}

func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			runScript(t, string(text))
		})
	}
}

func runScript(t *testing.T, text string) {
	start := time.Date(2018, 3, 20, 9, 0, 0, 0, time.UTC)
	s := &script{
		t: t, base: t.TempDir(), start: start, clock: start,
		busy: map[string]bool{}, closed: map[string]bool{}, watched: map[string]bool{}, o: Options{Recursive: true},
	}
	s.must(os.Mkdir(s.path("in"), 0o755))
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "=>", "unsupported", "unfinished", "done", "log", "error":
			if len(s.got) == 0 || !matches(s.got[0], words) {
				t.Fatalf("line %d: expected %q, got %q", i+1, strings.Join(words, " "), s.got)
			}
			s.got = s.got[1:]
		default:
			if len(s.got) > 0 {
				t.Fatalf("line %d: not expected before: %q", i+1, s.got)
			}
			s.command(words)
		}
	}
	if len(s.got) > 0 {
		t.Fatalf("not expected at the end: %q", s.got)
	}
}

// matches compares whole lines, but messages by a part.
func matches(got string, words []string) bool {
	want := strings.Join(words, " ")
	switch words[0] {
	case "log":
		level := words[0] + " " + words[1] + " "
		return strings.HasPrefix(got, level) && strings.Contains(got, strings.TrimPrefix(want, level))
	case "error":
		return strings.HasPrefix(got, "error ") && strings.Contains(got, strings.TrimPrefix(want, "error "))
	}
	return got == want
}

func (s *script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) path(p string) string { return filepath.Join(s.base, p) }

func (s *script) command(words []string) {
	arg := func(i int) string {
		if i >= len(words) {
			s.t.Fatalf("%q: argument %d is missing", words, i)
		}
		return words[i]
	}
	switch words[0] {
	case "option":
		s.option(words[1:])
	case "start":
		s.begin()
	case "mkdir":
		s.must(os.Mkdir(s.path(arg(1)), 0o755))
		s.emit(arg(1), fsnotify.Create)
	case "write":
		s.write(words[1:], os.O_TRUNC)
	case "append":
		s.write(words[1:], os.O_APPEND)
	case "touch":
		s.touch(arg(1), s.duration(arg(2)))
	case "rename":
		s.must(os.Rename(s.path(arg(1)), s.path(arg(2))))
		s.emit(arg(1), fsnotify.Rename)
		delete(s.watched, s.path(arg(1)))
		s.emit(arg(2), fsnotify.Create)
	case "remove":
		s.must(os.RemoveAll(s.path(arg(1))))
		s.emit(arg(1), fsnotify.Remove)
		delete(s.watched, s.path(arg(1)))
	case "link":
		s.must(os.Symlink(s.path(arg(1)), s.path(arg(2))))
		s.emit(arg(2), fsnotify.Create)
	case "fifo":
		s.must(syscall.Mkfifo(s.path(arg(1)), 0o644))
		s.emit(arg(1), fsnotify.Create)
	case "writer":
		s.busy[s.path(arg(1))] = true
	case "closed":
		delete(s.busy, s.path(arg(1)))
	case "forbid":
		s.closed[s.path(arg(1))] = true
	case "allow":
		delete(s.closed, s.path(arg(1)))
	case "repeat":
		n, err := strconv.Atoi(arg(1))
		s.must(err)
		for range n {
			s.command(words[3:])
			s.tick(s.duration(arg(2)))
		}
	case "lease":
		s.unknown = true
	case "hold":
		s.hold = true
	case "release":
		s.release()
	case "deaf":
		s.deaf = true
	case "hear":
		s.deaf = false
	case "overflow":
		s.tree.missed(fsnotify.ErrEventOverflow, s.clock)
	case "stall":
		s.stalled = true
	case "resume":
		s.stalled = false
	case "tick":
		s.tick(s.duration(arg(1)))
	default:
		s.t.Fatalf("unknown command %q", words)
	}
	if s.tree != nil {
		s.run()
	}
}

func (s *script) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	s.must(err)
	return d
}

func (s *script) option(words []string) {
	switch words[0] {
	case "text":
		s.o.Text = true
	case "once":
		s.o.Once = true
	case "flat":
		s.o.Recursive = false
	case "quiet":
		s.o.Quiet = s.duration(words[1])
	case "exclude":
		s.o.Exclude = append(s.o.Exclude, s.path(words[1]))
	case "match":
		s.o.Match = regexp.MustCompile(words[1]).MatchString
	default:
		s.t.Fatalf("unknown option %q", words)
	}
}

func (s *script) begin() {
	s.o.Root = s.path("in")
	s.o.Log = logging.New(&s.log, logging.Info, false)
	s.o.Unsupported = func(p string) { s.got = append(s.got, "unsupported "+s.name(p)) }
	o, err := prepare(s.o)
	if err != nil {
		s.got = append(s.got, "error "+err.Error())
		return
	}
	n := noEvents()
	n.add = func(folder string) {
		if _, err := os.Stat(folder); err == nil {
			s.watched[folder] = true
		}
	}
	n.remove = func(folder string) { delete(s.watched, folder) }
	if o.Once {
		n = noEvents()
	}
	s.tree = newTree(o, n, s.clock)
	s.tree.open = func(path string, root bool) (*os.File, error) {
		if s.closed[path] {
			return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EACCES}
		}
		return openFolder(path, root)
	}
	s.tree.probe = func(path string) (lease, stat) {
		st, err := statRegular(path)
		switch {
		case s.unknown || err != nil:
			return leaseUnknown, stat{}
		case s.busy[path]:
			return leaseBusy, stat{}
		}
		return leaseFree, st
	}
	s.t.Cleanup(s.tree.close)
}

func (s *script) name(path string) string {
	rel, err := filepath.Rel(s.path("in"), path)
	s.must(err)
	return rel
}

func (s *script) write(args []string, flag int) {
	name, age := args[0], "0s"
	if len(args) > 2 {
		age = args[2]
	}
	n, err := strconv.Atoi(args[1])
	s.must(err)
	_, err = os.Lstat(s.path(name))
	isNew := err != nil
	f, err := os.OpenFile(s.path(name), os.O_WRONLY|os.O_CREATE|flag, 0o644)
	s.must(err)
	_, err = f.Write(bytes.Repeat([]byte{'x'}, n))
	s.must(err)
	s.must(f.Close())
	s.touch(name, s.duration(age))
	if isNew {
		s.emit(name, fsnotify.Create)
	}
	s.emit(name, fsnotify.Write)
}

func (s *script) touch(name string, from time.Duration) {
	at := s.clock.Add(from)
	s.must(os.Chtimes(s.path(name), at, at))
}

// emit makes an event as the kernel would: only for a folder that is watched at that time.
func (s *script) emit(name string, op fsnotify.Op) {
	path := s.path(name)
	own := s.tree != nil && path == s.tree.opts.Root && s.watched[path]
	if s.deaf || !own && !s.watched[filepath.Dir(path)] {
		return
	}
	ev := fsnotify.Event{Name: path, Op: op}
	if s.hold {
		s.held = append(s.held, ev)
		return
	}
	s.tree.event(ev, s.clock)
}

func (s *script) release() {
	for _, ev := range s.held {
		s.tree.event(ev, s.clock)
		s.run()
	}
	s.held, s.hold = nil, false
}

func (s *script) tick(d time.Duration) {
	end := s.clock.Add(d)
	for range 1_000_000 {
		next := s.clock.Add(s.tree.next(s.clock))
		if next.After(end) {
			s.clock = end
			s.run()
			return
		}
		s.clock = next
		s.run()
	}
	s.t.Fatal("time doesn't pass: something is always due")
}

// run lets the watcher do all there is to do at this time.
func (s *script) run() {
	for range 1_000_000 {
		busy := s.tree.turn(s.clock)
		head := s.tree.head()
		switch {
		case head != nil && !s.stalled:
			s.arrived(head.asFile())
			s.tree.delivered()
		case !busy:
			s.report()
			return
		}
	}
	s.t.Fatal("the watcher is never idle")
}

func (s *script) arrived(f File) {
	line := fmt.Sprintf("=> %s %d @%v", s.name(f.Path), f.Size, s.clock.Sub(s.start))
	if !f.Settled {
		line += " unsettled"
	}
	s.got = append(s.got, line)
}

// report adds what is logged and, in Once mode, the end.
func (s *script) report() {
	for _, line := range strings.Split(strings.TrimSuffix(s.log.String(), "\n"), "\n") {
		if words := strings.Fields(line); len(words) > 3 {
			s.got = append(s.got, "log "+words[2]+" "+strings.ReplaceAll(strings.Join(words[3:], " "), s.base+"/", ""))
		}
	}
	s.log.Reset()
	if s.o.Once && s.tree.done() && !s.ended {
		s.ended = true
		left := slices.Sorted(slices.Values(s.tree.unfinished))
		for _, p := range left {
			s.got = append(s.got, "unfinished "+s.name(p))
		}
		s.got = append(s.got, fmt.Sprintf("done @%v", s.clock.Sub(s.start)))
	}
}
