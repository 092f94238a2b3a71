package install

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	timezone "spot-ingest/pkg/zone"
	"spot-ingest/scripts/generate"
)

// The tests below replay what scripts do that people have for the Python tools, on the real
// programs and an in-process Kafka.

const topic = "SPOT-INGEST-TEST-TOPIC"

// An ingest is a folder with the real programs, and a Kafka.
type ingest struct {
	*folder
	kafka *kfake.Cluster
}

func newIngest(t *testing.T) *ingest {
	t.Helper()
	t.Parallel()
	if _, err := os.Stat("/etc/spot.conf"); !errors.Is(err, fs.ErrNotExist) {
		missing(t, "there is a Spot on this machine, into whose tables this would write: %v", err)
	}
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	i := &ingest{&folder{t: t, dir: filepath.Join(openTempDir(t), "spot's ingest")}, kafka}
	i.fill(i.dir)
	for _, program := range []string{"collector", "listener"} {
		to := i.path("bin", runtime.GOARCH, program)
		i.remove("bin", runtime.GOARCH, program)
		if err := os.Link(filepath.Join(realPrograms(t), program), to); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"input/flow", "staging", "logs", "tmp"} {
		if err := os.MkdirAll(i.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	i.install()
	i.env = append(i.env, "TMPDIR="+i.path("tmp"))
	return i
}

// edits are the literal texts of the shipped ingest_conf.json that scripts replace.
func (i *ingest) edits() [][2]string {
	i.t.Helper()
	host, port, err := net.SplitHostPort(i.kafka.ListenAddrs()[0])
	if err != nil {
		i.t.Fatal(err)
	}
	return [][2]string{
		{`"database name"`, `"spotdb"`},
		{`"hdfs application path"`, `"file://` + i.path("tables") + `"`},
		{`"kafka ip"`, `"` + host + `"`},
		{`"kafka port"`, `"` + port + `"`},
		{`"zk ip"`, `"192.0.2.1"`},
		{`"zk port"`, `"2181"`},
		{`"driver_memory":"",`, `"driver_memory":"1g",`},
		{`"spark_batch_size":""`, `"spark_batch_size":"1"`},
		{`/collector_path/flow`, i.path("input", "flow")},
		{`"local_staging":"/tmp/",`, `"local_staging":"` + i.path("staging") + `",`},
		{`"collector_processes":5,`, `"collector_processes":2, "state_dir":"` + i.path("state") + `",`},
	}
}

// editBySed edits the configuration as shell scripts do.
func (i *ingest) editBySed() {
	i.t.Helper()
	for _, e := range i.edits() {
		i.run("sed", "-i", "s|"+e[0]+"|"+e[1]+"|", "ingest_conf.json").wants(0)
	}
}

// editByReplace edits it as Python scripts do.
func (i *ingest) editByReplace() {
	i.t.Helper()
	content, err := os.ReadFile(i.path("ingest_conf.json"))
	if err != nil {
		i.t.Fatal(err)
	}
	text := string(content)
	for _, e := range i.edits() {
		if strings.Count(text, e[0]) != 1 {
			i.t.Errorf("ingest_conf.json has %q %d times", e[0], strings.Count(text, e[0]))
		}
		text = strings.ReplaceAll(text, e[0], e[1])
	}
	i.write(0o644, text, i.path("ingest_conf.json"))
}

// read is what a file in the folder holds, nothing if it isn't there yet.
func (i *ingest) read(elem ...string) string {
	content, err := os.ReadFile(i.path(elem...))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.t.Fatal(err)
	}
	return string(content)
}

func (i *ingest) awaitText(file, text string) {
	i.t.Helper()
	i.awaitThat(fmt.Sprintf("%q in %s", text, file), func() bool { return strings.Contains(i.read(file), text) })
}

func (i *ingest) awaitThat(what string, met func() bool) {
	i.t.Helper()
	i.t.Cleanup(func() {
		if i.t.Failed() {
			for _, file := range []string{"flow.out", "listener.out", "logs/x.log"} {
				i.t.Logf("%s:\n%.3000s", file, i.read(file))
			}
		}
	})
	await(i.t, what, met)
}

// script runs lines of a user's script by bash, with what a test needs at its end: to wait for
// what it left in the background, whose exit code is then in a file of the name.
func (i *ingest) script(name, lines string) (ended chan struct{}) {
	i.t.Helper()
	cmd := exec.Command("bash", "-c", lines+"\nwait $!; echo $? >"+name+".code")
	cmd.Dir, cmd.Env = i.dir, append(os.Environ(), i.env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its files tell
	}()
	i.awaitThat(name+".pid", func() bool { return strings.HasSuffix(i.read(name+".pid"), "\n") })
	i.t.Cleanup(func() {
		if i.read(name+".code") == "" {
			_ = syscall.Kill(i.pid(name), syscall.SIGKILL)
		}
		<-ended
		if stderr.String() != "" {
			i.t.Errorf("%s: stderr %s", name, stderr.String())
		}
	})
	return ended
}

func (i *ingest) pid(name string) int {
	i.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(i.read(name + ".pid")))
	if err != nil {
		i.t.Fatal(err)
	}
	return pid
}

// wantProgram wants that the process whose number was recorded is the program itself, and
// that ps shows it by the name of the script.
func (i *ingest) wantProgram(name, program, script string) {
	i.t.Helper()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", i.pid(name)))
	if err != nil || exe != i.path("venv", "bin", program) {
		i.t.Errorf("process %d is %s (%v), want the %s", i.pid(name), exe, err, program)
	}
	shown, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", i.pid(name)))
	if want := "/venv/bin/" + script + "\x00-t\x00flow\x00"; err != nil || !strings.Contains(string(shown), want) {
		i.t.Errorf("process %d shows itself as %q (%v), want %q in it", i.pid(name), shown, err, want)
	}
}

// stop is the users' way: kill by the number in the file.
func (i *ingest) stop(name string, ended chan struct{}) {
	i.t.Helper()
	i.run("bash", "-c", "kill $(cat "+name+".pid)").wants(0)
	i.awaitThat("the end of "+name, func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
	if code := i.read(name + ".code"); code != "0\n" {
		i.t.Errorf("%s: exit code %q", name, code)
	}
}

// collect has a file come into the watched folder by a rename, as nfcapd's do.
func (i *ingest) collect(name string) (rows int64) {
	i.t.Helper()
	f, err := os.Create(i.path("staging", name))
	if err != nil {
		i.t.Fatal(err)
	}
	made, err := generate.Nfcapd(f, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 1000}})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), i.path("input", "flow", name))
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return made.Rows
}

var rowsReceived = regexp.MustCompile(`Received netflow segments from topic\. \[Rows: (\d+)\]`)

// received counts the rows that the listener's log tells of.
func (i *ingest) received() (rows int64) {
	for _, m := range rowsReceived.FindAllStringSubmatch(i.read("listener.out"), -1) {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			i.t.Fatal(err)
		}
		rows += n
	}
	return rows
}

// The line that scripts have for the listener.
const startListener = `bash -c 'python start_listener.py -t flow --topic ` + topic +
	` -p 1 --master MASTER --deploy-mode client --config-file ingest_conf.json --redirect-spark-logs logs/x.log'`

// Both are started in the background, with a file for the number; rows go from a file to the
// table; both are stopped by the number. All with what a machine has, and on one without
// Python, by the names that scripts use.
func TestReplay(t *testing.T) {
	for name, tt := range map[string]struct {
		bare bool
		edit func(*ingest)
	}{
		"with sed":       {false, (*ingest).editBySed},
		"without Python": {true, (*ingest).editByReplace},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIngest(t)
			if tt.bare {
				i.env = append(i.env, "PATH="+i.bareMachine())
			}
			i.env = append(i.env, "TZ=Asia/Tokyo")
			tt.edit(i)
			listening := i.script("listener", "source venv/bin/activate\n"+
				strings.ReplaceAll(startListener, "MASTER", "local")+" > listener.out 2>&1 & echo $! > listener.pid")
			i.awaitText("listener.out", " ---- LISTENING KAFKA TOPIC: "+topic+" ---- ")
			i.wantProgram("listener", "listener", "start_listener.py")

			collecting := i.script("flow", "source venv/bin/activate\n"+
				"python collector.py -t flow --topic "+topic+" > flow.out 2>&1 & echo $! > flow.pid")
			i.awaitText("flow.out", "Initialization completed successfully!")
			i.wantProgram("flow", "collector", "collector.py")
			i.wantLocalTime("flow.out", "Asia/Tokyo")

			rows := i.collect("nfcapd.201803200900")
			i.awaitText("flow.out", `All segments of "nfcapd.201803200900" published successfully to Kafka cluster.`)
			i.awaitThat(fmt.Sprintf("%d rows in the table", rows), func() bool { return i.received() == rows })
			i.awaitText("listener.out", " *** REGISTRATION COMPLETED *** ")
			i.stop("flow", collecting)
			i.awaitText("flow.out", `Stop "Flow" Collector!`)
			i.stop("listener", listening)
			if files, _ := filepath.Glob(i.path("tables/flow/hive/y=2018/m=3/d=20/h=*/*.parquet")); len(files) == 0 {
				t.Error("there is no file in the table")
			}
			if _, err := os.Stat(i.path("logs/x.log")); err != nil {
				t.Error(err)
			}
		})
	}
}

// wantLocalTime wants that the last line of a log is stamped with the time of now, there.
func (i *ingest) wantLocalTime(file, zone string) {
	i.t.Helper()
	place := timezone.Load(zone)
	if place == nil {
		i.t.Fatalf("there is no time zone %s", zone)
	}
	lines := strings.Split(strings.TrimSpace(i.read(file)), "\n")
	last := lines[len(lines)-1]
	stamp, err := time.ParseInLocation(time.DateTime, last[:min(len(last), len(time.DateTime))], place)
	if err != nil {
		i.t.Fatal(err)
	}
	if d := time.Since(stamp); d < -time.Minute || d > patience {
		i.t.Errorf("%s is not of now in %s: %s", file, zone, last)
	}
}

// With Spark on the PATH the same line hands over to it.
func TestReplaySpark(t *testing.T) {
	i := newIngest(t)
	i.editBySed()
	bin := openTempDir(t)
	i.write(0o755, "#!/bin/sh\necho to stdout\necho to stderr >&2\nprintf '%s\\n' \"$@\" >spark.args\n", bin, "spark2-submit")
	i.env = append(i.env, "PATH="+bin+":"+i.bareMachine())
	r := i.run("bash", "-c", "source venv/bin/activate; "+strings.ReplaceAll(startListener, "MASTER", "yarn")).wants(0)
	r.says("to stdout\n")
	if r.stderr != "" || i.read("logs/x.log") != "to stderr\n" {
		t.Errorf("stderr %q, logs/x.log %q", r.stderr, i.read("logs/x.log"))
	}
	for _, want := range []string{"--master\nyarn\n", "--deploy-mode\nclient\n", "--driver-memory\n1g\n", "-b\n1\n", "-d\nspotdb\n", "--topic\n" + topic + "\n"} {
		if !strings.Contains("\n"+i.read("spark.args"), "\n"+want) {
			t.Errorf("Spark is started with %q, without %q", i.read("spark.args"), want)
		}
	}
}

// What the programs say to their command line comes through with every byte and the code.
func TestReplayUsage(t *testing.T) {
	i := newIngest(t)
	for _, tt := range []struct {
		script, program, golden string
		code                    int
		args                    []string
	}{
		{"collector.py", "collector", "noargs.err", 2, nil},
		{"collector.py", "collector", "", 0, []string{"--help"}},
		{"start_listener.py", "listener", "", 0, []string{"-h"}},
		{"start_listener.py", "listener", "", 2, []string{"-t", "flow"}},
		{"collector.py", "collector", "", 2, []string{"-t", "flow", "--topic", "T", "--unknown"}},
		{"collector.py", "collector", "", 1, []string{"-c", "missing.json", "-t", "flow", "--topic", "T"}},
		{"collector.py", "collector", "", 1, []string{"-t", "flow", "--topic", "T"}}, // not edited
	} {
		want := i.run(append([]string{"venv/bin/" + tt.program}, tt.args...)...).wants(tt.code)
		if golden, err := os.ReadFile(filepath.Join(repository, "../shared/golden/cli", tt.golden)); tt.golden != "" && err == nil {
			if want.stdout+want.stderr != string(golden) {
				t.Errorf("%s: %s%s", want.command, want.stdout, want.stderr)
			}
		}
		for _, command := range [][]string{{"venv/bin/python", tt.script}, {"venv/bin/python3", "-u", i.path(tt.script)}, {"./" + tt.script}, {"sh", tt.script}} {
			got := i.run(append(command, tt.args...)...).wants(tt.code)
			if withoutTime(got.stdout) != withoutTime(want.stdout) || got.stderr != want.stderr {
				t.Errorf("%s: stdout %q, stderr %q,\nwant %q, %q", got.command, got.stdout, got.stderr, want.stdout, want.stderr)
			}
		}
	}
}

// withoutTime leaves out the moment that a line of the log begins with.
func withoutTime(line string) string {
	return regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `).ReplaceAllString(line, "")
}
