package cli

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// release is set by the linker for a release: -X spot-ingest/pkg/cli.release=1.0.0.
var release = "devel"

// Release returns the version of this build, such as 1.0.0, or devel.
func Release() string { return release }

// Version returns what --version prints for a program: its release, and the commit that it
// was built from with the commit's date (UTC), where the Go command knew them.
func Version(program string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionLine(program, release, info)
}

func versionLine(program, release string, info *debug.BuildInfo) string {
	set := make(map[string]string)
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	revision := set["vcs.revision"]
	if revision == "" {
		return program + " " + release
	}
	const short = 12 // digits, as Go's own pseudo-versions have
	about := []string{"commit " + revision[:min(short, len(revision))]}
	if t, err := time.Parse(time.RFC3339, set["vcs.time"]); err == nil {
		about = append(about, t.UTC().Format(time.DateOnly))
	}
	if set["vcs.modified"] == "true" {
		about = append(about, "modified")
	}
	return fmt.Sprintf("%s %s (%s)", program, release, strings.Join(about, ", "))
}
