//go:build linux

package watch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProbe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, 7)
	held, st := probe(path)
	if held == leaseUnknown {
		t.Skip("no leases on the file system of the temporary folder")
	}
	want, err := statRegular(path)
	if err != nil || held != leaseFree || st != want {
		t.Fatalf("got %v %+v, want %+v (%v)", held, st, want, err)
	}

	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if held, _ := probe(path); held != leaseBusy {
		t.Errorf("open for writing: got %v", held)
	}
	link := filepath.Join(t.TempDir(), "l")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if held, _ := probe(link); held != leaseBusy {
		t.Errorf("by a link: got %v", held)
	}

	// A mapping keeps the file open beyond its descriptor.
	m, err := unix.Mmap(int(f.Fd()), 0, 7, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if held, _ := probe(path); held != leaseBusy {
		t.Errorf("mapped for writing: got %v", held)
	}
	if err := unix.Munmap(m); err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if held, _ := probe(path); held != leaseFree {
		t.Errorf("open for reading only: got %v", held)
	}
}

func TestProbeUnknown(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Not one of these may block, or claim to know.
	for _, p := range []string{fifo, dir, filepath.Join(dir, "missing"), "/proc/self/status", "/dev/null"} {
		if held, _ := probe(p); held != leaseUnknown {
			t.Errorf("%s: got %v", p, held)
		}
	}
}

// A writer who comes while we hold a lease makes the kernel send SIGIO, which would end
// most programs. This one must live, and the writer must get in afterwards.
func TestLeaseBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, 1)
	fd, err := openRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Skipf("no leases on the file system of the temporary folder: %v", err)
	}
	if _, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Fatalf("open for writing met no lease: %v", err)
	}
	if held, _ := probe(path); held != leaseBusy {
		t.Errorf("a writer waits: got %v", held)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatalf("after the lease: %v", err)
	}
	f.Close()
}

// Kernels before 4.11 have no statx; the state is the same but for the birth time.
func TestWithoutStatx(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	write(t, path, 7)
	with, err := statRegular(path)
	if err != nil {
		t.Fatal(err)
	}
	had := noStatx.Swap(true)
	t.Cleanup(func() { noStatx.Store(had) })
	without, err := statRegular(path)
	with.birth = 0
	if err != nil || without != with {
		t.Errorf("got %+v, want %+v (%v)", without, with, err)
	}
	if _, err := statRegular(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder: %v", err)
	}
	if _, st := probe(path); st != with && st != (stat{}) {
		t.Errorf("by descriptor: %+v", st)
	}
}
