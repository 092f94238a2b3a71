package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"spot-ingest/pkg/config"
)

// A Place is where the tables lie.
type Place struct {
	// Root is the absolute path of the folder that holds each type's folder.
	Root string
	// Why names the setting that says so.
	Why string
	// Explicit tells that the setting, or Hadoop's configuration, says that Root is on a
	// local file system; otherwise only --master local does.
	Explicit bool
	// Warnings are sentences for the log.
	Warnings []string
}

// Whereabouts are what tells where the tables lie.
type Whereabouts struct {
	ConfigFile    string // that AppPath is from
	AppPath       string // hdfs_app_path, empty if unset
	SpotConf      string // the path of Spot's own settings, usually [spotConf]
	HadoopConfDir string // $HADOOP_CONF_DIR, empty if unset
	Local         bool   // --master local is given
}

// spotConf is where Spot's installation keeps its settings; tests have their own.
var spotConf = config.SpotConf

// findPlace returns the folder that HUSER of Spot's settings names, in which Spot's
// installation makes the tables, or else hdfs_app_path, normally the same. It fails if
// neither is set, and if the folder isn't known to be on a local file system.
func findPlace(w Whereabouts) (Place, error) {
	huser, err := readHUSER(w.SpotConf)
	if err != nil {
		return Place{}, err
	}
	spot := setting{"HUSER of " + w.SpotConf, huser}
	app := setting{"hdfs_app_path of " + w.ConfigFile, w.AppPath}
	var warnings []string
	chosen := spot
	switch {
	case spot.value == "" && app.value == "":
		return Place{}, fmt.Errorf("neither %s nor %s is set: set hdfs_app_path to the folder above the tables' folders, such as file:///data/spot",
			spot.name, app.name)
	case spot.value == "":
		chosen = app
	case app.value != "" && !sameFolder(spot.value, app.value):
		warnings = []string{fmt.Sprintf("%s, and %s: the tables lie where the former says.", spot, app)}
	}
	root, explicit, err := chosen.folder(w)
	if err != nil {
		return Place{}, err
	}
	return Place{Root: root, Why: chosen.String(), Explicit: explicit, Warnings: warnings}, nil
}

func sameFolder(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) }

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
type setting struct{ name, value string }

func (s setting) String() string { return fmt.Sprintf("%s is %q", s.name, s.value) }

// folder returns the absolute path of a folder on a local file system, and whether it was
// said that it is on one.
func (s setting) folder(w Whereabouts) (path string, explicit bool, err error) {
	scheme, rest := splitScheme(s.value)
	switch scheme {
	case "file":
		path, err := s.filePath(rest)
		return path, true, err
	case "":
		explicit, err := s.onLocalDefault(w.HadoopConfDir)
		if err != nil {
			return "", false, err
		}
		if !explicit && !w.Local {
			return "", false, fmt.Errorf("%s, and nothing tells that this is a folder of this host: "+
				"if it is, give --master local or write file://%s; for Spark, have spark2-submit or spark-submit on the PATH",
				s, absolute(rest))
		}
		path, err := filepath.Abs(rest)
		return path, explicit, err
	}
	return "", false, fmt.Errorf("%s: this release writes to local file systems only, mounted ones too: "+
		"write the folder as file:///path", s)
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

// onLocalDefault tells whether Hadoop's configuration is there and says that paths without a
// scheme are local ones. It fails if it says otherwise.
func (s setting) onLocalDefault(dir string) (bool, error) {
	if dir == "" {
		return false, nil
	}
	file := filepath.Join(dir, "core-site.xml")
	properties, err := config.ReadHadoopConf(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the file system of %s: %w", s.name, err)
	}
	for _, name := range []string{"fs.defaultFS", "fs.default.name"} { // the second is the older name
		uri := properties[name]
		if uri == "" {
			continue
		}
		if scheme, rest := splitScheme(uri); scheme == "file" {
			_, err := setting{name + " of " + file, uri}.filePath(rest)
			return true, err
		}
		return false, fmt.Errorf("%s, which is on %s by %s of %s: this release writes to local file systems only, "+
			"mounted ones too: write file://%s if that folder of this host is meant", s, uri, name, file, absolute(s.value))
	}
	return false, nil
}

// absolute is filepath.Abs for an error's text.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
