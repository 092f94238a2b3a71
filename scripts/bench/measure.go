package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// A measurement is what one run of a program took.
type measurement struct {
	wall    time.Duration
	cpu     time.Duration // user and system, all threads
	peak    int64         // bytes of resident memory at most
	records int64         // Kafka records that arrived

	// Of what writes a table: the time without a peer's start, and the table's files.
	work  time.Duration
	files int
	size  int64 // bytes

	commits int // how often the listeners committed
}

// measure runs a program to its end. What it prints goes to a file, whose end is in the
// error if the program fails.
func measure(cmd *exec.Cmd, outputFile string) (measurement, error) {
	return measureBy(watchMemory, cmd, outputFile)
}

// measureBy has the memory watched in a way of its own: watch gets the program's pid and
// returns what ends the watching and tells the peak. The CPU time is that of the program and of
// all below it that was waited for.
func measureBy(watch func(pid int) (stop func() int64), cmd *exec.Cmd, outputFile string) (m measurement, err error) {
	output, err := os.Create(outputFile)
	if err != nil {
		return m, err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return m, err
	}
	peak := watch(cmd.Process.Pid)
	err = cmd.Wait()
	m.wall = time.Since(start)
	m.peak = peak()
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err != nil {
		return m, fmt.Errorf("%w; the end of its output:\n%s", err, lastOf(outputFile))
	}
	return m, nil
}

// watchMemory reads a process's peak until the returned function is called, which gives
// it. The kernel keeps the peak itself (VmHWM), so only growth in the last few
// milliseconds can be missed. The peak in rusage is no use here: a child's starts at that
// of the process that started it.
func watchMemory(pid int) (stop func() int64) {
	quit, peak := make(chan struct{}), make(chan int64)
	// Opened while the process can't have been waited for, so that the file is never
	// that of another process with the same number.
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	go func() {
		var most int64
		if err == nil {
			defer status.Close()
			most = pollPeak(status, quit)
		}
		<-quit
		peak <- most
	}()
	return func() int64 { close(quit); return <-peak }
}

func pollPeak(status *os.File, quit <-chan struct{}) (most int64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	buf := make([]byte, 8<<10)
	for {
		n, _ := status.ReadAt(buf, 0) // a process that has ended has nothing to read
		most = max(most, peakOf(buf[:n]))
		select {
		case <-quit:
			return most
		case <-tick.C:
		}
	}
}

// peakOf finds "VmHWM:     1234 kB" in a status file and returns bytes, or 0.
func peakOf(status []byte) int64 {
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0
	}
	number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kilobytes, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes * 1024
}

// lastOf returns the last 4 KiB of a file, as text for an error.
func lastOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return tailOf(text)
}

func tailOf(text []byte) string { return string(bytes.TrimSpace(text[max(0, len(text)-4096):])) }
