package hdfs

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func remoteException(exception, class, message string) string {
	return `{"RemoteException":{"exception":"` + exception + `","javaClassName":"` + class + `","message":"` + message + `"}}`
}

func TestExceptions(t *testing.T) {
	for _, c := range []struct {
		body string
		is   error
		text string
	}{
		{remoteException("FileNotFoundException", "java.io.FileNotFoundException", "File does not exist: /a"), fs.ErrNotExist, "FileNotFoundException: File does not exist: /a"},
		{remoteException("FileAlreadyExistsException", "org.apache.hadoop.fs.FileAlreadyExistsException", "/a"), fs.ErrExist, "FileAlreadyExistsException: /a"},
		{remoteException("", "org.apache.hadoop.fs.FileAlreadyExistsException", `two\nlines`), fs.ErrExist, "FileAlreadyExistsException: two"},
		{remoteException("AlreadyBeingCreatedException", "", "lease"), fs.ErrExist, "lease"},
		{remoteException("AccessControlException", "", "Permission denied: user=a"), fs.ErrPermission, "user=a"},
		{remoteException("AccessControlException", "", "/a/b (is not a directory)"), unix.ENOTDIR, "/a/b"},
		{remoteException("ParentNotDirectoryException", "", "/a"), unix.ENOTDIR, "/a"},
		{remoteException("PathIsNotEmptyDirectoryException", "", "/a"), unix.ENOTEMPTY, "/a"},
		{remoteException("DSQuotaExceededException", "", "/a"), unix.EDQUOT, "/a"},
		{remoteException("NSQuotaExceededException", "", "/a"), unix.EDQUOT, "/a"},
		{remoteException("SafeModeException", "", "/a"), ErrSafeMode, "/a"},
		{remoteException("RetriableException", "", "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Cannot"), ErrSafeMode, "Cannot"},
		{remoteException("RemoteException", "", "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Cannot"), ErrSafeMode, "SafeModeException: Cannot"},
		{remoteException("IOException", "", "File /a could only be written to 0 of the 1 minReplication nodes."), ErrNoDataNode, "/a"},
		{remoteException("IOException", "", "File /a could only be replicated to 0 nodes instead of minReplication (=1)."), ErrNoDataNode, "/a"},
		{remoteException("IOException", "", "Failed to find datanode, suggest to check cluster health."), ErrNoDataNode, "health"},
		{remoteException("IOException", "", "a \x1b[31m\u202e"), nil, "IOException: a ?[31m?"},
		{remoteException("IOException", "", strings.Repeat("m", 100_000)), nil, "mmm..."},
	} {
		err := parseError(403, []byte(strings.ReplaceAll(c.body, "\x1b", `\u001b`)))
		var remote *RemoteError
		if !errors.As(err, &remote) || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 1000 {
			t.Errorf("%s\ngave %v, want %v, %q", c.body, err, c.is, c.text)
		}
	}
}

func TestAnswersWithoutException(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{401, "<html>Authentication required</html>", "Kerberos"},
		{404, "<html>", "dfs.webhdfs.enabled"},
		{500, "<html>", "HTTP 500"},
		{502, "Bad gateway\nsecond", "HTTP 502: Bad gateway"},
		{403, `{"RemoteException":7}`, "HTTP 403"},
		{403, "", "HTTP 403"},
	} {
		err := parseError(c.status, []byte(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "second") || Passes(err) != (c.status >= 500) {
			t.Errorf("%d %q: %v, want %q", c.status, c.body, err, c.want)
		}
	}
}

// Only servers of HTTP are followed to.
func TestRedirects(t *testing.T) {
	for location, good := range map[string]bool{
		"http://h:9864/webhdfs/v1/a?op=CREATE": true, "https://h:9865/webhdfs/v1/a": true,
		"": false, "/webhdfs/v1/a": false, "ftp://h/a": false, "file:///etc/passwd": false, "http:///a": false, "http://h": false,
		"http://h/%zz": false, "http://h:x/a": false, "hdfs://h/a": false, "http://h/\x7f": false,
	} {
		if _, err := dataURL(location); (err == nil) != good {
			t.Errorf("%q: %v", location, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		remoteException("IOException", "java.io.IOException", `a\nb`), remoteException("RemoteException", "", "org.apache.hadoop.a.BException: c"),
		`{"FileStatus":{"pathSuffix":"","type":"FILE","length":7,"modificationTime":1795782029628,"permission":"644"}}`,
		`{"FileStatuses":{"FileStatus":[{"pathSuffix":"a","type":"DIRECTORY","length":0,"modificationTime":0,"permission":"1777"}]}}`,
		`{"boolean":true}`, `{"boolean":null}`, "http://h:9864/webhdfs/v1/a?op=OPEN", "{", "",
	} {
		f.Add(403, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if err := parseError(status, body); err == nil || len(err.Error()) > 2*maxMessage*4+200 || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
			t.Errorf("error %q", err)
		}
		if info, err := parseStatus(body, "name"); err == nil && (info.Name() != "name" || info.Size() < 0) {
			t.Errorf("status %v", info)
		}
		infos, err := parseListing(body)
		for _, info := range infos {
			if info.Name() == "" || strings.Contains(info.Name(), "/") || info.Name() == "." || info.Name() == ".." || err != nil {
				t.Errorf("name %q, error %v", info.Name(), err)
			}
		}
		_, _ = parseBool(body)
		if u, err := dataURL(string(body)); err == nil && u.Scheme != "http" && u.Scheme != "https" {
			t.Errorf("followed to %q", u)
		}
	})
}
