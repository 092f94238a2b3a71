package match

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// A testCase is one entry of testdata/cases.json, whose expectations testdata/check.py
// confirms by Python.
type testCase struct {
	Pattern string   `json:"pattern"`
	Matches []string `json:"matches"`
	Misses  []string `json:"misses"`
	Refused string   `json:"refused"` // part of the error
}

func loadCases(t testing.TB) []testCase {
	t.Helper()
	text, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestCases(t *testing.T) {
	for _, c := range loadCases(t) {
		t.Run(c.Pattern, func(t *testing.T) {
			set, err := Compile([]string{c.Pattern})
			if c.Refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.Refused) {
					t.Fatalf("got error %v, want one with %q", err, c.Refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range c.Matches {
				if !set.Match(name) {
					t.Errorf("%q doesn't match", name)
				}
			}
			for _, name := range c.Misses {
				if set.Match(name) {
					t.Errorf("%q matches", name)
				}
			}
		})
	}
}

// TestCasesByPython lets Python 2.7 itself judge the same table.
func TestCasesByPython(t *testing.T) {
	for _, name := range []string{"python2.7", "python2"} {
		version, err := exec.Command(name, "-c", "import sys; print(sys.version[:3])").Output()
		if err != nil || strings.TrimSpace(string(version)) != "2.7" {
			continue
		}
		if out, err := exec.Command(name, "testdata/check.py", "testdata/cases.json").CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return
	}
	t.Skip("no working Python 2.7 on the PATH to confirm testdata/cases.json")
}

// Names that aren't UTF-8 can't be asked of Python, whose names are Unicode.
func TestMatchBytes(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{`.*\.log`, "caf\xe9.log", true},
		{`^caf.\.log$`, "caf\xe9.log", true},
		{`^caf...log$`, "caf\xc3\xa9.log", false},
		{`^caf[^x]\.log$`, "caf\xe9.log", true},
		{`caf\xe9`, "caf\xe9.log", false},
		{`caf\xe9`, "caf\xc3\xa9.log", true},
		{`caf\W`, "caf\xe9", true},
		{`caf\b`, "caf\xe9", true},
		{`^..$`, "\xff\xfe", true},
	} {
		set, err := Compile([]string{c.pattern})
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Match(c.name); got != c.want {
			t.Errorf("%q on %q: got %v", c.pattern, c.name, got)
		}
	}
}

func TestSet(t *testing.T) {
	all, err := Compile(nil)
	if err != nil || !all.Match("anything") {
		t.Errorf("no patterns: error %v, or a name that doesn't match", err)
	}
	set, err := Compile([]string{`\.pcap`, `\.log$`})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a.pcap": true, "a.pcapng": true, "a.log": true, "a.log.gz": false} {
		if got := set.Match(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	_, err = Compile([]string{`a`, `b`, `c(?=x)`})
	const want = `pattern 3, "c(?=x)": character 2: look-ahead (?= is not supported: write the pattern without it`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := Compile([]string{"a\xff"}); err == nil {
		t.Error("a pattern that isn't UTF-8 was taken")
	}
	if _, err := Compile([]string{strings.Repeat("(", 1000) + strings.Repeat(")", 1000)}); err == nil {
		t.Error("a thousand nested groups were taken")
	}
}

// The categories are shared by all patterns: compiling must leave them as they are.
func TestCompileConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				set, err := Compile([]string{`(?i)^[\Wq]\D\S[\w-]$`})
				if err != nil || !set.Match("QQQa") || set.Match("rQQa") {
					t.Errorf("error %v, or a wrong answer", err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func FuzzTranslate(f *testing.F) {
	for _, c := range loadCases(f) {
		for _, name := range append(append(c.Matches, c.Misses...), "") {
			f.Add(c.Pattern, name)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		text, err := translate(pattern)
		if err != nil {
			return
		}
		set, err := Compile([]string{pattern})
		if err != nil {
			if !strings.Contains(err.Error(), "1,000 in all") {
				t.Fatalf("%q became %q: %v", pattern, text, err)
			}
			return
		}
		set.Match(name)
	})
}

func ExampleSet_Match() {
	set, err := Compile([]string{`nfcapd.[0-9]{14}`})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.Match("nfcapd.20180320092500"), set.Match("nfcapd.current.4711"))
	// Output: true false
}
