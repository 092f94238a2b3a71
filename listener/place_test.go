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
	onLocal := hadoopConf(t, "fs.defaultFS", "file:///")
	unsaid := hadoopConf(t, "hadoop.tmp.dir", "/tmp")
	broken := filepath.Dir(write(t, "core-site.xml", "<configuration>"))

	const localOnly = "this release writes to local file systems only, mounted ones too"
	const unknown = "nothing tells that this is a folder of this host"
	for _, tt := range []struct {
		name     string
		huser    string // a line of spot.conf
		app      string // hdfs_app_path
		hadoop   string
		local    bool
		root     string
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

		{name: "HDFS", app: "hdfs://nameservice1/user/spot", local: true, err: `hdfs_app_path of conf.json is "hdfs://nameservice1/user/spot": ` + localOnly},
		{name: "WebHDFS", huser: "HUSER='webhdfs://host:9870/user/spot'", app: "/data", err: localOnly},
		{name: "S3", app: "s3a://bucket/spot", err: localOnly},

		{name: "neither scheme nor master", app: "/user/spot", err: unknown + ": if it is, give --master local or write file:///user/spot; for Spark"},
		{name: "nor absolute", app: "data", err: "write file://" + dir + "/data;"},
		{name: "Hadoop says local", app: "/user/spot", hadoop: onLocal, root: "/user/spot", explicit: true},
		{name: "Hadoop says HDFS", app: "/user/spot", hadoop: onHDFS, local: true,
			err: "which is on hdfs://nameservice1 by fs.defaultFS of " + onHDFS + "/core-site.xml: " + localOnly + ": write file:///user/spot"},
		{name: "Hadoop says HDFS by the old name", app: "/user/spot", hadoop: onHDFSOnce, local: true, err: "by fs.default.name of " + onHDFSOnce},
		{name: "Hadoop says nothing", app: "/user/spot", hadoop: unsaid, err: unknown},
		{name: "Hadoop says nothing to a local master", app: "/user/spot", hadoop: unsaid, local: true, root: "/user/spot"},
		{name: "no such Hadoop", app: "/user/spot", hadoop: dir + "/none", local: true, root: "/user/spot"},
		{name: "Hadoop broken", app: "/user/spot", hadoop: broken, local: true, err: broken + "/core-site.xml: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := findPlace(Whereabouts{
				ConfigFile: "conf.json", AppPath: tt.app, SpotConf: write(t, "spot.conf", tt.huser+"\n"),
				HadoopConfDir: tt.hadoop, Local: tt.local,
			})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %+v, %v; want the error %q", got, err, tt.err)
				}
				return
			}
			if err != nil || got.Root != tt.root || got.Explicit != tt.explicit || !strings.HasPrefix(got.Why, tt.why) || got.Warnings != nil {
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
	if got, err := findPlace(Whereabouts{AppPath: "/user//spot/", SpotConf: spot, Local: true}); err != nil || got.Warnings != nil {
		t.Errorf("the same folder: got %+v, %v", got, err)
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
		path, explicit, err := setting{"test", value}.folder(Whereabouts{Local: true})
		if err != nil {
			return
		}
		if !filepath.IsAbs(path) || filepath.Clean(path) != path {
			t.Errorf("%q: got %q", value, path)
		}
		if isFile := strings.HasPrefix(strings.ToLower(value), "file:"); explicit != isFile {
			t.Errorf("%q: explicit %v", value, explicit)
		}
	})
}
