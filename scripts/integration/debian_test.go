//go:build integration

package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"spot-ingest/scripts/internal/stack"
)

// TestDebian installs what scripts/package makes on machines that have nothing but Debian
// and systemd, and uses it there as users do, against real Kafka. The machines are real
// but for their kernel, which is the host's.
func TestDebian(t *testing.T) {
	if err := stack.CanBootDebian(); err != nil {
		missing(t, "%v", err)
	}
	sharedKafka(t, kafka4)
	sample(t, "flow", defaultLimit)
	made := packages{t.TempDir(), t.TempDir()}
	pack(t, filepath.Join("..", ".."), made.first, "1.0.0")
	pack(t, laterTree(t), made.later, "1.0.1")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	d, err := stack.BootstrapDebian(ctx, "rpm")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	t.Run("tarball", func(t *testing.T) { testTarball(t, boot(t, d), made) })
	t.Run("deb", func(t *testing.T) { testDeb(t, boot(t, d), made) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, boot(t, d), made) })
}

// packages are the folders of a version and of a later one, which ships another
// configuration.
type packages struct{ first, later string }

// find returns the one file of that pattern.
func find(t *testing.T, folder, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files[0]
}

// pack makes the packages of a tree for this machine.
func pack(t *testing.T, tree, folder, version string) {
	t.Helper()
	cmd := exec.Command("go", "run", "./scripts/package", "-out", folder, "-version", version, "-arch", runtime.GOARCH)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1795780800")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("scripts/package: %v\n%s", err, out)
	}
}

// changes are what the later version ships otherwise: text and its successor by file.
var changes = map[string][2]string{
	"ingest_conf.json":            {`"collector_processes":5`, `"collector_processes":6`},
	"scripts/package/etc/dns.env": {"\nTOPIC=", "\n# Of 1.0.1.\nTOPIC="},
}

// laterTree copies the tree, with these changes.
func laterTree(t *testing.T) string {
	t.Helper()
	tree, from := t.TempDir(), filepath.Join("..", "..")
	list, err := exec.Command("git", "-C", from, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(from, name))
		if os.IsNotExist(err) { // removed, but not from the index
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		text := readFile(t, filepath.Join(from, name))
		if change, ok := changes[name]; ok {
			changed := strings.Replace(string(text), change[0], change[1], 1)
			if changed == string(text) {
				t.Fatalf("%s lacks %q", name, change[0])
			}
			text = []byte(changed)
		}
		to := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// A machine is a Debian on which a test works.
type machine struct {
	*stack.DebianMachine
	t   *testing.T
	ctx context.Context
}

const (
	machineTime     = 4 * time.Minute // all that a test does on a machine
	machinePatience = time.Minute     // each wait there
)

// boot starts a machine that has neither Python nor Go, and the sample at /srv/sample.
func boot(t *testing.T, d *stack.Debian) *machine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), machineTime)
	t.Cleanup(cancel)
	booted, err := d.Boot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{booted, t, ctx}
	t.Cleanup(func() {
		if t.Failed() {
			journal, _, err := booted.Run(context.Background(), "root", "journalctl --no-pager -n 200 -u 'spot-*'; tail -n 50 /home/*/*/*.out 2>/dev/null")
			t.Logf("what the services have logged, or the user's programs (%v):\n%s", err, journal)
		}
		if err := booted.Stop(); err != nil {
			t.Error(err)
		}
	})
	if found := m.sh("root", "for p in go python python2 python3; do command -v $p || :; done; ls -d /usr/local/go /usr/lib/go* /usr/lib/python* 2>/dev/null || :"); found != "" {
		t.Errorf("the machine isn't bare: %s", found)
	}
	m.put(filepath.Join("testdata", sampleName), "/srv/sample")
	return m
}

const sampleName = "nfcapd.201803200900"

// sh runs a script, which must end with exit code 0, and returns what it prints.
func (m *machine) sh(user, script string) string {
	m.t.Helper()
	out, code, err := m.Run(m.ctx, user, script)
	if err != nil || code != 0 {
		m.t.Fatalf("%s: exit code %d, %v\n%s", script, code, err, out)
	}
	return out
}

// is wants a script to print a text.
func (m *machine) is(want, user, script string) {
	m.t.Helper()
	if got := m.sh(user, script); got != want {
		m.t.Errorf("%s: %q, want %q", script, got, want)
	}
}

// until waits until a script ends with exit code 0.
func (m *machine) until(user, script string) {
	m.t.Helper()
	var last string
	m.eventually(func() bool {
		out, code, err := m.Run(m.ctx, user, script)
		last = fmt.Sprintf("%s: exit code %d, %v\n%s", script, code, err, out)
		return err == nil && code == 0
	}, func() string { return last })
}

// eventually waits for a condition, and else says what is.
func (m *machine) eventually(is func() bool, what func() string) {
	m.t.Helper()
	deadline := time.After(machinePatience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-deadline:
			m.t.Fatalf("after %v: %s", machinePatience, what())
		}
	}
}

// put copies a file of the host to the machine.
func (m *machine) put(from, to string) {
	m.t.Helper()
	if err := os.WriteFile(m.Root()+to, readFile(m.t, from), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// configure edits a shipped ingest_conf.json as scripts do: by replacing its literals.
func (s *site) configure(m *machine, user, conf, watched, tables string) {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.broker.Addr())
	if err != nil {
		s.t.Fatal(err)
	}
	var script strings.Builder
	for _, r := range [][2]string{
		{"kafka ip", host}, {"kafka port", port}, {"/collector_path/flow", watched}, {"hdfs application path", tables},
		{`"spark_batch_size":""`, `"spark_batch_size":"1"`},
	} {
		fmt.Fprintf(&script, "grep -qF '%s' %s && sed -i 's|%s|%s|' %s && ", r[0], conf, r[0], r[1], conf)
	}
	m.sh(user, script.String()+"true")
}

// flowTable reads all rows of the table flow below a folder.
func (m *machine) flowTable(tables string) (rows []string) {
	m.t.Helper()
	files, err := filepath.Glob(m.Root() + tables + "/flow/hive/*/*/*/*/*.parquet")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, file := range files {
		if err := eachFlow(file, func(r *flowRow) { rows = append(rows, r.text()) }); err != nil {
			m.t.Fatal(err)
		}
	}
	return rows
}

// stored waits until the table holds as many rows as so many samples, and wants them to be
// the samples'.
func (m *machine) stored(tables string, samples int) {
	m.t.Helper()
	want := make(map[string]int)
	total := 0
	for _, segment := range sample(m.t, "flow", defaultLimit) {
		for _, row := range segment.rows {
			want[row] += samples
			total += samples
		}
	}
	var got []string
	m.eventually(func() bool { got = m.flowTable(tables); return len(got) >= total },
		func() string { return fmt.Sprintf("%d rows in the table of %d", len(got), total) })
	compareRows(m.t, "table", count(got), want)
}
