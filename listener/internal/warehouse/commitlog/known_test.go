package commitlog

import (
	"encoding/binary"
	"testing"
	"time"
)

func numbered(first, n int) ids {
	list := make(ids, n)
	for i := range list {
		binary.BigEndian.PutUint64(list[i][:], uint64(first+i))
	}
	return list
}

func id(n int) SegmentID { return numbered(n, 1)[0] }

func TestKnown(t *testing.T) {
	day := 24 * time.Hour
	k := newKnown(nil)
	k.least, k.most = 100, 1000
	check := func(step string, oldest, newest int) {
		t.Helper()
		if len(k.set) != newest-oldest+1 {
			t.Errorf("%s: %d ids are known, want %d", step, len(k.set), newest-oldest+1)
		}
		for n, want := range map[int]bool{oldest - 1: false, oldest: true, newest: true, newest + 1: false} {
			if k.has(id(n)) != want {
				t.Errorf("%s: id %d: %v", step, n, !want)
			}
		}
		total := 0
		for _, g := range k.groups {
			total += len(g.IDs)
		}
		if total != len(k.set) {
			t.Errorf("%s: %d ids in order, %d known", step, total, len(k.set))
		}
	}
	k.add(numbered(1, 150), start)
	check("first", 1, 150)
	k.add(numbered(100, 60), start.Add(5*time.Second)) // 51 of them again
	check("some again", 1, 159)
	if len(k.groups) != 1 {
		t.Errorf("%d groups for one minute", len(k.groups))
	}
	k.add(numbered(160, 41), start.Add(day))
	check("second day", 1, 200)
	k.add(nil, start.Add(7*day))
	check("seven days", 1, 200)
	// Older than seven days, but of the newest 100.
	k.add(nil, start.Add(7*day+time.Minute))
	check("over seven days", 101, 200)
	k.add(numbered(201, 30), start.Add(7*day+2*time.Minute))
	check("some more", 131, 230)
	k.add(numbered(231, 70), start.Add(7*day+2*time.Minute))
	check("the first day is gone", 160, 300)
	// The clock goes back, and the order stays.
	k.add(numbered(301, 100), start)
	check("back", 160, 400)
	k.add(numbered(401, 759), start.Add(8*day))
	check("as many as there may be", 160, 1159)
	k.add(numbered(1160, 1), start.Add(8*day))
	check("one too much", 161, 1160)
	k.add(numbered(2000, 1500), start.Add(8*day))
	check("far too much", 2500, 3499)
	k.add(nil, start.Add(30*day))
	check("a month", 3400, 3499)
	taken := newKnown(k.groups)
	if len(taken.set) != 100 || !taken.has(id(3400)) || taken.least != leastKnown || taken.most != mostKnown {
		t.Errorf("a snapshot: %d ids", len(taken.set))
	}
}
