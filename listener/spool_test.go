package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func mustSpool(t *testing.T, staging, pipeline string) *spool {
	t.Helper()
	s, err := openSpool(staging, pipeline)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a killed listener has left in local staging is removed by the next one of the
// pipeline; what a living one uses, and what isn't ours, stays.
func TestSpool(t *testing.T) {
	staging := t.TempDir()
	for _, folder := range []string{"_SL.flow.left", "_SL.flow.making", "_SL.flow.unmade", "_SL.dns.left", "_DC.flow.x", "flow"} {
		if err := os.Mkdir(filepath.Join(staging, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(folder, "made") || strings.HasSuffix(folder, "making") {
			continue
		}
		for _, name := range []string{spoolLock, "flow-1.staged"} {
			if err := os.WriteFile(filepath.Join(staging, folder, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink("flow", filepath.Join(staging, "_SL.flow.link")); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * beingMade)
	if err := os.Chtimes(filepath.Join(staging, "_SL.flow.unmade"), long, long); err != nil {
		t.Fatal(err)
	}
	living := mustSpool(t, staging, "flow")
	if err := os.WriteFile(filepath.Join(living.folder, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := mustSpool(t, staging, "flow")
	for folder, want := range map[string]bool{
		"_SL.flow.left": false, "_SL.flow.making": true, "_SL.flow.unmade": false, "_SL.dns.left": true, "_DC.flow.x": true, "flow/flow-1.staged": true,
		"_SL.flow.link": true, filepath.Base(living.folder) + "/x": true,
	} {
		if exists(filepath.Join(staging, folder)) != want {
			t.Errorf("%s is there: %v", folder, !want)
		}
	}
	if st, err := os.Stat(living.folder); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("others may look into the spool: %v, %v", st.Mode(), err)
	}
	for _, s := range []*spool{living, other} {
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if exists(s.folder) {
			t.Errorf("%s remains", s.folder)
		}
	}
}
