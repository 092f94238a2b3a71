package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

const (
	documentsFolder = "/usr/share/doc/spot-ingest"

	maintainer = "Spot ingest <spot-ingest@localhost>"
	summary    = "brings network telemetry into Apache Spot"
)

// description returns what the package says of itself, without its contents.
func (p *packing) description(packager, arch string) *description {
	const script = "scripts/package/maintainer/"
	d := &description{
		Name: "spot-ingest", Arch: arch, Platform: "linux", Version: p.version, VersionSchema: "semver",
		Section: "net", Priority: "optional", Maintainer: maintainer, License: "Apache-2.0", MTime: p.time,
		Description: summary + "\n" +
			"The collector watches a folder, turns each new nfcapd, pcap or proxy log file\n" +
			"into CSV rows, and publishes them to Kafka. The listener reads the topic and\n" +
			"puts the rows into the Parquet files of Hive tables. They take the place of\n" +
			"Spot's collector.py and start_listener.py.",
		Scripts: map[string]string{},
	}
	for _, name := range []string{"postinstall", "preremove", "postremove"} {
		d.Scripts[name] = p.root + "/" + script + name + ".sh"
	}
	if packager == "rpm" {
		d.Release = "1"
		d.RPM = map[string]string{"summary": summary, "buildhost": "localhost", "group": "Applications/Internet", "packager": maintainer}
		return d
	}
	d.Depends = []string{"passwd"} // useradd, where systemd does not make the user
	d.Suggests = []string{"nfdump", "tshark"}
	return d
}

// A description is nfpm's configuration.
type description struct {
	Name          string            `json:"name"`
	Arch          string            `json:"arch"`
	Platform      string            `json:"platform"`
	Version       string            `json:"version"`
	VersionSchema string            `json:"version_schema"`
	Release       string            `json:"release,omitempty"`
	Section       string            `json:"section"`
	Priority      string            `json:"priority"`
	Maintainer    string            `json:"maintainer"`
	Description   string            `json:"description"`
	License       string            `json:"license"`
	MTime         time.Time         `json:"mtime"`
	Depends       []string          `json:"depends,omitempty"`
	Suggests      []string          `json:"suggests,omitempty"`
	Scripts       map[string]string `json:"scripts"`
	RPM           map[string]string `json:"rpm,omitempty"`
	Contents      []placed          `json:"contents"`
}

// documents returns what is to be read, as each packager wants it.
func (p *packing) documents(packager string) ([]content, error) {
	docs, err := p.folder(documentsFolder+"/docs", "docs")
	if err != nil {
		return nil, err
	}
	readme, err := p.load(documentsFolder+"/README.md", "README.md")
	if err != nil {
		return nil, err
	}
	changes, err := p.load(documentsFolder+"/CHANGELOG.md", "CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	own, err := p.load(documentsFolder+"/LICENSE", "LICENSE")
	if err != nil {
		return nil, err
	}
	docs = append(docs, readme, changes)
	if packager == "deb" {
		log, err := squeezed(file{name: documentsFolder + "/changelog", data: debianChangelog(changes.data, p.version, p.time)})
		if err != nil {
			return nil, err
		}
		return plain(append(docs, log, file{name: documentsFolder + "/copyright", data: copyright(own.data, p.licences)}), ""), nil
	}
	others := file{name: documentsFolder + "/THIRD-PARTY.txt", data: p.licences}
	return append(plain(docs, "doc"), plain([]file{own, others}, "license")...), nil
}

func plain(files []file, kind string) (all []content) {
	for _, f := range files {
		all = append(all, content{file: f, kind: kind})
	}
	return all
}

// copyright returns Debian's file of that name.
func copyright(own, others []byte) []byte {
	var b bytes.Buffer
	b.WriteString("Spot ingest is copyright of its authors. It may be used under the Apache License, Version 2.0, which\n" +
		"Debian has in /usr/share/common-licenses/Apache-2.0, and which is the first of the texts below.\n\n")
	b.Write(own)
	b.WriteString("\n")
	b.Write(others)
	return b.Bytes()
}

// debianChangelog returns the newest entry of the change log in Debian's form.
func debianChangelog(changes []byte, version string, at time.Time) []byte {
	_, entry, _ := strings.Cut("\n"+string(changes), "\n## ")
	_, entry, _ = strings.Cut(entry, "\n") // the heading
	entry, _, _ = strings.Cut(entry, "\n## ")
	var b bytes.Buffer
	fmt.Fprintf(&b, "spot-ingest (%s) unstable; urgency=medium\n\n", strings.Replace(version, "-", "~", 1))
	for line := range strings.Lines(strings.TrimSpace(entry)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "- ") {
			line = "*" + line[1:]
		}
		if line != "" {
			line = "  " + line
		}
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "\n -- %s  %s\n", maintainer, at.Format(time.RFC1123Z))
	return b.Bytes()
}
