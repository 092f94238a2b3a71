package hdfstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A node is a file or folder.
type node struct {
	children map[string]*node // nil for a file
	content  []byte
	open     bool // it is being written: its length isn't known yet
	mode     uint32
	owner    string
	changed  time.Time
	quota    *quota
}

type quota struct{ names, bytes int64 }

// An exception is what WebHDFS answers with.
type exception struct {
	name, message string
}

func (e *exception) Error() string { return e.name + ": " + e.message }

func throw(name, format string, args ...any) error {
	return &exception{name, fmt.Sprintf(format, args...)}
}

func (n *node) walk(path string, visit func(string, *node)) {
	visit(path, n)
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		n.children[name].walk(path+"/"+name, visit)
	}
}

func elements(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// may tells whether a user has a right, such as 2 to write, on n.
func (s *Server) may(n *node, user string, right uint32) bool {
	switch user {
	case s.o.Superuser:
		return true
	case n.owner:
		return n.mode>>6&right == right
	}
	return n.mode&right == right
}

func (s *Server) check(path string, n *node, user string, right uint32) error {
	if s.may(n, user, right) {
		return nil
	}
	return throw("AccessControlException", "Permission denied: user=%s, access=%d, inode=%q:%s", user, right, path, n.owner)
}

// find returns nil without an error if there is nothing.
func (s *Server) find(path, user string) (*node, error) {
	at := s.root
	for _, name := range elements(path) {
		if at.children == nil && user == s.o.Superuser {
			return nil, nil
		} else if at.children == nil {
			return nil, throw("AccessControlException", "%s (is not a directory)", path)
		}
		if err := s.check(path, at, user, 1); err != nil {
			return nil, err
		}
		if at = at.children[name]; at == nil {
			return nil, nil
		}
	}
	return at, nil
}

// split returns the folder that a path is in, nil if there is none, and its last name.
func (s *Server) split(path, user string) (folder *node, name string, err error) {
	all := elements(path)
	if len(all) == 0 {
		return nil, "", nil
	}
	name = all[len(all)-1]
	folder, err = s.find(strings.TrimSuffix(path, "/"+name), user)
	if err == nil && folder != nil && folder.children == nil {
		err = throw("ParentNotDirectoryException", "the parent of %s is not a directory", path)
	}
	return folder, name, err
}

// mkdirs returns the folder.
func (s *Server) mkdirs(path, user string) (*node, error) {
	at, made := s.root, ""
	for _, name := range elements(path) {
		if at.children == nil {
			return nil, throw("ParentNotDirectoryException", "%s is not a directory", made)
		}
		if err := s.check(path, at, user, 1); err != nil {
			return nil, err
		}
		next := at.children[name]
		if next == nil {
			if err := s.check(path, at, user, 3); err != nil {
				return nil, err
			}
			if err := s.room(path, 1, 0); err != nil {
				return nil, err
			}
			next = &node{children: make(map[string]*node), mode: 0o755, owner: user, changed: s.o.Now()}
			at.children[name], at.changed = next, s.o.Now()
		}
		at, made = next, made+"/"+name
	}
	if at.children == nil {
		return nil, throw("FileAlreadyExistsException", "Path is not a directory: %s", path)
	}
	return at, nil
}

// create returns a new file that is open.
func (s *Server) create(path, user string, overwrite, parents bool) (*node, error) {
	folder, name, err := s.split(path, user)
	if err != nil {
		return nil, err
	}
	if folder == nil && parents && name != "" {
		if folder, err = s.mkdirs(strings.TrimSuffix(path, "/"+name), user); err != nil {
			return nil, err
		}
	}
	if folder == nil {
		return nil, throw("FileNotFoundException", "Parent directory doesn't exist: %s", path)
	}
	if there := folder.children[name]; there != nil && there.children != nil {
		return nil, throw("FileAlreadyExistsException", "%s already exists as a directory", path)
	} else if there != nil && !overwrite {
		return nil, throw("FileAlreadyExistsException", "%s for client 127.0.0.1 already exists", path)
	}
	if err := s.check(path, folder, user, 3); err != nil {
		return nil, err
	}
	if err := s.room(path, 1, 0); err != nil {
		return nil, err
	}
	n := &node{open: true, mode: 0o644, owner: user, changed: s.o.Now()}
	folder.children[name], folder.changed = n, s.o.Now()
	return n, nil
}

// rename is that of renameoptions=NONE.
func (s *Server) rename(from, to, user string) error {
	folder, name, err := s.split(from, user)
	if err != nil {
		return err
	}
	if folder == nil || folder.children[name] == nil {
		return throw("FileNotFoundException", "rename source %s is not found.", from)
	}
	if from == to {
		return throw("FileAlreadyExistsException", "The source %s and destination %s are the same", from, to)
	}
	if strings.HasPrefix(to, from+"/") {
		return throw("IOException", "Rename destination %s is a directory or file under source %s", to, from)
	}
	target, newName, err := s.split(to, user)
	if err != nil {
		return err
	}
	if target == nil {
		return throw("FileNotFoundException", "rename destination parent %s not found.", to)
	}
	if target.children[newName] != nil {
		return throw("FileAlreadyExistsException", "rename destination %s already exists", to)
	}
	if err := s.check(from, folder, user, 3); err != nil {
		return err
	}
	if err := s.check(to, target, user, 3); err != nil {
		return err
	}
	target.children[newName] = folder.children[name]
	delete(folder.children, name)
	folder.changed, target.changed = s.o.Now(), s.o.Now()
	return nil
}

func (s *Server) remove(path, user string, recursive bool) (bool, error) {
	folder, name, err := s.split(path, user)
	if err != nil {
		return false, err
	}
	if folder == nil || folder.children[name] == nil {
		return false, nil
	}
	if err := s.check(path, folder, user, 3); err != nil {
		return false, err
	}
	if len(folder.children[name].children) > 0 && !recursive {
		return false, throw("PathIsNotEmptyDirectoryException", "`%s is non empty': Directory is not empty", path)
	}
	delete(folder.children, name)
	folder.changed = s.o.Now()
	return true, nil
}

// room tells whether so many more names and bytes are allowed at path.
func (s *Server) room(path string, names, bytes int64) error {
	at, above := s.root, ""
	for _, name := range append(elements(path), "") {
		if q := at.quota; q != nil {
			usedNames, usedBytes := int64(0), int64(0)
			at.walk("", func(_ string, n *node) {
				usedNames++
				usedBytes += int64(len(n.content))
			})
			if q.names >= 0 && usedNames+names > q.names && names > 0 {
				return throw("NSQuotaExceededException", "The NameSpace quota (directories and files) of directory %s is exceeded: quota=%d file count=%d", above, q.names, usedNames+names)
			}
			if q.bytes >= 0 && usedBytes+bytes > q.bytes && bytes > 0 {
				return throw("DSQuotaExceededException", "The DiskSpace quota of %s is exceeded: quota = %d B but diskspace consumed = %d B", above, q.bytes, usedBytes+bytes)
			}
		}
		if at = at.children[name]; at == nil {
			break
		}
		above += "/" + name
	}
	return nil
}
