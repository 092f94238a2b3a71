package pip

import (
	"archive/tar"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// carried is what the source distribution holds beside the programs and the documents: the
// build backend, and setup.py for a pip that knows no backends.
//
//go:embed sdist
var carried embed.FS

// WriteSdist writes the source distribution with the programs of all the architectures into the
// folder, and returns its file name. The same input gives the same bytes.
func WriteSdist(dir string, d Distribution, bs []Binaries) (name string, err error) {
	version, err := d.version()
	if err != nil {
		return "", fmt.Errorf("sdist: %w", err)
	}
	stem := project + "-" + version
	files, err := d.sdist(version, bs)
	if err != nil {
		return "", fmt.Errorf("sdist: %w", err)
	}
	name = stem + ".tar.gz"
	if err := create(dir, name, func(f *os.File) error { return d.tar(f, stem, files) }); err != nil {
		return "", fmt.Errorf("sdist: %w", err)
	}
	return name, nil
}

func (d Distribution) sdist(version string, bs []Binaries) ([]file, error) {
	files := []file{
		{name: "PKG-INFO", content: d.metadata(version)},
		{name: "README.md", content: d.Readme},
		{name: "LICENSE", content: d.License},
		{name: "THIRD-PARTY.txt", content: d.ThirdParty},
	}
	own, err := carriedFiles()
	if err != nil {
		return nil, err
	}
	files = append(files, own...)
	if len(bs) == 0 {
		return nil, errors.New("no programs for any architecture")
	}
	for _, b := range bs {
		info, err := wheelInfo(b.Arch)
		if err != nil {
			return nil, err
		}
		programs, err := b.programs("bin/" + b.Arch)
		if err != nil {
			return nil, err
		}
		files = append(append(files, programs...), file{name: "bin/" + b.Arch + "/WHEEL", content: info})
	}
	return files, nil
}

func carriedFiles() (files []file, err error) {
	err = fs.WalkDir(carried, "sdist", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := carried.ReadFile(path)
		files = append(files, file{name: strings.TrimPrefix(path, "sdist/"), content: content})
		return err
	})
	return files, err
}

// tar writes the files below one folder, with the distribution's time, as root's.
func (d Distribution) tar(to *os.File, stem string, files []file) error {
	compressed, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{
			Name: stem + "/" + f.name, Size: int64(len(f.content)), Mode: 0o644,
			ModTime: d.time(), Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if f.program {
			header.Mode = 0o755
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(f.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return compressed.Close()
}
