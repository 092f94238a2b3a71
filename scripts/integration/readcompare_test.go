//go:build integration

package integration

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// python runs a program with the packages that requirements.txt lists, and returns what it
// prints.
func python(t *testing.T, stdin io.Reader, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "SPARK_LOCAL_IP=127.0.0.1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1")
	cmd.Stdin = stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("python3 %s: %v\n%s", args[0], err, &stderr)
	}
	return stdout.Bytes()
}

func needPython(t *testing.T, packages ...string) {
	t.Helper()
	need(t, "python3")
	if out, err := exec.Command("python3", "-c", "import "+strings.Join(packages, ", ")).CombinedOutput(); err != nil {
		missing(t, "python3 lacks a package of testdata/readers/requirements.txt: %v\n%s", err, out)
	}
}

func rowsOf(t *testing.T, path string) (rows []string) {
	t.Helper()
	for line := range strings.Lines(string(readFile(t, path))) {
		rows = append(rows, strings.TrimSuffix(line, "\n"))
	}
	return rows
}

// compareTables wants a reader's table to be the expected one. The first line of each
// holds the columns with their types.
func compareTables(t *testing.T, reader string, got, want []string) {
	t.Helper()
	if len(got) < 1 || len(want) < 2 {
		t.Fatalf("%s: %d lines, %d are expected", reader, len(got), len(want))
	}
	if got[0] != want[0] {
		t.Errorf("%s: columns\n%s\nwant\n%s", reader, got[0], want[0])
	}
	compareRows(t, reader, count(got[1:]), count(want[1:]))
}

// compareLetters wants exactly the bad rows to be set aside.
func compareLetters(t *testing.T, letters map[string]int, bad []string) {
	t.Helper()
	compareRows(t, "dead letters", letters, count(bad))
}

func count(rows []string) map[string]int {
	n := make(map[string]int, len(rows))
	for _, row := range rows {
		n[row]++
	}
	return n
}

func compareRows(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	differences := 0
	for _, rows := range []map[string]int{got, want} {
		for row := range rows {
			if got[row] == want[row] {
				continue
			}
			if differences++; differences <= 3 {
				t.Errorf("%s: %d times, want %d: %.1000s", what, got[row], want[row], row)
			}
		}
	}
	if differences > 3 {
		t.Errorf("%s: %d rows differ", what, differences)
	}
}
