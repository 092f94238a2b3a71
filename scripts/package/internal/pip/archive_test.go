package pip

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var example = Distribution{
	Version: "1.1.0-rc1",
	// Two hours east of Greenwich, and not whole: neither must be seen in the archives.
	Time:       time.Date(2026, 11, 27, 3, 2, 4, 5, time.FixedZone("", 2*60*60)),
	Readme:     []byte("# Spot ingest\n\nVersion: none, this is no header. Größe → 1\n"),
	License:    []byte("Apache License\n"),
	ThirdParty: []byte("kafka-go: MIT\n"),
}

// exampleBinaries writes what stands for the two programs. The collector begins as a script that
// pip would change if it took it for one of Python's, but for its first byte.
func exampleBinaries(t *testing.T, arch string) Binaries {
	t.Helper()
	b := Binaries{arch, filepath.Join(t.TempDir(), "collector"), filepath.Join(t.TempDir(), "listener")}
	for path, content := range map[string]string{
		b.Collector: "\x7f#!python\r\n\x00\xff collector for " + arch,
		b.Listener:  strings.Repeat("\x00\x01\n listener for "+arch, 10_000),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// A member is a file as an archive holds it.
type member struct {
	name     string
	mode     fs.FileMode
	modified time.Time
	content  string
}

func readZip(t *testing.T, path string) []member {
	t.Helper()
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var members []member
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, member{f.Name, f.Mode(), f.Modified.UTC(), readAll(t, content)})
	}
	return members
}

func readTar(t *testing.T, path string) []member {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	compressed, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var members []member
	for r := tar.NewReader(compressed); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return members
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg || header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s: want a file of root's", header.Name)
		}
		members = append(members, member{header.Name, fs.FileMode(header.Mode), header.ModTime.UTC(), readAll(t, r)})
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// checkRecord wants RECORD to be last, and to list every file with its true hash and size.
func checkRecord(t *testing.T, members []member) {
	t.Helper()
	last := members[len(members)-1]
	var want strings.Builder
	for _, m := range members[:len(members)-1] {
		sum := sha256.Sum256([]byte(m.content))
		fmt.Fprintf(&want, "%s,sha256=%s,%d\n", m.name,
			strings.TrimRight(base64.URLEncoding.EncodeToString(sum[:]), "="), len(m.content))
	}
	fmt.Fprintf(&want, "%s,,\n", last.name)
	if !strings.HasSuffix(last.name, ".dist-info/RECORD") || last.content != want.String() {
		t.Errorf("%s:\n%s\nwant\n%s", last.name, last.content, want.String())
	}
}

// extract lays the files of a source distribution below a folder, as pip does, and returns
// their own folder.
func extract(t *testing.T, path, dir string) string {
	t.Helper()
	top := ""
	for _, m := range readTar(t, path) {
		target := filepath.Join(dir, m.name)
		top, _, _ = strings.Cut(m.name, "/")
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(m.content), m.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(target, m.modified, m.modified); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, top)
}
