package spark

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindVersion(t *testing.T) {
	v4, v3 := Version{"4.1.1", "2.13"}, Version{"3.5.7", "2.12"}
	const jar4, jar3 = "jars/spark-core_2.13-4.1.1.jar", "jars/spark-core_2.12-3.5.7.jar"
	for _, c := range []struct {
		name   string
		files  []string // below the folder; what ends in > and a path is a link to that
		submit string
		script string
		home   string // SPARK_HOME
		want   Version
		from   string
	}{
		{name: "nothing", submit: "bin/spark-submit"},
		{name: "unpacked", submit: "bin/spark-submit", files: []string{jar4}, want: v4, from: jar4},
		{name: "SPARK_HOME first", submit: "bin/spark-submit", files: []string{jar4, "other/" + jar3}, home: "other", want: v3, from: "other/" + jar3},
		{name: "SPARK_HOME is empty", submit: "bin/spark-submit", files: []string{jar4}, home: "other", want: v4, from: jar4},
		{name: "a link", submit: "usr/bin/spark-submit", files: []string{"opt/spark/" + jar4, "opt/spark/bin/spark-submit", "usr/bin/spark-submit>opt/spark/bin/spark-submit"},
			want: v4, from: "opt/spark/" + jar4},
		{name: "pip", submit: "bin/spark-submit", files: []string{"lib/python3.11/site-packages/pyspark/" + jar3},
			want: v3, from: "lib/python3.11/site-packages/pyspark/" + jar3},
		{name: "pip of Debian", submit: "bin/spark-submit", files: []string{"lib/python3.9/dist-packages/pyspark/" + jar4},
			want: v4, from: "lib/python3.9/dist-packages/pyspark/" + jar4},
		{name: "a parcel", submit: "bin/spark2-submit", files: []string{"lib/spark3/" + jar3}, want: v3, from: "lib/spark3/" + jar3},
		{name: "a wrapper with SPARK_HOME", submit: "bin/spark-submit", files: []string{"far/" + jar4},
			script: "#!/bin/sh\nexport SPARK_HOME=${SPARK_HOME:-{dir}/far}\nexec $SPARK_HOME/bin/spark-submit \"$@\"\n", want: v4, from: "far/" + jar4},
		{name: "a wrapper with a path", submit: "bin/spark-submit", files: []string{"far/" + jar3},
			script: "#!/bin/bash\nexec '{dir}/far/bin/spark-submit' \"$@\"\n", want: v3, from: "far/" + jar3},
		{name: "no script", submit: "bin/spark-submit", files: []string{"far/" + jar3}, script: "\x7fELF {dir}/far/bin/spark-submit"},
		{name: "other jars", submit: "bin/spark-submit", files: []string{"jars/spark-core.jar", "jars/spark-core_2.13.jar", "jars/spark-sql_2.13-4.1.1.jar"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a [b]*")
			write := func(name, text string) {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
					t.Fatal(err)
				}
				link, target, found := strings.Cut(name, ">")
				var err error
				if found {
					err = os.Symlink(filepath.Join(dir, target), filepath.Join(dir, link))
				} else {
					err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(c.script, "{dir}") {
				dir = filepath.Join(filepath.Dir(dir), "ab") // no blanks where a script names it
			}
			if !strings.Contains(strings.Join(c.files, " "), c.submit+">") {
				write(c.submit, strings.ReplaceAll(c.script, "{dir}", dir))
			}
			for _, name := range c.files {
				write(name, "")
			}
			home := ""
			if c.home != "" {
				home = filepath.Join(dir, c.home)
			}
			got, from := FindVersion(filepath.Join(dir, c.submit), func(string) string { return home })
			want := ""
			if c.from != "" {
				want = filepath.Join(dir, c.from)
			}
			if got != c.want || from != want {
				t.Errorf("got %v from %q, want %v from %q", got, from, c.want, want)
			}
		})
	}
}

const answer = `Welcome to
      ____              __
     / __/__  ___ _____/ /__
    _\ \/ _ \/ _ ` + "`" + `/ __/  '_/
   /___/ .__/\_,_/_/ /_/\_\   version 4.1.1
      /_/

Using Scala version 2.13.17, OpenJDK 64-Bit Server VM, 17.0.17
Branch HEAD
`

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		answer: {"4.1.1", "2.13"},
		strings.ReplaceAll(answer, "4.1.1", "3.5.4.7.3.1.0-197"): {"3.5.4", "2.13"},
		"":                            {},
		"version 4.1.1\n":             {},
		"Using Scala version 2.13.17": {},
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// Only scripts that look like Spark's are asked.
func TestAskVersion(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		script string
		want   Version
		asked  bool
	}{
		"Spark's":     {"#!/bin/sh\n# finds SPARK_HOME\ntouch \"$0.asked\"\n[ \"$*\" = --version ] && cat >&2 <<'EOF'\n" + answer + "EOF\n", Version{"4.1.1", "2.13"}, true},
		"a failure":   {"#!/bin/sh\n# /bin/spark-class\ntouch \"$0.asked\"\nexit 1\n", Version{}, true},
		"much output": {"#!/bin/sh\n# /bin/spark-class\ntouch \"$0.asked\"\nhead -c 300000 /dev/zero\n", Version{}, true},
		"another":     {"#!/bin/sh\ntouch \"$0.asked\"; echo \"$@\" >>/tmp/bin/spark-submit.log # spark-submit\n", Version{}, false},
		"no word":     {"#!/bin/sh\ntouch \"$0.asked\"\n", Version{}, false},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.script), 0o700); err != nil {
			t.Fatal(err)
		}
		got := askVersion(context.Background(), path)
		_, err := os.Stat(path + ".asked")
		if got != c.want || (err == nil) != c.asked {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add(answer)
	f.Add("version 1.2.3 Scala version 2.1")
	f.Fuzz(func(t *testing.T, text string) {
		v := parseVersion(text)
		if v.Known() != (v.Scala != "") || v.Known() && !strings.Contains(text, v.Spark) {
			t.Errorf("%q: got %v", text, v)
		}
		_ = v.tooOld()
		_ = wrapped(text)
	})
}
