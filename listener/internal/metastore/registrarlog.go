package metastore

import (
	"errors"
	"fmt"
)

// report tells the log of trouble when it begins, when it changes its kind, and when it is over.
func (r *Registrar) report(err error) {
	kind := kindOf(err)
	if kind == r.trouble {
		return
	}
	was := r.trouble
	r.trouble = kind
	r.mu.Lock()
	waiting := count(len(r.pending))
	r.mu.Unlock()
	switch kind {
	case "":
		r.o.Log.Info("Hive: the partitions of table %s are known again (%s before)", r.t.Name(), was)
	case kindAway:
		r.o.Log.Warning("Hive: %s of table %s can't be added yet, and will be tried again until it is done: %v", waiting, r.t.Name(), err)
	default:
		r.o.Log.Error("Hive: %s of table %s can't be added, and will be tried again until it is done: %v", waiting, r.t.Name(), err)
	}
}

// count says how many partitions are meant. None are where folders are to be looked through.
func count(n int) string {
	switch n {
	case 0:
		return "partitions"
	case 1:
		return "1 partition"
	}
	return fmt.Sprintf("%d partitions", n)
}

const kindAway = "no answer"

// kindOf sorts errors by what an operator would do about them.
func kindOf(err error) string {
	var location *LocationError
	var partial *PartialError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrAway):
		return kindAway
	case errors.Is(err, ErrNoDatabase):
		return "no database"
	case errors.Is(err, ErrNoTable):
		return "no table"
	case IsDifference(err):
		return "other columns"
	case errors.As(err, &location):
		return "another location"
	case errors.As(err, &partial):
		return "partitions refused"
	}
	return "failure"
}
