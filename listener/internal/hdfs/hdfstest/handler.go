package hdfstest

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const prefix = "/webhdfs/v1"

// nameNode answers as name node i.
func (s *Server) nameNode(i int, w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	op := strings.ToUpper(q.Get("op"))
	action := s.took(Request{Op: op, Path: path, To: q.Get("destination")})
	if action.Cut {
		panic(http.ErrAbortHandler)
	}
	var answer any
	err := error(&exception{action.Exception, action.Message})
	if action.Exception == "" {
		answer, err = s.operate(i, r.Method, op, path, q)
	}
	if action.Lose {
		panic(http.ErrAbortHandler)
	}
	reply(w, answer, err)
}

// redirect is the answer that sends a client to a data node.
type redirect string

// nothing is an answer without a body.
type nothing struct{}

func reply(w http.ResponseWriter, answer any, err error) {
	if e := (*exception)(nil); errors.As(err, &e) {
		replyException(w, e)
		return
	}
	switch a := answer.(type) {
	case redirect:
		w.Header().Set("Location", string(a))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case nothing:
		w.WriteHeader(http.StatusOK)
	default:
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		json.NewEncoder(w).Encode(a)
	}
}

// statuses are those of HTTP by exceptions; others have 403.
var statuses = map[string]int{
	"FileNotFoundException": 404, "IllegalArgumentException": 400, "UnsupportedOperationException": 400, "SecurityException": 401,
}

func replyException(w http.ResponseWriter, e *exception) {
	status := statuses[e.name]
	if status == 0 {
		status = http.StatusForbidden
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"RemoteException": map[string]string{
		"exception": e.name, "javaClassName": "org.apache.hadoop." + e.name, "message": e.message,
	}})
}

// operate does what a name node does by itself.
func (s *Server) operate(i int, method, op, path string, q url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := q.Get("user.name")
	if user == "" {
		user = "dr.who"
	}
	if s.active != i && op != "CREATE" { // for that it only names a data node
		return nil, throw("StandbyException", "Operation category READ is not supported in state standby")
	}
	if path == "" {
		path = "/"
	}
	if method != http.MethodGet && op != "CREATE" {
		if err := s.changeable(op, path); err != nil {
			return nil, err
		}
	}
	switch method + " " + op {
	case "GET GETFILESTATUS":
		return s.status(path, user)
	case "GET LISTSTATUS":
		return s.listing(path, user)
	case "GET OPEN":
		return s.openAt(path, user, q)
	case "PUT CREATE":
		return s.redirect(path, q)
	case "PUT MKDIRS":
		_, err := s.mkdirs(path, user)
		return boolean(true), err
	case "PUT RENAME":
		if q.Get("renameoptions") != "NONE" {
			return nil, throw("UnsupportedOperationException", "hdfstest renames with renameoptions=NONE only")
		}
		return nothing{}, s.rename(path, q.Get("destination"), user)
	case "DELETE DELETE":
		ok, err := s.remove(path, user, q.Get("recursive") == "true")
		return boolean(ok), err
	}
	return nil, throw("IllegalArgumentException", "Invalid value for webhdfs parameter \"op\": hdfstest has no %s %s", method, op)
}

func boolean(b bool) any { return map[string]bool{"boolean": b} }

func (s *Server) changeable(op, path string) error {
	if !s.safeMode {
		return nil
	}
	return throw("SafeModeException", "Cannot %s %s. Name node is in safe mode.", strings.ToLower(op), path)
}

func (s *Server) existing(path, user string) (*node, error) {
	n, err := s.find(path, user)
	if err == nil && n == nil {
		err = throw("FileNotFoundException", "File does not exist: %s", path)
	}
	return n, err
}

func (s *Server) status(path, user string) (any, error) {
	n, err := s.existing(path, user)
	if err != nil {
		return nil, err
	}
	return map[string]any{"FileStatus": n.status("")}, nil
}

func (n *node) status(suffix string) map[string]any {
	m := map[string]any{
		"pathSuffix": suffix, "type": "FILE", "length": len(n.content), "modificationTime": n.changed.UnixMilli(), "accessTime": 0,
		"permission": strconv.FormatUint(uint64(n.mode), 8), "owner": n.owner, "group": "supergroup", "replication": 1,
		"blockSize": 128 << 20, "childrenNum": len(n.children), "fileId": 16386, "storagePolicy": 0,
	}
	if n.open {
		m["length"] = 0
	}
	if n.children != nil {
		m["type"], m["replication"], m["blockSize"] = "DIRECTORY", 0, 0
	}
	return m
}

func (s *Server) listing(path, user string) (any, error) {
	n, err := s.existing(path, user)
	if err != nil {
		return nil, err
	}
	all := []any{}
	if n.children == nil {
		all = append(all, n.status(""))
	} else if err := s.check(path, n, user, 5); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		all = append(all, n.children[name].status(name))
	}
	return map[string]any{"FileStatuses": map[string]any{"FileStatus": all}}, nil
}

func (s *Server) openAt(path, user string, q url.Values) (any, error) {
	n, err := s.existing(path, user)
	if err != nil {
		return nil, err
	}
	if n.children != nil {
		return nil, throw("FileNotFoundException", "Path is not a file: %s", path)
	}
	offset, _ := strconv.ParseInt(q.Get("offset"), 10, 64)
	if size := int64(len(n.content)); offset < 0 || offset >= size && size > 0 {
		return nil, throw("IOException", "Offset=%d out of the range [0, %d); OPEN, path=%s", offset, size, path)
	}
	if err := s.check(path, n, user, 4); err != nil {
		return nil, err
	}
	return s.redirect(path, q)
}

// redirect names one data node after the other.
func (s *Server) redirect(path string, q url.Values) (any, error) {
	if !slices.ContainsFunc(s.dataNodes, (*endpoint).running) {
		return nil, throw("IOException", "Failed to find datanode, suggest to check cluster health. excludeDatanodes=%s", q.Get("excludedatanodes"))
	}
	n := s.dataNodes[s.next%len(s.dataNodes)]
	s.next++
	u := url.URL{Scheme: "http", Host: n.addr, Path: prefix + path, RawQuery: q.Encode()}
	return redirect(u.String()), nil
}

// dataNode answers as any of the data nodes.
func (s *Server) dataNode(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	op := strings.ToUpper(q.Get("op"))
	action := s.took(Request{DataNode: true, Op: op, Path: path})
	if action.Exception != "" {
		w.Header().Set("Connection", "close")
		replyException(w, &exception{action.Exception, action.Message})
		return
	}
	switch r.Method + " " + op {
	case "PUT CREATE":
		s.write(w, r, path, q, action)
	case "GET OPEN":
		s.read(w, path, q, action)
	default:
		replyException(w, &exception{"IllegalArgumentException", "Invalid operation " + op})
	}
}

// reachable tells whether a data node finds an active name node.
func (s *Server) reachable() error {
	if s.active < 0 {
		return throw("StandbyException", "Operation category WRITE is not supported in state standby")
	}
	if !s.nameNodes[s.active].running() {
		return throw("ConnectException", "Call to the name node failed on connection exception: Connection refused")
	}
	return nil
}

// write takes a file. What has come when the connection breaks stays, as a complete file.
func (s *Server) write(w http.ResponseWriter, r *http.Request, path string, q url.Values, action Action) {
	user := q.Get("user.name")
	s.mu.Lock()
	err := s.reachable()
	if err == nil {
		err = s.changeable("create file", path)
	}
	var n *node
	if err == nil {
		n, err = s.create(path, user, q.Get("overwrite") == "true", s.careless || q.Get("createparent") != "false")
	}
	s.mu.Unlock()
	if err != nil {
		w.Header().Set("Connection", "close")
		reply(w, nil, err)
		return
	}
	body := io.Reader(r.Body)
	if action.Cut {
		body = breakAfter(body, action.Bytes)
	}
	content, readErr := io.ReadAll(body)
	err = s.complete(path, n, content)
	switch {
	case readErr != nil || action.Lose:
		panic(http.ErrAbortHandler)
	case err != nil:
		w.Header().Set("Connection", "close")
		reply(w, nil, err)
	default:
		w.Header().Set("Location", "hdfs://"+service+path)
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusCreated)
	}
}

func (s *Server) complete(path string, n *node, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there, err := s.find(path, s.o.Superuser); err != nil || there != n {
		return throw("FileNotFoundException", "File does not exist: %s", path)
	}
	if err := s.room(path, 0, int64(len(content))); err != nil {
		n.open = false
		return err
	}
	n.content, n.open, n.changed = content, false, s.o.Now()
	return nil
}

func (s *Server) read(w http.ResponseWriter, path string, q url.Values, action Action) {
	s.mu.Lock()
	err := s.reachable()
	var n *node
	if err == nil {
		n, err = s.existing(path, q.Get("user.name"))
	}
	var content []byte
	if err == nil {
		content = n.content
	}
	s.mu.Unlock()
	if err != nil {
		reply(w, nil, err)
		return
	}
	if offset, err := strconv.ParseInt(q.Get("offset"), 10, 64); err == nil {
		content = content[min(offset, int64(len(content))):]
	}
	if length, err := strconv.ParseInt(q.Get("length"), 10, 64); err == nil {
		content = content[:min(length, int64(len(content)))]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.Header().Set("Connection", "close")
	if action.Cut || action.Lose {
		w.Write(content[:min(action.Bytes, int64(len(content)))])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(content)
}
