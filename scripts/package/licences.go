package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A listed is a package that is linked into a program, as go list tells of it.
type listed struct {
	Dir    string
	Module *struct {
		Path, Version, Dir string
		Main               bool
	}
}

var (
	licenceName = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|unlicense)([-_.].*)?$`)
	noticeName  = regexp.MustCompile(`(?i)^(notice|patents|copyright|authors)([-_.].*)?$`)
	noText      = regexp.MustCompile(`(?i)\.(go|s|c|h|py|sh)$`)
)

// thirdParty returns the licences, and what must be told besides, of all modules that are
// linked into the programs for one of the architectures, and of Go itself. Its second result
// is the modules, as path@version in alphabetical order.
func (s *source) thirdParty(archs []string) (text []byte, modules []string, err error) {
	folders := make(map[string][2]string) // of each package: its module, and that one's folder
	for _, arch := range archs {
		if err := s.listLinked(arch, folders); err != nil {
			return nil, nil, err
		}
	}
	found := make(map[string]map[string]string) // module, file, text
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		module, top := folders[folder][0], folders[folder][1]
		if found[module] == nil {
			found[module] = make(map[string]string)
		}
		if err := collect(found[module], folder, top); err != nil {
			return nil, nil, err
		}
	}
	modules = slices.Sorted(maps.Keys(found))
	var b bytes.Buffer
	fmt.Fprintf(&b, "The programs of Spot ingest %s have these modules of others in them, and Go's standard library. Their licences are below.\n\n", s.version)
	for _, module := range modules {
		fmt.Fprintf(&b, "    %s\n", module)
	}
	for _, module := range modules {
		if err := write(&b, module, found[module]); err != nil {
			return nil, nil, err
		}
	}
	if err := s.writeGo(&b, archs[0]); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), modules, nil
}

// listLinked adds the folders of what is linked for an architecture.
func (s *source) listLinked(arch string, folders map[string][2]string) error {
	args := []string{"list", "-deps", "-json=Dir,Module"}
	for _, p := range programs {
		args = append(args, "./"+p.name)
	}
	cmd := s.goCommand(arch, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			folders[p.Dir] = [2]string{p.Module.Path + "@" + p.Module.Version, p.Module.Dir}
		}
	}
}

// collect adds the texts in a package's folder and in those above it, up to the module's.
func collect(texts map[string]string, folder, top string) error {
	for ; ; folder = filepath.Dir(folder) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || noText.MatchString(e.Name()) ||
				!licenceName.MatchString(e.Name()) && !noticeName.MatchString(e.Name()) {
				continue
			}
			path := filepath.Join(folder, e.Name())
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(top, path)
			if err != nil {
				return err
			}
			texts[name] = string(text)
		}
		if folder == top {
			return nil
		}
		if len(folder) <= len(top) {
			return fmt.Errorf("a package is not in the folder of its module, %s", top)
		}
	}
}

// write writes what was found of a module. One without a licence may not be given away.
func write(w io.Writer, module string, texts map[string]string) error {
	names := slices.Sorted(maps.Keys(texts))
	if !slices.ContainsFunc(names, func(name string) bool { return licenceName.MatchString(filepath.Base(name)) }) {
		return fmt.Errorf("%s has no licence file", module)
	}
	for _, name := range names {
		rule := strings.Repeat("=", 80)
		fmt.Fprintf(w, "\n%s\n%s: %s\n%s\n\n%s\n", rule, module, name, rule, strings.TrimRight(texts[name], "\n"))
	}
	return nil
}

// writeGo writes the licence of Go.
func (s *source) writeGo(w io.Writer, arch string) error {
	out, err := s.goCommand(arch, "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	texts := make(map[string]string)
	root := strings.TrimSpace(string(out))
	if err := collect(texts, root, root); err != nil {
		return err
	}
	return write(w, "Go", texts)
}
