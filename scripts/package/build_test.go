package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// elfFile returns a program without code, whose only segment is of that type.
func elfFile(t *testing.T, machine elf.Machine, segment elf.ProgType) []byte {
	const header, entry = 64, 56
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: header, Ehsize: header, Phentsize: entry, Phnum: 1}
	copy(h.Ident[:], elf.ELFMAG+string([]byte{byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}))
	var b bytes.Buffer
	for _, part := range []any{h, elf.Prog64{Type: uint32(segment)}} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestCheck(t *testing.T) {
	static := elfFile(t, elf.EM_AARCH64, elf.PT_LOAD)
	for _, c := range []struct {
		name, arch string
		program    []byte
		largest    int64
		want       string // in the error; empty: none
	}{
		{"good", "arm64", static, int64(len(static)), ""},
		{"too large", "arm64", static, int64(len(static)) - 1, "more than the"},
		{"for another machine", "amd64", static, 1000, "it is for EM_AARCH64"},
		{"with an interpreter", "amd64", elfFile(t, elf.EM_X86_64, elf.PT_INTERP), 1000, "not static"},
		{"with libraries", "amd64", elfFile(t, elf.EM_X86_64, elf.PT_DYNAMIC), 1000, "not static"},
		{"no program", "amd64", bytes.Repeat([]byte("#!/bin/sh\n"), 10), 1000, "bad magic number"},
	} {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, c.program, 0o700); err != nil {
			t.Fatal(err)
		}
		err := check(path, c.arch, c.largest)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
	}
}

// TestGoCommand wants the user's settings of the Go command to have no say.
func TestGoCommand(t *testing.T) {
	for name, value := range map[string]string{
		"GOFLAGS": "-race -buildvcs=false", "GOAMD64": "v3", "CGO_ENABLED": "1", "GOOS": "windows", "GOARCH": "386", "GOFIPS140": "latest", "GOEXPERIMENT": "boringcrypto",
	} {
		t.Setenv(name, value)
	}
	s := &source{root: "."}
	out, err := s.goCommand("arm64", "env", "GOFLAGS", "GOAMD64", "CGO_ENABLED", "GOOS", "GOARCH", "GOFIPS140", "GOEXPERIMENT").CombinedOutput()
	if want := "-mod=readonly\nv1\n0\nlinux\narm64\noff\n\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

// TestNoExperiments wants those refused that an empty GOEXPERIMENT does not set aside.
func TestNoExperiments(t *testing.T) {
	env := filepath.Join(t.TempDir(), "env")
	t.Setenv("GOENV", env)
	s := &source{root: "."}
	if err := s.noExperiments("arm64"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(env, []byte("GOEXPERIMENT=boringcrypto\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.noExperiments("arm64"); err == nil || !strings.Contains(err.Error(), "GOEXPERIMENT=boringcrypto") {
		t.Errorf("%v", err)
	}
}
