package commitlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockFile is the name of the file in a staging folder that its writer holds locked.
const lockFile = "lock"

// newStaging is the beginning of the name of a staging folder that is not complete.
const newStaging = ".new-"

// locksAtOnce bounds the locks of other writers that are held at a time.
const locksAtOnce = 100

// owner is what a lock file says.
type owner struct {
	Table   string `json:"table"`
	Topic   string `json:"topic"`
	Group   string `json:"group"`
	PID     int    `json:"pid"`
	Host    string `json:"host"`
	Started stamp  `json:"started"`
	identity
}

// ours tells whether the owner writes to this log.
func (l *Log) ours(o owner) bool {
	return o.Table == l.o.Table && o.Topic == l.o.Topic && o.Group == l.o.Group
}

// makeStaging makes the own staging folder. It gets its name when it is complete, so that
// nobody takes it for one that was left.
func (l *Log) makeStaging() error {
	if l.local {
		return l.makeLocked()
	}
	return l.makeBeating()
}

// removeLeft removes the staging folders of writers of this log that are gone.
func (l *Log) removeLeft() error {
	if l.local {
		return l.removeUnlocked()
	}
	return l.removeSilent()
}

// writeOwner makes the lock file of a staging folder.
func (l *Log) writeOwner(folder string, who identity) error {
	host, _ := os.Hostname() // for whoever looks at it
	about, err := json.Marshal(owner{l.o.Table, l.o.Topic, l.o.Group, os.Getpid(), host, stamp{l.o.Now()}, who})
	if err != nil {
		return err
	}
	return l.createFile(filepath.Join(folder, lockFile), append(about, '\n'))
}

// leaveStaging gives up the own staging folder: it is removed if nothing in it is needed.
func (l *Log) leaveStaging() error {
	l.open = false
	needed := l.doubtful
	if l.state != nil && l.state.last != nil && l.finished < l.state.number {
		needed = needed || l.state.last.Writer == l.writer
	}
	if !l.local {
		return l.leaveBeating(needed)
	}
	var err error
	if !needed {
		if err = l.removeStaging(l.staging); err != nil {
			err = fmt.Errorf("remove the staging folder: %w", err)
		}
	}
	err = errors.Join(err, l.lock.Close())
	l.lock = nil
	return err
}
