package watch

import (
	"io/fs"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// noStatx is set where the kernel (before 4.11) or a container's filter has no statx; the
// birth time is unknown then.
var noStatx atomic.Bool

// statRegular is the state of the regular file at path, links followed.
func statRegular(path string) (stat, error) { return statAt(unix.AT_FDCWD, path, 0) }

// statIn is the state of a regular file in an open folder, by name, which costs no walk
// along the path. A link that took the name is an error unless linked is set.
func statIn(dir *os.File, name string, linked bool) (stat, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if linked {
		flags = 0
	}
	return statAt(int(dir.Fd()), name, flags)
}

// statAt returns fs.ErrNotExist where there is something else than a regular file.
func statAt(fd int, name string, flags int) (stat, error) {
	if noStatx.Load() {
		return fstatAt(fd, name, flags)
	}
	const mask = unix.STATX_TYPE | unix.STATX_INO | unix.STATX_SIZE | unix.STATX_MTIME | unix.STATX_BTIME
	var sx unix.Statx_t
	err := unix.Statx(fd, name, flags, mask, &sx)
	switch err {
	case nil:
	case unix.ENOSYS, unix.EPERM:
		noStatx.Store(true)
		return fstatAt(fd, name, flags)
	default:
		return stat{}, &os.PathError{Op: "statx", Path: name, Err: err}
	}
	if sx.Mode&unix.S_IFMT != unix.S_IFREG {
		return stat{}, &os.PathError{Op: "statx", Path: name, Err: fs.ErrNotExist}
	}
	st := stat{inode: sx.Ino, size: int64(sx.Size), mtime: nanos(sx.Mtime.Sec, int64(sx.Mtime.Nsec))}
	if sx.Mask&unix.STATX_BTIME != 0 {
		st.birth = nanos(sx.Btime.Sec, int64(sx.Btime.Nsec))
	}
	return st, nil
}

func fstatAt(fd int, name string, flags int) (stat, error) {
	var s unix.Stat_t
	var err error
	if flags&unix.AT_EMPTY_PATH != 0 {
		err = unix.Fstat(fd, &s)
	} else {
		err = unix.Fstatat(fd, name, &s, flags)
	}
	if err != nil {
		return stat{}, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if s.Mode&unix.S_IFMT != unix.S_IFREG {
		return stat{}, &os.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	sec, nsec := s.Mtim.Unix()
	return stat{inode: s.Ino, size: s.Size, mtime: nanos(sec, nsec)}, nil
}
