package main

import (
	"crypto/sha1"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestSBOM builds the document of two programs that share a module.
func TestSBOM(t *testing.T) {
	module := func(path, version, sum string) *debug.Module {
		return &debug.Module{Path: path, Version: version, Sum: sum}
	}
	shared := module("github.com/Some/lib/v2", "v2.1.0+incompatible", "h1:AAAA=")
	doc, modules := newSBOM("1.0.0", "2026-11-27T12:00:00Z", []built{
		{"./bin/amd64/collector", "aa", "bb", &buildinfo.BuildInfo{GoVersion: "go1.24.1", Deps: []*debug.Module{shared}}},
		{"./bin/amd64/listener", "cc", "dd", &buildinfo.BuildInfo{GoVersion: "go1.24.1", Deps: []*debug.Module{
			shared, {Path: "example.org/old", Version: "v1.0.0", Replace: module("example.org/new", "v1.2.0", "h1:CCCC=")}}}},
	})
	if want := []string{"example.org/new@v1.2.0", "github.com/Some/lib/v2@v2.1.0+incompatible"}; !slices.Equal(modules, want) {
		t.Errorf("modules %q, want %q", modules, want)
	}
	checkSPDX(t, doc)
	got := relations(doc)
	for _, want := range []string{
		"SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-spot-ingest",
		"SPDXRef-Package-spot-ingest CONTAINS SPDXRef-File-bin-amd64-collector",
		"SPDXRef-Package-spot-ingest DEPENDS_ON SPDXRef-Package-std-1.24.1",
		"SPDXRef-File-bin-amd64-collector STATIC_LINK SPDXRef-Package-github.com-Some-lib-v2-v2.1.0-incompatible",
		"SPDXRef-File-bin-amd64-listener STATIC_LINK SPDXRef-Package-example.org-new-v1.2.0",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if slices.Contains(got, "SPDXRef-File-bin-amd64-collector STATIC_LINK SPDXRef-Package-example.org-new-v1.2.0") {
		t.Error("the collector has the listener's module")
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"referenceLocator":"pkg:golang/github.com/some/lib/v2@v2.1.0%2Bincompatible"`, `"referenceLocator":"pkg:golang/std@1.24.1"`,
		`h1:AAAA=`, `{"algorithm":"SHA256","checksumValue":"dd"}`, `"created":"2026-11-27T12:00:00Z"`,
		fmt.Sprintf(`"packageVerificationCodeValue":"%x"`, sha1.Sum([]byte("aacc"))),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestSBOMOfProgram reads a real program: this test.
func TestSBOMOfProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := readBuilt("./bin/self", self)
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := newSBOM("1.0.0", "2026-11-27T12:00:00Z", []built{b})
	checkSPDX(t, doc)
	if version := strings.TrimPrefix(runtime.Version(), "go"); !slices.ContainsFunc(doc.Packages, func(p spdxPackage) bool { return p.Name == "std" && strings.HasPrefix(version, p.Version) }) {
		t.Errorf("Go %s is not among %+v", version, doc.Packages)
	}
	if _, err := readBuilt("x", "sbom_test.go"); err == nil {
		t.Error("a file that is no program is no error")
	}
}

func relations(doc *spdx) (all []string) {
	for _, r := range doc.Relationships {
		all = append(all, r.From+" "+r.Type+" "+r.To)
	}
	return all
}

// checkSPDX wants what SPDX 2.3 demands of identifiers: of the right form, each there once,
// and none mentioned that is not there.
func checkSPDX(t *testing.T, doc *spdx) {
	t.Helper()
	ids := []string{doc.ID}
	for _, p := range doc.Packages {
		ids = append(ids, p.ID)
		if p.FilesAnalyzed != (p.Verification != nil) {
			t.Errorf("%s: files analysed %v, verification code %v", p.ID, p.FilesAnalyzed, p.Verification)
		}
	}
	for _, f := range doc.Files {
		ids = append(ids, f.ID)
		if !strings.HasPrefix(f.Name, "./") || f.Checksums[0].Algorithm != "SHA1" {
			t.Errorf("%+v", f)
		}
	}
	form := regexp.MustCompile(`^SPDXRef-[a-zA-Z0-9.-]+$`)
	for i, id := range ids {
		if !form.MatchString(id) || slices.Contains(ids[:i], id) {
			t.Errorf("identifier %q", id)
		}
	}
	for _, r := range doc.Relationships {
		if !slices.Contains(ids, r.From) || !slices.Contains(ids, r.To) {
			t.Errorf("%+v is about what is not there", r)
		}
	}
	if all := relations(doc); len(all) != len(slices.Compact(slices.Sorted(slices.Values(all)))) {
		t.Error("a relationship is told twice")
	}
}
