package main

import (
	"context"
	"fmt"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// An ending is why a batch ended.
type ending int

const (
	whenDue  ending = iota // its time is up, or it is large enough
	whenRead               // --once: nothing is left to read
	whenOver               // the partitions are taken away, or the listener stops
)

// rollCheck is how often the size of files is looked at.
const rollCheck = 200 * time.Millisecond

// gather adds messages to the batch until it is to be committed. An error is one after which
// it must not be.
func (l *listener) gather(ctx context.Context, gen *consume.Generation, messages <-chan *consume.Message, b *batch, positions map[int]commitlog.Position) (ending, error) {
	if l.read(b, positions) {
		return whenRead, nil
	}
	idle := time.NewTicker(l.conf.Batch)
	defer idle.Stop()
	stalled := time.NewTimer(awayAtOnce)
	defer stalled.Stop()
	if !l.args.Once {
		stalled.Stop()
	}
	var due, roll <-chan time.Time
	for {
		select {
		case m := <-messages:
			if due == nil {
				timer := time.NewTimer(l.batchTime())
				defer timer.Stop()
				due = timer.C
				if l.conf.RollBytes > 0 {
					ticker := time.NewTicker(rollCheck)
					defer ticker.Stop()
					roll = ticker.C
				}
			}
			b.add(m, positions[m.Partition], l.commits.Known)
			if l.args.Once {
				stalled.Reset(awayAtOnce)
			}
			if err := l.checkBadRows(b.setAside()); err != nil {
				return whenOver, err
			}
			if l.read(b, positions) {
				return whenRead, nil
			}
			if len(b.segments) >= maxSegments || b.files.Full() {
				return whenDue, nil
			}
		case <-roll:
			if b.files.Largest() >= l.conf.RollBytes {
				return whenDue, nil
			}
		case <-due:
			return whenDue, nil
		case <-idle.C:
			if b.empty() {
				l.log.Info(" ---- LISTENING KAFKA TOPIC: %s ---- ", l.topic)
			}
		case <-stalled.C:
			return whenOver, fmt.Errorf("no message came for %v, although there are some to read: Kafka is away", awayAtOnce)
		case <-b.failed:
			return whenOver, nil // wait returns its error
		case <-gen.Done():
			return whenOver, nil
		case <-ctx.Done():
			return whenOver, nil
		}
	}
}

// read tells whether all that --once is to read has been read.
func (l *listener) read(b *batch, positions map[int]commitlog.Position) bool {
	if !l.args.Once {
		return false
	}
	for p, at := range positions {
		if part := b.parts[p]; part != nil {
			at = part.Position
		}
		if at.Next < l.ends[p] {
			return false
		}
	}
	return true
}

// batchTime is how long a batch goes on after its first message.
func (l *listener) batchTime() time.Duration {
	switch {
	case l.conf.RollTime > 0:
		return max(l.conf.RollTime, l.conf.Batch)
	case l.conf.RollBytes > 0:
		return max(defaultRollTime, l.conf.Batch)
	}
	return l.conf.Batch
}

// defaultRollTime closes files that never reach file_roll_bytes.
const defaultRollTime = time.Hour
