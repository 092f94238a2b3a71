package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"

	"spot-ingest/listener/internal/warehouse/commitlog"
)

// begin gives a batch its folder, and tells which of its segments are in the table already.
func (p *partner) begin(r request) (answer, error) {
	p.abandon()
	p.heard, p.unread = time.Now(), false
	p.batch = p.fileName()
	known := []segmentID{} // said even if there are none
	for _, id := range r.IDs {
		if p.commits.Known(commitlog.SegmentID(id)) {
			known = append(known, id)
		}
	}
	return answer{Folder: p.place.uri(path.Join(p.commits.Staging(), p.batch)), Known: &known}, nil
}

// abandon removes what executors have written for a batch that is not to be committed.
func (p *partner) abandon() {
	if p.batch == "" {
		return
	}
	for _, name := range append(p.adopted, p.batch) {
		p.remove(name)
	}
	p.batch, p.adopted = "", nil
}

// finish commits the batch. If it can't, the driver is to begin again.
func (p *partner) finish(ctx context.Context, r request) (answer, error) {
	yes, no := true, false
	err := p.commitBatch(ctx, r)
	if err == nil {
		p.wait = firstRetry
		return answer{OK: &yes}, nil
	}
	if errors.As(err, new(*commitlog.UnfinishedError)) {
		p.batch, p.adopted = "", nil // they may be committed
	}
	p.abandon()
	p.failed = err // what is to be done about it is done once the driver asks what comes next
	return answer{OK: &no, Again: true}, nil
}

func (p *partner) commitBatch(ctx context.Context, r request) error {
	if p.gen == nil || p.batch == "" {
		return errors.New("the Spark job commits a batch that it has not begun: job and listener are of different versions")
	}
	c := &commitlog.Commit{Counts: commitlog.Counts{Messages: r.Messages, Repeats: r.Repeats, BadMessages: r.BadMessages}}
	var err error
	if c.Parts, err = p.parts(ctx, r); err != nil {
		return err
	}
	for _, id := range r.IDs {
		c.Segments = append(c.Segments, commitlog.SegmentID(id))
	}
	w, err := p.written()
	if err != nil {
		return &storeError{err}
	}
	if w.rows != r.Rows {
		return &storeError{fmt.Errorf("Spark's executors say that they have written %d rows, and there are %d in %s: "+
			"is that folder the same one on the driver's host and on all workers?", r.Rows, w.rows, p.place.uri(path.Join(p.commits.Staging(), p.batch)))}
	}
	c.Files, c.Counts.Rows, c.Counts.BadRows = w.files, w.rows, w.letters-r.BadMessages
	if c.Counts.BadRows < 0 {
		return fmt.Errorf("the Spark job has set aside %d messages, and written %d dead letters", r.BadMessages, w.letters)
	}
	if err := p.checkBadRows(c.Counts.BadRows + c.Counts.BadMessages); err != nil {
		return err
	}
	if err := p.verify(ctx, p.gen, p.checks(c.Parts)); err != nil {
		return err
	}
	if err := p.record(p.gen, c, w.hours); err != nil {
		return err
	}
	p.adopted = nil
	for _, part := range c.Parts {
		p.positions[part.Partition] = part.Position
	}
	p.abandon() // what is left in its folder: nothing of it is needed
	p.heard = time.Now()
	return nil
}

// parts returns what the log is to hold of each partition. What the last message was, by
// which the topic is known again, Kafka is asked: Spark can't tell.
func (p *partner) parts(ctx context.Context, r request) ([]commitlog.Part, error) {
	var parts []commitlog.Part
	for text, offsets := range r.Parts {
		partition, err := strconv.Atoi(text)
		before, ours := p.positions[partition]
		if err != nil || !ours || offsets[0] < before.Next || offsets[1] <= offsets[0] {
			return nil, fmt.Errorf("the Spark job has read offsets %d to %d of partition %s, where %d comes next", offsets[0], offsets[1], text, before.Next)
		}
		parts = append(parts, commitlog.Part{Partition: partition, First: before.Next, Position: commitlog.Position{Next: offsets[1]}})
	}
	slices.SortFunc(parts, func(a, b commitlog.Part) int { return a.Partition - b.Partition })
	err := each(parts, func(part *commitlog.Part) error {
		asked, err := p.part(ctx, part.Partition, part.Next)
		if err != nil {
			return &unverifiedError{err}
		}
		part.Position = asked.Position
		return nil
	})
	return parts, err
}

// checks are those of the messages before each part, by which the topic is known to be the same.
func (p *partner) checks(parts []commitlog.Part) []check {
	var checks []check
	for _, part := range parts {
		at := p.positions[part.Partition]
		if at.Last < 0 {
			at = part.Position
		}
		if at.Last >= 0 {
			checks = append(checks, check{part.Partition, consumePosition(at)})
		}
	}
	return checks
}
