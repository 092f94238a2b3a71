package commitlog

import (
	"io"
	"io/fs"
)

// A FileSystem is where a table and its log lie. Paths are absolute, with slashes. Its
// methods may be called from several goroutines. Errors wrap fs.ErrNotExist and
// fs.ErrExist where the methods say so. Any other error leaves open whether the operation was
// done, or even will be, unless it wraps one that has a method Definite() bool, which says
// by true that it was not and won't be.
type FileSystem interface {
	// Stat tells about the name itself; fs.ErrNotExist.
	Stat(path string) (fs.FileInfo, error)
	// ReadDir lists a folder; fs.ErrNotExist.
	ReadDir(path string) ([]fs.FileInfo, error)
	// ReadFile reads a file of at most limit bytes; fs.ErrNotExist.
	ReadFile(path string, limit int64) ([]byte, error)
	// MkdirAll makes a folder, and those above it, unless it exists.
	MkdirAll(path string) error
	// Create makes a new file in a folder that exists, and never that folder; the file is
	// complete and durable once it returns nil, and its name after Sync. It may call write
	// again; fs.ErrExist, fs.ErrNotExist.
	Create(path string, write func(io.Writer) error) error
	// Claim gives a file a name, unless that exists, in one step. The old name may remain;
	// fs.ErrExist, and fs.ErrNotExist if the file or the new name's folder isn't there.
	Claim(from, to string) error
	// Rename gives a file or a folder another name in one step. The local one replaces a
	// file of that name, others refuse it; fs.ErrExist, fs.ErrNotExist as with Claim.
	Rename(from, to string) error
	// Remove removes a file or an empty folder; fs.ErrNotExist.
	Remove(path string) error
	// RemoveAll removes a folder with all that is in it; it may be gone.
	RemoveAll(path string) error
	// Sync makes durable what was made, renamed and removed in a folder, unless that is
	// durable by itself; fs.ErrNotExist, where there is something to do.
	Sync(folder string) error
}

// FileSystem returns the one that the log lies on.
func (l *Log) FileSystem() FileSystem { return l.fs }
