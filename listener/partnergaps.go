package main

import (
	"context"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// passGaps moves the positions to where --once ends, if Spark has found no message before
// that: then there are ends of transactions, and messages that were taken back, of which
// Spark doesn't tell. It is called while the driver reads nothing.
func (p *partner) passGaps(ctx context.Context) {
	if !p.args.Once || !p.unread || p.gen == nil || p.gen.Err() != nil {
		return
	}
	p.unread = false
	begin := make(map[int]consume.Position)
	c := &commitlog.Commit{}
	for partition, at := range p.positions {
		if end := p.ends[partition]; at.Next < end {
			begin[partition] = consumePosition(at)
			part := commitlog.Part{Partition: partition, First: at.Next, Position: at}
			part.Next = end
			c.Parts = append(c.Parts, part)
		}
	}
	if len(c.Parts) > 0 && p.onlyGaps(ctx, begin) {
		p.failed = p.record(p.gen, c, nil)
	}
}

// onlyGaps reads partitions from positions, and tells whether there is no message before the
// end. It uses up the generation.
func (p *partner) onlyGaps(ctx context.Context, begin map[int]consume.Position) bool {
	messages := make(chan *consume.Message)
	p.gen.Start(begin, messages)
	patience := time.NewTimer(awayAtOnce)
	defer patience.Stop()
	for left := len(begin); left > 0; {
		select {
		case m := <-messages:
			gap, partition, next := m.Gap, m.Partition, m.Offset+1
			m.Release()
			if at, waits := begin[partition]; !waits || at.Next >= p.ends[partition] {
				continue // what came after the start
			}
			if !gap {
				return false
			}
			at := begin[partition]
			at.Next = next
			begin[partition] = at
			if next >= p.ends[partition] {
				left--
			}
		case <-patience.C:
			return false
		case <-p.gen.Done():
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}
