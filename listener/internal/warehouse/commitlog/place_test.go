package commitlog

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A table may lie in any folder of the file system. What is not finished when its writer dies
// is moved there by the next one, and nothing is in the usual place.
func TestTableElsewhere(t *testing.T) {
	overAll(t, func(t *testing.T, folder func(testing.TB) string) {
		base := folder(t)
		o := options(base, newClock())
		o.Folder, o.TableFolder = filepath.Join(base, "flow"), filepath.Join(base, "warehouse", "spot.db", "flow")
		l := openLog(t, o)
		mustCommit(t, l, 0, 10, 2)
		moved := 0
		l.o.Fault = func(step string) error {
			if step == stepMoveFile {
				if moved++; moved == 2 {
					return errors.New("killed")
				}
			}
			return nil
		}
		var unfinished *UnfinishedError
		if err := l.Commit(mustBatch(t, l, 0, 10, 3)); !errors.As(err, &unfinished) || unfinished.Doubtful {
			t.Fatalf("got %v", err)
		}
		if err := die(l); err != nil {
			t.Fatal(err)
		}
		l = openLog(t, o)
		mustCommit(t, l, 1, 5, 1)
		var rows int
		for _, name := range files(t, o.TableFolder) {
			text, err := fileSystemOf(base).ReadFile(filepath.Join(o.TableFolder, name), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			rows += strings.Count(string(text), "\n")
		}
		if rows != 25 {
			t.Errorf("%d rows", rows)
		}
		if _, err := fileSystemOf(base).Stat(filepath.Join(o.Folder, tableFolder)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the usual folder is there: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left > 0 {
			t.Errorf("%d left in staging", left)
		}
	})
}

func TestTableOf(t *testing.T) {
	for _, tt := range []struct{ given, want, err string }{
		{"", "/a/flow/hive", ""},
		{"/a/flow/hive", "/a/flow/hive", ""},
		{"/a/flow/other/", "/a/flow/other", ""},
		{"/a/flow2", "/a/flow2", ""},
		{"/warehouse/spot.db/flow", "/warehouse/spot.db/flow", ""},
		{"flow", "", "no absolute path"},
		{"/a/flow", "", "must not hold the folder of the commit log, /a/flow"},
		{"/a/x/..", "", "must not hold"},
		{"/", "", "must not hold"},
		{"/a/flow/staging", "", "must not be in /a/flow/staging"},
		{"/a/flow/dead_letter/x", "", "must not be in /a/flow/dead_letter"},
		{"/a/flow/commits/x", "", "must not be in /a/flow/commits"},
	} {
		got, err := tableOf("/a/flow", tt.given)
		if got != tt.want || tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%q: got %q, %v", tt.given, got, err)
		}
	}
}
