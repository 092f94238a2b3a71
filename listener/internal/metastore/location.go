package metastore

import (
	"net/url"
	"path"
	"strings"
)

// SameLocation tells whether two locations mean one folder, as far as their texts tell:
// file:/a and /a/ do, and webhdfs://host:9870/a and hdfs://host:8020/a, which are two ways
// to one name node.
func SameLocation(a, b string) bool {
	schemeA, hostA, pathA := splitLocation(a)
	schemeB, hostB, pathB := splitLocation(b)
	if schemeA != schemeB || pathA != pathB {
		return false
	}
	return hostA == hostB || hostA == "" || hostB == ""
}

// splitLocation returns a location's kind of file system, the host or name service in it,
// and its path. One without a scheme is a local path.
func splitLocation(location string) (scheme, host, folder string) {
	scheme, rest, ok := strings.Cut(location, ":")
	if !ok || strings.Contains(scheme, "/") {
		return "file", "", path.Clean(location)
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		slash := strings.IndexByte(after+"/", '/')
		host, rest = after[:slash], after[slash:]
	}
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "webhdfs", "swebhdfs":
		scheme = "hdfs"
	}
	if u := (url.URL{Host: host}); scheme == "hdfs" {
		host = u.Hostname() // whose port isn't the same for both protocols
	}
	return scheme, strings.ToLower(host), path.Clean("/" + rest)
}
