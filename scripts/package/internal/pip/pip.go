// Package pip writes the wheel and the source distribution that carry the two programs, so that
// pip puts them into a Python environment as the commands collector and listener.
//
// The project is called distributed-collector, as the Python program's was: pip replaces that.
// There is no Python code in it. The source distribution holds the programs of several
// architectures; its build backend, which needs nothing but Python, packs those of the machine
// into a wheel that has the same files as the one that WriteWheel writes.
//
// Every pip from 8.1 on takes a wheel for amd64. The source distribution is for pip 20 and newer,
// and by setuptools for those before 10: the ones between want a backend from an index.
package pip

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// A Distribution is what both forms say of the programs.
type Distribution struct {
	Version string    // X.Y.Z or X.Y.Z-rcN
	Time    time.Time // of all files

	Readme, License, ThirdParty []byte
}

// Binaries are the paths of the two programs for one architecture.
type Binaries struct {
	Arch                string // as Go calls it: amd64 or arm64
	Collector, Listener string
}

// commands are the names under which pip installs the programs.
var commands = [...]string{"collector", "listener"}

// project is the name in file names; pip takes it and distributed-collector for the same.
const project = "distributed_collector"

// A file is a file of a wheel or a source distribution.
type file struct {
	name    string
	content []byte
	program bool
}

// programs reads the two programs, as files of a folder.
func (b Binaries) programs(folder string) ([]file, error) {
	var files []file
	for i, path := range []string{b.Collector, b.Listener} {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s for %s: %w", commands[i], b.Arch, err)
		}
		files = append(files, file{folder + "/" + commands[i], content, true})
	}
	return files, nil
}

var semantic = regexp.MustCompile(`^((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2})(?:-(rc(?:0|[1-9][0-9]*)))?$`)

// version returns the version as PEP 440 has it.
func (d Distribution) version() (string, error) {
	parts := semantic.FindStringSubmatch(d.Version)
	if parts == nil {
		return "", fmt.Errorf("version %q: want X.Y.Z or X.Y.Z-rcN", d.Version)
	}
	return parts[1] + parts[2], nil
}

// earliest is the first time that a zip file can hold.
var earliest = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// time returns the time of all files, in whole seconds of UTC.
func (d Distribution) time() time.Time {
	if d.Time.Before(earliest) {
		return earliest
	}
	return d.Time.UTC().Truncate(time.Second)
}

// create writes a file by the function; a file that could not be written is removed.
func create(dir, name string, write func(*os.File) error) (err error) {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	err = write(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path) // the first error tells
	}
	return err
}
