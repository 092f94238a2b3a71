package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A source is the tree that is packed.
type source struct {
	root    string
	version string    // as 1.0.0 or 1.0.0-rc1
	time    time.Time // of all files in the packages
	git     bool      // the tree is a git checkout: its commit is stamped into the programs
	changed string    // what git says is not as it was committed
}

var (
	versionForm = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-rc[1-9][0-9]*)?$`)
	heading     = regexp.MustCompile(`(?m)^## +(\S+)`)
)

// openSource finds out what the tree is: a git checkout, or an unpacked archive of one.
func openSource(root, version string) (*source, error) {
	s := &source{root: root, version: version}
	if s.version == "" {
		changes, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
		if err != nil {
			return nil, err
		}
		if s.version, err = firstVersion(changes); err != nil {
			return nil, err
		}
	}
	if !versionForm.MatchString(s.version) {
		return nil, fmt.Errorf("version %q: want one as 1.0.0 or 1.0.0-rc1", s.version)
	}
	_, err := os.Lstat(filepath.Join(root, ".git"))
	s.git = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if s.git {
		if s.changed, err = s.askGit("status", "--porcelain"); err != nil {
			return nil, err
		}
	}
	s.time, err = s.date(os.Getenv("SOURCE_DATE_EPOCH"))
	return s, err
}

// firstVersion returns the version of the newest entry of the change log.
func firstVersion(changelog []byte) (string, error) {
	m := heading.FindSubmatch(changelog)
	if m == nil || !versionForm.Match(m[1]) {
		return "", errors.New("the first entry of CHANGELOG.md is not headed by a version, as in \"## 1.0.0\": give -version")
	}
	return string(m[1]), nil
}

// date returns the time of all files: that of epoch, in seconds, or the commit's.
func (s *source) date(epoch string) (time.Time, error) {
	from := "SOURCE_DATE_EPOCH"
	if epoch == "" {
		if !s.git {
			return time.Time{}, errors.New("this tree is no git checkout, which would tell its date: " +
				"set SOURCE_DATE_EPOCH to the date of its version, in seconds since 1970")
		}
		from = "the commit's date"
		var err error
		if epoch, err = s.askGit("log", "-1", "--format=%ct", "HEAD"); err != nil {
			return time.Time{}, err
		}
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(epoch), 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<32-1 { // which is as far as rpm can count
		return time.Time{}, fmt.Errorf("%s is %q: want seconds since 1970", from, epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// askGit returns what git says about the tree. The Go command asks it too, and would tell
// less about a failure.
func (s *source) askGit(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", s.root}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case err == nil:
		return strings.TrimRight(string(out), "\n"), nil
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("git is missing, which tells the commit that is packed: install it")
	case strings.Contains(stderr.String(), "dubious ownership"):
		return "", fmt.Errorf("git does not trust %s, which belongs to another user: "+
			"run this as the folder's owner, or say: git config --global --add safe.directory %s", s.root, s.root)
	}
	return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
}

// read returns a file of the tree.
func (s *source) read(name string) ([]byte, error) { return os.ReadFile(filepath.Join(s.root, name)) }
