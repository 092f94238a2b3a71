package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/pkg/logging"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func start(t *testing.T, o Options) *Watcher {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range w.Files() {
		}
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

func receive(t *testing.T, w *Watcher) File {
	t.Helper()
	select {
	case f, ok := <-w.Files():
		if !ok {
			t.Fatal("the watcher ended early")
		}
		return f
	case <-time.After(patience):
		t.Fatal("nothing arrived")
	}
	return File{}
}

func write(t testing.TB, path string, n int) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Repeat([]byte{'x'}, n), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRealFolder(t *testing.T) {
	root := t.TempDir()
	const quiet = 300 * time.Millisecond
	w := start(t, Options{Root: root, Recursive: true, Quiet: quiet})

	// A sub-folder with a file, made before anybody can watch it.
	path := filepath.Join(root, "2018", "03", "20", "nfcapd.201803200900")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, path, 100)
	f := receive(t, w)
	if late := time.Since(f.ModTime) - quiet; f.Path != path || f.Size != 100 || !f.Settled || late < 0 {
		t.Errorf("got %+v, %v late", f, late)
	}

	// Renamed in, with a name that is no text.
	odd := filepath.Join(root, "-rf $(id) \"'\n\xff")
	other := filepath.Join(t.TempDir(), "x")
	write(t, other, 5)
	if err := os.Rename(other, odd); err != nil {
		t.Fatal(err)
	}
	if f := receive(t, w); f.Path != odd || f.Size != 5 {
		t.Errorf("got %+v", f)
	}

	// Growing, in steps.
	g, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := g.WriteString("0123456789"); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if f := receive(t, w); f.Path != path || f.Size != 200 {
		t.Errorf("got %+v", f)
	}

	// A folder renamed within the tree is watched under its new name.
	if err := os.Rename(filepath.Join(root, "2018"), filepath.Join(root, "2019")); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(root, "2019", "03", "20", "nfcapd.201803200900")
	if f := receive(t, w); f.Path != path || f.Size != 200 {
		t.Errorf("got %+v", f)
	}
	write(t, path, 1)
	if f := receive(t, w); f.Path != path || f.Size != 1 {
		t.Errorf("got %+v", f)
	}
}

// A finished file must arrive within 100 ms of the end of its quiet time. The machine may
// stall, so one of a few tries has to be in time.
func TestInTime(t *testing.T) {
	root := t.TempDir()
	const quiet = 150 * time.Millisecond
	w := start(t, Options{Root: root, Quiet: quiet})
	var late []time.Duration
	for i := range 10 {
		write(t, filepath.Join(root, fmt.Sprint(i)), 1)
		f := receive(t, w)
		d := time.Since(f.ModTime) - quiet
		if d < 0 {
			t.Fatalf("arrived %v early", -d)
		}
		if d < 100*time.Millisecond {
			return
		}
		late = append(late, d)
	}
	t.Errorf("always late: %v", late)
}

func TestOnce(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a"), 1)
	write(t, filepath.Join(root, "b"), 2)
	hour := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(root, "b"), hour, hour); err != nil {
		t.Fatal(err)
	}
	w := start(t, Options{Root: root, Once: true, Quiet: 100 * time.Millisecond})
	if f := receive(t, w); filepath.Base(f.Path) != "b" {
		t.Errorf("got %+v first", f)
	}
	if f := receive(t, w); filepath.Base(f.Path) != "a" {
		t.Errorf("got %+v second", f)
	}
	if f, ok := <-w.Files(); ok {
		t.Errorf("got %+v third", f)
	}
	if left := w.Unfinished(); len(left) != 0 {
		t.Errorf("unfinished: %q", left)
	}
}

// Nobody receives, and Run must end all the same.
func TestStopWhileReady(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a"), 1)
	w := start(t, Options{Root: root, Quiet: time.Nanosecond})
	_ = w // the clean-up cancels and waits
}

func TestNewErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, 1)
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, root, hint string
		is               error
	}{
		{"missing", filepath.Join(dir, "no"), "make the folder", fs.ErrNotExist},
		{"file", file, "must be a folder", syscall.ENOTDIR},
		{"below a file", file + "/x", "must be a folder", syscall.ENOTDIR},
		{"fifo", fifo, "must be a folder", syscall.ENOTDIR},
		{"relative", "data", "not an absolute path", nil},
		{"no permission", closed, "give this user the right", fs.ErrPermission},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root == closed && os.Getuid() == 0 {
				t.Skip("root may read every folder")
			}
			_, err := New(Options{Root: c.root})
			if err == nil || !strings.Contains(err.Error(), "collector_path") || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("got %v", err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is no %v", err, c.is)
			}
			if _, scanErr := Scan(Options{Root: c.root}); fmt.Sprint(scanErr) != fmt.Sprint(err) {
				t.Errorf("Scan says %v, New %v", scanErr, err)
			}
		})
	}
}

func TestOnceRootVanished(t *testing.T) {
	root := filepath.Join(t.TempDir(), "in")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	w, err := New(Options{Root: root, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(context.Background()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Run: %v", err)
	}
}

func TestScan(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "sub", "staging"), 0o755); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, age := range map[string]time.Duration{
		"old.log": 3 * time.Hour, "sub/older.log": 4 * time.Hour, "new.log": 0, "x.tmp": time.Hour,
		"sub/staging/x.log": time.Hour, "nfcapd.current.1.log": time.Hour,
	} {
		p := filepath.Join(root, name)
		write(t, p, 3)
		if err := os.Chtimes(p, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{
		Root: root + "/./", Recursive: true, Text: true, Exclude: []string{root + "/sub/../sub/staging/"},
		Match: func(base string) bool { return strings.HasSuffix(base, ".log") },
	}
	files, err := Scan(o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, fmt.Sprintf("%s %d %v", strings.TrimPrefix(f.Path, root+"/"), f.Size, f.Settled))
		if f.Inode == 0 {
			t.Errorf("%+v has no inode", f)
		}
	}
	if want := "sub/older.log 3 true|old.log 3 true|new.log 3 false"; strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	o.Recursive = false
	if files, err = Scan(o); err != nil || len(files) != 2 {
		t.Errorf("not recursive: %v, %v", files, err)
	}
}

func TestWatchLimit(t *testing.T) {
	var log bytes.Buffer
	fail := func(string) error { return fmt.Errorf("add: %w", syscall.ENOSPC) }
	add := adder(fail, logging.New(&log, logging.Info, false))
	add("/a")
	add("/b")
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "fs.inotify.max_user_watches") {
		t.Errorf("logged %q", text)
	}
	asked := false
	adder(func(string) error { asked = true; return nil }, logging.Discard())("/a/...")
	if asked {
		t.Error("fsnotify was asked to recurse")
	}
}
