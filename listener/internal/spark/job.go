package spark

import (
	"embed"
	"io/fs"
)

//go:embed job/*.py
var job embed.FS

// Scripts returns the Python files of the job. The program is listener.py, the others go along
// as its modules.
func Scripts() fs.FS {
	scripts, err := fs.Sub(job, "job")
	if err != nil {
		panic(err) // the path is a constant
	}
	return scripts
}
