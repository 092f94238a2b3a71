package main

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sbom writes the bill of materials, by what the programs themselves say is in them, which
// must be the modules whose licences were found.
func (p *packing) sbom(archs, modules []string) error {
	var built []built
	for _, arch := range archs {
		for _, program := range programs {
			b, err := readBuilt("./bin/"+arch+"/"+program.name, filepath.Join(p.bin(arch), program.name))
			if err != nil {
				return err
			}
			built = append(built, b)
		}
	}
	doc, found := newSBOM(p.version, p.time.Format("2006-01-02T15:04:05Z"), built)
	if !slices.Equal(found, modules) {
		return fmt.Errorf("the programs say that they are made of the modules %q, but licences were found for %q", found, modules)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.dist, "spot-ingest-"+p.version+".spdx.json"), b.Bytes(), 0o644)
}

// A built program is one as its file tells of it.
type built struct {
	name   string // ./bin/amd64/collector
	sha1   string
	sha256 string
	info   *buildinfo.BuildInfo
}

func readBuilt(name, path string) (built, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return built{}, err
	}
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		return built{}, fmt.Errorf("%s: %w", name, err)
	}
	return built{name, fmt.Sprintf("%x", sha1.Sum(data)), fmt.Sprintf("%x", sha256.Sum256(data)), info}, nil
}

// newSBOM returns the document, and the modules that it names, as path@version.
func newSBOM(version, created string, programs []built) (*spdx, []string) {
	const rootID = "SPDXRef-Package-spot-ingest"
	root := spdxPackage{
		ID: rootID, Name: "spot-ingest", Version: version, Purpose: "APPLICATION", Download: noAssertion, FilesAnalyzed: true,
		Concluded: noAssertion, Declared: "Apache-2.0", Copyright: noAssertion, FromFiles: []string{noAssertion},
		References: purl("pkg:generic/spot-ingest@" + version),
	}
	doc := &spdx{
		Version: "SPDX-2.3", DataLicence: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "spot-ingest-" + version,
		Creation:      spdxCreation{created, []string{"Tool: spot-ingest-package-" + version}},
		Relationships: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", rootID}},
	}
	parts := make(map[string]spdxPackage) // by path@version
	var sums []string
	for _, b := range programs {
		f := newSPDXFile(b)
		sums = append(sums, b.sha1)
		doc.Files = append(doc.Files, f)
		doc.Relationships = append(doc.Relationships, spdxRelationship{rootID, "CONTAINS", f.ID})
		for _, part := range partsOf(b.info) {
			parts[part.Name+"@"+part.Version] = part
			doc.Relationships = append(doc.Relationships, spdxRelationship{f.ID, "STATIC_LINK", part.ID})
		}
	}
	root.Verification = verification(sums)
	doc.Namespace = "https://spot-ingest.invalid/spdx/" + version + "/" + root.Verification.Value
	doc.Packages = []spdxPackage{root}
	var modules []string
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part := parts[name]
		doc.Packages = append(doc.Packages, part)
		doc.Relationships = append(doc.Relationships, spdxRelationship{rootID, "DEPENDS_ON", part.ID})
		if part.Name != goPart {
			modules = append(modules, name)
		}
	}
	return doc, modules
}

const goPart = "std" // Go's standard library, by its name in package URLs

// partsOf returns Go and the modules that a program was linked from.
func partsOf(info *buildinfo.BuildInfo) []spdxPackage {
	all := []spdxPackage{newPart(goPart, strings.TrimPrefix(info.GoVersion, "go"), "Go's standard library and runtime")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, newPart(m.Path, m.Version, "Hash of the module's files, as go.sum has it: "+m.Sum))
	}
	return all
}

var notInID = regexp.MustCompile(`[^a-zA-Z0-9.]+`)

func newPart(name, version, comment string) spdxPackage {
	return spdxPackage{
		ID:   "SPDXRef-Package-" + notInID.ReplaceAllString(name+"@"+version, "-"),
		Name: name, Version: version, Purpose: "LIBRARY", Download: noAssertion, Comment: comment,
		Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion,
		References: purl("pkg:golang/" + strings.ToLower(name) + "@" + strings.ReplaceAll(version, "+", "%2B")),
	}
}
