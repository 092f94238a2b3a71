package main

import (
	"fmt"
	"path/filepath"
	"slices"
)

// installFiles are those that install_DC.sh lays down, all of which it needs.
var installFiles = []string{"activate", "python", "collector.py", "start_listener.py"}

// folders makes the tar.gz files: the folder that is copied to a host, in which install_DC.sh
// is run.
func (p *packing) folders(archs []string) error {
	common, err := p.folderFiles()
	if err != nil {
		return err
	}
	top := "spot-ingest-" + p.version
	for _, arch := range archs {
		files := append([]file{}, common...)
		for _, program := range programs {
			f, err := readFile("bin/"+arch+"/"+program.name, filepath.Join(p.bin(arch), program.name))
			if err != nil {
				return err
			}
			files = append(files, f)
		}
		if err := writeTar(filepath.Join(p.dist, fmt.Sprintf("%s-linux-%s.tar.gz", top, arch)), top, files, p.time); err != nil {
			return err
		}
	}
	return nil
}

// folderFiles returns what the folder holds for every architecture.
func (p *packing) folderFiles() ([]file, error) {
	files := []file{{name: "THIRD-PARTY.txt", data: p.licences}}
	for _, name := range []string{"install_DC.sh", "ingest_conf.json", "README.md", "CHANGELOG.md", "LICENSE", tables} {
		f, err := p.load(name, name)
		if err != nil {
			return nil, err
		}
		f.program = name == "install_DC.sh" // some set the others' bit too
		files = append(files, f)
	}
	// The units come with the files of settings that they read.
	for _, dir := range [][2]string{{"scripts/install", "scripts/install"}, {"docs", "docs"}, {"man", "scripts/package/man"}, {"completion", "scripts/package/completion"},
		{"systemd", "scripts/package/systemd"}, {"systemd", "scripts/package/etc"}} {
		in, err := p.folder(dir[0], dir[1])
		if err != nil {
			return nil, err
		}
		files = append(files, in...)
	}
	for _, name := range installFiles {
		if !slices.ContainsFunc(files, func(f file) bool { return f.name == "scripts/install/"+name }) {
			return nil, fmt.Errorf("scripts/install/%s is missing", name)
		}
	}
	return files, nil
}
