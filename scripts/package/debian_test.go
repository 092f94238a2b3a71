package main

import (
	"testing"
)

func TestDebianChangelog(t *testing.T) {
	const changes = `# Changelog

One entry for each change.

## 1.0.1-rc1

- **collector**: a point that is so long that it takes more than one line of the change log, and
  goes on in the next.
  - Within it another.
- Last.

## 1.0.0

- Older.
`
	const want = `spot-ingest (1.0.1~rc1) unstable; urgency=medium

  * **collector**: a point that is so long that it takes more than one line of
    the change log, and goes on in the next.
    * Within it another.
  * Last.

 -- Spot ingest <spot-ingest@localhost>  Fri, 27 Nov 2026 12:00:00 +0000
`
	if got := string(debianChangelog([]byte(changes), "1.0.1-rc1", someTime)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCompletion(t *testing.T) {
	one := []file{{name: "/spot-ingest.bash"}}
	two := []file{{name: "/spot-collector"}, {name: "/spot-listener"}}
	for _, c := range []struct {
		files   []file
		command string
		want    string
	}{
		{one, "collector", "/spot-ingest.bash"}, {one, "spot-listener", "/spot-ingest.bash"},
		{two, "spot-collector", "/spot-collector"}, {two, "listener", "/spot-listener"}, {two, "spot-listener", "/spot-listener"},
		{append(one, two[0]), "listener", ""},
	} {
		if f, ok := completion(c.files, c.command); ok != (c.want != "") || ok && f.name != c.want {
			t.Errorf("%s: %s, %v; want %q", c.command, f.name, ok, c.want)
		}
	}
}
