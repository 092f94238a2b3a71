package warehouse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"spot-ingest/pkg/config"
)

// Whatever comes to the staging folder is told by whoever writes next, with the file's name.
func TestFolderGone(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(folder string) error
		want error
	}{
		"removed":          {os.RemoveAll, fs.ErrNotExist},
		"replaced by file": {func(folder string) error { return errors.Join(os.RemoveAll(folder), os.WriteFile(folder, nil, 0o600)) }, unix.ENOTDIR},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarehouse(t, config.Proxy, func(o *Options) { o.RowGroup, o.OpenFiles = 10, 0 })
			at := hourNumber(5)
			rows := rowsOf(t, config.Proxy, at, 0, 9)
			b := w.Batch("name")
			appendRows(t, b, at, rows)
			if err := tt.do(w.options.Folder); err != nil {
				t.Fatal(err)
			}
			err := b.Append(at, rows)
			checkError(t, err, tt.want, "write rows of y=2018/m=01/d=01/h=05: ", filepath.Join(w.options.Folder, "name-1.staged"))
			checkError(t, b.Bad(Letter{}), tt.want, "open ", filepath.Join(w.options.Folder, "name.letters"))
			b.Abandon()

			b = w.Batch("next")
			appendRows(t, b, at, rows)
			files, err := b.Finish(2)
			checkError(t, err, tt.want, "write rows of y=2018/m=01/d=01/h=05: ", "next-1.staged")
			if files != nil {
				t.Errorf("files %+v in spite of it", files)
			}
			b.Abandon()
		})
	}
}

func checkError(t *testing.T, err, want error, begin, part string) {
	t.Helper()
	if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), begin) || !strings.Contains(err.Error(), part) {
		t.Errorf("got %v, want %s… %s: %v", err, begin, part, want)
	}
}

// A file that is in the way is not overwritten, nor removed with the batch.
func TestFileInTheWay(t *testing.T) {
	w := newWarehouse(t, config.Flow, nil)
	for _, name := range []string{"name-1.staged", "name.letters"} {
		if err := os.WriteFile(filepath.Join(w.options.Folder, name), []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := w.Batch("name")
	checkError(t, b.Bad(Letter{}), fs.ErrExist, "open ", "name.letters")
	appendRows(t, b, hourNumber(0), rowsOf(t, config.Flow, hourNumber(0), 0, 1))
	_, err := b.Finish(1)
	checkError(t, err, fs.ErrExist, "write rows of ", "name-1.staged")
	b.Abandon()
	for _, name := range names(t, w.options.Folder) {
		if text, err := os.ReadFile(filepath.Join(w.options.Folder, name)); string(text) != "theirs" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if n := len(names(t, w.options.Folder)); n != 2 {
		t.Errorf("%d files, want 2", n)
	}
}

// fileLimit stands for a full disk: no file can become larger.
const fileLimit = 50_000

// TestFullDisk runs itself in a process of which no file can become larger than fileLimit.
func TestFullDisk(t *testing.T) {
	if os.Getenv("WAREHOUSE_TEST_FULL_DISK") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), "WAREHOUSE_TEST_FULL_DISK=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: fileLimit, Max: fileLimit}); err != nil {
		t.Fatal(err)
	}
	// As many rows as don't fit, of as many hours as would make a long message.
	rows := rowsOf(t, config.Flow, hourNumber(0), 0, 10_000)
	full := func(w *Warehouse) (*Batch, error) {
		b := w.Batch("name")
		for i := range 20 {
			if err := b.Append(hourNumber(i), rows); err != nil {
				return b, err
			}
		}
		files, err := b.Finish(2)
		if files != nil {
			t.Errorf("files %+v in spite of it", files)
		}
		return b, err
	}
	for name, rowGroup := range map[string]int{"in a row group": 10_000, "at the end": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			w := newWarehouse(t, config.Flow, func(o *Options) { o.RowGroup = rowGroup })
			fds := openFDs(t)
			b, err := full(w)
			checkError(t, err, unix.EFBIG, "write rows of y=2018/", "write "+w.options.Folder)
			if n := strings.Count(err.Error(), "write rows"); n != 1 {
				t.Errorf("one error is enough, but there are %d: %v", n, err)
			}
			checkNothingLeft(t, w, b, fds)
			// Once there is room, the same warehouse goes on.
			b = w.Batch("next")
			rows := rowsOf(t, config.Flow, hourNumber(1), 0, 100)
			appendRows(t, b, hourNumber(1), rows)
			checkFile(t, w, "next", byFinal(t, w, finish(t, b)), hourNumber(1), show(rows))
		})
	}
	t.Run("dead letters", func(t *testing.T) {
		w := newWarehouse(t, config.Flow, nil)
		fds := openFDs(t)
		b := w.Batch("name")
		var err error
		for i := 0; i < 2000 && err == nil; i++ {
			err = b.Bad(Letter{Topic: "t", Row: i, Reason: "r", Bytes: []byte(fmt.Sprintf("row %0100d", i))})
		}
		checkError(t, err, unix.EFBIG, "write ", "name.letters")
		_, err = b.Finish(1)
		checkError(t, err, unix.EFBIG, "write dead letters: ", "name.letters")
		checkNothingLeft(t, w, b, fds)
	})
}

func checkNothingLeft(t *testing.T, w *Warehouse, b *Batch, fds int) {
	t.Helper()
	b.Abandon()
	if there := names(t, w.options.Folder); len(there) > 0 {
		t.Errorf("%q are left", there)
	}
	if open := openFDs(t) - fds; open != 0 {
		t.Errorf("%d files are left open", open)
	}
}
