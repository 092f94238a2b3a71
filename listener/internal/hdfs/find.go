package hdfs

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"spot-ingest/pkg/config"
)

// A Cluster is an HDFS and where it is asked.
type Cluster struct {
	// URI is what a path is appended to for Spark and Hive: hdfs://ns, hdfs://host:8020 or
	// webhdfs://host:9870.
	URI string
	// NameNodes are the addresses of its name nodes for WebHDFS, such as http://host:9870.
	// One of them is active.
	NameNodes []string
}

// Ports of a name node where the configuration doesn't say them: those of Hadoop 3, and
// those of Hadoop 2.
var defaultPorts = map[string][]string{"http": {"9870", "50070"}, "https": {"9871", "50470"}}

// Find tells which cluster a URI means and which path in it: hdfs://nameservice/path,
// hdfs://host:port/path, hdfs:///path (in fs.defaultFS), webhdfs:// and swebhdfs://.
// confDir is the folder of Hadoop's core-site.xml and hdfs-site.xml, or empty. The path is
// clean and taken literally: in Hadoop's paths, %20 is no blank.
func Find(uri, confDir string) (Cluster, string, error) {
	scheme, authority, name, err := splitURI(uri)
	if err != nil {
		return Cluster{}, "", err
	}
	s, err := readSettings(confDir)
	if err != nil {
		return Cluster{}, "", fmt.Errorf("find the cluster of %s: %w", uri, err)
	}
	if authority == "" {
		if scheme, authority, err = s.defaultFS(); err != nil {
			return Cluster{}, "", fmt.Errorf("find the cluster of %s, which names no host: %w", uri, err)
		}
	}
	nodes, err := s.nameNodes(scheme, authority)
	if err != nil {
		return Cluster{}, "", fmt.Errorf("find the name nodes of %s: %w", uri, err)
	}
	return Cluster{URI: scheme + "://" + authority, NameNodes: nodes}, name, nil
}

func splitURI(uri string) (scheme, authority, name string, err error) {
	scheme, rest, ok := strings.Cut(uri, ":")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "hdfs" && scheme != "webhdfs" && scheme != "swebhdfs" {
		return "", "", "", fmt.Errorf("%q is no place in HDFS: want hdfs://nameservice/path, hdfs://host:port/path or webhdfs://host:port/path", uri)
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, rest = after, ""
		if i := strings.IndexByte(after, '/'); i >= 0 {
			authority, rest = after[:i], after[i:]
		}
	}
	if rest == "" && authority != "" {
		rest = "/"
	}
	if !strings.HasPrefix(rest, "/") {
		return "", "", "", fmt.Errorf("%q has no absolute path: want %s://nameservice/path", uri, scheme)
	}
	if authority != "" && !validAuthority(authority) {
		return "", "", "", fmt.Errorf("%q: %q is no host, host:port or nameservice", uri, authority)
	}
	if err := checkPath(path.Clean(rest)); err != nil {
		return "", "", "", fmt.Errorf("%q: %w", uri, err)
	}
	return scheme, authority, path.Clean(rest), nil
}

// validAuthority refuses what can't be a name: it goes into URLs and error texts.
func validAuthority(s string) bool {
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("-._:[]", c) < 0 {
			return false
		}
	}
	host, port := splitPort(s)
	return host != "" && !strings.HasSuffix(s, ":") && strings.Trim(port, "0123456789") == ""
}

// splitPort returns the port as "" if there is none.
func splitPort(authority string) (host, port string) {
	if h, p, err := net.SplitHostPort(authority); err == nil {
		return h, p
	}
	return strings.Trim(authority, "[]"), ""
}

// settings are those of Hadoop's configuration that tell where name nodes are.
type settings struct {
	dir        string // empty if there is none
	core, hdfs map[string]string
}

func readSettings(dir string) (*settings, error) {
	s := &settings{dir: dir}
	if dir == "" {
		return s, nil
	}
	for _, f := range []struct {
		name string
		into *map[string]string
	}{{"core-site.xml", &s.core}, {"hdfs-site.xml", &s.hdfs}} {
		properties, err := config.ReadHadoopConf(filepath.Join(dir, f.name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		*f.into = properties
	}
	return s, nil
}

// file names a file of the configuration for error texts.
func (s *settings) file(name string) string {
	if s.dir == "" {
		return name + " (no folder of Hadoop's configuration is known: set HADOOP_CONF_DIR)"
	}
	return filepath.Join(s.dir, name)
}

// get returns a property of hdfs-site.xml or, as Hadoop does, of core-site.xml.
func (s *settings) get(key string) (string, error) {
	value, file := s.hdfs[key], "hdfs-site.xml"
	if value == "" {
		value, file = s.core[key], "core-site.xml"
	}
	if strings.Contains(value, "${") {
		return "", fmt.Errorf("%s: %s is %q: variables are not expanded; write the value out", s.file(file), key, value)
	}
	return value, nil
}

func (s *settings) defaultFS() (scheme, authority string, err error) {
	value, err := s.get("fs.defaultFS")
	if err == nil && value == "" {
		value, err = s.get("fs.default.name")
	}
	if err != nil {
		return "", "", err
	}
	if value == "" {
		return "", "", fmt.Errorf("fs.defaultFS is not set in %s: set it, or write the name node into the URI", s.file("core-site.xml"))
	}
	scheme, authority, _, err = splitURI(value)
	if err == nil && authority == "" {
		err = errors.New("it names no host")
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: fs.defaultFS is %q: %w", s.file("core-site.xml"), value, err)
	}
	return scheme, authority, nil
}

// nameNodes returns the addresses of all name nodes of a nameservice or host.
func (s *settings) nameNodes(scheme, authority string) ([]string, error) {
	web, err := s.webScheme(scheme)
	if err != nil {
		return nil, err
	}
	services, err := s.get("dfs.nameservices")
	if err != nil {
		return nil, err
	}
	if slices.Contains(splitList(services), authority) {
		return s.serviceNodes(web, authority)
	}
	host, port := splitPort(authority)
	if scheme != "hdfs" && port != "" {
		return []string{web + "://" + authority}, nil
	}
	// The port of the URI is that of RPC; the web's is elsewhere.
	for _, service := range splitList(services) {
		if nodes, err := s.sameNode(web, service, authority); len(nodes) > 0 || err != nil {
			return nodes, err
		}
	}
	value, err := s.get("dfs.namenode." + web + "-address")
	if err != nil {
		return nil, err
	}
	if h, p := splitPort(value); p != "" && (wildcard(h) || strings.EqualFold(h, host)) {
		return []string{web + "://" + net.JoinHostPort(host, p)}, nil
	}
	return onDefaultPorts(web, host), nil
}

// webScheme is http unless the URI or the configuration asks for https.
func (s *settings) webScheme(scheme string) (string, error) {
	policy, err := s.get("dfs.http.policy")
	if err != nil {
		return "", err
	}
	if scheme == "swebhdfs" || scheme == "hdfs" && strings.EqualFold(policy, "HTTPS_ONLY") {
		return "https", nil
	}
	return "http", nil
}

// serviceNodes returns the name nodes of a nameservice.
func (s *settings) serviceNodes(web, service string) ([]string, error) {
	ids, err := s.get("dfs.ha.namenodes." + service)
	if err != nil {
		return nil, err
	}
	suffixes := []string{"." + service}
	if list := splitList(ids); len(list) > 0 {
		suffixes = nil
		for _, id := range list {
			suffixes = append(suffixes, "."+service+"."+id)
		}
	}
	var nodes []string
	for _, suffix := range suffixes {
		of, err := s.node(web, suffix)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, of...)
	}
	return nodes, nil
}

// node returns the address of the name node whose properties end in suffix; two if the
// port has to be guessed.
func (s *settings) node(web, suffix string) ([]string, error) {
	webKey, rpcKey := "dfs.namenode."+web+"-address"+suffix, "dfs.namenode.rpc-address"+suffix
	value, err := s.get(webKey)
	if err != nil {
		return nil, err
	}
	rpc, err := s.get(rpcKey)
	if err != nil {
		return nil, err
	}
	for key, v := range map[string]string{webKey: value, rpcKey: rpc} {
		if v != "" && !validAuthority(v) {
			return nil, fmt.Errorf("%s: %s is %q: want host:port", s.file("hdfs-site.xml"), key, v)
		}
	}
	rpcHost, _ := splitPort(rpc)
	host, port := splitPort(value)
	if wildcard(host) {
		host = rpcHost
	}
	if host == "" {
		return nil, fmt.Errorf("neither %s nor %s is set in %s: set the first to the name node's host:port", webKey, rpcKey, s.file("hdfs-site.xml"))
	}
	if port == "" {
		return onDefaultPorts(web, host), nil
	}
	return []string{web + "://" + net.JoinHostPort(host, port)}, nil
}

// sameNode returns the address of the service's name node whose address for RPC this is.
func (s *settings) sameNode(web, service, authority string) ([]string, error) {
	ids, err := s.get("dfs.ha.namenodes." + service)
	if err != nil {
		return nil, err
	}
	suffixes := []string{"." + service}
	for _, id := range splitList(ids) {
		suffixes = append(suffixes, "."+service+"."+id)
	}
	for _, suffix := range suffixes {
		rpc, err := s.get("dfs.namenode.rpc-address" + suffix)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(rpc, authority) {
			return s.node(web, suffix)
		}
	}
	return nil, nil
}

// wildcard tells whether a server of this host listens on all its addresses.
func wildcard(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

func onDefaultPorts(web, host string) []string {
	var nodes []string
	for _, port := range defaultPorts[web] {
		nodes = append(nodes, web+"://"+net.JoinHostPort(host, port))
	}
	return nodes
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
