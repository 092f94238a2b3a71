package spark

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/config"
	"spot-ingest/pkg/logging"
	"spot-ingest/pkg/zone"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recordTo makes this test binary be spark-submit: it appends what it is started with to that
// file, and does what doing says.
const (
	recordTo = "SPOT_TEST_RECORD"
	doing    = "SPOT_TEST_DOING"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(recordTo); path != "" {
		os.Exit(recordingSubmit(path))
	}
	os.Exit(m.Run())
}

// recordingSubmit writes its words, each with a NUL after it, and a NUL more.
func recordingSubmit(path string) int {
	record, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 99
	}
	for _, word := range os.Args[1:] {
		fmt.Fprintf(record, "%s\x00", word)
	}
	fmt.Fprint(record, "\x00")
	if dir := jobFolder(os.Args); dir != "" {
		if err := os.CopyFS(path+".files", os.DirFS(dir)); err != nil {
			return 98
		}
		list(dir, path+".list")
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals)
	what, text, _ := strings.Cut(os.Getenv(doing), " ")
	switch what {
	case "exit":
		code := 0
		_, _ = fmt.Sscan(text, &code)
		return code
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "wait", "stay":
		fmt.Println("waiting")
		for s := range signals {
			if s == syscall.SIGURG { // the Go runtime's own
				continue
			}
			fmt.Println("got", s)
			if what == "wait" {
				return 143
			}
		}
	}
	return 0
}

// jobFolder finds the folder of the job's files by the job's script.
func jobFolder(argv []string) string {
	for _, word := range argv {
		if filepath.Base(word) == scriptName {
			return filepath.Dir(word)
		}
	}
	return ""
}

// list writes the modes of a folder and of the files in it.
func list(dir, to string) {
	var b strings.Builder
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, err := d.Info(); err == nil {
			fmt.Fprintf(&b, "%s %s\n", info.Mode(), strings.TrimPrefix(path, dir))
		}
		return err
	})
	_ = os.WriteFile(to, []byte(b.String()), 0o600)
}

// A launchCase is a file of testdata/launch: what the listener is started with, and where.
type launchCase struct {
	Config json.RawMessage   `json:"config"`
	Args   []string          `json:"args"`
	Env    map[string]string `json:"env"`
	// Program is spark-submit unless it says spark2-submit, or none.
	Program string `json:"program"`
	// Jars are the names of those of the installation.
	Jars []string `json:"jars"`
	// Release is its file RELEASE.
	Release string `json:"release"`
	// Files are further ones of the partner.
	Files map[string]string `json:"files"`
	Note  string            `json:"note"`
}

// unset are variables that change what is launched; a case has its own.
var unset = []string{"SPARK_HOME", "HADOOP_CONF_DIR", "COLUMNS"}

// TestLaunch starts the cases with a stub in the place of spark-submit, and compares what it
// was given, the job's files included, or the error.
func TestLaunch(t *testing.T) {
	paths, err := filepath.Glob("testdata/launch/*.json")
	if err != nil || len(paths) < 35 {
		t.Fatalf("%d cases, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var c launchCase
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&c); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, "json")+"txt", c.run(t))
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

var scripts = fstest.MapFS{
	"listener.py": {Data: []byte("the job\n")},
	"rows.py":     {Data: []byte("rows\n")},
	"times.py":    {Data: []byte("times\n")},
	"notes.txt":   {Data: []byte("no script\n")},
}

// A ground is where a case is tried.
type ground struct {
	t      *testing.T
	dir    string
	record string
	log    bytes.Buffer
	launch Launch
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{t: t, dir: t.TempDir()}
	for _, name := range append(unset, "TZ") {
		t.Setenv(name, "")
	}
	for _, dir := range []string{"spark/bin", "spark/jars", "tmp"} {
		if err := os.MkdirAll(g.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	g.record = g.path("record")
	t.Setenv("TMPDIR", g.path("tmp"))
	t.Setenv(recordTo, g.record)
	t.Setenv(doing, "")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the stub may be under the race detector, and would wait for a second
	return g
}

func (g *ground) path(name string) string { return filepath.Join(g.dir, name) }

func (g *ground) write(name, text string) string {
	g.t.Helper()
	if err := os.WriteFile(g.path(name), []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return g.path(name)
}

// install puts the stub in place, and returns its path.
func (g *ground) install(name string) string {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	path := g.path("spark/bin/" + name)
	// A wrapper as of a vendor, and in no way a shell for what comes after it.
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$0\" \"$@\"\n", self)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// command makes the launch of a configuration and the listener's arguments.
func (g *ground) command(conf string, args []string, submit string) error {
	g.t.Helper()
	file := g.write("conf.json", conf)
	loaded, err := config.Load(file)
	if err != nil {
		g.t.Fatal(err)
	}
	var given cli.ListenerArgs
	parser := cli.Listener(&given, cli.Hooks{
		Load:       func(string) error { return nil },
		IsPipeline: func(name string) bool { _, err := loaded.Pipeline(name); return err == nil },
	})
	if exit := parser.Parse(args); exit != nil {
		g.t.Fatal(exit.Text)
	}
	if g.launch, err = NewLaunch(loaded, given, submit, zone.Local()); err != nil {
		return err
	}
	g.launch.Scripts = scripts
	g.launch.Program = g.write("the listener", "program\n")
	g.launch.Files = map[string]string{"ingest_conf.json": file}
	return nil
}

func (g *ground) submit(stop, kill context.Context) (code int, stderr string) {
	log := logging.New(&g.log, logging.Info, false).Named("SPOT.INGEST.LISTENER")
	var errs strings.Builder
	code = Exit(g.launch.Submit(stop, kill, log), log, &errs)
	return code, errs.String()
}

// run returns all that is to be seen of a case.
func (c launchCase) run(t *testing.T) string {
	g := newGround(t)
	for name, value := range c.Env {
		t.Setenv(name, strings.ReplaceAll(value, "{dir}", g.dir))
	}
	for _, jar := range c.Jars {
		g.write("spark/jars/"+jar, "")
	}
	if c.Release != "" {
		g.write("spark/RELEASE", c.Release)
	}
	submit := ""
	switch c.Program {
	case "":
		submit = g.install("spark-submit")
	case "spark2-submit":
		submit = g.install("spark2-submit")
	}
	var b strings.Builder
	if err := g.command(string(c.Config), c.Args, submit); err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
		return g.plain(b.String())
	}
	for name, text := range c.Files {
		g.launch.Files[name] = g.write("file of "+name, text)
	}
	code, stderr := g.submit(context.Background(), context.Background())
	fmt.Fprintf(&b, "exit code %d\n", code)
	for line := range strings.Lines(g.log.String()) {
		if !strings.Contains(line, "Start [") { // the words follow
			b.WriteString(line[len("2018-03-20 09:25:11,123 "):])
		}
	}
	b.WriteString(stderr)
	b.WriteString(g.recorded())
	if left, _ := os.ReadDir(g.path("tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return g.plain(b.String())
}

// recorded returns the words, files and modes that the stub has seen.
func (g *ground) recorded() string {
	record, err := os.ReadFile(g.record)
	if err != nil {
		return "not started\n"
	}
	var b strings.Builder
	for _, call := range strings.Split(strings.TrimSuffix(string(record), "\x00\x00"), "\x00\x00") {
		b.WriteString("\nstarted with\n")
		for _, word := range strings.Split(call, "\x00") {
			fmt.Fprintf(&b, "    %s\n", word)
		}
	}
	modes, _ := os.ReadFile(g.record + ".list")
	fmt.Fprintf(&b, "\nfiles\n%s", modes)
	job, _ := os.ReadFile(g.record + ".files/job.json")
	fmt.Fprintf(&b, "\njob.json\n%s", job)
	return b.String()
}

// plain replaces what differs from one run to the next.
func (g *ground) plain(text string) string {
	text = strings.ReplaceAll(text, g.dir, "{dir}")
	if _, rest, found := strings.Cut(text, "/spot-listener-"); found {
		random := rest[:strings.IndexByte(rest, '/')]
		text = strings.ReplaceAll(text, "/spot-listener-"+random, "/{private}")
	}
	return text
}
