package metastore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	hive "github.com/beltran/gohive/hive_metastore"

	"spot-ingest/listener/internal/metastore/metastoretest"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

const rowsAt = "file:///data/spot/flow/hive"

// ways are the ways to Hive, and the Hives at their ends.
var ways = []struct {
	name    string
	hive    metastoretest.Options
	options func(*metastoretest.Server) Options
}{
	{"metastore 2", metastoretest.Options{Version: 2}, byMetastore},
	{"metastore 3", metastoretest.Options{}, byMetastore},
	{"metastore 4", metastoretest.Options{Version: 4}, byMetastore},
	{"hiveserver2", metastoretest.Options{}, byHiveServer2},
}

func byMetastore(s *metastoretest.Server) Options   { return Options{Metastore: []string{s.URI()}} }
func byHiveServer2(s *metastoretest.Server) Options { return Options{HiveServer2: s.HiveServer2()} }

// eachWay runs a test by each way to a Hive without tables.
func eachWay(t *testing.T, test func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table)) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			s := metastoretest.Start(t, way.hive)
			test(soon(t), t, s, open(t, way.options(s)))
		})
	}
}

// soon is a context for what should take no time.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, o Options) *Table {
	t.Helper()
	o.User, o.Database = "spot", "spot"
	if o.Table == nil {
		o.Table = table.Of(config.Flow)
	}
	tab, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func mustCreate(ctx context.Context, t *testing.T, tab *Table) {
	t.Helper()
	if err := tab.Create(ctx, rowsAt); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Database: "spot"}, "want either a metastore or a hiveserver2"},
		{Options{Database: "spot", Metastore: []string{"thrift://h:9083"}, HiveServer2: "h:10000"}, "want either a metastore or a hiveserver2"},
		{Options{Database: "spot; DROP", HiveServer2: "h:10000"}, `database "spot; DROP": want letters`},
		{Options{HiveServer2: "h:10000"}, `database "": want letters`},
		{Options{Database: "spot", HiveServer2: "h"}, `address "h": want host:port`},
		{Options{Database: "spot", Metastore: []string{"thrift://h:9083", "thrift://"}}, `address "": want host:port`},
	} {
		if _, err := Open(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.o, err, c.want)
		}
	}
}

func TestTableComesAndGoes(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		if _, err := tab.Describe(ctx); !errors.Is(err, ErrNoTable) || err.Error() != "describe table spot.flow in hive: there is no such table" {
			t.Errorf("described without a table: %v", err)
		}
		if err := tab.Add(ctx, rowsAt, someHours(1)); !errors.Is(err, ErrNoTable) {
			t.Errorf("added without a table: %v", err)
		}
		for range 2 {
			mustCreate(ctx, t, tab)
		}
		d, err := tab.Describe(ctx)
		if err != nil || d.Location != "file:/data/spot/flow/hive" || len(d.Columns) != 28 || len(d.Partitions) != 4 {
			t.Fatalf("%+v, %v", d, err)
		}
		if d.Columns[8] != (Column{"tdur", "float"}) || d.Partitions[0] != (Column{"y", "smallint"}) {
			t.Errorf("columns %v, partitions %v", d.Columns, d.Partitions)
		}
		if err := tab.Check(d); err != nil {
			t.Error(err)
		}
		s.DropTable("spot.flow")
		s.DropDatabase("spot")
		if _, err := tab.Describe(ctx); !errors.Is(err, ErrNoDatabase) {
			t.Errorf("described without a database: %v", err)
		}
		if err := tab.Create(ctx, rowsAt); !errors.Is(err, ErrNoDatabase) {
			t.Errorf("created without a database: %v", err)
		}
	})
}

func TestDeclaration(t *testing.T) {
	s := metastoretest.Start(t, metastoretest.Options{})
	ctx := soon(t)
	for _, typ := range []config.Type{config.Flow, config.DNS, config.Proxy} {
		tab := open(t, Options{Metastore: []string{s.URI()}, Table: table.Of(typ)})
		mustCreate(ctx, t, tab)
		got := s.Table(tab.Name())
		if got.TableType != "EXTERNAL_TABLE" || got.Parameters["EXTERNAL"] != "TRUE" || got.Owner != "spot" || got.Sd.OutputFormat != parquetOutput ||
			got.Sd.InputFormat != parquetFormats[0] || got.Sd.SerdeInfo.SerializationLib != parquetSerDe {
			t.Errorf("%v", got)
		}
	}
}

// The statement for HiveServer2 is that which scripts/ddl prints.
func TestStatement(t *testing.T) {
	ddl, err := os.ReadFile("../../../scripts/ddl/tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, typ := range []config.Type{config.Flow, config.DNS, config.Proxy} {
		t := table.Of(typ)
		got = append(got, statement("${db}", t, "${location}/"+t.Name+"/hive")+";\n")
	}
	if text := strings.Join(got, "\n"); text != string(ddl) {
		t.Errorf("got\n%s", text)
	}
}

func TestPartitionSpec(t *testing.T) {
	for typ, want := range map[config.Type]string{config.Flow: "y=2018,m=3,d=20,h='-9'", config.Proxy: "y='2018',m='03',d='20',h='-9'"} {
		tab := table.Of(typ)
		folder := tab.Folder(table.Hour{Year: 2018, Month: 3, Day: 20, Hour: -9})
		if got := partitionSpec(tab, strings.Split(folder, "/")); got != want {
			t.Errorf("%s: %s, want %s", typ, got, want)
		}
	}
}

func TestAdd(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		mustCreate(ctx, t, tab)
		hours := append(someHours(2*batch+1), table.Hour{Year: -7, Month: -3, Day: -128, Hour: 127})
		for range 2 {
			if err := tab.Add(ctx, rowsAt, hours); err != nil {
				t.Fatal(err)
			}
		}
		got := s.Partitions("spot.flow")
		for _, h := range hours {
			folder := tab.table.Folder(h)
			if got[folder] != "file:/data/spot/flow/hive/"+folder {
				t.Errorf("partition %s lies in %q", folder, got[folder])
			}
		}
		if len(got) != len(hours) || s.Added() != 6 {
			t.Errorf("%d partitions by %d requests", len(got), s.Added())
		}
	})
}

func TestProxyHasTwoDigits(t *testing.T) {
	for _, way := range ways {
		s := metastoretest.Start(t, way.hive)
		ctx, o := soon(t), way.options(s)
		o.Table = table.Of(config.Proxy)
		tab := open(t, o)
		mustCreate(ctx, t, tab)
		hours := []table.Hour{{Year: 2018, Month: 3, Day: 20, Hour: 9}}
		if err := tab.Add(ctx, rowsAt, hours); err != nil {
			t.Fatal(err)
		}
		if got := s.Partitions("spot.proxy"); got["y=2018/m=03/d=20/h=09"] == "" || len(got) != 1 {
			t.Errorf("%s: %v", way.name, got)
		}
		if n, err := tab.Repair(ctx, rowsAt, all(hours...)); n != 0 || err != nil {
			t.Errorf("%s: repaired %d: %v", way.name, n, err)
		}
	}
}

// Partitions that Hive refuses keep no others back, and the table isn't asked for each
// when all are refused.
func TestRefused(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		mustCreate(ctx, t, tab)
		hours := someHours(batch + 10)
		bad := []table.Hour{hours[3], hours[77]}
		s.Refuse(func(name string) bool { return name == tab.table.Folder(bad[0]) || name == tab.table.Folder(bad[1]) })
		err := tab.Add(ctx, rowsAt, hours)
		var partial *PartialError
		if !errors.As(err, &partial) || !slices.Equal(partial.Hours, bad) {
			t.Fatalf("error %v", err)
		}
		want := "add partitions of table spot.flow in hive: 2 partitions were not added, such as y=2017/m=12/d=20/h=3: hive says: can't make the folder of y=2017/m=12/d=20/h=3"
		if err.Error() != want {
			t.Errorf("error\n%v, want\n%s", err, want)
		}
		if got := s.Partitions("spot.flow"); len(got) != len(hours)-2 {
			t.Errorf("%d partitions", len(got))
		}

		s.Refuse(func(string) bool { return true })
		before := s.Added()
		err = tab.Add(ctx, rowsAt, hours)
		if !errors.As(err, &partial) || len(partial.Hours) != len(hours) || s.Added()-before > 30 {
			t.Errorf("%d requests; error %v", s.Added()-before, err)
		}
	})
}

func TestOtherTable(t *testing.T) {
	ctx := soon(t)
	s := metastoretest.Start(t, metastoretest.Options{})
	tab := open(t, Options{Metastore: []string{s.URI()}})
	mustCreate(ctx, t, tab)
	for name, change := range map[string]func(*hive.Table){
		"column sport is STRING, not INT": func(h *hive.Table) { h.Sd.Cols[11].Type = "String" },
		"it is transactional":             func(h *hive.Table) { h.Parameters = map[string]string{"transactional": "TRUE"} },
	} {
		s.DropTable("spot.flow")
		mustCreate(ctx, t, tab)
		s.Change("spot.flow", change)
		for what, err := range map[string]error{"add": tab.Add(ctx, rowsAt, someHours(1)), "repair": second(tab.Repair(ctx, rowsAt, all(someHours(1)...)))} {
			if !IsDifference(err) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: error %v, want %q", what, err, name)
			}
		}
	}
	s.DropTable("spot.flow")
	mustCreate(ctx, t, tab)
	s.Change("spot.flow", func(h *hive.Table) { h.Sd.Location = "hdfs://nameservice1/else/where" })
	var location *LocationError
	if err := tab.Add(ctx, rowsAt, someHours(1)); !errors.As(err, &location) || location.Hive != "hdfs://nameservice1/else/where" {
		t.Errorf("another location: %v", err)
	}
	if len(s.Partitions("spot.flow")) != 0 {
		t.Error("a partition was added")
	}
}

func second(_ int, err error) error { return err }

func all(hours ...table.Hour) iter.Seq2[table.Hour, error] {
	return func(yield func(table.Hour, error) bool) {
		for _, h := range hours {
			if !yield(h, nil) {
				return
			}
		}
	}
}

func TestRepair(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		mustCreate(ctx, t, tab)
		var hours []table.Hour // of four months
		for _, h := range someHours(2000) {
			if h.Hour%8 == 0 {
				hours = append(hours, h)
			}
		}
		if err := tab.Add(ctx, rowsAt, hours[10:80]); err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{"hive/y=2018/m=1/d=1/h=99": {}}
		for _, h := range hours {
			files["hive/"+tab.table.Folder(h)] = &fstest.MapFile{Mode: fs.ModeDir}
		}
		for _, other := range []string{"oa/y=2018/m=1/d=1/h=1", "y=2018/m=03/d=1/h=1", "y=2018/m=1/d=1/h=x", "y=40000/m=1/d=1/h=1", ".staging/y=2018", "y=+2018/m=1/d=1/h=1"} {
			files["hive/"+other] = &fstest.MapFile{Mode: fs.ModeDir}
		}
		for _, want := range []int{len(hours) - 70, 0} {
			n, err := tab.Repair(ctx, rowsAt, Folders(ctx, tab.table, "hive", listOf(files)))
			if err != nil || n != want {
				t.Errorf("repaired %d partitions, want %d: %v", n, want, err)
			}
		}
		if got := s.Partitions("spot.flow"); len(got) != len(hours) {
			t.Errorf("%d partitions, want %d", len(got), len(hours))
		}
		s.Refuse(func(name string) bool { return name == "y=2020/m=1/d=1/h=1" })
		n, err := tab.Repair(ctx, rowsAt, all(table.Hour{Year: 2020, Month: 1, Day: 1, Hour: 1}, table.Hour{Year: 2020, Month: 1, Day: 1, Hour: 2}, table.Hour{Year: 2020, Month: 2, Day: 1, Hour: 2}))
		var partial *PartialError
		if n != 2 || !errors.As(err, &partial) || len(partial.Hours) != 1 {
			t.Errorf("repaired %d: %v", n, err)
		}
	})
}

// A table that somebody has added m=03 to by hand has partition m=3.
func TestRepairKnowsNumbers(t *testing.T) {
	tab := open(t, Options{HiveServer2: "h:1"})
	hours := []table.Hour{{Year: 2018, Month: 3, Day: 4, Hour: 5}, {Year: 2018, Month: 3, Day: 4, Hour: 6}}
	got := tab.unknown(append(hours, hours[1]), []string{"y=2018/m=03/d=4/h=05", "y=2018/m=3", "nonsense"})
	if !slices.Equal(got, hours[1:]) {
		t.Errorf("unknown %v", got)
	}
}

func TestFoldersStops(t *testing.T) {
	tab := table.Of(config.Flow)
	for hour, err := range Folders(soon(t), tab, filepath.Join(t.TempDir(), "none"), readDir) {
		t.Errorf("no folder, but %v, %v", hour, err)
	}
	broken := errors.New("name node away")
	count := 0
	list := func(path string) ([]fs.FileInfo, error) { count++; return nil, broken }
	for _, err := range Folders(soon(t), tab, "/x", list) {
		if !errors.Is(err, broken) || count != 1 {
			t.Errorf("%v after %d", err, count)
		}
	}
	ctx, cancel := context.WithCancel(soon(t))
	cancel()
	for _, err := range Folders(ctx, tab, "/x", list) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	root := t.TempDir()
	makeFolder(t, root, "y=2018/m=1/d=1/h=1")
	makeFolder(t, root, "y=2018/m=1/d=1/h=2")
	for range Folders(soon(t), tab, root+"/", readDir) {
		break // ends it without another call
	}
}

func makeFolder(t *testing.T, root, folder string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, folder), 0o777); err != nil {
		t.Fatal(err)
	}
}

func readDir(path string) ([]fs.FileInfo, error) {
	return listOf(os.DirFS(path))(".")
}

// listOf lists folders of a file system.
func listOf(files fs.FS) ReadDir {
	return func(path string) (infos []fs.FileInfo, err error) {
		entries, err := fs.ReadDir(files, path)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				return nil, err
			}
			infos = append(infos, info)
		}
		return infos, nil
	}
}

// someHours returns n hours from the end of 2017 on.
func someHours(n int) (hours []table.Hour) {
	at := time.Date(2017, 12, 20, 0, 0, 0, 0, time.UTC)
	for range n {
		hours = append(hours, table.Hour{Year: int16(at.Year()), Month: int8(at.Month()), Day: int8(at.Day()), Hour: int8(at.Hour())})
		at = at.Add(time.Hour)
	}
	return hours
}

func FuzzParseName(f *testing.F) {
	for _, name := range []string{"y=2018/m=3/d=20/h=9", "y=2018/m=03/d=20/h=09", "y=-1/m=-1/d=-1/h=-1", "y=2018", "y=99999/m=3/d=20/h=9", "", "oa"} {
		f.Add(name)
	}
	flow := table.Of(config.Flow)
	f.Fuzz(func(t *testing.T, name string) {
		h, ok := parseName(name)
		if !ok {
			return
		}
		again, ok := parseName(flow.Folder(h))
		if !ok || again != h {
			t.Errorf("%q is %v, whose folder %s is %v", name, h, flow.Folder(h), again)
		}
		if strings.Count(name, "/") != 3 {
			t.Error(fmt.Sprintf("%q has four levels?", name))
		}
	})
}
