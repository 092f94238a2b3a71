package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/pkg/config"
)

// A Place is where the tables lie, or one of them.
type Place struct {
	// Cluster is the HDFS that Root is on; nil: a local file system.
	Cluster *hdfs.Cluster `json:"cluster,omitempty"`
	// Root is the absolute path of the folder that holds each type's folder, or of the
	// type's folder itself if that is what the metastore says.
	Root   string `json:"root"`
	OfType bool   `json:"of_type,omitempty"`
	// Why names the setting that says so.
	Why string `json:"why"`
	// Explicit tells that the setting, or Hadoop's configuration, says on which file system
	// Root is; otherwise only --master local does.
	Explicit bool `json:"explicit"`
	// Warnings are sentences for the log.
	Warnings []string `json:"-"`
}

// folder is the absolute path of the type's folder: it holds the table, the commit log,
// staging and dead letters.
func (p Place) folder(kind config.Type) string {
	if p.OfType {
		return p.Root
	}
	return path.Join(p.Root, string(kind))
}

// uri writes a path of the place as Hadoop's programs take it.
func (p Place) uri(path string) string {
	if p.Cluster == nil {
		return "file://" + path
	}
	return p.Cluster.URI + path
}

// Whereabouts are what tells where the tables lie.
type Whereabouts struct {
	ConfigFile    string // that AppPath is from
	AppPath       string // hdfs_app_path, empty if unset
	SpotConf      string // the path of Spot's own settings, usually [spotConf]
	HadoopConfDir string // $HADOOP_CONF_DIR, empty if unset
	Local         bool   // --master local is given
	// Table is the location of the table that the metastore has, with the metastore's
	// name; empty if there is none.
	Table setting
}

// spotConf is where Spot's installation keeps its settings; tests have their own.
var spotConf = config.SpotConf

// findPlace returns the place of the table that the metastore has, or else the folder that
// HUSER of Spot's settings names, in which Spot's installation makes the tables, or else
// hdfs_app_path, normally the same. It fails if none is set, and if it isn't known on which
// file system the folder is.
func findPlace(w Whereabouts) (Place, error) {
	chosen, warnings, err := w.choose()
	if err != nil {
		return Place{}, err
	}
	place, err := chosen.place(w)
	place.Warnings = warnings
	return place, err
}

// choose returns the setting that counts, and sentences about others that say otherwise.
func (w Whereabouts) choose() (chosen setting, warnings []string, err error) {
	huser, err := readHUSER(w.SpotConf)
	if err != nil {
		return setting{}, nil, err
	}
	spot := setting{Name: "HUSER of " + w.SpotConf, Value: huser}
	app := setting{Name: "hdfs_app_path of " + w.ConfigFile, Value: w.AppPath}
	for _, s := range []setting{w.Table, spot, app} {
		switch {
		case s.Value == "":
		case chosen.Value == "":
			chosen = s
		case !sameFolder(chosen.root(), s.Value):
			warnings = append(warnings, fmt.Sprintf("%s, and %s: the tables lie where the former says.", chosen, s))
		}
	}
	if chosen.Value == "" {
		return setting{}, nil, fmt.Errorf("neither %s nor %s is set: set hdfs_app_path to the folder above the tables' folders, such as file:///data/spot",
			spot.Name, app.Name)
	}
	return chosen, warnings, nil
}

// sameFolder tells whether two settings mean the same folder, as far as that can be told: one
// of them may leave it to Hadoop's configuration on which file system it is.
func sameFolder(a, b string) bool {
	aFS, a := splitFileSystem(a)
	bFS, b := splitFileSystem(b)
	return path.Clean(a) == path.Clean(b) && (aFS == bFS || aFS == "" || bFS == "")
}

// splitFileSystem splits a URI into scheme and authority, and path.
func splitFileSystem(uri string) (system, folder string) {
	scheme, rest := splitScheme(uri)
	if scheme == "" {
		return "", uri
	}
	if authority, found := strings.CutPrefix(rest, "//"); found {
		host, _, _ := strings.Cut(authority, "/")
		return scheme + "://" + host, authority[len(host):]
	}
	return scheme + "://", rest
}

// readHUSER returns the base folder of Spot's settings, empty if there is none.
func readHUSER(path string) (string, error) {
	settings, err := config.ReadSpotConf(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read HUSER, the tables' folder: %w", err)
	}
	huser := strings.TrimSpace(settings["HUSER"])
	if strings.ContainsAny(huser, "$`") {
		return "", fmt.Errorf("HUSER of %s is %q: variables are not expanded here: write the folder itself", path, huser)
	}
	return huser, nil
}

// A setting is where a value was found, and the value: a path or a URI.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Table tells that it is the location of the table, not of the folder above all types.
	Table bool `json:"table,omitempty"`
}

func (s setting) String() string { return fmt.Sprintf("%s is %q", s.Name, s.Value) }

// root is the folder above the types' folders, if the value is of the usual form.
func (s setting) root() string {
	if !s.Table {
		return s.Value
	}
	system, folder := splitFileSystem(s.Value)
	return system + path.Dir(path.Dir(path.Clean(folder)))
}

// An unknownPlaceError says that nothing tells on which file system a folder is.
type unknownPlaceError struct{ setting setting }

func (e *unknownPlaceError) Error() string {
	return fmt.Sprintf("%s, and nothing tells that this is a folder of this host: "+
		"if it is, give --master local or write file://%s; if it is on HDFS, set HADOOP_CONF_DIR or write hdfs://…; "+
		"for Spark, have spark2-submit or spark-submit on the PATH", e.setting, absolute(e.setting.Value))
}

// place finds the folder's file system and its path there.
func (s setting) place(w Whereabouts) (Place, error) {
	p := Place{Why: s.String(), OfType: s.Table}
	scheme, rest := splitScheme(s.Value)
	var err error
	switch scheme {
	case "file":
		p.Explicit = true
		p.Root, err = s.filePath(rest)
	case "hdfs", "webhdfs", "swebhdfs":
		err = p.onHDFS(s, s.Value, w.HadoopConfDir)
	case "":
		err = s.byDefault(&p, w)
	default:
		err = fmt.Errorf("%s: tables can be on HDFS (hdfs://, webhdfs://) and in local folders, mounted ones too: write the latter as file:///path", s)
	}
	if err != nil {
		return Place{}, err
	}
	if s.Table {
		if path.Base(p.Root) != "hive" {
			return Place{}, fmt.Errorf("%s: want a location whose last part is hive, as in /user/spot/flow/hive: beside that folder the listener keeps its commit log; "+
				"move the table there, or use another table", s)
		}
		p.Root = path.Dir(p.Root)
	}
	return p, nil
}

// onHDFS sets the place to one that a URI of HDFS names.
func (p *Place) onHDFS(s setting, uri, confDir string) error {
	cluster, root, err := hdfs.Find(uri, confDir)
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	p.Explicit = true
	p.Cluster, p.Root = &cluster, path.Clean(root)
	return nil
}

// splitScheme finds a URI's scheme as Hadoop does: what is before a colon that no slash
// comes before.
func splitScheme(uri string) (scheme, rest string) {
	colon := strings.IndexByte(uri, ':')
	if colon < 1 || strings.Contains(uri[:colon], "/") {
		return "", uri
	}
	return strings.ToLower(uri[:colon]), uri[colon+1:]
}

// filePath returns the path of file:/x, file:///x and file://localhost/x. As with Hadoop,
// %20 is no blank.
func (s setting) filePath(rest string) (string, error) {
	path := rest
	if authority, found := strings.CutPrefix(rest, "//"); found {
		host, _, _ := strings.Cut(authority, "/")
		path = authority[len(host):]
		if host != "" && host != "localhost" {
			return "", fmt.Errorf("%s, which is on the host %q: for this host, write file:///%s", s, host, authority)
		}
	}
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s, which has no absolute path: write file:///path", s)
	}
	return filepath.Clean(path), nil
}

// byDefault sets the place of a path without a scheme: where Hadoop's configuration says that
// such paths are, and without any, on this host if it is said that this is meant.
func (s setting) byDefault(p *Place, w Whereabouts) error {
	name, uri, err := defaultFS(w.HadoopConfDir)
	if err != nil {
		return fmt.Errorf("find the file system of %s: %w", s.Name, err)
	}
	if uri == "" {
		if !w.Local {
			return &unknownPlaceError{s}
		}
		p.Root, err = filepath.Abs(s.Value)
		return err
	}
	switch scheme, rest := splitScheme(uri); scheme {
	case "file":
		if _, err := (setting{Name: name, Value: uri}).filePath(rest); err != nil {
			return err
		}
		p.Explicit = true
		p.Root, err = filepath.Abs(s.Value)
		return err
	case "hdfs", "webhdfs", "swebhdfs":
		if !path.IsAbs(s.Value) {
			return fmt.Errorf("%s, which is on %s by %s: write an absolute path", s, uri, name)
		}
		p.Why += fmt.Sprintf(", on %s by %s", uri, name)
		return p.onHDFS(s, strings.TrimRight(uri, "/")+path.Clean(s.Value), w.HadoopConfDir)
	}
	return fmt.Errorf("%s, which is on %s by %s: tables can be on HDFS and in local folders, mounted ones too: "+
		"write file://%s if that folder of this host is meant", s, uri, name, absolute(s.Value))
}

// defaultFS returns what Hadoop's configuration says of paths without a scheme, and where it
// says so; nothing if there is no configuration, or if it says nothing.
func defaultFS(dir string) (name, uri string, err error) {
	if dir == "" {
		return "", "", nil
	}
	file := filepath.Join(dir, "core-site.xml")
	properties, err := config.ReadHadoopConf(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	for _, name := range []string{"fs.defaultFS", "fs.default.name"} { // the second is the older name
		if uri := properties[name]; uri != "" {
			return name + " of " + file, uri, nil
		}
	}
	return "", "", nil
}

// absolute is filepath.Abs for an error's text.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
