package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An identity tells apart all processes of all machines, where that can be known: with the
// process id, which is the owner's.
type identity struct {
	Boot      string `json:"boot,omitempty"`          // of the kernel: its boot_id
	Namespace string `json:"pid_namespace,omitempty"` // that the process id is of
	Start     uint64 `json:"start_ticks,omitempty"`   // when it was started, in clock ticks after the boot
}

// thisIdentity returns the own, without what can't be known.
func thisIdentity() identity {
	var p identity
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		p.Boot = strings.TrimSpace(string(id))
	}
	p.Namespace, _ = os.Readlink("/proc/self/ns/pid")
	p.Start, _, _ = startOf(os.Getpid())
	return p
}

// A fate is what is known about a process.
type fate int

const (
	unknown fate = iota
	alive
	dead
)

// fateOf tells what became of an owner, if it is a process that can be seen from here.
func (p identity) fateOf(o owner) fate {
	if p.Boot == "" || p.Namespace == "" || o.Boot != p.Boot || o.Namespace != p.Namespace || o.PID <= 0 || o.Start == 0 {
		return unknown
	}
	if err := unix.Kill(o.PID, 0); errors.Is(err, unix.ESRCH) {
		return dead
	}
	start, state, err := startOf(o.PID)
	switch {
	case err != nil || start == 0: // gone meanwhile, or hidden
		return unknown
	case start != o.Start:
		return dead // another one has its number
	case state == 'Z': // it is dead, or some of its threads live
		return unknown
	}
	return alive
}

// startOf returns when a process was started, and its state.
func startOf(pid int) (ticks uint64, state byte, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseStat(text)
}

// parseStat reads the text of /proc/<pid>/stat: the third field, counted from one, and the
// 22nd. The second is in brackets and may hold anything, also brackets.
func parseStat(text []byte) (ticks uint64, state byte, err error) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 || len(fields[0]) != 1 || fields[0][0]|0x20 < 'a' || fields[0][0]|0x20 > 'z' {
		return 0, 0, errors.New("it is not what the kernel says about a process")
	}
	ticks, err = strconv.ParseUint(string(fields[19]), 10, 64)
	return ticks, fields[0][0], err
}
