package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts text into a new file of that name and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hadoopConf returns a folder with a core-site.xml that sets one property.
func hadoopConf(t *testing.T, name, value string) string {
	t.Helper()
	return filepath.Dir(write(t, "core-site.xml", fmt.Sprintf(
		"<configuration><property><name>%s</name><value>%s</value></property></configuration>", name, value)))
}

func TestFindPlace(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	onHDFS := hadoopConf(t, "fs.defaultFS", "hdfs://nameservice1")
	onHDFSOnce := hadoopConf(t, "fs.default.name", "hdfs://namenode:8020")
	onS3 := hadoopConf(t, "fs.defaultFS", "s3a://bucket")
	onLocal := hadoopConf(t, "fs.defaultFS", "file:///")
	unsaid := hadoopConf(t, "hadoop.tmp.dir", "/tmp")
	broken := filepath.Dir(write(t, "core-site.xml", "<configuration>"))

	const neither = "tables can be on HDFS"
	const unknown = "nothing tells that this is a folder of this host"
	for _, tt := range []struct {
		name     string
		huser    string // a line of spot.conf
		app      string // hdfs_app_path
		hadoop   string
		local    bool
		table    string // that the metastore has
		root     string
		at       string // the table's folder; empty: the usual one
		uri      string // of root, if it isn't a local folder
		explicit bool
		why      string // begins Why
		err      string // in the error
	}{
		{name: "nothing set", local: true, err: "neither HUSER of "},
		{name: "blank", huser: "HUSER=' '", local: true, err: "neither HUSER of "},
		{name: "a stock installation", huser: "HUSER='/user/spot'", app: "/user/spot", local: true, root: "/user/spot", why: "HUSER of "},
		{name: "only HUSER", huser: "HUSER='/user/spot/'", local: true, root: "/user/spot", why: "HUSER of "},
		{name: "only hdfs_app_path", huser: "DBNAME='spot'", app: "/user/spot", local: true, root: "/user/spot", why: `hdfs_app_path of conf.json is "/user/spot"`},
		{name: "a variable", huser: "HUSER=/user/${NAME}", app: "/user/spot", local: true, err: "variables are not expanded"},
		{name: "a command", huser: "HUSER=`pwd`", app: "/user/spot", local: true, err: "variables are not expanded"},
		{name: "relative", app: "data/spot", local: true, root: dir + "/data/spot"},
		{name: "relative and upwards", app: "./data/../spot/", local: true, root: dir + "/spot"},
		{name: "a colon in a folder", app: "/data/a:b", local: true, root: "/data/a:b"},

		{name: "URI", app: "file:///data/spot", root: "/data/spot", explicit: true},
		{name: "URI of one slash", app: "file:/data/spot/", root: "/data/spot", explicit: true},
		{name: "URI of the host", app: "file://localhost/data/spot", root: "/data/spot", explicit: true},
		{name: "URI in capitals", app: "FILE:///data/spot", root: "/data/spot", explicit: true},
		{name: "URI not decoded", app: "file:///data/a%20b c", root: "/data/a%20b c", explicit: true},
		{name: "URI in HUSER", huser: `HUSER="file:///data/spot"`, root: "/data/spot", explicit: true, why: "HUSER of "},
		{name: "URI before Hadoop's word", app: "file:///data/spot", hadoop: onHDFS, root: "/data/spot", explicit: true},
		{name: "URI of two slashes", app: "file://data/spot", err: `which is on the host "data": for this host, write file:///data/spot`},
		{name: "URI without a path", app: "file://", err: "which has no absolute path"},
		{name: "URI of a relative path", app: "file:data", err: "which has no absolute path"},

		{name: "HDFS", app: "hdfs://namenode:8020/user/spot", local: true, root: "/user/spot", uri: "hdfs://namenode:8020/user/spot", explicit: true},
		{name: "HDFS before Hadoop's word", app: "hdfs://namenode:8020/user/spot", hadoop: onLocal, root: "/user/spot", uri: "hdfs://namenode:8020/user/spot", explicit: true},
		{name: "an unknown nameservice", app: "hdfs://nameservice1/user/spot", hadoop: onHDFSOnce, root: "/user/spot", uri: "hdfs://nameservice1/user/spot", explicit: true},
		{name: "WebHDFS", huser: "HUSER='webhdfs://host:9870/user/spot'", root: "/user/spot", uri: "webhdfs://host:9870/user/spot", explicit: true},
		{name: "HDFS without a path", app: "hdfs://namenode:8020", root: "/", uri: "hdfs://namenode:8020/", explicit: true},
		{name: "S3", app: "s3a://bucket/spot", err: neither},

		{name: "neither scheme nor master", app: "/user/spot", err: unknown + ": if it is, give --master local or write file:///user/spot; if it is on HDFS, "},
		{name: "nor absolute", app: "data", err: "write file://" + dir + "/data;"},
		{name: "Hadoop says local", app: "/user/spot", hadoop: onLocal, root: "/user/spot", explicit: true},
		{name: "Hadoop says HDFS", app: "/user//spot/", hadoop: onHDFSOnce, local: true, root: "/user/spot", uri: "hdfs://namenode:8020/user/spot", explicit: true,
			why: `hdfs_app_path of conf.json is "/user//spot/", on hdfs://namenode:8020 by fs.default.name of ` + onHDFSOnce + "/core-site.xml"},
		{name: "Hadoop says HDFS, and a relative path", app: "spot", hadoop: onHDFSOnce, local: true, err: "write an absolute path"},
		{name: "Hadoop says S3", app: "/user/spot", hadoop: onS3, local: true,
			err: "which is on s3a://bucket by fs.defaultFS of " + onS3 + "/core-site.xml: " + neither},

		{name: "Hive's table", app: "/data", table: "hdfs://namenode:8020/user/spot/flow/hive", root: "/user/spot/flow", uri: "hdfs://namenode:8020/user/spot/flow", explicit: true, why: "table"},
		{name: "Hive's table in a local folder", table: "file:/data/flow/hive/", root: "/data/flow", explicit: true},
		{name: "Hive's table elsewhere", app: "hdfs://namenode:8020/user/spot/", table: "hdfs://namenode:8020/warehouse/spot.db/flow",
			root: "/user/spot", at: "/warehouse/spot.db/flow", uri: "hdfs://namenode:8020/user/spot", explicit: true,
			why: `table is "hdfs://namenode:8020/warehouse/spot.db/flow"; the commit log is where hdfs_app_path of conf.json is "hdfs://namenode:8020/user/spot/" says`},
		{name: "by HUSER", huser: "HUSER=/user/spot", app: "/data", table: "hdfs://namenode:8020/warehouse/spot.db/flow",
			root: "/user/spot", at: "/warehouse/spot.db/flow", uri: "hdfs://namenode:8020/user/spot", explicit: true},
		{name: "by two ways", app: "webhdfs://namenode:9870/user/spot", table: "hdfs://namenode:8020/warehouse/spot.db/flow",
			root: "/user/spot", at: "/warehouse/spot.db/flow", uri: "hdfs://namenode:8020/user/spot", explicit: true},
		{name: "in a local folder", app: "/data", local: true, table: "file:/warehouse/flow/", root: "/data", at: "/warehouse/flow", explicit: true},
		{name: "on the default file system", app: "/user/spot", hadoop: onHDFSOnce, table: "hdfs://namenode:8020/warehouse/spot.db/flow",
			root: "/user/spot", at: "/warehouse/spot.db/flow", uri: "hdfs://namenode:8020/user/spot", explicit: true},
		{name: "elsewhere, nothing set", table: "hdfs://namenode:8020/warehouse/spot.db/flow", err: "set hdfs_app_path to a folder for it on the same file system, such as hdfs://namenode:8020/user/spot"},
		{name: "elsewhere, here nothing set", table: "file:/warehouse/flow", err: "such as file:///user/spot"},
		{name: "on two file systems", app: "/data", local: true, table: "hdfs://namenode:8020/warehouse/spot.db/flow", err: "must be on one file system: set hdfs_app_path to a folder such as hdfs://namenode:8020/user/spot"},
		{name: "on two clusters", app: "hdfs://other:8020/data", table: "hdfs://namenode:8020/warehouse/spot.db/flow", err: "must be on one file system"},
		{name: "a relative path", app: "data", table: "hdfs://namenode:8020/warehouse/spot.db/flow", err: unknown},
		{name: "Hadoop says nothing", app: "/user/spot", hadoop: unsaid, err: unknown},
		{name: "Hadoop says nothing to a local master", app: "/user/spot", hadoop: unsaid, local: true, root: "/user/spot"},
		{name: "no such Hadoop", app: "/user/spot", hadoop: dir + "/none", local: true, root: "/user/spot"},
		{name: "Hadoop broken", app: "/user/spot", hadoop: broken, local: true, err: broken + "/core-site.xml: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := findPlace(Whereabouts{
				ConfigFile: "conf.json", AppPath: tt.app, SpotConf: write(t, "spot.conf", tt.huser+"\n"),
				HadoopConfDir: tt.hadoop, Local: tt.local, Table: setting{Name: "table", Value: tt.table, Table: true},
			})
			got.Warnings = nil
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %+v, %v; want the error %q", got, err, tt.err)
				}
				return
			}
			if uri := got.uri(got.Root); err == nil && uri != tt.uri && (got.Cluster != nil || tt.uri != "") {
				t.Errorf("got the URI %s, want %s", uri, tt.uri)
			}
			if err != nil || got.Root != tt.root || got.Table != tt.at || got.Explicit != tt.explicit || !strings.HasPrefix(got.Why, tt.why) {
				t.Errorf("got %+v, %v; want %s, %v, %s", got, err, tt.root, tt.explicit, tt.why)
			}
		})
	}
}

func TestFindPlaceWarns(t *testing.T) {
	spot := write(t, "spot.conf", "HUSER='/user/spot'\n")
	got, err := findPlace(Whereabouts{ConfigFile: "conf.json", AppPath: "file:///data", SpotConf: spot, Local: true})
	want := fmt.Sprintf(`HUSER of %s is "/user/spot", and hdfs_app_path of conf.json is "file:///data": the tables lie where the former says.`, spot)
	if err != nil || got.Root != "/user/spot" || len(got.Warnings) != 1 || got.Warnings[0] != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, same := range []struct{ app, table string }{
		{"/user//spot/", ""},
		{"hdfs://n:1/user/spot", "hdfs://n:1/user/spot/flow/hive"},
		{"", "hdfs://n:1/user/spot/flow/hive"},
	} {
		w := Whereabouts{AppPath: same.app, SpotConf: spot, Local: true, Table: setting{Name: "t", Value: same.table, Table: true}}
		if got, err := findPlace(w); err != nil || got.Warnings != nil {
			t.Errorf("the same folder: got %+v, %v", got, err)
		}
	}
	// Both may say where the commit log of a table is that lies somewhere else.
	for app, warnings := range map[string]int{"/user/spot/": 0, "/data": 1} {
		w := Whereabouts{AppPath: app, SpotConf: spot, Table: setting{Name: "t", Value: "hdfs://n:1/warehouse/flow", Table: true}}
		if got, err := findPlace(w); err != nil || got.Root != "/user/spot" || got.Table != "/warehouse/flow" || len(got.Warnings) != warnings {
			t.Errorf("%s: got %+v, %v", app, got, err)
		}
	}
	w := Whereabouts{AppPath: "hdfs://n:1/data", SpotConf: spot, Table: setting{Name: "t", Value: "hdfs://n:2/user/spot/dns/hive", Table: true}}
	if got, err := findPlace(w); err != nil || len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], `t is "hdfs://n:2/user/spot/dns/hive", and hdfs_app_path of `) {
		t.Errorf("elsewhere: got %+v, %v", got, err)
	}
}

func TestFindPlaceWithoutSpotConf(t *testing.T) {
	dir := t.TempDir()
	got, err := findPlace(Whereabouts{AppPath: "/data", SpotConf: filepath.Join(dir, "none"), Local: true})
	if err != nil || got.Root != "/data" {
		t.Errorf("got %+v, %v", got, err)
	}
	// What can't be read may say something else than hdfs_app_path does.
	if got, err := findPlace(Whereabouts{AppPath: "/data", SpotConf: dir, Local: true}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzFolder(f *testing.F) {
	for _, s := range []string{"/user/spot", "file:///a", "file:a", "file://h/a", "hdfs://n/a", ":", "a:b", "file://localhost", "x/y:z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		p, err := setting{Name: "test", Value: value}.place(Whereabouts{Local: true})
		if err != nil {
			return
		}
		if !filepath.IsAbs(p.Root) || filepath.Clean(p.Root) != p.Root {
			t.Errorf("%q: got %q", value, p.Root)
		}
		if scheme, _ := splitScheme(value); p.Explicit != (scheme != "") || (p.Cluster == nil) != (scheme == "" || scheme == "file") {
			t.Errorf("%q: got %+v", value, p)
		}
	})
}
