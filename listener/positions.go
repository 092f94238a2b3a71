package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/pkg/cli"
)

// positionRounds bounds how often other listeners may commit while positions are decided.
const positionRounds = 10

// positions returns where reading the generation's partitions goes on. Positions that the
// log did not have are told to it first: of all the topic's partitions if the log is new, so
// that those which nobody reads yet begin at the same time.
func (l *listener) positions(ctx context.Context, gen *consume.Generation) (map[int]commitlog.Position, error) {
	doubted := false
	for range positionRounds {
		err := l.decide(ctx, gen)
		if errors.Is(err, commitlog.ErrStale) {
			continue
		}
		// A listener that had the partition may have committed while we looked.
		if !doubted && errors.As(err, new(*disagreement)) {
			doubted = true
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
	l.payHive()
	partitions := gen.Partitions
	if l.commits.Number() <= 1 { // nothing is stored yet, and Kafka may not know the start
		err := l.ask(ctx, func(ctx context.Context) error {
			n, err := l.kafka.Partitions(ctx)
			partitions = upTo(n)
			return err
		})
		if err != nil {
			return err
		}
	}
	standings, err := l.standings(ctx, partitions)
	if err != nil {
		return err
	}
	c := &commitlog.Commit{}
	var starts []start
	for _, s := range standings {
		start, err := s.start()
		if err != nil {
			return err
		}
		if start.why == "" {
			continue
		}
		part, err := l.part(ctx, s.partition, start.next)
		if err != nil {
			return err
		}
		c.Parts = append(c.Parts, part)
		c.Note = start.why
		starts = append(starts, start)
	}
	if len(c.Parts) == 0 {
		if l.args.From.Text != "" && !l.fromSaid {
			l.fromSaid = true
			l.log.Info("The commit log knows where to go on; --from %s is for a new group, or for when log and topic disagree.", l.args.From.Text)
		}
	} else if err := l.commits.Reposition(c); errors.Is(err, commitlog.ErrStale) {
		return err
	} else if err != nil {
		return &storeError{err}
	}
	for i, start := range starts {
		say := l.log.Info
		if start.loss {
			say = l.log.Warning
		}
		say("Partition %d begins at offset %d: %s.", c.Parts[i].Partition, start.next, start.why)
	}
	if len(starts) > 0 && l.args.From.Offsets != nil {
		l.args.From = cli.Position{} // they were for this start, and for no later one
	}
	return l.settle(ctx, gen, standings)
}

// part returns what the log is to hold of a partition that begins at next: also what lies
// before it, so that a topic that is made again is noticed.
func (l *listener) part(ctx context.Context, partition int, next int64) (commitlog.Part, error) {
	part := commitlog.Part{Partition: partition, First: next, Position: commitlog.Position{Next: next, Last: -1}}
	if next == 0 {
		return part, nil
	}
	err := l.ask(ctx, func(ctx context.Context) error {
		m, err := l.kafka.Message(ctx, partition, next-1)
		if errors.Is(err, consume.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		defer m.Release()
		if m.Bad == nil && m.Offset < next {
			part.Last, part.Time, part.CRC = m.Offset, m.Time, m.CRC
		}
		return nil
	})
	return part, err
}

// settle tells Kafka where partitions go on if it believes otherwise: after a new start, and
// after a listener that was killed before it could. An offset of somebody else must be gone
// before reading begins: later it would look as if it had been set meanwhile.
func (l *listener) settle(ctx context.Context, gen *consume.Generation, standings []standing) error {
	var parts []commitlog.Part
	foreign := false
	for _, s := range standings {
		at, _ := l.commits.Position(s.partition)
		warehouse, _, ours := parseMetadata(s.committed.Metadata)
		if s.committed.Offset != at.Next || warehouse != s.warehouse {
			parts = append(parts, commitlog.Part{Partition: s.partition, Position: at})
		}
		foreign = foreign || s.committed.Offset >= 0 && !ours
	}
	if len(parts) == 0 {
		return nil
	}
	said := false
	return l.ask(ctx, func(ctx context.Context) error {
		for {
			err := l.commitOffsets(gen, parts)
			switch {
			case err == nil, !foreign:
				return nil
			case errors.Is(err, consume.ErrRebalance), errors.Is(err, consume.ErrLost):
				return err
			case !said:
				said = true
				l.log.Warning("%v. Reading begins once Kafka has taken them.", err)
			}
			select {
			case <-time.After(firstRetry):
			case <-gen.Done():
				return gen.Err()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// standings asks Kafka what it knows of partitions. The order matters while others are at
// work: they commit to the log before they tell Kafka, and messages are there before they are
// in the log. It returns ErrStale if somebody else has begun the log meanwhile.
func (l *listener) standings(ctx context.Context, partitions []int) ([]standing, error) {
	fresh := l.commits.Empty()
	var committed map[int]consume.Committed
	err := l.ask(ctx, func(ctx context.Context) (err error) {
		committed, err = l.kafka.Committed(ctx, partitions)
		return err
	})
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
		s.log, s.known = l.commits.Position(p)
	}
	err = each(all, func(s *standing) error { return l.verifyStanding(ctx, s) })
	if err != nil {
		return nil, err
	}
	var bounds map[int]consume.Bounds
	var from map[int]int64
	err = l.ask(ctx, func(ctx context.Context) (err error) {
		if bounds, err = l.kafka.Bounds(ctx, partitions); err == nil {
			from, err = l.from(ctx, bounds)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		s.bounds = bounds[s.partition]
		if offset, ok := from[s.partition]; ok {
			s.from, s.explicit = &offset, l.args.From.Offsets != nil
		}
	}
	return all, nil
}

// verifyStanding finds out whether the topic is still the one that the log knows.
func (l *listener) verifyStanding(ctx context.Context, s *standing) error {
	if !s.known {
		return nil
	}
	err := l.ask(ctx, func(ctx context.Context) error { return l.kafka.Verify(ctx, s.partition, consumePosition(s.log)) })
	if errors.As(err, new(*consume.ReplacedError)) || errors.As(err, new(*consume.OutOfRangeError)) {
		s.replaced = err
		return nil
	}
	return err
}

// atOnce is how many partitions Kafka is asked about at the same time.
const atOnce = 16

// each calls do for all items, several at a time, and returns one of the errors.
func each[T any](items []T, do func(*T) error) error {
	errs := make(chan error, len(items))
	running := make(chan struct{}, atOnce)
	for i := range items {
		running <- struct{}{}
		go func() {
			errs <- do(&items[i])
			<-running
		}()
	}
	var failed error
	for range items {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

// consumePosition is a position of the log as reading takes it.
func consumePosition(at commitlog.Position) consume.Position {
	return consume.Position{Next: at.Next, Last: at.Last, Time: at.Time, CRC: at.CRC}
}

// from returns what --from says of each partition; nothing where it does not.
func (l *listener) from(ctx context.Context, bounds map[int]consume.Bounds) (map[int]int64, error) {
	from := l.args.From
	at := make(map[int]int64)
	switch {
	case from.Offsets != nil:
		return from.Offsets, l.checkOffsets(ctx, from.Offsets)
	case !from.Time.IsZero():
		offsets, err := l.kafka.OffsetsAt(ctx, from.Time)
		if err != nil {
			return nil, err
		}
		for p, b := range bounds {
			at[p] = max(offsets[p], b.First)
		}
	case from.Earliest:
		for p, b := range bounds {
			at[p] = b.First
		}
	case from.Latest:
		for p, b := range bounds {
			at[p] = b.Next
		}
	}
	return at, nil
}

// checkOffsets checks that offsets are of the topic's partitions, and for a new group of all
// of them: those forgotten would begin at the newest message.
func (l *listener) checkOffsets(ctx context.Context, offsets map[int]int64) error {
	n, err := l.kafka.Partitions(ctx)
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(offsets)) {
		if p >= n {
			return &positionError{fmt.Sprintf("--from names partition %d, but topic %q has %d", p, l.topic, n)}
		}
	}
	if len(offsets) < n && l.commits.Empty() {
		return &positionError{fmt.Sprintf("--from names %d partitions, but topic %q has %d, and the group is new: give an offset for each", len(offsets), l.topic, n)}
	}
	return nil
}

// A positionError is a --from that does not fit the topic.
type positionError struct{ problem string }

func (e *positionError) Error() string { return e.problem }
