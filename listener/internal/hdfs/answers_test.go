package hdfs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"spot-ingest/listener/internal/hdfs"
)

// What no HDFS says is an error, whose request isn't made again but where it may help.
func TestStrangeAnswers(t *testing.T) {
	stat := func(c *hdfs.Client) error { _, err := c.Stat("/a"); return err }
	list := func(c *hdfs.Client) error { _, err := c.ReadDir("/a"); return err }
	read := func(c *hdfs.Client) error { _, err := c.ReadFile("/a", 10); return err }
	mkdir := func(c *hdfs.Client) error { return c.MkdirAll("/a") }
	claim := func(c *hdfs.Client) error { return c.Claim("/a", "/b") }
	remove := func(c *hdfs.Client) error { return c.Remove("/a") }
	for _, c := range []struct {
		name      string
		do        func(*hdfs.Client) error
		status    int
		location  string
		body      string
		want      string
		tries     int32
		ambiguous bool
	}{
		{"Kerberos", stat, 401, "", "<html>Authentication required</html>", "Kerberos", 1, false},
		{"another server", stat, 404, "", "<html>", "dfs.webhdfs.enabled", 1, false},
		{"another server's page", stat, 200, "", "<html>", "not what WebHDFS answers", 1, false},
		{"nothing", stat, 200, "", "", "not what WebHDFS answers", 1, false},
		{"no status", stat, 200, "", "{}", "no FileStatus", 1, false},
		{"a status without sense", stat, 200, "", `{"FileStatus":{"type":"FILE","length":-1,"permission":"644"}}`, "makes no sense", 1, false},
		{"no list", list, 200, "", `{"FileStatuses":null}`, "no FileStatuses", 1, false},
		{"a list with a path", list, 200, "", `{"FileStatuses":{"FileStatus":[{"pathSuffix":"../a","type":"FILE","permission":"644"}]}}`, "makes no sense", 1, false},
		{"an answer without end", stat, 200, "", strings.Repeat(" ", 1_000_000), "more than", 12, false},
		{"a gateway", stat, 502, "", "Bad gateway", "HTTP 502: Bad gateway", 12, false},
		{"a gateway of a rename", claim, 502, "", "Bad gateway", "Bad gateway", 1, true},
		{"a gateway of a removal", remove, 502, "", "Bad gateway", "Bad gateway", 1, true},
		{"a removal without an answer", remove, 200, "", "{}", "no boolean", 1, true},
		{"HttpFS", claim, 200, "", `{"boolean":true}`, "HttpFS", 1, true},
		{"HttpFS that refuses", claim, 200, "", `{"boolean":false}`, "HttpFS", 1, true},
		{"another server's page of a rename", claim, 200, "", "<html>", "<html>", 1, true},
		{"no content of a rename", claim, 204, "", "", "HTTP 204", 1, true},
		{"a rename that is redirected", claim, 307, "http://127.0.0.1:1/webhdfs/v1/a", "", "HTTP 307", 1, true},
		{"a rename that is moved", claim, 301, "http://127.0.0.1:1/webhdfs/v1/a", "", "HTTP 301", 1, true},
		{"a removal that is redirected", remove, 307, "http://127.0.0.1:1/webhdfs/v1/a", "", "HTTP 307", 1, true},
		{"a status that is redirected", stat, 307, "http://127.0.0.1:1/webhdfs/v1/a", "", "HTTP 307", 1, false},
		{"a folder that is redirected", mkdir, 307, "http://127.0.0.1:1/webhdfs/v1/a", "", "HTTP 307", 1, false},
		{"no data node", read, 200, "", "content", "names no data node", 1, false},
		{"a data node nowhere", read, 307, "", "", "no data node", 1, false},
		{"a data node that is a file", read, 307, "file:///etc/passwd", "", "no data node's URL", 1, false},
		{"a data node of FTP", read, 307, "ftp://127.0.0.1/a", "", "no data node's URL", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tries atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				if c.location != "" {
					w.Header().Set("Location", c.location)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer server.Close()
			client, err := hdfs.New(hdfs.Options{Cluster: hdfs.Cluster{URI: "hdfs://h", NameNodes: []string{server.URL}}, User: "u", Pause: atOnce})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			err = c.do(client)
			if err == nil || !strings.Contains(err.Error(), c.want) || hdfs.IsAmbiguous(err) != c.ambiguous {
				t.Errorf("error %v, want %q, ambiguous %v", err, c.want, c.ambiguous)
			}
			if tries.Load() != c.tries {
				t.Errorf("%d tries, want %d", tries.Load(), c.tries)
			}
		})
	}
}

// A server that can't rename as is needed is told of at once, and not waited for.
func TestHeedlessServer(t *testing.T) {
	for what, do := range map[string]func(*hdfs.Client) error{
		"create": func(c *hdfs.Client) error { return write(c, "/a", "a") },
		"rename": func(c *hdfs.Client) error { return c.Rename("/a", "/b") },
	} {
		var renames atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch q := r.URL.Query(); {
			case q.Get("op") == "RENAME":
				renames.Add(1)
				fmt.Fprint(w, `{"boolean":true}`)
			case q.Get("op") == "CREATE" && q.Get("data") == "":
				w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?op=CREATE&data=true")
				w.WriteHeader(http.StatusTemporaryRedirect)
			case q.Get("op") == "CREATE":
				w.WriteHeader(http.StatusCreated)
			default:
				fmt.Fprint(w, `{"boolean":false}`)
			}
		}))
		defer server.Close()
		c, err := hdfs.New(hdfs.Options{Cluster: hdfs.Cluster{URI: "hdfs://h", NameNodes: []string{server.URL}}, User: "u", Pause: atOnce})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		err = do(c)
		if err == nil || !strings.Contains(err.Error(), "HttpFS") || hdfs.Passes(err) || !hdfs.IsAmbiguous(err) || renames.Load() != 1 {
			t.Errorf("%s: got %v after %d renames", what, err, renames.Load())
		}
	}
}

func TestUserIsTold(t *testing.T) {
	t.Setenv("HADOOP_USER_NAME", "some body")
	users := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { users <- r.URL.Query().Get("user.name") }))
	defer server.Close()
	c, err := hdfs.New(hdfs.Options{Cluster: hdfs.Cluster{NameNodes: []string{server.URL}}, Pause: noPause})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Stat("/a"); err == nil {
		t.Error("nothing is a status")
	}
	if got := <-users; got != "some body" {
		t.Errorf("user.name is %q", got)
	}
	if _, err := hdfs.New(hdfs.Options{Cluster: hdfs.Cluster{URI: "hdfs://h"}}); err == nil || !strings.Contains(err.Error(), "hdfs://h") {
		t.Errorf("a cluster without name nodes: %v", err)
	}
}
