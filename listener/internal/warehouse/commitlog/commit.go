package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A SegmentID names a segment of a source file, however often it is sent.
type SegmentID [16]byte

// A Position is how far a partition has been committed.
type Position struct {
	Next int64  `json:"next"` // the offset to go on from
	Last int64  `json:"last"` // the offset of the last message before Next; -1: none was read
	Time int64  `json:"time"` // that message's time stamp, in milliseconds
	CRC  uint32 `json:"crc"`  // that message's checksum
}

// A Part is what a batch holds of one partition: the messages from First to before Next.
type Part struct {
	Partition int   `json:"partition"`
	First     int64 `json:"first"`
	Position
}

// A File is one of a batch's files.
type File struct {
	// Staged is its name in the own staging folder. A Log must never see a name twice:
	// somebody who was stopped while moving the first file would move the second.
	Staged string `json:"staged"`
	// Final is where it belongs, relative to the type's folder, with slashes, below hive/
	// or dead_letter/. No other file was or will ever be of this name.
	Final string `json:"final"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"` // its size
}

// Counts are what a batch was made of.
type Counts struct {
	Messages    int64 `json:"messages"`
	Rows        int64 `json:"rows"`
	BadRows     int64 `json:"bad_rows"`
	BadMessages int64 `json:"bad_messages"`
	Repeats     int64 `json:"repeats"` // segments dropped because they were known
}

// A Commit is a batch to be committed.
type Commit struct {
	Parts    []Part
	Files    []File // closed and flushed
	Segments []SegmentID
	Counts   Counts
	// Note says why positions are set by hand: for Reposition only, which needs it.
	Note string
}

// ErrStale says that somebody else has committed messages of the batch, or moved a
// position: the batch is to be dropped, and reading goes on from the log's positions.
var ErrStale = errors.New("somebody else has committed these messages")

// ErrTaken says that this Log had given no sign of life for so long that others have taken
// its staging folder: nothing of the batch is committed, and never will be. The Log is to be
// closed; another one can be opened.
var ErrTaken = errors.New("the staging folder has been taken by another process, which held this one for dead")

// An UnfinishedError says that the batch is committed, or may be, but is not all visible
// in the table yet. Its staged files must be left alone. Refresh, or the next Commit, tries
// again; once Refresh succeeds, reading goes on from the log's positions.
type UnfinishedError struct {
	Number int64 // of its record
	// Doubtful says that it isn't known whether the record was made.
	Doubtful bool
	Err      error
}

func (e *UnfinishedError) Error() string {
	if e.Doubtful {
		return fmt.Sprintf("commit: it is not known whether record %d was made: %v", e.Number, e.Err)
	}
	return fmt.Sprintf("commit: record %d is made, but not all of it is visible in the table yet: %v", e.Number, e.Err)
}

// Unwrap returns the error that was met.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// rounds bounds how often others may be faster while one batch is committed.
const rounds = 1000

// Commit commits a batch and moves its files into the table. An error that is neither
// ErrStale nor an *UnfinishedError means that nothing is committed; unless it is ErrTaken,
// the same batch may be tried again.
func (l *Log) Commit(c *Commit) error {
	if c.Note != "" {
		return errors.New("commit: a note is for positions set by hand")
	}
	return l.commit(c)
}

// Reposition is a Commit whose parts need not begin at the log's positions. It is stale if
// one of those positions is not what this Log last told.
func (l *Log) Reposition(c *Commit) error {
	if c.Note == "" {
		return errors.New("commit: positions set by hand need a note that says why")
	}
	return l.commit(c)
}

func (l *Log) commit(c *Commit) error {
	l.work.Lock()
	defer l.work.Unlock()
	if !l.open {
		return errors.New("commit: the log is closed")
	}
	before := l.partPositions(c)
	if err := l.checkBatch(c); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	r := l.newRecord(c)
	for range rounds {
		if err := l.refresh(); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if err := l.checkCurrent(before, c); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		switch outcome, err := l.create(r); outcome {
		case made:
			return l.complete(r)
		case failed:
			return fmt.Errorf("commit: make record %d: %w", r.Number, err)
		case doubtful:
			l.doubtful = true
			return &UnfinishedError{Number: r.Number, Doubtful: true, Err: err}
		case taken:
		}
	}
	return fmt.Errorf("commit: others were faster %d times in a row", rounds)
}

// checkBatch checks what doesn't depend on the log, and that the staged files are there
// and durable.
func (l *Log) checkBatch(c *Commit) error {
	if len(c.Parts) == 0 {
		return errors.New("a batch of no partition")
	}
	if !utf8.ValidString(c.Note) {
		return fmt.Errorf("note %q is not UTF-8", c.Note)
	}
	if err := checkParts(c.Parts); err != nil {
		return err
	}
	if err := l.fault(stepCheckStaged); err != nil {
		return err
	}
	stat, err := l.statStaged(len(c.Files))
	if err != nil {
		return err
	}
	staged, final := make(map[string]bool, len(c.Files)), make(map[string]bool, len(c.Files))
	for _, f := range c.Files {
		if staged[f.Staged] || final[f.Final] {
			return fmt.Errorf("two files of one name, %s or %s", f.Staged, f.Final)
		}
		staged[f.Staged], final[f.Final] = true, true
		if err := l.checkFile(f, stat); err != nil {
			return err
		}
	}
	if err := l.fault(stepSyncStaging); err != nil {
		return err
	}
	return l.fs.Sync(l.staging)
}

// statStaged returns what looks at files in the own staging folder: one after the other, or
// at all of them at once where that is another machine's work.
func (l *Log) statStaged(files int) (func(name string) (fs.FileInfo, error), error) {
	if l.local || files == 0 {
		return func(name string) (fs.FileInfo, error) { return l.fs.Stat(filepath.Join(l.staging, name)) }, nil
	}
	infos, err := l.fs.ReadDir(l.staging)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.takenFrom(err)
	}
	if err != nil {
		return nil, err
	}
	named := make(map[string]fs.FileInfo, len(infos))
	for _, info := range infos {
		named[info.Name()] = info
	}
	if named[lockFile] == nil { // something has made the folder anew
		return nil, l.takenFrom(&fs.PathError{Op: "commit", Path: filepath.Join(l.staging, lockFile), Err: fs.ErrNotExist})
	}
	return func(name string) (fs.FileInfo, error) {
		if info := named[name]; info != nil {
			return info, nil
		}
		return nil, &fs.PathError{Op: "commit", Path: filepath.Join(l.staging, name), Err: fs.ErrNotExist}
	}, nil
}

// takenFrom says that the own staging folder is not there, as the error met tells.
func (l *Log) takenFrom(err error) error {
	return fmt.Errorf("%w: %w", ErrTaken, err)
}

func (l *Log) checkFile(f File, stat func(name string) (fs.FileInfo, error)) error {
	if !validStaged(f.Staged) {
		return fmt.Errorf("%q can't be the name of a staged file", f.Staged)
	}
	if !validFinal(f.Final) {
		return fmt.Errorf("%q can't be the name of a file of the table", f.Final)
	}
	st, err := stat(f.Staged)
	if err != nil {
		return fmt.Errorf("a file of the batch: %w", err)
	}
	if !st.Mode().IsRegular() || st.Size() != f.Bytes {
		return fmt.Errorf("%s is not complete: %d bytes of %d", filepath.Join(l.staging, f.Staged), st.Size(), f.Bytes)
	}
	there, err := l.exists(l.pathOf(f.Final))
	if there {
		err = &fs.PathError{Op: "commit", Path: l.pathOf(f.Final), Err: fs.ErrExist}
	}
	return err
}

// partPositions returns the positions of the batch's partitions that the log has.
func (l *Log) partPositions(c *Commit) map[int]Position {
	positions := make(map[int]Position, len(c.Parts))
	for _, p := range c.Parts {
		if at, ok := l.state.positions[p.Partition]; ok {
			positions[p.Partition] = at
		}
	}
	return positions
}

// checkCurrent tells whether the batch follows on what is in the log; or, where positions
// are set by hand, whether they are those that the caller has seen.
func (l *Log) checkCurrent(before map[int]Position, c *Commit) error {
	now := l.partPositions(c)
	if c.Note != "" && !maps.Equal(now, before) {
		return fmt.Errorf("positions were %v and are %v: %w", before, now, ErrStale)
	}
	for _, p := range c.Parts {
		if next := now[p.Partition].Next; c.Note == "" && next != p.First {
			return fmt.Errorf("partition %d is at offset %d, not %d: %w", p.Partition, next, p.First, ErrStale)
		}
	}
	for _, id := range c.Segments {
		if l.state.known.has(id) {
			return fmt.Errorf("segment %x is known: %w", id, ErrStale)
		}
	}
	return nil
}

// complete does what is to be done once a record is made.
func (l *Log) complete(r *record) error {
	l.mu.Lock()
	l.state.apply(r)
	l.mu.Unlock()
	if err := l.finish(true); err != nil {
		return &UnfinishedError{Number: r.Number, Err: err}
	}
	err := l.fault(stepRemoveRecord)
	if err == nil && l.local { // elsewhere it has been renamed
		err = l.removeFile(l.temporary())
	}
	if err != nil {
		l.o.Logger.Warning("commit log: record %d is made; its name in staging remains: %v", r.Number, err)
	}
	if firstOfEpoch(r.Number) {
		if err := l.prune(); err != nil {
			l.o.Logger.Warning("commit log: old records remain: %v", err)
		}
	}
	return nil
}

func checkParts(parts []Part) error {
	seen := make(map[int]bool, len(parts))
	for _, p := range parts {
		if p.Partition < 0 || p.First < 0 || p.Next < p.First || p.Last < -1 || p.Last >= p.Next {
			return fmt.Errorf("partition %d can't go from offset %d to %d, after message %d", p.Partition, p.First, p.Next, p.Last)
		}
		if seen[p.Partition] {
			return fmt.Errorf("partition %d twice in one batch", p.Partition)
		}
		seen[p.Partition] = true
	}
	return nil
}

// validStaged tells whether a file in a staging folder may be called so; the log's own
// names there begin with a dot.
func validStaged(name string) bool {
	return name != "" && name[0] != '.' && name != lockFile && len(name) <= 255 &&
		utf8.ValidString(name) && !strings.ContainsAny(name, "/\x00")
}

// validFinal tells whether a file may be moved there: nothing but the table and its dead
// letters is ever written to.
func validFinal(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsRune(name, 0) {
		return false
	}
	top, rest, _ := strings.Cut(name, "/")
	return (top == tableFolder || top == deadLetterFolder) && rest != ""
}
