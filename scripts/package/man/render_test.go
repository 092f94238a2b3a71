package man

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What shows the pages has nothing to warn of.
func TestRender(t *testing.T) {
	tools := map[string]struct {
		args []string
		env  string
	}{
		"man":    {[]string{"--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"}, "MANROFFSEQ="},
		"groff":  {[]string{"-ww", "-mandoc", "-Tutf8", "-Z"}, ""},
		"mandoc": {[]string{"-Tlint", "-Wwarning"}, ""},
	}
	found := false
	for tool, how := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			continue
		}
		found = true
		for _, name := range pages {
			path, err := filepath.Abs(name) // man takes a name without a slash for a page that is installed
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(tool, append(how.args, path)...)
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80", how.env)
			var warnings strings.Builder
			cmd.Stderr = &warnings
			if tool == "mandoc" {
				cmd.Stdout = &warnings
			}
			if err := cmd.Run(); err != nil || warnings.Len() > 0 {
				t.Errorf("%s %s: %v\n%s", tool, name, err, warnings.String())
			}
		}
	}
	if !found {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatal("none of man, groff and mandoc is installed")
		}
		t.Skip("none of man, groff and mandoc is installed")
	}
}
