package commitlog

import (
	"cmp"
	"slices"
)

// state is what the records up to one of them say.
type state struct {
	number    int64
	folder    string // of the epoch that record number+1 belongs to
	positions map[int]Position
	known     *known
	last      *record // record number; nil in an empty log
}

// emptyState is that of a log without a record, whose first will be in folder.
func emptyState(folder string) *state {
	return &state{folder: folder, positions: make(map[int]Position), known: newKnown(nil)}
}

// stateBefore is what the snapshot in an epoch's first record says.
func stateBefore(r *record) *state {
	s := emptyState(r.folder)
	s.number = r.Number - 1
	s.known = newKnown(r.Snapshot.IDs)
	for _, p := range r.Snapshot.Positions {
		s.positions[p.Partition] = p.Position
	}
	r.Snapshot = nil
	return s
}

// apply takes in the next record.
func (s *state) apply(r *record) {
	s.number = r.Number
	if r.NextEpoch != "" {
		s.folder = r.NextEpoch
	}
	for _, p := range r.Parts {
		s.positions[p.Partition] = p.Position
	}
	s.known.add(r.Segments, r.Time.Time)
	r.Segments, r.Snapshot = nil, nil // not needed to finish the record
	s.last = r
}

func (s *state) sortedPositions() []partitionPosition {
	sorted := make([]partitionPosition, 0, len(s.positions))
	for partition, p := range s.positions {
		sorted = append(sorted, partitionPosition{partition, p})
	}
	slices.SortFunc(sorted, func(a, b partitionPosition) int { return cmp.Compare(a.Partition, b.Partition) })
	return sorted
}
