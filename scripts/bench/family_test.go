package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseProcess(t *testing.T) {
	for stat, want := range map[string]process{
		"7 (java) S 3 7 7 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 99 1 1":      {parent: 3, cpu: 1270 * time.Millisecond},
		"7 (a) b (c) d) Z 1 7 7 0 -1 4194304 1 2 3 4 0 1 0 0 20 0 1 0 99 1 1\n": {parent: 1, ended: true, cpu: 10 * time.Millisecond},
	} {
		if got, err := parseProcess([]byte(stat)); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", stat, got, err)
		}
	}
	for _, stat := range []string{"", ")", "7 (java) S 3 7 7", "7 (java) S x 7 7 0 -1 4194304 1 2 3 4 1 2 3 4 5", "7 (java) S 3 7 7 0 -1 4194304 1 2 3 4 1 2 x 4 5"} {
		if got, err := parseProcess([]byte(stat)); err == nil {
			t.Errorf("%q: got %+v", stat, got)
		}
	}
}

func FuzzParseProcess(f *testing.F) {
	f.Add([]byte("7 (java) S 3 7 7 0 -1 4194304 1 2 3 4 100 20 3 4 20"))
	f.Fuzz(func(t *testing.T, stat []byte) { _, _ = parseProcess(stat) })
}

func TestFamily(t *testing.T) {
	all := map[int]process{1: {}, 2: {parent: 1}, 3: {parent: 2}, 4: {parent: 3}, 5: {parent: 1}, 6: {parent: 7}, 7: {parent: 6}, 8: {parent: 99}}
	for _, c := range []struct{ heads, want []int }{
		{[]int{2}, []int{2, 3, 4}},
		{[]int{3, 5}, []int{3, 4, 5}},
		{[]int{42}, nil},
		{[]int{7}, []int{6, 7}},
	} {
		got := family(all, c.heads)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("of %d: got %d, want %d", c.heads, got, c.want)
		}
	}
}

// A program's child counts like itself, in memory and in CPU time, and is waited for.
func TestMeasureFamily(t *testing.T) {
	hungry := self(t, "hungry") // fills 80 MB and is busy for 100 ms
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n\""+hungry+"\" &\n\""+hungry+"\"\nwait\n\""+hungry+"\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := measureBy(func(pid int) func() int64 { return watchFamily([]int{pid}) }, exec.Command(script), filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	if m.cpu < 60*time.Millisecond {
		t.Errorf("%v of CPU time of three programs that are busy", m.cpu)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	child := exec.Command("sleep", "30")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = child.Process.Kill(), child.Wait() }()
	if got := sumPeaks([]int{child.Process.Pid, os.Getpid()}); got <= sumPeaks([]int{os.Getpid()})/2 || got == 0 {
		t.Errorf("peaks of two processes: %d", got)
	}
	if _, err := cpuOfAll(ctx, []int{os.Getpid()}); err == nil || !strings.Contains(err.Error(), "others below them") {
		t.Errorf("with a child: error %v", err)
	}
	if _, err := cpuOfAll(ctx, []int{child.Process.Pid}); err != nil {
		t.Errorf("without a child: %v", err)
	}
}
