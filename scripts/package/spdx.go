package main

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
)

// The parts of an SPDX 2.3 document that are used here, in its own words.
type (
	spdx struct {
		Version       string             `json:"spdxVersion"`
		DataLicence   string             `json:"dataLicense"`
		ID            string             `json:"SPDXID"`
		Name          string             `json:"name"`
		Namespace     string             `json:"documentNamespace"`
		Creation      spdxCreation       `json:"creationInfo"`
		Packages      []spdxPackage      `json:"packages"`
		Files         []spdxFile         `json:"files"`
		Relationships []spdxRelationship `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		ID            string            `json:"SPDXID"`
		Name          string            `json:"name"`
		Version       string            `json:"versionInfo"`
		Purpose       string            `json:"primaryPackagePurpose"`
		Download      string            `json:"downloadLocation"`
		FilesAnalyzed bool              `json:"filesAnalyzed"`
		Verification  *spdxVerification `json:"packageVerificationCode,omitempty"`
		Concluded     string            `json:"licenseConcluded"`
		Declared      string            `json:"licenseDeclared"`
		FromFiles     []string          `json:"licenseInfoFromFiles,omitempty"`
		Copyright     string            `json:"copyrightText"`
		Comment       string            `json:"comment,omitempty"`
		References    []spdxReference   `json:"externalRefs"`
	}
	spdxVerification struct {
		Value string `json:"packageVerificationCodeValue"`
	}
	spdxReference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxFile struct {
		ID        string         `json:"SPDXID"`
		Name      string         `json:"fileName"`
		Types     []string       `json:"fileTypes"`
		Checksums []spdxChecksum `json:"checksums"`
		Concluded string         `json:"licenseConcluded"`
		InFile    []string       `json:"licenseInfoInFiles"`
		Copyright string         `json:"copyrightText"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxRelationship struct {
		From string `json:"spdxElementId"`
		Type string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
	}
)

const noAssertion = "NOASSERTION"

// newSPDXFile tells of a program's file. SPDX wants the SHA-1 of every file.
func newSPDXFile(b built) spdxFile {
	return spdxFile{
		ID:   "SPDXRef-File-" + strings.Trim(notInID.ReplaceAllString(b.name, "-"), ".-"),
		Name: b.name, Types: []string{"BINARY"},
		Checksums: []spdxChecksum{{"SHA1", b.sha1}, {"SHA256", b.sha256}},
		Concluded: noAssertion, InFile: []string{noAssertion}, Copyright: noAssertion,
	}
}

func purl(locator string) []spdxReference {
	return []spdxReference{{"PACKAGE-MANAGER", "purl", locator}}
}

// verification is SPDX's sum of a package's files.
func verification(sums []string) *spdxVerification {
	return &spdxVerification{fmt.Sprintf("%x", sha1.Sum([]byte(strings.Join(slices.Sorted(slices.Values(sums)), ""))))}
}
