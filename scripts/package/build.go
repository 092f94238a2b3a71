package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A program is one of the two, and what its file may weigh.
type program struct {
	name    string // also its folder in the tree
	largest int64  // bytes
}

var programs = []program{{"collector", 12_000_000}, {"listener", 25_000_000}}

// machines are the architectures, by Go's names.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// goCommand returns the Go command with all that has a say in the bytes of a program set, so
// that the user's environment has none. GOFLAGS says what is so anyway: an empty one would
// count as none, for which the user's go env may have another.
func (s *source) goCommand(arch string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0",
		"CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off")
	return cmd
}

// noExperiments wants Go without any, of which GOEXPERIMENT tells: an empty one counts as none,
// for which the user's go env may have another, and there is no word for that.
func (s *source) noExperiments(arch string) error {
	out, err := s.goCommand(arch, "env", "GOEXPERIMENT").Output()
	if err != nil {
		return fmt.Errorf("go env GOEXPERIMENT: %w", err)
	}
	if experiments := strings.TrimSpace(string(out)); experiments != "" {
		return fmt.Errorf("the Go command's own settings have GOEXPERIMENT=%s, which makes other programs: go env -u GOEXPERIMENT", experiments)
	}
	return nil
}

// build makes both programs for an architecture in folder, and checks them.
func (s *source) build(arch, folder string) error {
	if err := s.noExperiments(arch); err != nil {
		return err
	}
	args := []string{"build", "-trimpath", fmt.Sprintf("-buildvcs=%t", s.git),
		"-ldflags", "-s -w -X spot-ingest/pkg/cli.release=" + s.version, "-o", folder + string(filepath.Separator)}
	for _, p := range programs {
		args = append(args, "./"+p.name)
	}
	if out, err := s.goCommand(arch, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build for %s: %w\n%s", arch, err, out)
	}
	for _, p := range programs {
		path := filepath.Join(folder, p.name)
		if err := check(path, arch, p.largest); err != nil {
			return fmt.Errorf("%s for %s: %w", p.name, arch, err)
		}
		if err := s.checkVersion(path, p.name, arch); err != nil {
			return err
		}
	}
	return nil
}

// check wants a static program for the architecture that is no larger than it may be.
func check(path, arch string, largest int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > largest {
		return fmt.Errorf("it has %d bytes, more than the %d that it may have", info.Size(), largest)
	}
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Machine != machines[arch] {
		return fmt.Errorf("it is for %v", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return errors.New("it is not static")
		}
	}
	return nil
}

// checkVersion runs the program, if this machine can: nobody else would notice that the
// linker has not found the variable for the version.
func (s *source) checkVersion(path, name, arch string) error {
	if arch != runtime.GOARCH || runtime.GOOS != "linux" {
		return nil
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", name, err)
	}
	want := name + " " + s.version
	if s.git {
		want += " (commit "
	}
	if !strings.HasPrefix(string(out), want) {
		return fmt.Errorf("%s --version says %q, want %q", name, strings.TrimSpace(string(out)), want)
	}
	return nil
}
