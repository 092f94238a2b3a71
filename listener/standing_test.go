package main

import (
	"errors"
	"math"
	"strings"
	"testing"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// Where reading a partition begins, of which the topic holds the offsets 10 to 20.
func TestStanding(t *testing.T) {
	const here, elsewhere = "00ff", "ff00"
	nothing := consume.Committed{Offset: -1}
	ours := func(offset int64) consume.Committed {
		return consume.Committed{Offset: offset, Metadata: metadata(here, 7)}
	}
	other := func(offset int64) consume.Committed { return consume.Committed{Offset: offset} }
	from := func(offset int64) *int64 { return &offset }
	log := func(next int64) *commitlog.Position { return &commitlog.Position{Next: next, Last: next - 1} }
	replaced := errors.New("another message")

	const fresh, begun = true, false
	for _, tt := range []struct {
		name      string
		log       *commitlog.Position // nil: the log does not know the partition
		fresh     bool
		committed consume.Committed
		from      *int64
		explicit  bool // from was given as an offset
		replaced  error
		next      int64
		why       string // in it; empty: nothing is to be told to the log
		err       string // in it
	}{
		{name: "new group", fresh: fresh, committed: nothing, next: 20, why: "the group is new: at the newest message"},
		{name: "new group, from", fresh: fresh, committed: nothing, from: from(10), next: 10, why: "by --from"},
		{name: "new group, from the end", fresh: fresh, committed: nothing, from: from(20), next: 20, why: "by --from"},
		{name: "new group, from before", fresh: fresh, committed: nothing, from: from(9), explicit: true, err: "--from says offset 9, but the topic holds offsets 10 to 20"},
		{name: "new group, from behind", fresh: fresh, committed: nothing, from: from(21), explicit: true, err: "--from says offset 21"},
		{name: "taken over", fresh: fresh, committed: other(15), next: 15, why: "by the group's committed offset"},
		{name: "taken over at 10", fresh: fresh, committed: other(10), next: 10, why: "by the group's committed offset"},
		{name: "taken over, from", fresh: fresh, committed: other(15), from: from(12), next: 12, why: "by --from"},
		{name: "taken over, lost", fresh: fresh, committed: other(9), err: "1 messages were deleted before they were read: offset 9 comes next, the topic begins at 10"},
		{name: "taken over, lost, from", fresh: fresh, committed: other(9), from: from(10), next: 10, why: "by --from, although 1 messages were deleted"},
		{name: "taken over, cut", fresh: fresh, committed: other(21), err: "offset 21 comes next, but the topic ends at 20"},
		{name: "log lost", fresh: fresh, committed: ours(15), err: "its commit log does not know the partition"},
		{name: "log lost, from", fresh: fresh, committed: ours(15), from: from(15), explicit: true, next: 15, why: "by --from, although"},
		{name: "log lost, from earliest", fresh: fresh, committed: ours(15), from: from(10), err: "what the table has of it would be stored again"},
		{name: "log lost in part", committed: ours(15), err: "its commit log does not know the partition"},
		{name: "another warehouse, new", fresh: fresh, committed: consume.Committed{Offset: 15, Metadata: metadata(elsewhere, 1)}, err: "One group can't fill two tables: choose another group with -g"},
		{name: "another warehouse, known", log: log(15), committed: consume.Committed{Offset: 15, Metadata: metadata(elsewhere, 9)}, err: "was committed for another warehouse (ff00, this one is 00ff)"},
		{name: "another warehouse, from", fresh: fresh, committed: consume.Committed{Offset: 15, Metadata: metadata(elsewhere, 1)}, from: from(10), explicit: true, err: "choose another group with -g"},

		{name: "new partition", fresh: begun, committed: nothing, err: "", next: 10, why: "its first 10 messages were deleted before they were read"},
		{name: "new partition, from", fresh: begun, committed: nothing, from: from(20), next: 10, why: "its first 10 messages"},
		{name: "new partition, committed", fresh: begun, committed: other(15), next: 10, why: "its first 10 messages"},

		{name: "known", log: log(15), committed: ours(15), next: 15},
		{name: "known, Kafka knows nothing", log: log(15), committed: nothing, next: 15},
		{name: "known, Kafka is behind", log: log(15), committed: ours(12), next: 15},
		{name: "known, at the end", log: log(20), committed: ours(20), next: 20},
		{name: "known, at the beginning", log: log(10), committed: nothing, next: 10},
		{name: "known, taken over before", log: log(15), committed: other(15), next: 15},
		{name: "known, from does not count", log: log(15), committed: ours(15), from: from(10), next: 15},
		{name: "known, wrong from does not count", log: log(15), committed: ours(15), from: from(99), next: 15},
		{name: "known, old copy", log: log(15), committed: consume.Committed{Offset: 18, Metadata: metadata(here, 9)}, err: "the group's offset is 18, but the commit log has only reached 15: it was restored from an old copy"},
		{name: "known, set back since", log: log(15), committed: consume.Committed{Offset: 18, Metadata: metadata(here, 8)}, next: 15},
		{name: "known, no telling which record", log: log(15), committed: consume.Committed{Offset: 18, Metadata: metadataPrefix + here + " x"}, err: "restored from an old copy"},
		{name: "known, reset back", log: log(15), committed: other(12), err: "somebody else has set the group's offset to 12; the commit log has reached 15"},
		{name: "known, reset forward", log: log(15), committed: other(18), err: "somebody else has set the group's offset to 18"},
		{name: "known, reset, from", log: log(15), committed: other(18), from: from(18), err: "somebody else has set the group's offset to 18"},
		{name: "known, reset, an offset", log: log(15), committed: other(18), from: from(18), explicit: true, next: 18, why: "by --from, although somebody else"},
		{name: "known, reset, from earliest", log: log(15), committed: other(18), from: from(10), err: "what lies before offset 15 is stored, and would be stored again"},
		{name: "known, lost", log: log(7), committed: ours(7), err: "3 messages were deleted before they were read: offset 7 comes next, the topic begins at 10"},
		{name: "known, lost, from", log: log(7), committed: ours(7), from: from(10), next: 10, why: "by --from, although 3 messages were deleted"},
		{name: "known, lost, from before", log: log(7), committed: ours(7), from: from(7), explicit: true, err: "--from says offset 7"},
		{name: "known, made again", log: log(25), committed: ours(25), err: "offset 25 comes next, but the topic ends at 20: it was deleted and made again, or cut"},
		{name: "known, made again and as long", log: log(15), committed: ours(15), replaced: replaced, err: "another message"},
		{name: "known, made again, from", log: log(15), committed: ours(15), replaced: replaced, from: from(10), next: 10, why: "by --from, although another message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := standing{
				partition: 3, fresh: tt.fresh, record: 8, warehouse: here, bounds: consume.Bounds{First: 10, Next: 20, Stable: 20},
				committed: tt.committed, from: tt.from, explicit: tt.explicit, replaced: tt.replaced,
			}
			if tt.log != nil {
				s.log, s.known = *tt.log, true
			}
			got, err := s.start()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), "partition 3: ") || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %+v, %v; want the error %q", got, err, tt.err)
				}
				if disagrees := errors.As(err, new(*disagreement)); disagrees != strings.Contains(err.Error(), "with --from") {
					t.Errorf("%v does not say what --from does", err)
				}
				return
			}
			if err != nil || got.next != tt.next || !strings.Contains(got.why, tt.why) || (got.why == "") != (tt.why == "") {
				t.Errorf("got %+v, %v; want %d, %q", got, err, tt.next, tt.why)
			}
		})
	}
	s := standing{partition: 3, warehouse: here, bounds: consume.Bounds{Next: 4}, committed: nothing}
	if got, err := s.start(); err != nil || got != (start{next: 0, why: "the partition is new to the group"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMetadata(t *testing.T) {
	for text, want := range map[string]struct {
		warehouse string
		record    int64
		ours      bool
	}{
		metadata("00ff", 12):  {"00ff", 12, true},
		"":                    {},
		"spot":                {},
		"spot-ingest 00ff":    {"00ff", math.MaxInt64, true},
		"spot-ingest 00ff 1x": {"00ff", math.MaxInt64, true},
	} {
		warehouse, record, ours := parseMetadata(text)
		if warehouse != want.warehouse || record != want.record || ours != want.ours {
			t.Errorf("%q: %q, %d, %v", text, warehouse, record, ours)
		}
	}
}
