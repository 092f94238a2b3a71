// Package zone finds the time zone that TZ names, as the C library does for Python, nfdump
// and tshark: package time knows no POSIX rules, and takes a zone that it can't find for UTC
// without a word.
package zone

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // the machine may have no time zone database
)

// Local returns the TZ of this process, as Load takes it. Set but empty, it means UTC.
func Local() string {
	zone, set := os.LookupEnv("TZ")
	if set && zone == "" {
		return "UTC"
	}
	return zone
}

// SetLocal makes package time use the zone that TZ names, where it is known. It is for the
// beginning of a program.
func SetLocal() {
	if local := Load(Local()); local != nil {
		time.Local = local
	}
}

// Load finds what the C library makes of a TZ: the name of a zone, a file's path, or a rule
// such as CET-1CEST,M3.5.0,M10.5.0/3; the machine's own zone if it is empty. It returns nil
// for what is none of these.
func Load(tz string) *time.Location {
	tz = strings.TrimPrefix(tz, ":")
	if tz == "" {
		tz = "/etc/localtime"
	}
	if !strings.HasPrefix(tz, "/") {
		if loc, err := time.LoadLocation(tz); err == nil {
			return loc
		}
		return ofRule(tz)
	}
	data, err := os.ReadFile(tz)
	if errors.Is(err, os.ErrNotExist) {
		return time.UTC // as the C library has it
	}
	loc, _ := time.LoadLocationFromTZData("Local", data)
	return loc
}

// ofRule has package time read a POSIX rule, which it knows only as the last line of a
// zone file (RFC 8536): this makes such a file. Its one change of time lies long ago, so
// that the rule holds for all times.
func ofRule(rule string) *time.Location {
	const unknown = "-00" // what the zone is called if the rule isn't understood
	header := func(changes, types, characters uint32) []byte {
		h := append([]byte("TZif2"), make([]byte, 15+3*4)...)
		for _, n := range [...]uint32{changes, types, characters} {
			h = binary.BigEndian.AppendUint32(h, n)
		}
		return h
	}
	file := append(header(0, 0, 0), header(1, 1, uint32(len(unknown)+1))...)
	file = binary.BigEndian.AppendUint64(file, 1<<63) // the earliest time there is
	file = append(file, 0)                            // from then on the first type
	file = append(file, 0, 0, 0, 0, 0, 0)             // which is UTC
	file = append(file, unknown+"\x00\n"+rule+"\n"...)
	loc, err := time.LoadLocationFromTZData("Local", file)
	if err != nil {
		return nil
	}
	if name, _ := time.Unix(0, 0).In(loc).Zone(); name == unknown {
		return nil
	}
	return loc
}
