package spark

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestScripts: the job's program and modules are there, and all are Python 3.8.
func TestScripts(t *testing.T) {
	names, err := fs.Glob(Scripts(), "*.py")
	if err != nil || len(names) < 2 {
		t.Fatalf("scripts %q, %v", names, err)
	}
	if _, err := fs.Stat(Scripts(), "listener.py"); err != nil {
		t.Error(err)
	}
	if exec.Command("python3", "-c", "").Run() != nil {
		t.Skip("no python3 on the PATH that runs")
	}
	args := []string{"-c", "import ast, sys\nfor f in sys.argv[1:]: ast.parse(open(f, encoding='utf-8').read(), f, feature_version=(3, 8))"}
	for _, name := range names {
		args = append(args, filepath.Join("job", name))
	}
	cmd := exec.Command("python3", args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("parse the scripts: %v", err)
	}
}
