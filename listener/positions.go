package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// positionRounds bounds how often other listeners may commit while positions are decided.
const positionRounds = 10

// positions returns where reading the generation's partitions goes on. Positions that the
// log did not have are told to it first: of all the topic's partitions if the log is new, so
// that those which nobody reads yet begin at the same time.
func (l *listener) positions(ctx context.Context, gen *consume.Generation) (map[int]commitlog.Position, error) {
	for range positionRounds {
		err := l.decide(ctx, gen)
		if errors.Is(err, commitlog.ErrStale) {
			continue
		}
		if err != nil {
			return nil, err
		}
		at := make(map[int]commitlog.Position)
		for _, p := range gen.Partitions {
			at[p], _ = l.commits.Position(p)
		}
		return at, nil
	}
	return nil, fmt.Errorf("other listeners of group %q keep changing the positions", l.group())
}

// decide finds out where partitions go on, and commits what the log does not know.
func (l *listener) decide(ctx context.Context, gen *consume.Generation) error {
	if err := l.commits.Refresh(); err != nil {
		return &storeError{err}
	}
	partitions := gen.Partitions
	if l.commits.Empty() {
		n, err := l.kafka.Partitions(ctx)
		if err != nil {
			return err
		}
		partitions = upTo(n)
	}
	standings, err := l.standings(ctx, partitions)
	if err != nil {
		return err
	}
	c := &commitlog.Commit{}
	var said []string
	for _, s := range standings {
		start, err := s.start()
		if err != nil {
			return err
		}
		if start.why == "" {
			continue
		}
		c.Parts = append(c.Parts, commitlog.Part{
			Partition: s.partition, First: start.next, // nothing was read yet
			Position: commitlog.Position{Next: start.next, Last: -1},
		})
		c.Note = start.why
		said = append(said, fmt.Sprintf("Partition %d begins at offset %d: %s.", s.partition, start.next, start.why))
	}
	if len(c.Parts) == 0 {
		if l.args.From.Text != "" {
			l.log.Info("The commit log knows where to go on; --from %s is for a new group, or for when log and topic disagree.", l.args.From.Text)
		}
	} else if err := l.commits.Reposition(c); errors.Is(err, commitlog.ErrStale) {
		return err
	} else if err != nil {
		return &storeError{err}
	}
	for _, sentence := range said {
		l.log.Info("%s", sentence)
	}
	l.settle(gen, standings)
	return nil
}

// settle tells Kafka where partitions go on if it believes otherwise: after a new start, and
// after a listener that was killed before it could.
func (l *listener) settle(gen *consume.Generation, standings []standing) {
	var parts []commitlog.Part
	for _, s := range standings {
		at, _ := l.commits.Position(s.partition)
		if warehouse, _, _ := parseMetadata(s.committed.Metadata); s.committed.Offset != at.Next || warehouse != s.warehouse {
			parts = append(parts, commitlog.Part{Partition: s.partition, Position: at})
		}
	}
	if len(parts) > 0 {
		l.commitOffsets(gen, parts)
	}
}

// standings asks Kafka what it knows of partitions. The order matters while others are at
// work: they commit to the log before they tell Kafka, and messages are there before they are
// in the log. It returns ErrStale if somebody else has begun the log meanwhile.
func (l *listener) standings(ctx context.Context, partitions []int) ([]standing, error) {
	fresh := l.commits.Empty()
	committed, err := l.kafka.Committed(ctx, partitions)
	if err != nil {
		return nil, err
	}
	if err := l.commits.Refresh(); err != nil {
		return nil, &storeError{err}
	}
	if fresh && !l.commits.Empty() {
		return nil, commitlog.ErrStale
	}
	all := make([]standing, len(partitions))
	for i, p := range partitions {
		s := &all[i]
		*s = standing{
			partition: p, fresh: fresh, record: l.commits.Number(), warehouse: l.commits.Warehouse(),
			committed: committed[p],
		}
		if s.log, s.known = l.commits.Position(p); !s.known {
			continue
		}
		err := l.kafka.Verify(ctx, p, consumePosition(s.log))
		switch {
		case errors.As(err, new(*consume.ReplacedError)), errors.As(err, new(*consume.OutOfRangeError)):
			s.replaced = err
		case err != nil:
			return nil, err
		}
	}
	bounds, err := l.kafka.Bounds(ctx, partitions)
	if err != nil {
		return nil, err
	}
	from, err := l.from(ctx, bounds)
	if err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		s.bounds = bounds[s.partition]
		if offset, ok := from[s.partition]; ok {
			s.from = &offset
		}
	}
	return all, nil
}

// consumePosition is a position of the log as reading takes it.
func consumePosition(at commitlog.Position) consume.Position {
	return consume.Position{Next: at.Next, Last: at.Last, Time: at.Time, CRC: at.CRC}
}

// from returns what --from says of each partition; nothing where it does not.
func (l *listener) from(ctx context.Context, bounds map[int]consume.Bounds) (map[int]int64, error) {
	from := l.args.From
	switch {
	case from.Offsets != nil:
		for _, p := range slices.Sorted(maps.Keys(from.Offsets)) {
			if n, err := l.kafka.Partitions(ctx); err != nil {
				return nil, err
			} else if p >= n {
				return nil, fmt.Errorf("--from names partition %d, but topic %q has %d", p, l.topic, n)
			}
		}
		return from.Offsets, nil
	case !from.Time.IsZero():
		return l.kafka.OffsetsAt(ctx, from.Time)
	}
	at := make(map[int]int64)
	for p, b := range bounds {
		switch {
		case from.Earliest:
			at[p] = b.First
		case from.Latest:
			at[p] = b.Next
		}
	}
	return at, nil
}

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
}

// A start is where reading a partition begins.
type start struct {
	next int64
	// why tells why the log has to be told; empty if next is the log's own position.
	why string
}

// start decides where reading begins. The error says that log and topic disagree: nobody
// but the operator knows whether rows are missing or would be stored twice.
func (s standing) start() (start, error) {
	problem := s.problem()
	switch {
	case problem == "" && s.known:
		return start{next: s.log.Next}, nil
	case s.from != nil && (*s.from < s.bounds.First || *s.from > s.bounds.Next):
		return start{}, fmt.Errorf("partition %d: --from says offset %d, but the topic holds offsets %d to %d",
			s.partition, *s.from, s.bounds.First, s.bounds.Next)
	case s.from != nil && problem != "":
		return start{*s.from, fmt.Sprintf("by --from, although %s", problem)}, nil
	case s.from != nil && s.fresh:
		return start{*s.from, "by --from"}, nil
	case problem != "":
		return start{}, &disagreement{s, problem}
	case !s.fresh && s.bounds.First > 0:
		return start{s.bounds.First, fmt.Sprintf("the partition is new to the group, and its first %d messages were deleted before they were read", s.bounds.First)}, nil
	case !s.fresh:
		return start{0, "the partition is new to the group"}, nil
	case s.committed.Offset >= 0:
		return start{s.committed.Offset, "by the group's committed offset"}, nil
	}
	return start{s.bounds.Next, "the group is new: at the newest message"}, nil
}

// problem tells what log and topic disagree on, or nothing.
func (s standing) problem() string {
	warehouse, record, ours := parseMetadata(s.committed.Metadata)
	committed := s.committed.Offset
	if committed >= 0 && ours && warehouse != s.warehouse {
		return fmt.Sprintf("the group's offset %d was committed for another warehouse (%s, this one is %s)", committed, warehouse, s.warehouse)
	}
	next := committed
	switch {
	case committed >= 0 && ours && !s.known:
		return fmt.Sprintf("the group's offset %d was committed for this warehouse, but its commit log does not know the partition: the log was lost, or restored from an old copy", committed)
	case !s.known && (!s.fresh || committed < 0):
		return ""
	case s.known:
		next = s.log.Next
	}
	switch {
	case s.known && committed >= 0 && ours && committed > next && record > s.record:
		return fmt.Sprintf("the group's offset is %d, but the commit log has only reached %d: it was restored from an old copy", committed, next)
	case s.known && committed >= 0 && !ours && committed != next:
		return fmt.Sprintf("somebody else has set the group's offset to %d; the commit log has reached %d", committed, next)
	case next < s.bounds.First:
		return fmt.Sprintf("%d messages were deleted before they were read: offset %d comes next, the topic begins at %d", s.bounds.First-next, next, s.bounds.First)
	case next > s.bounds.Next:
		return fmt.Sprintf("offset %d comes next, but the topic ends at %d: it was deleted and made again, or cut", next, s.bounds.Next)
	case s.replaced != nil:
		return strings.TrimPrefix(s.replaced.Error(), fmt.Sprintf("partition %d: ", s.partition))
	}
	return ""
}

// A disagreement between commit log and topic stops the listener.
type disagreement struct {
	standing
	problem string
}

func (d *disagreement) Error() string {
	text := fmt.Sprintf("partition %d: %s. Nothing was read or stored.", d.partition, d.problem)
	if _, _, ours := parseMetadata(d.committed.Metadata); ours && !d.known && d.fresh {
		text += " If another listener fills its own table with this group, choose another group with -g."
	}
	text += fmt.Sprintf(" To go on here, start once with --from earliest (offset %d), --from latest (offset %d), or --from %d:OFFSET", d.bounds.First, d.bounds.Next, d.partition)
	if d.known {
		text += fmt.Sprintf("; the commit log has stored everything before offset %d of what it read", d.log.Next)
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
