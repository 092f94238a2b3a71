package main

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// contents returns what a package holds.
func (p *packing) contents(packager, arch string) ([]content, error) {
	var all []content
	for _, part := range []func() ([]content, error){
		func() ([]content, error) { return p.installed(arch) }, p.settings, p.manPages, p.completions,
		func() ([]content, error) { return p.documents(packager) },
	} {
		in, err := part()
		if err != nil {
			return nil, err
		}
		all = append(all, in...)
	}
	return all, nil
}

// installed returns the programs and the units.
func (p *packing) installed(arch string) ([]content, error) {
	var all []content
	for _, program := range programs {
		f, err := readFile("/usr/bin/spot-"+program.name, filepath.Join(p.bin(arch), program.name))
		if err != nil {
			return nil, err
		}
		all = append(all, content{file: f})
	}
	for _, to := range []string{"systemd/system/spot-collector@.service", "systemd/system/spot-listener@.service", "sysusers.d/spot-ingest.conf"} {
		f, err := p.load("/usr/lib/"+to, "scripts/package/systemd/"+path.Base(to))
		if err != nil {
			return nil, err
		}
		all = append(all, content{file: f})
	}
	return all, nil
}

const settingsFolder = "/etc/spot-ingest"

// settings returns what the administrator edits, which an upgrade leaves alone.
func (p *packing) settings() ([]content, error) {
	shipped, err := p.read("ingest_conf.json")
	if err != nil {
		return nil, err
	}
	conf, err := packagedConf(shipped)
	if err != nil {
		return nil, err
	}
	files, err := p.folder(settingsFolder, "scripts/package/etc")
	if err != nil {
		return nil, err
	}
	all := []content{ownFolder(settingsFolder)}
	for _, f := range append(files, file{name: settingsFolder + "/ingest_conf.json", data: conf}) {
		all = append(all, content{file: f, kind: "config|noreplace"})
	}
	return all, nil
}

// ownFolder returns a folder that goes with the package.
func ownFolder(name string) content {
	return content{file: file{name: name, program: true}, kind: "dir"}
}

// manPages returns the manual, squeezed as Debian wants it.
func (p *packing) manPages() ([]content, error) {
	files, err := p.folder("", "scripts/package/man")
	var all []content
	for _, f := range files {
		section := strings.TrimPrefix(path.Ext(f.name), ".")
		f, err := squeezed(file{name: path.Join("/usr/share/man/man"+section, path.Base(f.name)), data: f.data})
		if err != nil {
			return nil, err
		}
		all = append(all, content{file: f})
	}
	return all, err
}

// completed are the commands that bash completes, also as they are called without a package.
var completed = []string{"spot-collector", "collector", "spot-listener", "listener"}

// completions returns what bash looks for by a command's name.
func (p *packing) completions() ([]content, error) {
	const from = "scripts/package/completion"
	files, err := p.folder("", from)
	if err != nil {
		return nil, err
	}
	var all []content
	for _, command := range completed {
		f, ok := completion(files, command)
		if !ok {
			return nil, fmt.Errorf("%s has no file for %s", from, command)
		}
		all = append(all, content{file: file{name: "/usr/share/bash-completion/completions/" + command, data: f.data}})
	}
	return all, nil
}

// completion finds the file for a command: the one that is named after it, or the only one.
func completion(files []file, command string) (file, bool) {
	for _, f := range files {
		if strings.Contains(f.name, strings.TrimPrefix(command, "spot-")) {
			return f, true
		}
	}
	return files[0], len(files) == 1
}
