package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// A standing is what is known of a partition when it is given to this listener: by the
// commit log, by Kafka, and by --from.
type standing struct {
	partition int
	log       commitlog.Position
	known     bool   // log is set
	fresh     bool   // the log has no record of any partition
	record    int64  // the log's last
	warehouse string // the log's id of the warehouse
	bounds    consume.Bounds
	committed consume.Committed
	replaced  error  // the message before the log's position is another one now
	from      *int64 // where --from says to begin
	explicit  bool   // from was given as an offset
}

// A start is where reading a partition begins.
type start struct {
	next int64
	// why tells why the log has to be told; empty if next is the log's own position.
	why string
	// loss tells that messages may be missing in the table.
	loss bool
}

// start decides where reading begins. The error says that log and topic disagree: nobody
// but the operator knows whether rows are missing or would be stored twice. --from ends a
// disagreement, but only offsets do if rows that are stored may be read again, so that
// "earliest" may stand in a command line for ever.
func (s standing) start() (start, error) {
	kind, problem := s.trouble()
	switch {
	case kind == none && s.known:
		return start{next: s.log.Next}, nil
	case kind == elsewhere, kind == moved && !s.explicit:
		return start{}, &disagreement{s, kind, problem}
	case s.explicit && (*s.from < s.bounds.First || *s.from > s.bounds.Next):
		return start{}, &positionError{fmt.Sprintf("partition %d: --from says offset %d, but the topic holds offsets %d to %d",
			s.partition, *s.from, s.bounds.First, s.bounds.Next)}
	case s.from != nil && kind != none:
		return start{*s.from, fmt.Sprintf("by --from, although %s", problem), true}, nil
	case s.from != nil && s.fresh:
		return start{next: *s.from, why: "by --from"}, nil
	case kind != none:
		return start{}, &disagreement{s, kind, problem}
	case !s.fresh && s.bounds.First > 0:
		return start{s.bounds.First, fmt.Sprintf("the partition is new to the group, and its first %d messages were deleted before they were read", s.bounds.First), true}, nil
	case !s.fresh:
		return start{next: 0, why: "the partition is new to the group"}, nil
	case s.committed.Offset >= 0:
		return start{next: s.committed.Offset, why: "by the group's committed offset"}, nil
	}
	return start{next: s.bounds.Next, why: "the group is new: at the newest message"}, nil
}

// A trouble is what log and topic disagree on.
type trouble int

const (
	none      trouble = iota
	gone              // what comes next was deleted, or the topic is another one
	moved             // the log does not hold all that was stored, or Kafka's offset was set
	elsewhere         // another warehouse has this group
)

// trouble tells what log and topic disagree on, in words as well.
func (s standing) trouble() (trouble, string) {
	warehouse, record, ours := parseMetadata(s.committed.Metadata)
	committed := s.committed.Offset
	switch {
	case committed < 0:
	case ours && warehouse != s.warehouse:
		return elsewhere, fmt.Sprintf("the group's offset %d was committed for another warehouse (%s, this one is %s)", committed, warehouse, s.warehouse)
	case ours && !s.known:
		return moved, fmt.Sprintf("the group's offset %d was committed for this warehouse, but its commit log does not know the partition: the log was lost, or restored from an old copy", committed)
	case ours && committed > s.log.Next && record > s.record:
		return moved, fmt.Sprintf("the group's offset is %d, but the commit log has only reached %d: it was restored from an old copy", committed, s.log.Next)
	case !ours && s.known && s.record > 1 && committed != s.log.Next:
		return moved, fmt.Sprintf("somebody else has set the group's offset to %d; the commit log has reached %d", committed, s.log.Next)
	}
	next := s.log.Next
	if !s.known {
		next = committed
	}
	switch {
	case !s.known && (!s.fresh || committed < 0):
		return none, ""
	case next < s.bounds.First:
		return gone, fmt.Sprintf("%d messages were deleted before they were read: offset %d comes next, the topic begins at %d", s.bounds.First-next, next, s.bounds.First)
	case next > s.bounds.Next:
		return gone, fmt.Sprintf("offset %d comes next, but the topic ends at %d: it was deleted and made again, or cut", next, s.bounds.Next)
	case s.replaced != nil:
		return gone, strings.TrimPrefix(s.replaced.Error(), fmt.Sprintf("partition %d: ", s.partition))
	}
	return none, ""
}

// A disagreement between commit log and topic stops the listener.
type disagreement struct {
	standing
	kind    trouble
	problem string
}

func (d *disagreement) Error() string {
	text := fmt.Sprintf("partition %d: %s. Nothing was read or stored. ", d.partition, d.problem)
	offsets := fmt.Sprintf("--from %d:OFFSET (%d to %d, and so for each partition)", d.partition, d.bounds.First, d.bounds.Next)
	switch {
	case d.kind == elsewhere:
		return text + "One group can't fill two tables: choose another group with -g, and with --from where it begins"
	case d.kind == moved && d.known:
		return text + fmt.Sprintf("To go on here, start once with %s: what lies before offset %d is stored, and would be stored again", offsets, d.log.Next)
	case d.kind == moved:
		return text + fmt.Sprintf("To go on here, start once with %s: what the table has of it would be stored again", offsets)
	}
	text += fmt.Sprintf("To go on here, start once with --from earliest (offset %d), --from latest (offset %d), or %s", d.bounds.First, d.bounds.Next, offsets)
	if d.known {
		text += fmt.Sprintf("; what was read before offset %d is stored", d.log.Next)
	}
	return text
}

// metadataPrefix begins what is stored beside the group's offsets in Kafka: the id of the
// warehouse and the number of the commit log's record follow.
const metadataPrefix = "spot-ingest "

func metadata(warehouse string, record int64) string {
	return fmt.Sprintf("%s%s %d", metadataPrefix, warehouse, record)
}

// parseMetadata reads what metadata has written. A record's number that can't be read is
// later than any.
func parseMetadata(text string) (warehouse string, record int64, ours bool) {
	rest, ours := strings.CutPrefix(text, metadataPrefix)
	if !ours {
		return "", 0, false
	}
	warehouse, number, _ := strings.Cut(rest, " ")
	record, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		record = math.MaxInt64
	}
	return warehouse, record, true
}
