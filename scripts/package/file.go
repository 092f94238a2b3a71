package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file is one that is packed. Its mode is 0755 for programs, 0644 for all else, whatever
// the umask was when the tree was laid.
type file struct {
	name    string // with slashes
	program bool
	data    []byte
}

func (f file) mode() fs.FileMode {
	if f.program {
		return 0o755
	}
	return 0o644
}

// load returns a file of the tree under another name.
func (s *source) load(name, from string) (file, error) {
	path := filepath.Join(s.root, from)
	info, err := os.Lstat(path)
	if err != nil {
		return file{}, err
	}
	if !info.Mode().IsRegular() {
		return file{}, fmt.Errorf("%s is no regular file", from)
	}
	data, err := os.ReadFile(path)
	return file{name, info.Mode()&0o100 != 0, data}, err
}

// readFile returns a program that was built.
func readFile(name, path string) (file, error) {
	data, err := os.ReadFile(path)
	return file{name, true, data}, err
}

// folder returns the files of a folder of the tree, and of those in it, below another one.
// Hidden files, editors' backups, tests and what is for them are left out. A folder
// without files is an error: something is missing.
func (s *source) folder(name, from string) ([]file, error) {
	var files []file
	top := filepath.Join(s.root, from)
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := e.Name()
		switch {
		case path == top:
			return nil
		case e.IsDir() && (base[0] == '.' || base == "testdata" || base == "__pycache__"):
			return fs.SkipDir
		case e.IsDir() || base[0] == '.' || strings.HasSuffix(base, "~") || strings.HasSuffix(base, ".go"):
			return nil
		}
		rel, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f, err := s.load(name+"/"+rel, from+"/"+rel)
		files = append(files, f)
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds nothing that could be packed", from)
	}
	return files, err
}

// writeTar writes a compressed archive of the files, in one folder top, in alphabetical
// order, all of them root's and of one time.
func writeTar(path, top string, files []file, at time.Time) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	for _, f := range withFolders(top, files) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: int64(f.mode()), Size: int64(len(f.data)),
			ModTime: at, Uname: "root", Gname: "root", Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// withFolders returns the files below top in order, each folder, whose name ends in a slash,
// before what is in it.
func withFolders(top string, files []file) []file {
	var all []file
	seen := make(map[string]bool)
	for _, f := range files {
		f.name = top + "/" + f.name
		for dir := path.Dir(f.name); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			all = append(all, file{name: dir + "/", program: true})
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all
}

// squeezed returns the file as gzip -9n makes it.
func squeezed(f file) (file, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(f.data)
	}
	if err == nil {
		err = z.Close()
	}
	return file{name: f.name + ".gz", data: b.Bytes()}, err
}
