package metastore

import (
	"cmp"
	"slices"

	"spot-ingest/listener/internal/table"
)

// An hourSet is a set of hours.
type hourSet map[table.Hour]bool

// first returns the earliest n that are not among others.
func (s hourSet) first(n int, others hourSet) []table.Hour {
	hours := make([]table.Hour, 0, len(s))
	for h := range s {
		if !others[h] {
			hours = append(hours, h)
		}
	}
	slices.SortFunc(hours, compare)
	return hours[:min(n, len(hours))]
}

// least returns the earliest; there must be one.
func (s hourSet) least() table.Hour { return s.first(1, nil)[0] }

func compare(a, b table.Hour) int {
	return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Hour, b.Hour))
}

// A recent remembers the hours that were added to it last, maxKnown at most and at least
// half of them.
type recent struct {
	young, old hourSet
}

func (r *recent) has(h table.Hour) bool { return r.young[h] || r.old[h] }

func (r *recent) add(h table.Hour) {
	if r.young == nil || len(r.young) == maxKnown/2 {
		r.old, r.young = r.young, hourSet{}
	}
	r.young[h] = true
}
