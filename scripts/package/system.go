package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A packager is a kind of package that nfpm makes.
type packager struct {
	name string
	file func(version, arch string) string
}

// Both take 1.0.0~rc1 for older than 1.0.0.
var packagers = []packager{
	{"deb", func(version, arch string) string { return fmt.Sprintf("spot-ingest_%s_%s.deb", version, arch) }},
	{"rpm", func(version, arch string) string {
		return fmt.Sprintf("spot-ingest-%s-1.%s.rpm", version, map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch])
	}},
}

// systemPackages makes a deb and an rpm for each architecture.
func (p *packing) systemPackages(archs []string) error {
	nfpm := filepath.Join(p.work, "nfpm")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", nfpm, "github.com/goreleaser/nfpm/v2/cmd/nfpm")
	cmd.Dir = filepath.Join(p.root, "scripts", "package", "nfpm")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build nfpm: %w\n%s", err, out)
	}
	for _, kind := range packagers {
		for _, arch := range archs {
			if err := p.systemPackage(nfpm, kind, arch); err != nil {
				return fmt.Errorf("%s for %s: %w", kind.name, arch, err)
			}
		}
	}
	return nil
}

func (p *packing) systemPackage(nfpm string, kind packager, arch string) error {
	work := filepath.Join(p.work, kind.name+"-"+arch)
	contents, err := p.contents(kind.name, arch)
	if err != nil {
		return err
	}
	d := p.description(kind.name, arch)
	for i, c := range contents {
		placed, err := c.place(filepath.Join(work, fmt.Sprint(i)), p.time)
		if err != nil {
			return err
		}
		d.Contents = append(d.Contents, placed)
	}
	// nfpm reads YAML, of which JSON is a part.
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	config := filepath.Join(work, "nfpm.json")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		return err
	}
	target := filepath.Join(p.dist, kind.file(strings.Replace(p.version, "-", "~", 1), arch))
	cmd := exec.Command(nfpm, "package", "--config", config, "--packager", kind.name, "--target", target)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", p.time.Unix()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nfpm: %w\n%s", err, out)
	}
	return nil
}

// A content is a file or a folder in a package.
type content struct {
	file
	kind string // by nfpm's names; empty: a file like any other
}

// A placed content is one as nfpm is told of it.
type placed struct {
	Source      string  `json:"src,omitempty"`
	Destination string  `json:"dst"`
	Type        string  `json:"type,omitempty"`
	Info        details `json:"file_info"`
}

type details struct {
	Owner string    `json:"owner"`
	Group string    `json:"group"`
	Mode  uint32    `json:"mode"`
	MTime time.Time `json:"mtime"`
}

// place writes a content where nfpm finds it.
func (c content) place(path string, at time.Time) (placed, error) {
	p := placed{Source: path, Destination: c.name, Type: c.kind, Info: details{"root", "root", uint32(c.mode()), at}}
	if c.kind == "dir" {
		p.Source = ""
		return p, nil
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, c.data, c.mode())
	}
	return p, err
}
