package consume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// A Generation is the time between two rebalances of the group: the partitions are ours.
type Generation struct {
	// Partitions are this member's, in order. There may be none.
	Partitions []int

	c      *Consumer
	id     int32
	member string
	leader bool           // gives out the partitions
	counts map[string]int // partitions of the members' topics, if leader

	born     time.Time
	lastBeat atomic.Int64 // when a heartbeat was answered, after born

	over    context.Context // done when the generation is over
	finish  context.CancelCauseFunc
	ended   context.Context // done when the caller has ended it
	end     context.CancelFunc
	running sync.WaitGroup
}

// Done is closed when the generation is over; Err then tells why. What was read may be
// committed still, before End.
func (g *Generation) Done() <-chan struct{} { return g.over.Done() }

// Err returns nil before Done is closed, then an error that wraps ErrRebalance, ErrLost or
// ErrEnded, or is an *OutOfRangeError or a *ReplacedError.
func (g *Generation) Err() error { return context.Cause(g.over) }

// Start begins to read partitions at positions. Messages go to out, in order for each
// partition, until the generation is over: what is in out then is still the caller's to
// release. It is called once.
func (g *Generation) Start(positions map[int]Position, out chan<- *Message) {
	var parts []*partition
	for _, id := range g.Partitions {
		if p, ok := positions[id]; ok {
			parts = append(parts, &partition{id: id, position: p, next: p.Next, told: p.Next})
		}
	}
	f := &fetcher{c: g.c, ctx: g.over, out: out, alive: g.alive, fail: g.finish}
	g.running.Add(1)
	go func() {
		defer g.running.Done()
		f.run(parts)
	}()
}

// End gives the partitions up, after the caller has committed what it read. When it
// returns nothing is sent any more.
func (g *Generation) End() {
	g.finish(ErrEnded)
	g.end()
	g.running.Wait()
}

// alive tells whether the group can still believe that we are there. It can't after we were
// stopped for long, even if nobody has told us yet.
func (g *Generation) alive() bool {
	if time.Since(g.born)-time.Duration(g.lastBeat.Load()) > g.c.o.timing.session {
		g.finish(fmt.Errorf("%w: no heartbeat was answered for %s", ErrLost, g.c.o.timing.session))
	}
	return g.over.Err() == nil
}

// beat sends heartbeats until End, so that a rebalance waits for us to commit.
func (g *Generation) beat() {
	beats := time.NewTicker(g.c.o.timing.heartbeat)
	defer beats.Stop()
	watch := time.NewTicker(g.c.o.timing.watch)
	defer watch.Stop()
	defer g.c.forget("group")
	for {
		select {
		case <-g.ended.Done():
			return
		case <-beats.C:
			if !g.beatOnce() {
				return
			}
		case <-watch.C:
			g.watch()
		}
	}
}

// beatOnce returns false if there is no use in further heartbeats.
func (g *Generation) beatOnce() bool {
	g.alive()
	if errors.Is(g.Err(), ErrLost) {
		return false
	}
	sent := time.Since(g.born)
	ctx, cancel := context.WithTimeout(g.ended, g.c.o.timing.session)
	defer cancel()
	err := g.c.beat(ctx, g.member, g.id)
	switch {
	case err == nil:
	case is(err, kafka.RebalanceInProgress):
		g.finish(ErrRebalance)
	case g.ended.Err() != nil:
		return false
	case is(err, kafka.UnknownMemberId, kafka.IllegalGeneration, kafka.FencedInstanceID):
		g.finish(fmt.Errorf("%w: %w", ErrLost, err))
		return false
	default:
		g.c.failed("group", err)
		return true
	}
	g.lastBeat.Store(int64(sent))
	g.c.answered("group")
	return true
}

// watch looks whether the topic has got partitions. Only if the leader joins again are they
// given out.
func (g *Generation) watch() {
	if !g.leader {
		return
	}
	ctx, cancel := context.WithTimeout(g.ended, g.c.o.timing.stall)
	defer cancel()
	counts, err := g.c.counts(ctx, slices.Sorted(maps.Keys(g.counts)))
	if err == nil && !maps.Equal(counts, g.counts) {
		g.finish(fmt.Errorf("%w: partitions by topic are %v now, %v before", ErrRebalance, counts, g.counts))
	}
}

// Commit tells the group how far its partitions are read: the offsets of the next messages.
// The error wraps ErrRebalance or ErrLost if the group has gone on without us, which changes
// nothing for the caller: the commit log has it.
func (g *Generation) Commit(ctx context.Context, offsets map[int]int64, metadata string) error {
	if len(offsets) == 0 {
		return nil
	}
	var commits []kafka.OffsetCommit
	for p, offset := range offsets {
		commits = append(commits, kafka.OffsetCommit{Partition: p, Offset: offset, Metadata: metadata})
	}
	req := &kafka.OffsetCommitRequest{
		GroupID: g.c.o.Group, GenerationID: int(g.id), MemberID: g.member,
		Topics: map[string][]kafka.OffsetCommit{g.c.o.Topic: commits},
	}
	var err error
	for n := range commitAttempts {
		err = g.c.once(ctx, func(ctx context.Context) error { return g.commit(ctx, req) })
		if err == nil || errors.Is(err, ErrRebalance) || errors.Is(err, ErrLost) || ctx.Err() != nil {
			break
		}
		if g.c.o.timing.pause(ctx, n) != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("commit offsets to group %q: %w", g.c.o.Group, err)
	}
	return nil
}

// commitAttempts are few: the next commit does as well.
const commitAttempts = 3

func (g *Generation) commit(ctx context.Context, req *kafka.OffsetCommitRequest) error {
	res, err := g.c.kafka.OffsetCommit(ctx, req)
	if err != nil {
		return err
	}
	for _, p := range res.Topics[g.c.o.Topic] {
		switch {
		case p.Error == nil:
		case is(p.Error, kafka.RebalanceInProgress):
			return fmt.Errorf("%w: %w", ErrRebalance, p.Error)
		case is(p.Error, kafka.UnknownMemberId, kafka.IllegalGeneration, kafka.FencedInstanceID):
			return fmt.Errorf("%w: %w", ErrLost, p.Error)
		default:
			return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
	}
	return nil
}
