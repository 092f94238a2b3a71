package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/pkg/config"
)

// A setting is where a value was found, and the value: a path or a URI.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Table tells that it is the location of the table, not of the folder above all types.
	Table bool `json:"table,omitempty"`
	// Beside, of a table of an unusual name, is the setting that says where the folder above
	// the types' folders is, which hold all but the table; nil if there is none.
	Beside *setting `json:"beside,omitempty"`
}

func (s setting) String() string { return fmt.Sprintf("%s is %q", s.Name, s.Value) }

// unusual tells that it is the location of a table whose folder is not called as usual, so
// that the folder above it may be anything, such as that of a database.
func (s setting) unusual() bool {
	_, folder := splitFileSystem(s.Value)
	return s.Table && path.Base(path.Clean(folder)) != usualTable
}

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
	switch {
	case s.unusual():
		return s.beside(p, w)
	case s.Table:
		p.Root = path.Dir(p.Root)
	}
	return p, nil
}

// beside finds the folder for the commit log of a table whose folder is not called as usual.
func (s setting) beside(p Place, w Whereabouts) (Place, error) {
	p.Table, p.Root, p.OfType = p.Root, "", false
	if s.Beside == nil {
		return Place{}, fmt.Errorf("%s, and beside a table that isn't called %s the listener keeps no commit log: "+
			"set hdfs_app_path to a folder for it on the same file system, such as %s", s, usualTable, p.uri("/user/spot"))
	}
	base, err := s.Beside.place(w)
	if unknown := (*unknownPlaceError)(nil); errors.As(err, &unknown) && path.IsAbs(s.Beside.Value) {
		base, err = Place{Cluster: p.Cluster, Root: path.Clean(s.Beside.Value)}, nil // where the table is
	}
	switch {
	case err != nil:
		return Place{}, err
	case !sameCluster(p.Cluster, base.Cluster):
		return Place{}, fmt.Errorf("%s, and %s: the commit log and the table must be on one file system: set hdfs_app_path to a folder such as %s",
			s, s.Beside, p.uri("/user/spot"))
	}
	p.Root = base.Root
	p.Why += "; the commit log is where " + s.Beside.String() + " says"
	return p, nil
}

// sameCluster tells whether two places are on one file system, as far as their names tell: one
// may be named by a name node's address for RPC, the other by the one for the web.
func sameCluster(a, b *hdfs.Cluster) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.URI == b.URI || slices.ContainsFunc(a.NameNodes, func(node string) bool { return slices.Contains(b.NameNodes, node) })
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
