//go:build integration

package metastore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	hive "github.com/beltran/gohive/hive_metastore"

	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// The tests start real components by scripts/stack. A test whose tool is missing is
// skipped, or fails if SPOT_INTEGRATION_STRICT=1 is set.

// need skips a test without a program.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
		t.Fatalf("%s is missing", program)
	}
	t.Skipf("%s is missing", program)
}

// stackFolder is where stackBinary is built, if a test wants it.
var stackFolder string

// stackBinary is scripts/stack, built once.
var stackBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(stackFolder, "stack")
	cmd := exec.Command("go", "build", "-o", path, "./scripts/stack")
	cmd.Dir = filepath.Join("..", "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build scripts/stack: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	var err error
	if stackFolder, err = os.MkdirTemp("", "spot-metastore-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(stackFolder)
	return m.Run()
}

// start runs a component until the test ends and returns its address.
func start(t *testing.T, args ...string) string {
	t.Helper()
	binary, err := stackBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("stack %s: %v\n%s", args, err, &stderr)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, address, ready := strings.Cut(strings.TrimSpace(line), " ready on ")
	if err != nil || !ready {
		t.Fatalf("stack %s printed %q: %v", args, line, err)
	}
	return address
}

// openFlow returns table flow in database spot.
func openFlow(t *testing.T, o Options) *Table {
	t.Helper()
	o.Database, o.Table, o.User = "spot", table.Of(config.Flow), "spot"
	tab, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestRealMetastore(t *testing.T) {
	need(t, "java")
	need(t, "mvn")
	for _, version := range []string{"3.1.3", "4.0.1"} {
		t.Run(version, func(t *testing.T) {
			ctx := patient(t)
			uri := start(t, "metastore", "-version", version)
			tab := openFlow(t, Options{Metastore: []string{"thrift://127.0.0.1:1", uri}})
			exercise(ctx, t, tab, func() error { return createDatabase(ctx, tab, "file://"+t.TempDir()) })
		})
	}
}

func TestRealHiveServer2(t *testing.T) {
	need(t, "java")
	need(t, "mvn")
	need(t, "spark-submit")
	ctx := patient(t)
	uri := start(t, "metastore", "-version", "3.1.3")
	tab := openFlow(t, Options{HiveServer2: start(t, "hiveserver2", "-metastore", uri)})
	location := exercise(ctx, t, tab, func() error {
		_, err := ask(ctx, tab, "CREATE DATABASE spot")
		return err
	})

	// Both ways tell the same of one table.
	byMetastore, err := openFlow(t, Options{Metastore: []string{uri}}).Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	byServer, err := tab.Describe(ctx)
	if err != nil || fmt.Sprint(byServer) != fmt.Sprint(byMetastore) {
		t.Errorf("hiveserver2 tells\n%v, %v\nthe metastore\n%v", byServer, err, byMetastore)
	}

	count := func() string {
		t.Helper()
		rows, err := ask(ctx, tab, "SELECT CAST(count(*) AS STRING), CAST(sum(sport) AS STRING) FROM spot.flow WHERE y=2020 AND d=4")
		if err != nil || len(rows) != 1 {
			t.Fatalf("rows %q, error %v", rows, err)
		}
		return strings.Join(rows[0], " ")
	}
	h := table.Hour{Year: 2020, Month: 3, Day: 4, Hour: 5}
	_, err = ask(ctx, tab, "INSERT OVERWRITE DIRECTORY '"+location+"/"+tab.table.Folder(h)+"' USING parquet SELECT '10.0.0.1' AS sip, CAST(id AS INT) AS sport FROM range(11)")
	if err != nil {
		t.Fatal(err)
	}
	if got := count(); got != "0 " {
		t.Errorf("before the partition is known: count and sum %q", got)
	}
	if err := tab.Add(ctx, location, []table.Hour{h}); err != nil {
		t.Error(err)
	}
	if got := count(); got != "11 55" {
		t.Errorf("count and sum %q", got)
	}
}

// Tables may lie in an HDFS, which the metastore knows by its configuration: folders are
// made there as the user that asks.
func TestRealHDFS(t *testing.T) {
	need(t, "java")
	need(t, "mvn")
	need(t, "spark-submit")
	t.Setenv("HADOOP_USER_NAME", "spot") // also of what is started
	ctx := patient(t)
	root, more, _ := strings.Cut(start(t, "hdfs", "-ha"), " ")
	_, conf, _ := strings.Cut(strings.TrimSuffix(more, ")"), "conf dir ")
	uri := start(t, "metastore", "-version", "3.1.3", "-hadoop-conf", conf)
	server := openFlow(t, Options{HiveServer2: start(t, "hiveserver2", "-metastore", uri, "-hadoop-conf", conf)})
	tab := openFlow(t, Options{Metastore: []string{uri}})
	if err := createDatabase(ctx, tab, root+"/warehouse/spot"); err != nil {
		t.Fatal(err)
	}
	location := root + "/user/spot/flow/hive"
	if err := tab.Create(ctx, "/user/spot/flow/hive"); err != nil { // of the default file system
		t.Fatal(err)
	}
	if d, err := tab.Describe(ctx); err != nil || d.Location != location {
		t.Fatalf("location %q, want %q; %v", d.Location, location, err)
	}
	hours := someHours(3)
	folder := location + "/" + tab.table.Folder(hours[0])
	if _, err := ask(ctx, server, "INSERT OVERWRITE DIRECTORY '"+folder+"' USING parquet SELECT '10.0.0.1' AS sip FROM range(11)"); err != nil {
		t.Fatal(err)
	}
	if err := tab.Add(ctx, location, hours); err != nil {
		t.Fatal(err)
	}
	rows, err := ask(ctx, server, "SELECT CAST(count(*) AS STRING) FROM spot.flow")
	if err != nil || len(rows) != 1 || rows[0][0] != "11" {
		t.Errorf("rows %q, error %v", rows, err)
	}
}

func createDatabase(ctx context.Context, tab *Table, location string) error {
	return tab.do(ctx, "make the database of", func(s session) error {
		m := s.(*metastoreSession)
		return m.ask(ctx, func(ctx context.Context) error {
			return m.client.CreateDatabase(ctx, &hive.Database{Name: tab.database, LocationUri: location})
		})
	})
}

// ask runs a statement by HiveServer2.
func ask(ctx context.Context, tab *Table, statement string) (rows [][]string, err error) {
	err = tab.do(ctx, "ask", func(s session) error {
		return s.(*hiveServer2Session).run(ctx, statement, func(row []string) error {
			rows = append(rows, slices.Clone(row))
			return nil
		})
	})
	return rows, err
}

// exercise does with a table all that a listener does, and returns its location.
func exercise(ctx context.Context, t *testing.T, tab *Table, createDatabase func() error) string {
	t.Helper()
	root := t.TempDir()
	location := "file://" + root + "/flow/hive"
	if _, err := tab.Describe(ctx); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("described without a database: %v", err)
	}
	if err := tab.Create(ctx, location); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("created without a database: %v", err)
	}
	if err := createDatabase(); err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Describe(ctx); !errors.Is(err, ErrNoTable) {
		t.Errorf("described without a table: %v", err)
	}
	for range 2 {
		if err := tab.Create(ctx, location); err != nil {
			t.Fatal(err)
		}
	}
	d, err := tab.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Check(d); err != nil {
		t.Error(err)
	}
	if !SameLocation(d.Location, location) {
		t.Errorf("location %s, want %s", d.Location, location)
	}

	hours := someHours(1000)
	for _, what := range []string{"first", "second"} {
		begin := time.Now()
		if err := tab.Add(ctx, location, hours); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d partitions, the %s time: %v", len(hours), what, time.Since(begin).Round(time.Millisecond))
	}
	together(ctx, t, tab, location)
	repair(ctx, t, tab, root+"/flow/hive", location, hours)
	return location
}

// together adds the same partitions several times at once, as listeners do that share a topic.
func together(ctx context.Context, t *testing.T, tab *Table, location string) {
	t.Helper()
	hours := someHours(40)
	for i := range hours {
		hours[i].Year = 2021
	}
	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := tab.Add(ctx, location, hours); err != nil {
				t.Errorf("four at once: %v", err)
			}
		}()
	}
	group.Wait()
}

// repair makes folders that Hive doesn't know and has them added.
func repair(ctx context.Context, t *testing.T, tab *Table, folder, location string, known []table.Hour) {
	t.Helper()
	more := []table.Hour{{Year: 2018, Month: 1, Day: 31, Hour: 30}, {Year: 2019, Month: 6, Day: 1}, {Year: -5, Month: -1, Day: -31, Hour: -7}}
	for _, h := range append(known, more...) {
		if err := os.MkdirAll(filepath.Join(folder, tab.table.Folder(h)), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "oa", "y=2018"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{len(more), 0} {
		begin := time.Now()
		n, err := tab.Repair(ctx, location, Folders(ctx, tab.table, folder, readDir))
		if err != nil || n != want {
			t.Errorf("repaired %d partitions, want %d: %v", n, want, err)
		}
		t.Logf("repair: %v", time.Since(begin).Round(time.Millisecond))
	}
}
