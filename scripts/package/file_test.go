package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var someTime = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// TestTar wants the same bytes in whatever order the files come, and root's files only.
func TestTar(t *testing.T) {
	files := []file{
		{"b/z", false, []byte("z")}, {"run", true, []byte("#!")}, {"b/a/deep", false, nil}, {"b.txt", false, []byte("text")},
	}
	path := filepath.Join(t.TempDir(), "x.tar.gz")
	var before []byte
	for range len(files) {
		if err := writeTar(path, "top", files, someTime); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, got) {
			t.Error("the archive depends on the order of the files")
		}
		before = got
		files = append(files[1:], files[0])
	}
	z, err := gzip.NewReader(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	var listing []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(someTime) || h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || h.Gname != "root" {
			t.Errorf("%+v", h)
		}
		listing = append(listing, fmt.Sprintf("%v %d %s", h.FileInfo().Mode(), h.Size, h.Name))
	}
	want := []string{"drwxr-xr-x 0 top/", "-rw-r--r-- 4 top/b.txt", "drwxr-xr-x 0 top/b/", "drwxr-xr-x 0 top/b/a/", "-rw-r--r-- 0 top/b/a/deep",
		"-rw-r--r-- 1 top/b/z", "-rwxr-xr-x 2 top/run"}
	if !slices.Equal(listing, want) {
		t.Errorf("%q, want %q", listing, want)
	}
}

// TestFolder wants what is for users, and modes that depend on the owner's right alone.
func TestFolder(t *testing.T) {
	root := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"f/activate": 0o600, "f/python": 0o700, "f/sub/page.md": 0o666, "f/group": 0o670,
		"f/python_test.go": 0o600, "f/testdata/x": 0o600, "f/__pycache__/x.pyc": 0o600, "f/.hidden": 0o600, "f/x~": 0o600, "f/.git/config": 0o600,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	s := &source{root: root}
	files, err := s.folder("top", "f")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		if string(f.data) != strings.Replace(f.name, "top", "f", 1) {
			t.Errorf("%s holds %q", f.name, f.data)
		}
		got = append(got, fmt.Sprintf("%s %o", f.name, f.mode()))
	}
	if want := []string{"top/activate 644", "top/group 644", "top/python 755", "top/sub/page.md 644"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := s.folder("top", "nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := os.Symlink("activate", filepath.Join(root, "f/link")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.folder("top", "f"); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a link: %v", err)
	}
	if err := os.Mkdir(filepath.Join(root, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.folder("top", "empty"); err == nil {
		t.Error("a folder with nothing to pack is no error")
	}
}

func TestSums(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.deb", "a.tar.gz", sumsName} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	const sum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	got, err := os.ReadFile(filepath.Join(dir, sumsName))
	if want := sum + "  a.tar.gz\n" + sum + "  b.deb\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
