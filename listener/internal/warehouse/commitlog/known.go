package commitlog

import "time"

// How many segment ids are known, and for how long.
const (
	leastKnown = 100_000
	mostKnown  = 1_000_000
	remember   = 7 * 24 * time.Hour
)

// known are the segment ids seen of late. What is forgotten depends on the log's records
// alone, so that every process knows the same after the same record.
type known struct {
	least, most int
	set         map[SegmentID]struct{}
	groups      []seen // all ids of set, in the order seen
}

// seen are ids that were seen in one minute, of which Time is the end.
type seen struct {
	Time stamp `json:"time"`
	IDs  ids   `json:"ids"`
}

// newKnown takes over a snapshot's ids.
func newKnown(groups []seen) *known {
	k := &known{least: leastKnown, most: mostKnown, groups: groups}
	n := 0
	for _, g := range groups {
		n += len(g.IDs)
	}
	k.set = make(map[SegmentID]struct{}, n)
	for _, g := range groups {
		for _, id := range g.IDs {
			k.set[id] = struct{}{}
		}
	}
	return k
}

func (k *known) has(id SegmentID) bool {
	_, ok := k.set[id]
	return ok
}

// add takes in a record's ids and forgets what is too old by its time or too much.
func (k *known) add(added ids, now time.Time) {
	if end := now.UTC().Truncate(time.Minute).Add(time.Minute); len(added) > 0 {
		if n := len(k.groups); n == 0 || !k.groups[n-1].Time.Equal(end) {
			k.groups = append(k.groups, seen{Time: stamp{end}})
		}
		last := &k.groups[len(k.groups)-1]
		for _, id := range added {
			if !k.has(id) {
				k.set[id] = struct{}{}
				last.IDs = append(last.IDs, id)
			}
		}
	}
	for len(k.groups) > 0 {
		g := &k.groups[0]
		spare := len(k.set) - k.most
		if now.Sub(g.Time.Time) > remember {
			spare = len(k.set) - k.least
		}
		n := min(len(g.IDs), max(spare, 0))
		for _, id := range g.IDs[:n] {
			delete(k.set, id)
		}
		if g.IDs = g.IDs[n:]; len(g.IDs) > 0 {
			return
		}
		*g = seen{} // its ids' memory goes at once
		k.groups = k.groups[1:]
	}
}
