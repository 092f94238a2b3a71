package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
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
	// Table is the absolute path of the table's folder, on the same file system; empty: the
	// folder hive in the type's.
	Table string `json:"table,omitempty"`
	// Why names the setting that says so.
	Why string `json:"why"`
	// Explicit tells that the setting, or Hadoop's configuration, says on which file system
	// Root is; otherwise only --master local does.
	Explicit bool `json:"explicit"`
	// Warnings are sentences for the log.
	Warnings []string `json:"-"`
}

// folder is the absolute path of the type's folder: it holds the commit log, staging, dead
// letters and usually the table.
func (p Place) folder(kind config.Type) string {
	if p.OfType {
		return p.Root
	}
	return path.Join(p.Root, string(kind))
}

// table is the absolute path of the table's folder.
func (p Place) table(kind config.Type) string {
	if p.Table != "" {
		return p.Table
	}
	return path.Join(p.folder(kind), usualTable)
}

// usualTable is the name of a table's folder; beside it lies what else the listener needs.
const usualTable = "hive"

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
		case chosen.unusual() && chosen.Beside == nil:
			chosen.Beside = &s
		case chosen.unusual():
			if !sameFolder(chosen.Beside.Value, s.Value) {
				warnings = append(warnings, fmt.Sprintf("%s, and %s: the commit log lies where the former says.", chosen.Beside, s))
			}
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
