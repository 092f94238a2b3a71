package cli

import (
	"runtime/debug"
	"testing"
)

func TestVersionLine(t *testing.T) {
	type settings []debug.BuildSetting
	const revision = "0123456789abcdef0123456789abcdef01234567"
	for want, given := range map[string]settings{
		"collector 1.0.0": nil,
		"collector 1.0.0 (commit 0123456789ab, 2026-11-27)": {
			{Key: "vcs.revision", Value: revision}, {Key: "vcs.time", Value: "2026-11-27T23:30:00Z"}, {Key: "vcs.modified", Value: "false"}},
		"collector 1.0.0 (commit 0123456789ab, 2026-11-28, modified)": {
			{Key: "vcs.revision", Value: revision}, {Key: "vcs.time", Value: "2026-11-27T23:30:00-01:00"}, {Key: "vcs.modified", Value: "true"}},
		"collector 1.0.0 (commit 12ab)": {{Key: "vcs.revision", Value: "12ab"}, {Key: "vcs.time", Value: "yesterday"}},
	} {
		if got := versionLine("collector", "1.0.0", &debug.BuildInfo{Settings: given}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
