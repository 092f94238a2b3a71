package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkout lays the commit into a folder, and goes on from there. What is packed is then what
// was committed, whatever else lies in the tree, and however git was told to lay its files; and
// without tags, of which the Go command writes the nearest into a program.
//
// It is no clone, for which git wants to be told once more that it may trust another user's tree.
func (s *source) checkout(folder string) error {
	answer, err := s.askGit("rev-parse", "HEAD", "--git-path", "objects", "--git-path", "shallow")
	if err != nil {
		return err
	}
	lines := strings.Split(answer, "\n")
	commit, objects, shallow := lines[0], s.within(lines[1]), s.within(lines[2])
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	own := &source{root: folder}
	if _, err := own.askGit("init", "--quiet", "--template="); err != nil {
		return err
	}
	if err := os.WriteFile(own.within(".git/objects/info/alternates"), []byte(objects+"\n"), 0o600); err != nil {
		return err
	}
	if err := copyIfThere(own.within(".git/shallow"), shallow); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"config", "core.autocrlf", "false"}, {"config", "core.attributesFile", os.DevNull},
		{"checkout", "--quiet", "--detach", commit},
	} {
		if _, err := own.askGit(args...); err != nil {
			return err
		}
	}
	s.root = folder
	return nil
}

// within returns a path that git tells relative to the tree.
func (s *source) within(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.root, path)
}

func copyIfThere(to, from string) error {
	data, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	return err
}
