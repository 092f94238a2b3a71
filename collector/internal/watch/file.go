package watch

import "time"

// A lease is what is known of a file's writers.
type lease uint8

const (
	leaseUnknown lease = iota // can't be told here
	leaseFree                 // nobody has it open for writing
	leaseBusy                 // somebody has
)

// A stat tells one state of a file from another. No device number: those change when a
// file system is mounted again.
type stat struct {
	inode              uint64
	size, mtime, birth int64 // bytes; Unix nanoseconds
}

// nanos is a time in Unix nanoseconds; those out of the range of 64 bits (before 1678,
// after 2262) become the nearest.
func nanos(sec, nsec int64) int64 {
	const limit int64 = (1<<63-1)/1_000_000_000 - 1
	return min(max(sec, -limit), limit)*1_000_000_000 + nsec
}

// A file is a name in a folder with its last seen state. Without a wait that state has
// been emitted.
type file struct {
	stat
	wait    *wait
	pass    uint32 // the folder scan that last saw it
	settled bool   // as last emitted
}

type waitState uint8

const (
	quieting waitState = iota // may be being written
	ready                     // finished, to be received
	settling                  // text, emitted; its last line may still be unfinished
)

// A wait is a file on its way to being emitted. Its times are nanoseconds since the
// tracker's start by the monotonic clock, so setting the clock can't hold it up.
type wait struct {
	*file
	dir   *folder
	name  string
	state waitState
	index int   // in its queue, -1 in none
	due   int64 // when to look again

	changed int64 // last change, by the file's own time where that is credible
	seen    int64 // last change as we observed it
	since   int64 // first change that is not yet emitted
	looked  int64 // last stat
	event   int64 // last write event that was noted without a stat
	busy    int64 // when it was found quiet but open by a writer, 0 if not

	warned  bool // of being open for long
	settled bool // as it will be emitted, once ready
	sent    stat // as last emitted; zero if never
}

func (w *wait) path() string { return w.dir.join(w.name) }

func (w *wait) asFile() File {
	return File{
		Path: w.path(), Size: w.size, ModTime: time.Unix(0, w.mtime),
		Inode: w.inode, Birth: w.birth, Settled: w.settled,
	}
}

// Stat returns the regular file at path, links followed, as it is now, taken as settled.
// The error is fs.ErrNotExist for anything else than a regular file.
func Stat(path string) (File, error) {
	st, err := statRegular(path)
	return File{
		Path: path, Size: st.size, ModTime: time.Unix(0, st.mtime),
		Inode: st.inode, Birth: st.birth, Settled: true,
	}, err
}
