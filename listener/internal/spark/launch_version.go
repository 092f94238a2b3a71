package spark

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Version is that of an installation of Spark; the zero one is not known.
type Version struct {
	Spark string // three numbers, as 4.1.1: a vendor's additions are cut off
	Scala string // two numbers, as 2.13
}

// Known tells that the version was found.
func (v Version) Known() bool { return v.Spark != "" }

// tooOld tells that the job was not made for this version: it is for 3.5 and later.
func (v Version) tooOld() bool {
	major, rest, _ := strings.Cut(v.Spark, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return v.Known() && (a < 3 || a == 3 && b < 5)
}

// packages returns the Maven coordinates of what the job needs and Spark comes without.
func (v Version) packages() []string {
	if !v.Known() {
		return nil
	}
	suffix := "_" + v.Scala + ":" + v.Spark
	return []string{"org.apache.spark:spark-sql-kafka-0-10" + suffix, "org.apache.spark:spark-avro" + suffix}
}

// FindVersion finds the version of the installation that a spark-submit belongs to, and from
// where it is known, without starting it: by the names of the jars, or by the file RELEASE; env is
// os.Getenv. The installation is that of SPARK_HOME, or lies around the program, as unpacked,
// as installed by pip, or as a vendor's parcel, or where a wrapper script says.
func FindVersion(submit string, env func(string) string) (v Version, from string) {
	for _, home := range homes(submit, env) {
		if v, from := versionOfJars(home); v.Known() {
			return v, from
		}
		if v, from := versionOfRelease(home); v.Known() {
			return v, from
		}
	}
	return Version{}, ""
}

// homes returns the folders that may be the installation, the likeliest first.
func homes(submit string, env func(string) string) []string {
	var homes []string
	if home := env("SPARK_HOME"); home != "" {
		homes = append(homes, home)
	}
	paths := []string{submit}
	if target, err := filepath.EvalSymlinks(submit); err == nil && target != submit {
		paths = []string{target, submit}
	}
	for _, path := range paths {
		above := filepath.Dir(filepath.Dir(path))
		homes = append(homes, above)
		for _, pattern := range []string{
			"lib*/python3*/site-packages/pyspark", "lib*/python3*/dist-packages/pyspark", // pip
			"lib/spark3", "lib/spark2", "lib/spark", // a parcel
		} {
			found, _ := filepath.Glob(filepath.Join(escapeGlob(above), pattern))
			homes = append(homes, found...)
		}
	}
	return append(homes, wrapped(scriptText(submit))...)
}

// escapeGlob has filepath.Glob take a path as it is.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// What wrapper scripts say of the installation.
var (
	homeSet     = regexp.MustCompile(`\bSPARK_HOME(?:=|:-|:=)["']?(/[^\s"'};]+)`)
	otherSubmit = regexp.MustCompile(`(/[^\s"'$;=()]*)/bin/spark-submit\b`)
)

// wrapped returns the installations that a script names.
func wrapped(script string) []string {
	var homes []string
	for _, pattern := range []*regexp.Regexp{homeSet, otherSubmit} {
		for _, match := range pattern.FindAllStringSubmatch(script, 4) {
			homes = append(homes, match[1])
		}
	}
	return homes
}

// scriptText returns the beginning of a script, empty for another program.
func scriptText(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text := make([]byte, 64<<10)
	n, _ := file.Read(text)
	if !strings.HasPrefix(string(text[:n]), "#!") {
		return ""
	}
	return string(text[:n])
}

var coreJar = regexp.MustCompile(`^spark-core_([0-9]+\.[0-9]+)-([0-9]+\.[0-9]+\.[0-9]+)[^/]*\.jar$`)

func versionOfJars(home string) (Version, string) {
	entries, err := os.ReadDir(filepath.Join(home, "jars"))
	if err != nil {
		return Version{}, ""
	}
	for _, entry := range entries {
		if match := coreJar.FindStringSubmatch(entry.Name()); match != nil {
			return Version{Spark: match[2], Scala: match[1]}, filepath.Join(home, "jars", entry.Name())
		}
	}
	return Version{}, ""
}

var release = regexp.MustCompile(`^Spark ([0-9]+\.[0-9]+\.[0-9]+)`)

// versionOfRelease reads the first line of RELEASE, "Spark 3.5.7 built for Hadoop 3.3.4".
func versionOfRelease(home string) (Version, string) {
	path := filepath.Join(home, "RELEASE")
	file, err := os.Open(path)
	if err != nil {
		return Version{}, ""
	}
	defer file.Close()
	text := make([]byte, 4<<10)
	n, _ := file.Read(text)
	match := release.FindSubmatch(text[:n])
	if match == nil {
		return Version{}, ""
	}
	v := Version{Spark: string(match[1])}
	switch {
	case strings.Contains(string(text[:n]), "-Pscala-2.13") || v.Spark[0] >= '4' && v.Spark[0] <= '9':
		v.Scala = "2.13"
	case v.Spark[0] == '3':
		v.Scala = "2.12"
	default:
		return Version{}, ""
	}
	return v, path
}

// sparksOwn is found in scripts of Spark and in wrappers of them.
var sparksOwn = regexp.MustCompile(`\bSPARK_HOME\b|/spark-class\b|/bin/spark-submit["'\s]`)

// answerTime is how long Java has to start and to tell its version.
const answerTime = 30 * time.Second

// askVersion has spark-submit itself tell its version. Only a script that speaks of Spark's own
// programs is asked: what another one does with --version is not known, and it may take it
// for a job.
func askVersion(ctx context.Context, submit string) Version {
	if !sparksOwn.MatchString(scriptText(submit)) {
		return Version{}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var out head
	cmd := exec.CommandContext(ctx, submit, "--version")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	_ = cmd.Run() // what it says counts
	return parseVersion(string(out))
}

var (
	saidSpark = regexp.MustCompile(`version ([0-9]+\.[0-9]+\.[0-9]+)`)
	saidScala = regexp.MustCompile(`Scala version ([0-9]+\.[0-9]+)`)
)

// parseVersion reads what spark-submit --version prints.
func parseVersion(text string) Version {
	scala := saidScala.FindStringSubmatchIndex(text)
	if scala == nil {
		return Version{}
	}
	spark := saidSpark.FindStringSubmatch(text[:scala[0]])
	if spark == nil {
		return Version{}
	}
	return Version{Spark: spark[1], Scala: text[scala[2]:scala[3]]}
}

// head keeps the beginning of what is written.
type head []byte

func (h *head) Write(b []byte) (int, error) {
	const most = 64 << 10
	*h = append(*h, b[:min(len(b), most-len(*h))]...)
	return len(b), nil
}
