package commitlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// nameWarehouse reads the warehouse's id, which the first to come gives it.
func (l *Log) nameWarehouse() error {
	type about struct {
		Format    int    `json:"format"`
		Warehouse string `json:"warehouse"`
	}
	path := filepath.Join(l.o.Folder, commitsFolder, warehouseFile)
	var w about
	if err := l.readOrMake(path, about{format, randomID()}, &w); err != nil {
		return err
	}
	if w.Format != format || !isID(w.Warehouse) {
		return fmt.Errorf("%s has no warehouse id of a known format: restore it from a backup, or remove it to give the warehouse a new id", path)
	}
	l.warehouse = w.Warehouse
	return nil
}

// head is a log's log.json.
type head struct {
	Format     int    `json:"format"`
	Table      string `json:"table"`
	Topic      string `json:"topic"`
	Group      string `json:"group"`
	FirstEpoch string `json:"first_epoch"`
}

func (l *Log) headPath() string { return filepath.Join(l.folder, "log.json") }

// begin reads log.json, which the first to come makes together with the first epoch.
func (l *Log) begin() error {
	path := filepath.Join(l.folder, "log.json")
	there, err := l.exists(path)
	if err != nil {
		return err
	}
	h := head{format, l.o.Table, l.o.Topic, l.o.Group, ""}
	if !there {
		if h.FirstEpoch, err = l.makeEpoch(0); err != nil {
			return err
		}
		if err := l.fault(stepMakeLog); err != nil {
			return err // the folder stays, as it does on any error: log.json may name it
		}
	}
	own := h.FirstEpoch
	if err := l.readOrMake(path, h, &h); err != nil {
		return err
	}
	if own != "" && own != h.FirstEpoch {
		l.fs.Remove(filepath.Join(l.folder, own)) // somebody was faster
	}
	epoch, ok := parseEpoch(h.FirstEpoch)
	if h.Format != format || !ok || epoch != 0 {
		return fmt.Errorf("%s is not of a format that this program knows: restore it from a backup", path)
	}
	if h.Table != l.o.Table || h.Topic != l.o.Topic || h.Group != l.o.Group {
		return fmt.Errorf("%s belongs to table %q, topic %q and group %q", path, h.Table, h.Topic, h.Group)
	}
	l.firstEpoch = h.FirstEpoch
	return nil
}

// createOnce makes path with this content unless it exists, not durably by its name; it is
// complete as soon as it is there. The file temporary, on the same file system, is made and removed.
func (l *Log) createOnce(path, temporary string, content []byte) error {
	if err := l.createFile(temporary, content); err != nil {
		return err
	}
	err := l.fs.Claim(temporary, path)
	if l.local || err != nil {
		l.fs.Remove(temporary)
	}
	if err != nil && !l.local {
		// It may have been done all the same.
		if there, lookErr := l.exists(path); lookErr == nil && there {
			return nil
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// createFile makes a new file, durable but for its name.
func (l *Log) createFile(path string, content []byte) error {
	return l.fs.Create(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// removeFile removes a file or an empty folder that may be gone.
func (l *Log) removeFile(path string) error {
	if err := l.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (l *Log) exists(path string) (bool, error) {
	_, err := l.fs.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// readOrMake reads a JSON file into v, after it was made from initial if there is none.
func (l *Log) readOrMake(path string, initial, v any) error {
	there, err := l.exists(path)
	if err != nil {
		return err
	}
	if !there {
		content, err := json.Marshal(initial)
		if err != nil {
			return err
		}
		if err := l.createOnce(path, filepath.Join(l.staging, ".once"), append(content, '\n')); err != nil {
			return err
		}
	}
	if err := l.fs.Sync(filepath.Dir(path)); err != nil {
		return err
	}
	data, err := l.fs.ReadFile(path, 1<<16)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
