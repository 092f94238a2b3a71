package spark

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spot-ingest/listener/internal/table"
)

func TestZone(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/usr/share/zoneinfo/Europe/Berlin", link); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat(link)
	database := err == nil
	copied := filepath.Join(dir, "copied")
	if text, err := os.ReadFile(link); err == nil {
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		tz, want, err string
		database      bool // needs the machine's
	}{
		{tz: "UTC", want: "UTC"},
		{tz: "UTC0", want: "UTC"},
		{tz: "America/New_York", want: "America/New_York"},
		{tz: ":Europe/Dublin", want: "Europe/Dublin"},
		{tz: "CET", want: "CET"},
		{tz: "EST5EDT", want: "EST5EDT"},
		{tz: dir + "/missing", want: "UTC"},
		{tz: link, want: "Europe/Berlin", database: true},
		{tz: ":" + link, want: "Europe/Berlin", database: true},
		{tz: "posix/Europe/Berlin", want: "Europe/Berlin", database: true},
		{tz: copied, err: "does not tell the zone's name: Spark needs the name of a zone", database: true},
		{tz: "right/Europe/Berlin", err: "is no name of a time zone that Spark knows", database: true},
		{tz: "posixrules", err: "is no", database: true},
		{tz: "CET-1CEST,M3.5.0,M10.5.0/3", err: "Spark needs the name of a zone: set TZ to one"},
		{tz: "EST5", err: "Spark needs the name of a zone"},
		{tz: "No/Such", err: `TZ "No/Such" is in no time zone database`},
		{tz: dir, err: "time zone database"},
	} {
		if c.database && !database {
			continue
		}
		got, _, err := Zone(c.tz)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: got %q, %v; want %q, %q", c.tz, got, err, c.want, c.err)
		}
	}
}

// With the exceptions told, Java's reading of local times is the table's: seven zones with
// changes of all kinds, around each of them.
func TestGaps(t *testing.T) {
	for name, want := range map[string]int{
		"UTC": 0, "America/New_York": 0, "Europe/Berlin": 0, "Europe/Dublin": -1, "Africa/Cairo": 0,
		"Australia/Lord_Howe": 0, "Pacific/Apia": 0,
	} {
		if testing.Short() && want == 0 {
			continue // each takes a while under the race detector
		}
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		gaps := gapsOf(loc)
		if want >= 0 && len(gaps) != want || want < 0 && len(gaps) == 0 {
			t.Errorf("%s: %d exceptions: %v", name, len(gaps), gaps)
		}
		for unix := year(1900).Unix(); unix < year(2101).Unix(); unix += 6 * 3600 {
			before, after := offsetAt(unix, loc), offsetAt(unix+6*3600, loc)
			if before == after {
				continue
			}
			for wall := unix + min(before, after); wall < unix+6*3600+max(before, after); wall += 457 {
				got := table.UnixOf(time.Unix(wall, 0).UTC(), loc)
				if want := readByJava(wall, before, after, loc, gaps); got != want {
					t.Fatalf("%s, %v: the table has %d, Spark %d", name, time.Unix(wall, 0).UTC(), got, want)
				}
			}
		}
	}
}

// readByJava is java.time.LocalDateTime.atZone near one change of the offset, with the
// exceptions before it.
func readByJava(wall, before, after int64, loc *time.Location, gaps [][3]int64) int64 {
	at, found := slices.BinarySearchFunc(gaps, wall, func(gap [3]int64, wall int64) int {
		switch {
		case wall < gap[0]:
			return 1
		case wall >= gap[1]:
			return -1
		}
		return 0
	})
	switch {
	case found:
		return wall - gaps[at][2]
	case offsetAt(wall-before, loc) == before: // the first of two, too
		return wall - before
	case offsetAt(wall-after, loc) == after:
		return wall - after
	}
	return wall - before // skipped
}
