package metastore

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"strconv"
	"strings"

	"spot-ingest/listener/internal/table"
)

// ReadDir lists a folder's entries. One that doesn't exist is fs.ErrNotExist.
type ReadDir func(path string) ([]fs.FileInfo, error)

// levelNames are the columns of the levels of folders.
var levelNames = [4]string{"y", "m", "d", "h"}

// Folders goes through the folders of a table's partitions, which lie at root, month by
// month; one folder of each level is held in memory. What is named otherwise, such as
// hive/oa or m=03 where the listener would write m=3, is passed over. The first error is
// the last of what it yields.
func Folders(ctx context.Context, t *table.Table, root string, list ReadDir) iter.Seq2[table.Hour, error] {
	return func(yield func(table.Hour, error) bool) {
		w := walk{ctx: ctx, table: t, list: list, yield: yield}
		w.below(strings.TrimRight(root, "/"), [4]int64{}, 0)
	}
}

type walk struct {
	ctx   context.Context
	table *table.Table
	list  ReadDir
	yield func(table.Hour, error) bool
}

// below goes through a folder at a level, of which the numbers above are known. It tells
// whether to go on.
func (w *walk) below(path string, numbers [4]int64, level int) bool {
	if err := w.ctx.Err(); err != nil {
		w.yield(table.Hour{}, err)
		return false
	}
	entries, err := w.list(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true // nothing written yet, or removed meanwhile
	}
	if err != nil {
		w.yield(table.Hour{}, err)
		return false
	}
	for _, entry := range entries {
		n, ok := levelNumber(entry.Name(), level)
		if !ok || !entry.IsDir() {
			continue
		}
		numbers[level] = n
		h := hour(numbers)
		if strings.Split(w.table.Folder(h), "/")[level] != entry.Name() {
			continue
		}
		if level < 3 {
			ok = w.below(path+"/"+entry.Name(), numbers, level+1)
		} else {
			ok = w.yield(h, nil)
		}
		if !ok {
			return false
		}
	}
	return true
}

// levelNumber reads a folder's name at a level, y=2018 at the first.
func levelNumber(name string, level int) (int64, bool) {
	digits, ok := strings.CutPrefix(name, levelNames[level]+"=")
	if !ok {
		return 0, false
	}
	bits := 8
	if level == 0 {
		bits = 16
	}
	n, err := strconv.ParseInt(digits, 10, bits)
	return n, err == nil
}

func hour(n [4]int64) table.Hour {
	return table.Hour{Year: int16(n[0]), Month: int8(n[1]), Day: int8(n[2]), Hour: int8(n[3])}
}

// parseName reads the name of a partition, "y=2018/m=3/d=20/h=9", in which numbers may have
// zeros before them.
func parseName(name string) (table.Hour, bool) {
	var numbers [4]int64
	levels := strings.Split(name, "/")
	if len(levels) != len(numbers) {
		return table.Hour{}, false
	}
	for i, level := range levels {
		n, ok := levelNumber(level, i)
		if !ok {
			return table.Hour{}, false
		}
		numbers[i] = n
	}
	return hour(numbers), true
}
