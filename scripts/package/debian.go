package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// overrides tell lintian what is so on purpose.
const overrides = `# Go links statically, and each program is to run on every Linux.
spot-ingest: statically-linked-binary
# The texts of others' licences must come as they are.
spot-ingest: copyright-file-contains-full-apache-2-license
# One script serves dpkg and rpm, and deb-systemd-invoke knows no instances of units.
spot-ingest: maintainer-script-calls-systemctl
# There is no address for mail.
spot-ingest: bogus-mail-host
spot-ingest: bogus-mail-host-in-debian-changelog
`

// debianDocuments returns what Debian wants besides.
func (p *packing) debianDocuments(licence, changes []byte) ([]file, error) {
	log, err := squeezed(file{name: documentsFolder + "/changelog", data: debianChangelog(changes, p.version, p.time)})
	return []file{
		log,
		{name: documentsFolder + "/copyright", data: copyright(licence, p.licences)},
		{name: "/usr/share/lintian/overrides/spot-ingest", data: []byte(overrides)},
	}, err
}

// copyright returns Debian's file of that name.
func copyright(own, others []byte) []byte {
	return bytes.Join([][]byte{
		[]byte("Spot ingest is copyright of its authors. It may be used under the Apache License, Version 2.0, which\n" +
			"Debian has in /usr/share/common-licenses/Apache-2.0, and which is the first of the texts below.\n"),
		own, others}, []byte("\n"))
}

// debianChangelog returns the newest entry of the change log in Debian's form.
func debianChangelog(changes []byte, version string, at time.Time) []byte {
	_, entry, _ := strings.Cut("\n"+string(changes), "\n## ")
	_, entry, _ = strings.Cut(entry, "\n") // the heading
	entry, _, _ = strings.Cut(entry, "\n## ")
	var b bytes.Buffer
	fmt.Fprintf(&b, "spot-ingest (%s) unstable; urgency=medium\n\n", strings.Replace(version, "-", "~", 1))
	for _, point := range points(entry) {
		text := strings.TrimLeft(point, " ")
		indent := strings.Repeat(" ", 2+len(point)-len(text))
		if text[0] == '-' {
			text = "*" + text[1:]
		}
		fold(&b, indent, strings.Fields(text))
	}
	fmt.Fprintf(&b, "\n -- %s  %s\n", maintainer, at.Format(time.RFC1123Z))
	return b.Bytes()
}

// points returns a list's points, each in one line.
func points(list string) []string {
	var all []string
	for line := range strings.Lines(list) {
		line = strings.TrimRight(line, "\n ")
		switch text := strings.TrimLeft(line, " "); {
		case text == "":
		case len(all) == 0 || strings.HasPrefix(text, "- "):
			all = append(all, line)
		default:
			all[len(all)-1] += " " + text
		}
	}
	return all
}

// fold writes a point in lines of at most 80 letters, or of one word.
func fold(b *bytes.Buffer, indent string, words []string) {
	line := indent + words[0]
	for _, word := range words[1:] {
		if len(line)+1+len(word) > 80 {
			b.WriteString(line + "\n")
			line = indent + " "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
