package hdfstest

import "io"

// A Request is one that a name node or data node got, as a fault sees it.
type Request struct {
	DataNode bool   // it was sent to a data node
	Op       string // CREATE, RENAME, GETFILESTATUS, ...
	Path     string
	To       string // the new name, of RENAME
	Count    int    // how many of this Op this kind of node has got, with this one
}

// An Action is what becomes of a request. The zero Action is that it is done and answered.
type Action struct {
	// Lose is that it is done, and the connection closed without an answer.
	Lose bool
	// Cut is that the connection is closed and nothing done; of a CREATE, after so many bytes
	// were taken, which stay as a file, as with a real data node.
	Cut   bool
	Bytes int64
	// Exception is what it answers instead, such as "IOException"; nothing is done.
	Exception, Message string
	// Wait, if not nil, is waited for before anything else.
	Wait <-chan struct{}
}

// SetFault has f say what becomes of each request, nil of none. It may be called by several
// goroutines at a time.
func (s *Server) SetFault(f func(Request) Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Count tells how many requests of an operation name nodes got, whatever became of them.
func (s *Server) Count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[op]
}

// SetSafeMode has all changes refused, or taken again.
func (s *Server) SetSafeMode(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.safeMode = on
}

// SetCareless has data nodes pay no heed to createparent=false, as those of Hadoop before 2.8.
func (s *Server) SetCareless(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.careless = on
}

// SetActive makes a name node active and the others standby; -1 has all in standby.
func (s *Server) SetActive(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = i
}

// StopNameNode has connections to a name node closed and refused.
func (s *Server) StopNameNode(i int) { s.nameNodes[i].stop() }

// StartNameNode lets a name node be there again, in the state that it was in.
func (s *Server) StartNameNode(i int) { s.nameNodes[i].start() }

// StopDataNode has connections to a data node closed and refused. Name nodes go on to name
// it unless it is the last one.
func (s *Server) StopDataNode(i int) { s.dataNodes[i].stop() }

// StartDataNode lets a data node be there again.
func (s *Server) StartDataNode(i int) { s.dataNodes[i].start() }

// SetQuota bounds how many files and folders may be below a folder, and how many bytes; a
// negative number is no bound. The folder is made.
func (s *Server) SetQuota(folder string, names, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.mkdirs(folder, s.o.Superuser)
	if err != nil {
		panic(err)
	}
	n.quota = &quota{names, bytes}
}

// List returns all paths, sorted; those of folders end in a slash.
func (s *Server) List() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var paths []string
	s.root.walk("", func(path string, n *node) {
		if n.children != nil {
			path += "/"
		}
		if path != "/" {
			paths = append(paths, path)
		}
	})
	return paths
}

// ReadFile returns a file's content, false if there is no such file.
func (s *Server) ReadFile(path string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.find(path, s.o.Superuser)
	if err != nil || n == nil || n.children != nil {
		return nil, false
	}
	return append([]byte(nil), n.content...), true
}

// WriteFile puts a file there, in place of one that is there, and makes the folders above it.
func (s *Server) WriteFile(path string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.create(path, s.o.Superuser, true, true)
	if err != nil {
		panic(err)
	}
	n.content, n.open = append([]byte(nil), content...), false
}

// took counts a request and asks the fault what becomes of it.
func (s *Server) took(r Request) Action {
	s.mu.Lock()
	key := r.Op
	if r.DataNode {
		key = "data " + r.Op
	}
	s.counts[key]++
	r.Count = s.counts[key]
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return Action{}
	}
	a := fault(r)
	if a.Wait != nil {
		<-a.Wait
	}
	return a
}

// breakAfter is a body that breaks off.
func breakAfter(r io.Reader, n int64) io.Reader {
	return io.MultiReader(io.LimitReader(r, n), broken{})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
