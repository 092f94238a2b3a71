package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A process is what the kernel tells of one in its file stat.
type process struct {
	parent int
	ended  bool          // and nobody has waited for it yet
	cpu    time.Duration // user and system, also of the children that it has waited for
}

// tick is the unit of times in /proc; it is the same on every machine.
const tick = 10 * time.Millisecond

// parseProcess reads "123 (name) S 1 …", where the name may hold blanks and parentheses.
func parseProcess(stat []byte) (process, error) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 15 {
		return process{}, fmt.Errorf("%q is not what the kernel tells of a process", stat)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return process{}, fmt.Errorf("parent of a process: %w", err)
	}
	p := process{parent: parent, ended: fields[0] == "Z" || fields[0] == "X"}
	for _, text := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return process{}, fmt.Errorf("CPU time of a process: %w", err)
		}
		p.cpu += time.Duration(ticks) * tick
	}
	return p, nil
}

func readProcess(pid int) (process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	return parseProcess(stat)
}

// processes returns all that run, without those that end meanwhile.
func processes() map[int]process {
	all := make(map[int]process)
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p, err := readProcess(pid); err == nil && !p.ended {
				all[pid] = p
			}
		}
	}
	return all
}

// family returns those of all processes that are one of the heads, or below one.
func family(all map[int]process, heads []int) []int {
	in := make(map[int]bool)
	for _, head := range heads {
		in[head] = true
	}
	var found []int
	for pid := range all {
		// No chain is longer than all; a reading that others have overtaken may hold a circle.
		at := pid
		for range len(all) {
			if in[at] {
				found = append(found, pid)
				break
			}
			p, known := all[at]
			if !known {
				break
			}
			at = p.parent
		}
	}
	return found
}

// familyLook is how often a family is counted: each time the files of all processes are read.
const familyLook = 200 * time.Millisecond

// watchFamily watches a family until stop is called, which returns its peak: at each look the
// peaks of those are added up that live, and the largest sum counts.
func watchFamily(heads []int) (stop func() int64) {
	quit, peak := make(chan struct{}), make(chan int64)
	go func() {
		look := time.NewTicker(familyLook)
		defer look.Stop()
		var most int64
		for {
			most = max(most, sumPeaks(family(processes(), heads)))
			select {
			case <-look.C:
			case <-quit:
				peak <- most
				return
			}
		}
	}()
	return func() int64 { close(quit); return <-peak }
}

func sumPeaks(pids []int) (sum int64) {
	for _, pid := range pids {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // one that has ended has no memory
		sum += peakOf(status)
	}
	return sum
}

// childlessIn bounds the wait for the end of what a process has started.
const childlessIn = 30 * time.Second

// cpuOfAll waits until no process of these has a child left, and returns the CPU time of them
// and of all the children that they have had.
func cpuOfAll(ctx context.Context, pids []int) (sum time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, childlessIn)
	defer cancel()
	for {
		all := processes()
		busy := len(family(all, pids)) - len(pids)
		if busy == 0 {
			for _, pid := range pids {
				sum += all[pid].cpu
			}
			return sum, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("processes %d have %d others below them, which do not end: %w", pids, busy, ctx.Err())
		case <-time.After(familyLook):
		}
	}
}
