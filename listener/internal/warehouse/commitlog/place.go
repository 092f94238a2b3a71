package commitlog

import (
	"fmt"
	"path/filepath"
	"strings"
)

// tableOf returns the table's folder, which is the one given or, if it is empty, that of the
// usual name in the type's folder.
func tableOf(folder, given string) (string, error) {
	if given == "" {
		return filepath.Join(folder, tableFolder), nil
	}
	if !filepath.IsAbs(given) {
		return "", fmt.Errorf("%q is no absolute path", given)
	}
	given = filepath.Clean(given)
	if within(folder, given) {
		return "", fmt.Errorf("the table's folder %s must not hold the folder of the commit log, %s: readers would take what is in it for the table's", given, folder)
	}
	for _, own := range []string{stagingFolder, commitsFolder, deadLetterFolder} {
		if within(given, filepath.Join(folder, own)) {
			return "", fmt.Errorf("the table's folder %s must not be in %s, which belongs to the commit log", given, filepath.Join(folder, own))
		}
	}
	return given, nil
}

// within tells whether a path is a folder or below it.
func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// pathOf returns where a file or folder of the table or of the dead letters is that a record
// names.
func (l *Log) pathOf(final string) string {
	if top, rest, _ := strings.Cut(final, "/"); top == tableFolder {
		return filepath.Join(l.o.TableFolder, rest)
	}
	return filepath.Join(l.o.Folder, final)
}
