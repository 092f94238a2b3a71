// Command package makes what users install, from the source tree it is run in:
//
//	go run ./scripts/package -out dist
//
// For each architecture it makes a tar.gz, a deb, an rpm and a wheel; and one sdist, one SBOM
// (SPDX) and SHA256SUMS. The same commit gives the same bytes, wherever and whenever it is
// packed by the same version of Go: file times are SOURCE_DATE_EPOCH, or else the commit's.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "dist", "folder for the packages")
	version := flag.String("version", "", "version, as 1.0.0 or 1.0.0-rc1 (default: that of CHANGELOG.md's first entry)")
	archs := flag.String("arch", "amd64,arm64", "architectures, separated by commas")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "package: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(*out, *version, strings.Split(*archs, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(out, version string, archs []string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	src, err := openSource(root, version)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "spot-package-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if src.changed != "" {
		fmt.Fprintf(os.Stderr, "package: the tree has changes, so --version will say \"modified\":\n%s\n", src.changed)
	} else if src.git {
		if err := src.checkout(filepath.Join(work, "tree")); err != nil {
			return err
		}
	}
	p := &packing{source: src, work: work, dist: filepath.Join(work, "dist")}
	if err := p.all(archs); err != nil {
		return err
	}
	return p.deliver(out)
}

// moduleRoot returns the folder of go.mod, in which the programs are.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	path := strings.TrimSpace(string(out))
	if filepath.Base(path) != "go.mod" {
		return "", fmt.Errorf("run it in the source tree: there is no go.mod here")
	}
	return filepath.Dir(path), nil
}
