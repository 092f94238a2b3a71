// Package hdfstest is an HDFS in memory that speaks WebHDFS, for tests: name nodes and data
// nodes that listen on 127.0.0.1, can be asked by any process, and fail when they are told
// to. What it answers is compared with a real HDFS by the tests of package hdfs.
package hdfstest

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options say what an HDFS has.
type Options struct {
	// NameNodes are one or two; 0 is one. The first of two is active.
	NameNodes int
	// DataNodes; 0 is one.
	DataNodes int
	// Superuser may do everything, everybody else write in the root; empty is HADOOP_USER_NAME, else "hdfs".
	Superuser string
	// Now dates what changes; nil is the time of day.
	Now func() time.Time
}

// A Server is an HDFS. Its methods may be called at any time by any goroutine.
type Server struct {
	o         Options
	nameNodes []*endpoint
	dataNodes []*endpoint

	mu       sync.Mutex
	root     *node
	active   int // the index of the active name node, -1 if all are in standby
	safeMode bool
	careless bool
	next     int // the data node of the next file
	counts   map[string]int
	fault    func(Request) Action
}

// New starts an HDFS that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.NameNodes == 0 {
		o.NameNodes = 1
	}
	if o.DataNodes == 0 {
		o.DataNodes = 1
	}
	if o.Superuser == "" {
		o.Superuser = "hdfs"
		if name := os.Getenv("HADOOP_USER_NAME"); name != "" {
			o.Superuser = name
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, counts: make(map[string]int)}
	s.root = &node{children: make(map[string]*node), mode: 0o777, owner: o.Superuser, changed: o.Now()}
	for i := range o.NameNodes {
		s.nameNodes = append(s.nameNodes, serve(t, func(w http.ResponseWriter, r *http.Request) { s.nameNode(i, w, r) }))
	}
	for range o.DataNodes {
		s.dataNodes = append(s.dataNodes, serve(t, s.dataNode))
	}
	return s
}

// service is the nameservice's name where there are two name nodes.
const service = "fake"

// URI is what a path is appended to. Of two name nodes it is that of a nameservice, which
// needs the configuration of ConfDir.
func (s *Server) URI() string {
	if len(s.nameNodes) > 1 {
		return "hdfs://" + service
	}
	return "webhdfs://" + s.nameNodes[0].addr
}

// NameNodes are the addresses of the name nodes, such as http://127.0.0.1:41234.
func (s *Server) NameNodes() []string {
	var urls []string
	for _, n := range s.nameNodes {
		urls = append(urls, "http://"+n.addr)
	}
	return urls
}

// Conf writes core-site.xml and hdfs-site.xml into a folder that is there.
func (s *Server) Conf(t testing.TB, dir string) {
	t.Helper()
	site := map[string]string{}
	if len(s.nameNodes) > 1 {
		site["dfs.nameservices"] = service
		var ids []string
		for i, n := range s.nameNodes {
			id := fmt.Sprint("nn", i+1)
			ids = append(ids, id)
			site["dfs.namenode.http-address."+service+"."+id] = n.addr
		}
		site["dfs.ha.namenodes."+service] = strings.Join(ids, ",")
	}
	writeConf(t, filepath.Join(dir, "core-site.xml"), map[string]string{"fs.defaultFS": s.URI()})
	writeConf(t, filepath.Join(dir, "hdfs-site.xml"), site)
}

func writeConf(t testing.TB, file string, properties map[string]string) {
	t.Helper()
	text := "<configuration>\n"
	for name, value := range properties {
		text += "<property><name>" + name + "</name><value>" + value + "</value></property>\n"
	}
	if err := os.WriteFile(file, []byte(text+"</configuration>\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// An endpoint is an HTTP server that can go away and come back on its port.
type endpoint struct {
	t       testing.TB
	addr    string
	handler http.Handler

	mu     sync.Mutex
	server *http.Server // nil while it is away
}

func serve(t testing.TB, handler http.HandlerFunc) *endpoint {
	t.Helper()
	e := &endpoint{t: t, addr: "127.0.0.1:0", handler: handler}
	e.start()
	t.Cleanup(e.stop)
	return e
}

func (e *endpoint) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		return
	}
	l, err := net.Listen("tcp", e.addr)
	if err != nil {
		e.t.Error("hdfstest:", err)
		return
	}
	e.addr = l.Addr().String()
	e.server = &http.Server{Handler: e.handler, ReadHeaderTimeout: time.Minute}
	go e.server.Serve(l)
}

// stop closes all connections; new ones are refused.
func (e *endpoint) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		e.server.Close()
		e.server = nil
	}
}

func (e *endpoint) running() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server != nil
}
