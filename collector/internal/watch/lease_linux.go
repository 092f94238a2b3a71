package watch

import "golang.org/x/sys/unix"

// local are the file systems (statfs(2), f_type) on which a lease speaks for all writers
// there can be. Network file systems and FUSE may grant one while another host writes.
var local = map[uint32]bool{
	unix.EXT4_SUPER_MAGIC:      true, // ext2 and ext3 too
	unix.XFS_SUPER_MAGIC:       true,
	unix.BTRFS_SUPER_MAGIC:     true,
	unix.TMPFS_MAGIC:           true,
	unix.RAMFS_MAGIC:           true,
	unix.OVERLAYFS_SUPER_MAGIC: true,
	unix.F2FS_SUPER_MAGIC:      true,
	unix.BCACHEFS_SUPER_MAGIC:  true,
	unix.REISERFS_SUPER_MAGIC:  true,
	unix.NILFS_SUPER_MAGIC:     true,
	unix.MSDOS_SUPER_MAGIC:     true,
	unix.EXFAT_SUPER_MAGIC:     true,
	0x2fc12fc1:                 true, // ZFS
	0x3153464a:                 true, // JFS
	0x7366746e:                 true, // NTFS of the kernel
}

// probe tells whether the file at path is open for writing, by a read lease (fcntl(2),
// F_SETLEASE) that is given back at once: the kernel refuses it with EAGAIN while there is
// a writer, and with EACCES for files of others. The state returned with leaseFree was
// read while nobody could write.
//
// An open for writing that meets the lease waits the microseconds until it is given back,
// and the kernel sends us SIGIO, which Go programs ignore unless they ask for it.
func probe(path string) (lease, stat) {
	fd, err := openRead(path)
	if err == unix.EWOULDBLOCK {
		return leaseBusy, stat{} // another program holds a write lease
	}
	if err != nil {
		return leaseUnknown, stat{}
	}
	defer unix.Close(fd)
	var sfs unix.Statfs_t
	if err := unix.Fstatfs(fd, &sfs); err != nil || !local[uint32(sfs.Type)] {
		return leaseUnknown, stat{}
	}
	switch _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err {
	case nil:
	case unix.EAGAIN:
		return leaseBusy, stat{}
	default:
		return leaseUnknown, stat{}
	}
	st, err := statAt(fd, "", unix.AT_EMPTY_PATH)
	// Closing the file gives the lease back too, should this fail.
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	if err != nil {
		return leaseUnknown, stat{}
	}
	return leaseFree, st
}

// openRead opens without waiting for anything: not for a FIFO's writer, should one have
// taken the name, and not for a lease to be broken.
func openRead(path string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	for {
		fd, err = unix.Open(path, flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
