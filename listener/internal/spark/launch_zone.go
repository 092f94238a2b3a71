package spark

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/zone"
)

// Zone returns the name by which Spark knows the time zone of a TZ, as [zone.Local] has it,
// and the local times that Spark reads otherwise than the table does: of [from, to), as if
// they were UTC, the Unix time is the local time less the offset that comes third. Mostly
// there are none. It fails for a zone that has no name.
func Zone(tz string) (name string, gaps [][3]int64, err error) {
	name, err = zoneName(tz)
	if err != nil {
		return "", nil, err
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return "", nil, fmt.Errorf("TZ %q: %w: %s", tz, err, wantZone)
	}
	return name, gapsOf(loc), nil
}

const wantZone = "Spark needs the name of a zone: set TZ to one as Europe/Berlin"

// zoneName finds the name in the database of time zones.
func zoneName(tz string) (string, error) {
	name := strings.TrimPrefix(tz, ":")
	switch {
	case zone.Load(tz) == nil:
		return "", fmt.Errorf("TZ %q is in no time zone database: %s", tz, wantZone)
	case name == "UTC0":
		return "UTC", nil // the way to write UTC as a rule
	case name == "":
		name = "/etc/localtime"
	}
	if filepath.IsAbs(name) {
		target, err := filepath.EvalSymlinks(name)
		if errors.Is(err, fs.ErrNotExist) {
			return "UTC", nil // as the C library has it
		}
		if err != nil {
			return "", fmt.Errorf("find the name of the time zone %s: %w", name, err)
		}
		if name, err = nameOfFile(name, target); err != nil {
			return "", err
		}
	}
	name = strings.TrimPrefix(name, "posix/")
	if _, err := time.LoadLocation(name); err != nil || strings.HasPrefix(name, "right/") || !strings.ContainsAny(name[:1], upper) {
		return "", fmt.Errorf("TZ %q is no name of a time zone that Spark knows: %s", tz, wantZone)
	}
	return name, nil
}

// upper begins the names of zones; others in the database's folder, as posixrules, are none.
const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// nameOfFile returns the zone of a file in the database, or of the machine's own file that is
// a copy, if /etc/timezone names it.
func nameOfFile(path, target string) (string, error) {
	if _, name, found := strings.Cut(target, "/zoneinfo/"); found {
		return name, nil
	}
	if path == "/etc/localtime" {
		text, _ := os.ReadFile("/etc/timezone")
		name := strings.TrimSpace(string(text))
		if name != "" && sameZone(name, zone.Load(path)) {
			return name, nil
		}
	}
	return "", fmt.Errorf("the file of the time zone, %s, does not tell the zone's name: %s", target, wantZone)
}

// sameZone tells that a zone has the offsets of another in the years that count.
func sameZone(name string, other *time.Location) bool {
	loc, err := time.LoadLocation(name)
	if err != nil || other == nil {
		return false
	}
	for t := year(2000); t.Before(year(2040)); t = t.AddDate(0, 0, 7) {
		_, a := t.In(loc).Zone()
		_, b := t.In(other).Zone()
		if a != b {
			return false
		}
	}
	return true
}

func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }

// gapsOf finds the local times of the years 1900 to 2100 that the table reads otherwise than
// Java: that counts on by the offset before a change, where a time was skipped or came twice.
func gapsOf(loc *time.Location) [][3]int64 {
	const step = 24 * 3600 // between two changes is more
	gaps := [][3]int64{}
	// time.Time.ZoneBounds would tell the changes, but not always right where rules tell them.
	before := offsetAt(year(1900).Unix(), loc)
	for t := year(1900).Unix(); t < year(2101).Unix(); t += step {
		after := offsetAt(t+step, loc)
		if after == before {
			continue
		}
		seconds := sort.Search(step, func(s int) bool { return offsetAt(t+int64(s), loc) == after })
		gaps = gapsAt(gaps, loc, t+int64(seconds), before, after)
		before = after
	}
	return gaps
}

func offsetAt(unix int64, loc *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(loc).Zone()
	return int64(offset)
}

// gapsAt adds those of one change of the offset.
func gapsAt(gaps [][3]int64, loc *time.Location, change, before, after int64) [][3]int64 {
	const step = 60
	from, to := change+min(before, after), change+max(before, after)
	for wall := from; wall < to; wall += step {
		offset := wall - table.UnixOf(time.Unix(wall, 0).UTC(), loc)
		if offset == before {
			continue
		}
		end := min(wall+step, to)
		if last := len(gaps) - 1; last >= 0 && gaps[last][1] == wall && gaps[last][2] == offset {
			gaps[last][1] = end
		} else {
			gaps = append(gaps, [3]int64{wall, end, offset})
		}
	}
	return gaps
}
