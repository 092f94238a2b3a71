package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spot-ingest/scripts/package/internal/pip"
)

// A packing is the making of all packages from a source.
type packing struct {
	*source
	work string // a folder for what is on the way
	dist string // below it: what is done

	licences []byte // of others
}

// all makes all packages for the architectures.
func (p *packing) all(archs []string) error {
	for i, arch := range archs {
		if _, ok := machines[arch]; !ok || slices.Contains(archs[:i], arch) {
			return fmt.Errorf("-arch %s: want amd64, arm64, or both", strings.Join(archs, ","))
		}
	}
	if err := os.Mkdir(p.dist, 0o755); err != nil {
		return err
	}
	var err error
	var modules []string
	if p.licences, modules, err = p.thirdParty(archs); err != nil {
		return err
	}
	for _, arch := range archs {
		if err := p.build(arch, p.bin(arch)); err != nil {
			return err
		}
	}
	for _, step := range []func([]string) error{
		p.folders, p.systemPackages, p.pythonPackages,
		func(archs []string) error { return p.sbom(archs, modules) },
	} {
		if err := step(archs); err != nil {
			return err
		}
	}
	return writeSums(p.dist)
}

// bin is the folder of the programs for an architecture.
func (p *packing) bin(arch string) string { return filepath.Join(p.work, "bin", arch) }

// pythonPackages makes a wheel for each architecture, and the sdist.
func (p *packing) pythonPackages(archs []string) error {
	d := pip.Distribution{Version: p.version, Time: p.time, ThirdParty: p.licences}
	var err error
	if d.Readme, err = p.read("README.md"); err != nil {
		return err
	}
	if d.License, err = p.read("LICENSE"); err != nil {
		return err
	}
	var all []pip.Binaries
	for _, arch := range archs {
		b := pip.Binaries{Arch: arch, Collector: filepath.Join(p.bin(arch), "collector"), Listener: filepath.Join(p.bin(arch), "listener")}
		if _, err := pip.WriteWheel(p.dist, d, b); err != nil {
			return err
		}
		all = append(all, b)
	}
	_, err = pip.WriteSdist(p.dist, d, all)
	return err
}

const sumsName = "SHA256SUMS"

// writeSums writes the sums of all files of a folder, as sha256sum -c reads them.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		if e.Name() == sumsName {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(dir, sumsName), []byte(b.String()), 0o644)
}

// deliver puts what was made into the folder out, which may hold what was made before. Only
// now, for a folder in the tree would be a change of it.
func (p *packing) deliver(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.dist)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(p.dist, e.Name()))
		if err != nil {
			return err
		}
		path := filepath.Join(out, e.Name())
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
		if err := os.Chmod(path, 0o644); err != nil { // whatever the umask is
			return err
		}
		fmt.Printf("%9d  %s\n", len(data), path)
	}
	return nil
}
