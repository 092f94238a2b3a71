package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"

	"spot-ingest/pkg/logging"
)

// The folders in a type's folder, and the file beside the topics in commits.
const (
	tableFolder      = "hive"
	deadLetterFolder = "dead_letter"
	stagingFolder    = "staging"
	commitsFolder    = "commits"
	warehouseFile    = "warehouse.json"
)

// Options say which log is opened. All names are needed.
type Options struct {
	Folder string // the type's: <hdfs_app_path>/<type>; made if missing
	// TableFolder is where the table lies, on the same file system: all that is hive/ in the
	// log. Empty is the folder hive in Folder; another one must not hold Folder, nor be in a
	// part of it that is the log's own.
	TableFolder string
	// FileSystem is where the folder lies; nil: on this machine, as the operating system
	// knows it. On another one the folder is an absolute path with slashes.
	FileSystem FileSystem
	Table      string
	Topic      string
	Group      string
	Now        func() time.Time // nil: time.Now
	Logger     *logging.Logger  // nil: none
	// Fault, if set, is called before each of Steps; its error counts as the step's.
	Fault func(step string) error

	beat time.Duration // between two of a heart; 0: beatEvery
	left time.Duration // without a beat, after which a folder counts as left; 0: leftAfter
}

// A Log is one process's view of a commit log. It may be used from several goroutines.
type Log struct {
	o         Options
	fs        FileSystem
	local     bool   // fs is this machine's
	writer    string // id of this Log
	folder    string // of the log
	staging   string // this Log's
	warehouse string
	// firstEpoch is the folder of the log's first epoch, which may have been removed since.
	firstEpoch string

	work     sync.Mutex // held while the log is read or written; the fields below are its
	open     bool
	lock     *os.File        // of the staging folder, on a local file system
	heart    *heart          // of the staging folder, on another one
	tries    int             // records in the making so far
	seen     map[string]bool // folders of the table, not long ago
	finished int64           // the last record known to be finished
	doubtful bool            // a record may turn up later
	mu       sync.RWMutex
	state    *state // changed with mu held, too
}

// Open opens a log, makes it if there is none, finishes its last record, and removes what
// writers that are gone have left in staging.
func Open(o Options) (*Log, error) {
	l, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("open the commit log: %w", err)
	}
	return l, nil
}

func open(o Options) (*Log, error) {
	for _, name := range []string{o.Table, o.Topic, o.Group} {
		if name == "" || !utf8.ValidString(name) {
			return nil, fmt.Errorf("%q can't be the name of a table, topic or group", name)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = logging.Discard()
	}
	l := &Log{fs: o.FileSystem, local: o.FileSystem == nil, writer: randomID(), seen: make(map[string]bool)}
	var err error
	if l.local {
		l.fs = local{}
		if o.Folder, err = filepath.Abs(o.Folder); err != nil {
			return nil, err
		}
	} else if !filepath.IsAbs(o.Folder) {
		return nil, fmt.Errorf("%q is no absolute path", o.Folder)
	}
	if o.TableFolder, err = tableOf(o.Folder, o.TableFolder); err != nil {
		return nil, err
	}
	l.o = o
	l.folder = filepath.Join(o.Folder, commitsFolder, escape(o.Topic), escape(o.Group))
	l.staging = filepath.Join(o.Folder, stagingFolder, l.writer)
	if err := l.makeFolders(); err != nil {
		return nil, err
	}
	if err := l.makeStaging(); err != nil {
		return nil, err
	}
	l.open = true
	if err := l.start(); err != nil {
		return nil, errors.Join(err, l.leaveStaging())
	}
	return l, nil
}

func (l *Log) makeFolders() error {
	table := l.o.TableFolder
	dead := filepath.Join(l.o.Folder, deadLetterFolder)
	staging := filepath.Join(l.o.Folder, stagingFolder)
	if !l.local {
		for _, folder := range []string{table, dead, staging, l.folder} {
			if err := l.fs.MkdirAll(folder); err != nil {
				return err
			}
		}
		return nil
	}
	for _, folder := range []string{
		l.o.Folder, table, dead, staging,
		filepath.Dir(filepath.Dir(l.folder)), filepath.Dir(l.folder), l.folder,
	} {
		if err := makeFolder(folder); err != nil {
			return err
		}
	}
	// The table may be a link; what only listeners use must not lead elsewhere.
	for _, folder := range []string{staging, filepath.Join(l.o.Folder, commitsFolder)} {
		if info, err := os.Lstat(folder); err != nil || info.Mode()&fs.ModeSymlink != 0 {
			return errors.Join(err, fmt.Errorf("%s must be a folder, and no symbolic link", folder))
		}
	}
	return onePlace(staging, table, dead, l.folder)
}

// start reads the log and clears up.
func (l *Log) start() error {
	if err := l.nameWarehouse(); err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.refresh(); err != nil {
		return err
	}
	return l.removeLeft()
}

// Warehouse returns the warehouse's id, 32 hexadecimal digits: the same for all logs of the
// type's folder, and of no other.
func (l *Log) Warehouse() string { return l.warehouse }

// Staging returns the absolute path of the own staging folder, which only this Log uses. On
// a file system that isn't local it is gone once others have taken it for left: what is
// written there must never make it anew.
func (l *Log) Staging() string { return l.staging }

// Refresh reads the records that others have made and finishes the last one.
func (l *Log) Refresh() error {
	l.work.Lock()
	defer l.work.Unlock()
	if !l.open {
		return errors.New("refresh the commit log: it is closed")
	}
	if err := l.refresh(); err != nil {
		return fmt.Errorf("refresh the commit log: %w", err)
	}
	return nil
}

// Number returns the number of the last record, as of the last Refresh or Commit; 0: none.
func (l *Log) Number() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.number
}

// Empty tells whether the log has no record.
func (l *Log) Empty() bool { return l.Number() == 0 }

// Position returns how far a partition has been committed, and whether the log knows it.
func (l *Log) Position(partition int) (Position, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	p, ok := l.state.positions[partition]
	return p, ok
}

// Positions returns how far each partition has been committed.
func (l *Log) Positions() map[int]Position {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return maps.Clone(l.state.positions)
}

// Known tells whether a segment has been committed, as far as the log remembers.
func (l *Log) Known(id SegmentID) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.known.has(id)
}

// Close removes the own staging folder and gives up its lock. If a batch is unfinished its
// files stay, for whoever opens the log next.
func (l *Log) Close() error {
	l.work.Lock()
	defer l.work.Unlock()
	if !l.open {
		return nil
	}
	if err := l.leaveStaging(); err != nil {
		return fmt.Errorf("close the commit log: %w", err)
	}
	return nil
}
