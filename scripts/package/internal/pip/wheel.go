package pip

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
)

// WriteWheel writes the wheel for one architecture into the folder, and returns its file name.
// The same input gives the same bytes.
func WriteWheel(dir string, d Distribution, b Binaries) (name string, err error) {
	version, err := d.version()
	if err != nil {
		return "", fmt.Errorf("wheel: %w", err)
	}
	files, err := d.wheel(version, b)
	if err != nil {
		return "", fmt.Errorf("wheel: %w", err)
	}
	name = wheelName(version, b.Arch)
	if err := create(dir, name, func(f *os.File) error { return d.zip(f, files) }); err != nil {
		return "", fmt.Errorf("wheel: %w", err)
	}
	return name, nil
}

// wheel returns the wheel's files, the record of them last.
func (d Distribution) wheel(version string, b Binaries) ([]file, error) {
	info, err := wheelInfo(b.Arch)
	if err != nil {
		return nil, err
	}
	stem := project + "-" + version
	files, err := b.programs(stem + ".data/scripts")
	if err != nil {
		return nil, err
	}
	folder := stem + ".dist-info/"
	files = append(files,
		file{name: folder + "LICENSE", content: d.License},
		file{name: folder + "METADATA", content: d.metadata(version)},
		file{name: folder + "THIRD-PARTY.txt", content: d.ThirdParty},
		file{name: folder + "WHEEL", content: info})
	return append(files, file{name: folder + "RECORD", content: record(files, folder+"RECORD")}), nil
}

// record lists the files with their hashes and sizes, and itself without.
func record(files []file, self string) []byte {
	var b bytes.Buffer
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		fmt.Fprintf(&b, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	fmt.Fprintf(&b, "%s,,\n", self)
	return b.Bytes()
}

// zip writes the files with the distribution's time. Pip makes executable what the archive says.
func (d Distribution) zip(to *os.File, files []file) error {
	w := zip.NewWriter(to)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: d.time()}
		header.SetMode(0o644)
		if f.program {
			header.SetMode(0o755)
		}
		entry, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.content); err != nil {
			return err
		}
	}
	return w.Close()
}
