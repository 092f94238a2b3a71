package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A tree is a file system in memory that does what HDFS does: each operation at once or
// not at all, rename refuses a target, and what is changed in a folder stamps it.
type tree struct {
	mu    sync.Mutex
	nodes map[string]*node
	now   time.Time
	late  []lateOperation
	count int // of operations so far
	lag   int // how many operations later a lagging one is done
	// careless has files made together with the folders for which it returns true; nil: never.
	careless func(folder string) bool
}

type node struct {
	content []byte // nil: a folder
	at      time.Time
}

// A lateOperation is done when so many operations have been done, though its client has
// given up.
type lateOperation struct {
	due int
	do  func() error
}

func newTree() *tree {
	return &tree{nodes: map[string]*node{"/": {}}, now: start}
}

// A mount is the tree as one client sees it. Its methods may fail, as failing says.
type mount struct {
	*tree
	// before is called before each operation, without a lock. Nil: nothing fails.
	before func(operation, path string) failure
}

// A failure is what becomes of an operation that fails.
type failure int

const (
	none    failure = iota
	dropped         // it is not done
	lost            // it is done, and the answer is lost
	lagging         // it is done later
)

var errLost = errors.New("the answer was lost")

// operate does an operation, unless it fails.
func (m *mount) operate(operation, p string, changes bool, do func() error) error {
	var fails failure
	if m.before != nil {
		fails = m.before(operation, p)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	m.catchUp(m.count)
	switch {
	case fails == none:
		if err := do(); err != nil {
			return &fs.PathError{Op: operation, Path: p, Err: err}
		}
		return nil
	case fails == lost:
		do()
	case fails == lagging && changes:
		m.late = append(m.late, lateOperation{m.count + m.lag, do})
	}
	return &fs.PathError{Op: operation, Path: p, Err: errLost}
}

// catchUp does the late operations that are due by a count.
func (t *tree) catchUp(count int) {
	for len(t.late) > 0 && t.late[0].due <= count {
		t.late[0].do()
		t.late = t.late[1:]
	}
}

// settleAll does all late operations.
func (t *tree) settleAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUp(t.count + t.lag)
}

// put makes or replaces a node and stamps it and its folder.
func (t *tree) put(p string, content []byte) {
	t.nodes[p] = &node{content, t.now}
	t.stamp(path.Dir(p))
}

func (t *tree) stamp(folder string) {
	if n := t.nodes[folder]; n != nil {
		n.at = t.now
	}
}

// below returns the paths below a folder.
func (t *tree) below(folder string) []string {
	var found []string
	for p := range t.nodes {
		if strings.HasPrefix(p, folder+"/") {
			found = append(found, p)
		}
	}
	slices.Sort(found)
	return found
}

func (t *tree) isFolder(p string) bool { return t.nodes[p] != nil && t.nodes[p].content == nil }

type nodeInfo struct {
	name string
	node
}

func (n nodeInfo) Name() string       { return n.name }
func (n nodeInfo) Size() int64        { return int64(len(n.content)) }
func (n nodeInfo) ModTime() time.Time { return n.at }
func (n nodeInfo) IsDir() bool        { return n.content == nil }
func (n nodeInfo) Sys() any           { return nil }
func (n nodeInfo) Mode() fs.FileMode {
	if n.IsDir() {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

func (m *mount) Stat(p string) (info fs.FileInfo, err error) {
	err = m.operate("stat", p, false, func() error {
		n := m.nodes[p]
		if n == nil {
			return fs.ErrNotExist
		}
		info = nodeInfo{path.Base(p), *n}
		return nil
	})
	return info, err
}

func (m *mount) ReadDir(p string) (infos []fs.FileInfo, err error) {
	err = m.operate("list", p, false, func() error {
		if !m.isFolder(p) {
			return fs.ErrNotExist
		}
		for _, q := range m.below(p) {
			if path.Dir(q) == p {
				infos = append(infos, nodeInfo{path.Base(q), *m.nodes[q]})
			}
		}
		return nil
	})
	return infos, err
}

func (m *mount) ReadFile(p string, limit int64) (content []byte, err error) {
	err = m.operate("read", p, false, func() error {
		n := m.nodes[p]
		if n == nil {
			return fs.ErrNotExist
		}
		if n.content == nil || int64(len(n.content)) > limit {
			return errors.New("no file, or too long")
		}
		content = n.content
		return nil
	})
	return content, err
}

func (m *mount) MkdirAll(p string) error {
	return m.operate("mkdir", p, true, func() error {
		var missing []string
		for q := p; m.nodes[q] == nil; q = path.Dir(q) {
			missing = append(missing, q)
		}
		if above := path.Dir(append([]string{p}, missing...)[len(missing)]); !m.isFolder(above) || len(missing) == 0 && !m.isFolder(p) {
			return unix.ENOTDIR
		}
		for _, q := range slices.Backward(missing) {
			m.put(q, nil)
		}
		return nil
	})
}

// makeAll makes a folder and those above it.
func (t *tree) makeAll(p string) {
	if t.nodes[p] == nil {
		t.makeAll(path.Dir(p))
		t.put(p, nil)
	}
}

func (m *mount) Create(p string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return m.operate("create", p, true, func() error {
		if m.nodes[p] != nil {
			return fs.ErrExist
		}
		if m.careless != nil && m.careless(path.Dir(p)) {
			m.makeAll(path.Dir(p))
		}
		if !m.isFolder(path.Dir(p)) {
			return fs.ErrNotExist
		}
		m.put(p, append([]byte{}, b.Bytes()...))
		return nil
	})
}

func (m *mount) Claim(from, to string) error { return m.rename("claim", from, to) }

func (m *mount) Rename(from, to string) error { return m.rename("rename", from, to) }

func (m *mount) rename(operation, from, to string) error {
	return m.operate(operation, from, true, func() error {
		n := m.nodes[from]
		if n == nil || !m.isFolder(path.Dir(to)) {
			return fs.ErrNotExist
		}
		if m.nodes[to] != nil {
			return fs.ErrExist
		}
		for _, p := range m.below(from) {
			m.nodes[to+strings.TrimPrefix(p, from)] = m.nodes[p]
			delete(m.nodes, p)
		}
		delete(m.nodes, from)
		m.nodes[to] = n
		m.stamp(path.Dir(from))
		m.stamp(path.Dir(to))
		return nil
	})
}

func (m *mount) Remove(p string) error {
	return m.operate("remove", p, true, func() error {
		if m.nodes[p] == nil {
			return fs.ErrNotExist
		}
		if len(m.below(p)) > 0 {
			return unix.ENOTEMPTY
		}
		delete(m.nodes, p)
		m.stamp(path.Dir(p))
		return nil
	})
}

func (m *mount) RemoveAll(p string) error {
	return m.operate("remove all", p, true, func() error {
		if m.nodes[p] == nil {
			return nil
		}
		for _, q := range append(m.below(p), p) {
			delete(m.nodes, q)
		}
		m.stamp(path.Dir(p))
		return nil
	})
}

func (m *mount) Sync(string) error { return nil }

var mounts sync.Map // by the first folder of a path: the FileSystem that it is in

// fileSystemOf returns what a folder of a test lies in.
func fileSystemOf(folder string) FileSystem {
	if m, ok := mounts.Load(topOf(folder)); ok {
		return m.(FileSystem)
	}
	return local{}
}

func topOf(folder string) string {
	top, _, _ := strings.Cut(strings.TrimPrefix(folder, "/"), "/")
	return "/" + top
}

var trees atomic.Int64

// treeFolder returns an empty folder of a tree of its own.
func treeFolder(t testing.TB) string {
	m := &mount{tree: newTree()}
	folder := fmt.Sprintf("/tree-%d", trees.Add(1))
	if err := m.MkdirAll(folder); err != nil {
		t.Fatal(err)
	}
	mounts.Store(folder, m)
	t.Cleanup(func() { mounts.Delete(folder) })
	return folder
}

// overAll does a test over each kind of file system; folder makes an empty one.
func overAll(t *testing.T, test func(t *testing.T, folder func(testing.TB) string)) {
	t.Run("local", func(t *testing.T) { test(t, tempFolder) })
	t.Run("remote", func(t *testing.T) { test(t, treeFolder) })
	t.Run("hdfs", func(t *testing.T) { test(t, hdfsFolder) })
}
