package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A controlGroup is a group of processes of which systemd makes its own tree: its folder
// in each hierarchy that systemd uses. A machine's processes are put into the first, and
// nspawn puts them into the others.
type controlGroup []string

func (g controlGroup) own() string { return g[0] }

// makeControlGroup makes a group below that of this process.
func makeControlGroup(name string) (controlGroup, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("make a control group: %w", err)
	}
	var g controlGroup
	for _, parent := range systemdGroups(string(text)) {
		folder := filepath.Join(parent, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("make a control group: %w", err), g.remove())
		}
		g = append(g, folder)
	}
	if len(g) == 0 {
		return nil, fmt.Errorf("make a control group: none of systemd's in %q", text)
	}
	return g, nil
}

// systemdGroups finds systemd's hierarchies among those of a process: one of its own,
// with the common one beside it in "unified" (hybrid) or not (legacy), or the common one.
func systemdGroups(groups string) []string {
	const mounted = "/sys/fs/cgroup"
	var own, common string
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(f) != 3:
		case f[1] == "name=systemd":
			own = filepath.Join(mounted, "systemd", f[2])
		case f[0] == "0" && f[1] == "":
			common = f[2]
		}
	}
	switch {
	case own == "" && common == "":
		return nil
	case own == "":
		return []string{filepath.Join(mounted, common)}
	case common == "":
		return []string{own}
	}
	if unified := filepath.Join(mounted, "unified", common); isFolder(unified) {
		return []string{own, unified}
	}
	return []string{own}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// remove removes the group and all groups below it. Its processes have been killed, but
// may take a moment to end.
func (g controlGroup) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	for _, folder := range g {
		for {
			err := removeFolders(folder)
			if err == nil {
				break
			}
			if !errors.Is(err, syscall.EBUSY) || pause(ctx, 20*time.Millisecond) != nil {
				return fmt.Errorf("remove a control group: %w", err)
			}
		}
	}
	return nil
}

// removeFolders removes a folder with those below it. Files in them, which are the
// kernel's, go with them.
func removeFolders(top string) error {
	var folders []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	// Those below come after those above, and must go first.
	for _, path := range slices.Backward(folders) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
