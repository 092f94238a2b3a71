package main

import (
	"slices"
	"time"
)

const (
	documentsFolder = "/usr/share/doc/spot-ingest"

	tables = "scripts/ddl/tables.sql" // the documents refer to it by this path

	maintainer = "Spot ingest <spot-ingest@localhost>"
	summary    = "brings network telemetry into Apache Spot"
)

// description returns what the package says of itself, without its contents.
func (p *packing) description(packager, arch string) *description {
	const script = "scripts/package/maintainer/"
	d := &description{
		Name: "spot-ingest", Arch: arch, Platform: "linux", Version: p.version, VersionSchema: "semver",
		Section: "net", Priority: "optional", Maintainer: maintainer, MTime: p.time,
		Description: "The collector watches a folder, turns each new nfcapd, pcap or proxy log file\n" +
			"into CSV rows, and publishes them to Kafka. The listener reads the topic and\n" +
			"puts the rows into the Parquet files of Hive tables. They take the place of\n" +
			"Spot's collector.py and start_listener.py.",
		Scripts: map[string]string{},
	}
	for _, name := range []string{"postinstall", "preremove", "postremove"} {
		d.Scripts[name] = p.root + "/" + script + name + ".sh"
	}
	if packager == "rpm" {
		d.Release, d.License = "1", "Apache-2.0"
		d.Depends = []string{"/bin/sh"} // as rpmbuild says it of scripts: where a whole system is laid, it comes before
		d.RPM = map[string]string{"summary": summary, "buildhost": "localhost", "group": "Applications/Internet", "packager": maintainer}
		return d
	}
	d.Description = summary + "\n" + d.Description
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
	License       string            `json:"license,omitempty"`
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
	own, err := p.load(documentsFolder+"/LICENSE", "LICENSE")
	if err != nil {
		return nil, err
	}
	changes, err := p.load(documentsFolder+"/CHANGELOG.md", "CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	docs = append(docs, changes)
	for _, name := range []string{"README.md", tables} {
		f, err := p.load(documentsFolder+"/"+name, name)
		if err != nil {
			return nil, err
		}
		docs = append(docs, f)
	}
	var folders []content
	for _, below := range []string{"", "/docs", "/scripts", "/scripts/ddl"} {
		folders = append(folders, ownFolder(documentsFolder+below))
	}
	if packager == "deb" {
		debian, err := p.debianDocuments(own.data, changes.data)
		return slices.Concat(folders, plain(docs, ""), plain(debian, "")), err
	}
	others := file{name: documentsFolder + "/THIRD-PARTY.txt", data: p.licences}
	return slices.Concat(folders, plain(docs, "doc"), plain([]file{own, others}, "license")), nil
}

func plain(files []file, kind string) (all []content) {
	for _, f := range files {
		all = append(all, content{file: f, kind: kind})
	}
	return all
}
