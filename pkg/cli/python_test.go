package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pythons returns the interpreters with argparse that are on the PATH, by version. A name may
// be there and yet not run, as the shim of a version manager.
func pythons(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{"python2.7", "python2", "python3"} {
		out, err := exec.Command(name, "-c",
			"import argparse, sys; print('%d.%d' % sys.version_info[:2])").Output()
		version := strings.TrimSpace(string(out))
		if err == nil && found[version] == "" {
			found[version] = name
		}
	}
	if len(found) == 0 {
		t.Skip("no Python with argparse on the PATH to compare with")
	}
	return found
}

func generate(t *testing.T, python string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(python, append([]string{"testdata/generate.py"}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return out
}

// TestTableAgainstPython has argparse answer the lines of the table. Python 2.7 must print
// the very file. Python 3 words some errors otherwise, and only confirms codes, streams and
// values.
func TestTableAgainstPython(t *testing.T) {
	table, err := os.ReadFile("testdata/lines.json")
	if err != nil {
		t.Fatal(err)
	}
	for version, python := range pythons(t) {
		t.Run(version, func(t *testing.T) {
			if version != "2.7" {
				if minor, _ := strconv.Atoi(strings.TrimPrefix(version, "3.")); minor > 13 {
					t.Skip("not known how argparse differs in Python " + version)
				}
			}
			out := generate(t, python, "testdata/lines.json")
			if version == "2.7" && string(out) == string(table) {
				return
			}
			answered := readLines(t, out)
			for i, l := range readLines(t, table) {
				want, got := l.Want, answered[i].Want
				if l.Argparse != nil {
					want, got = *l.Argparse, *answered[i].Argparse
				}
				if version != "2.7" {
					// 3.13 stops at -h in -hx, which isn't an error there.
					if l.Argparse != nil || slices.Equal(l.Args, []string{"-hx"}) {
						continue
					}
					want.Last, got.Last = "", ""
				}
				if !got.equal(want) {
					t.Errorf("%s %q:\nPython %+v\n table %+v", l.Program, l.Args, got, want)
				}
			}
			if version == "2.7" {
				t.Error("generate.py does not print testdata/lines.json")
			}
		})
	}
}

// TestHelpAgainstPython compares the whole help, so the usage too, for terminals of several
// widths.
func TestHelpAgainstPython(t *testing.T) {
	python, ok := pythons(t)["2.7"]
	if !ok {
		t.Skip("no Python 2.7 on the PATH to compare with")
	}
	for _, columns := range []int{0, 30, 33, 37, 40, 45, 54, 60, 66, 72, 80, 100, 132, 133, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Setenv("COLUMNS", fmt.Sprint(columns))
			var want []string
			if err := json.Unmarshal(generate(t, python, "help", fmt.Sprint(columns)), &want); err != nil {
				t.Fatal(err)
			}
			for i, program := range []string{"collector", "listener"} {
				p, _ := line{Program: program}.program()
				if got := p.help(); got != want[i] {
					t.Errorf("%s: got\n%s\nwant\n%s", program, got, want[i])
				}
			}
		})
	}
}
