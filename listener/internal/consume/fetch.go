package consume

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// maxFetch is how many bytes of records a broker is asked for at once. A last batch that is
// cut off there was sent for nothing: the more is asked for, the smaller that part is.
const (
	maxFetch = 8 << 20
	minFetch = 64 << 10
)

// A partition is read by one goroutine at a time: whoever holds it.
type partition struct {
	id       int
	position Position  // behind the message that was handed on last
	next     int64     // offset to fetch next
	told     int64     // up to here the reader knows, by messages and gaps
	verified bool      // that position.Last is still what was read
	asked    time.Time // when its last fetch was sent
	retryAt  time.Time // after a failure
	tries    int       // that failed in a row
	want     int       // bytes that the next batch needs, if it was cut off
	idle     int       // answers in a row that held bytes, but no whole batch
	damaged  int       // times that the next batch's checksum was wrong
}

func (p *partition) name() string { return fmt.Sprintf("partition %d", p.id) }

// A fetcher reads the partitions of one generation. It has one request at a time under way
// at each broker, for all of its partitions there.
type fetcher struct {
	c   *Consumer
	ctx context.Context
	out chan<- *Message
	// alive tells whether the partitions are still ours to read.
	alive func() bool
	// fail ends the generation.
	fail func(error)

	rs []record // scratch of a fetcher's copy
}

// run reads until ctx ends.
func (f *fetcher) run(parts []*partition) {
	done := make(chan *trip)
	busy := make(map[int]bool)
	tried := map[string]bool{allBrokers: true}
	for _, p := range parts {
		tried[p.name()] = true
	}
	var running int
	for {
		trips, again := f.plan(&parts, busy)
		for _, t := range trips {
			busy[t.leader] = true
			tried[t.name()] = true
			running++
			worker := *f
			worker.rs = nil
			go func() { worker.trip(t); done <- t }()
		}
		timer := time.NewTimer(again)
		select {
		case t := <-done:
			delete(busy, t.leader)
			running--
			parts = append(parts, t.parts...)
		case <-timer.C:
		case <-f.ctx.Done():
			timer.Stop()
			for ; running > 0; running-- {
				<-done
			}
			for what := range tried {
				f.c.forget(what)
			}
			return
		}
		timer.Stop()
	}
}

// allBrokers is what is tried where it is not known yet which broker to ask.
const allBrokers = "brokers"

// A trip is one request to a broker, and what is done with the answer.
type trip struct {
	leader int
	parts  []*partition // those first that have waited longest
	share  int64        // of memory for the answer
}

func (t *trip) name() string { return fmt.Sprintf("broker %d", t.leader) }

// plan takes the partitions that can be fetched now out of parts, by their leaders. It
// returns the time after which to look again if nothing happens before.
func (f *fetcher) plan(parts *[]*partition, busy map[int]bool) (trips []*trip, again time.Duration) {
	again = f.c.o.timing.maxPause
	if len(*parts) == 0 {
		return nil, again
	}
	leaders, err := f.c.leaders(f.ctx)
	if err != nil {
		f.failed(*parts, allBrokers, err)
	} else {
		f.c.answered(allBrokers)
	}
	now := time.Now()
	byLeader := make(map[int]*trip)
	var left []*partition
	for _, p := range *parts {
		leader, ok := leaders[p.id]
		switch {
		case err != nil || p.retryAt.After(now):
		case !ok:
			f.failed([]*partition{p}, p.name(), kafka.UnknownTopicOrPartition)
		case leader < 0:
			f.failed([]*partition{p}, p.name(), kafka.LeaderNotAvailable)
		case !busy[leader]:
			t := byLeader[leader]
			if t == nil {
				t = &trip{leader: leader}
				byLeader[leader] = t
				trips = append(trips, t)
			}
			t.parts = append(t.parts, p)
			continue
		}
		if wait := p.retryAt.Sub(now); wait > 0 {
			again = min(again, wait)
		}
		left = append(left, p)
	}
	*parts = left
	// Half of the memory is for what was fetched before and isn't released yet.
	share := f.c.o.Memory / int64(2*max(1, len(trips)+len(busy)))
	for _, t := range trips {
		t.share = min(max(share, minFetch), maxFetch)
	}
	return trips, again
}

// failed makes partitions wait, and verify their positions before they go on.
func (f *fetcher) failed(parts []*partition, what string, err error) {
	if f.ctx.Err() != nil {
		return
	}
	f.c.failed(what, err)
	for _, p := range parts {
		p.verified = false
		p.retryAt = time.Now().Add(f.c.o.timing.delay(p.tries))
		p.tries++
	}
}

func (f *fetcher) trip(t *trip) {
	if f.c.memory.acquire(f.ctx, t.share, 0) != nil {
		return
	}
	var ready []*partition
	for _, p := range t.parts {
		// A fetch under way fails when its topic is deleted. Where there was none for long, the
		// topic may have been made again unseen, and hold other messages.
		if time.Since(p.asked) > f.c.o.timing.unseen {
			p.verified = false
		}
		if f.verify(p) {
			ready = append(ready, p)
		}
	}
	if len(ready) == 0 {
		f.c.memory.add(-t.share)
		return
	}
	r := &fetchRequest{
		ctx: f.ctx, broker: int32(t.leader), wait: f.c.o.timing.poll, maxBytes: int(t.share),
		committed: true, memory: f.c.memory, reserved: t.share,
	}
	for _, p := range ready {
		p.asked = time.Now() // not before: to verify many partitions may take long
		r.parts = append(r.parts, fetchPart{p.id, p.next, max(int(t.share), p.want)})
	}
	r.maxBytes = max(r.maxBytes, ready[0].want)
	answer, err := f.c.fetch(r)
	if err != nil {
		f.failed(ready, t.name(), err)
		return
	}
	defer answer.buf.release()
	f.c.answered(t.name())
	f.answer(t, ready, answer)
}

// answer hands on what an answer holds, and lets those partitions be first next time that
// had nothing in this one.
func (f *fetcher) answer(t *trip, asked []*partition, answer *fetchAnswer) {
	var served []*partition
	for i := range answer.parts {
		a := &answer.parts[i]
		at := slices.IndexFunc(asked, func(p *partition) bool { return p.id == a.partition })
		if at < 0 {
			continue
		}
		p := asked[at]
		before := p.next
		if err := f.deliver(p, a); err != nil {
			f.failed([]*partition{p}, p.name(), err)
			continue
		}
		f.c.answered(p.name())
		p.tries = 0
		if p.next > before {
			served = append(served, p)
		}
	}
	t.parts = slices.DeleteFunc(t.parts, func(p *partition) bool { return slices.Contains(served, p) })
	t.parts = append(t.parts, served...)
}

// verify makes sure that p goes on behind what was read before. If not, the generation ends
// or p waits.
func (f *fetcher) verify(p *partition) bool {
	if p.verified {
		return true
	}
	position := p.position
	position.Next = p.next
	err := f.c.once(f.ctx, func(ctx context.Context) error { return f.c.check(ctx, p.id, position) })
	switch {
	case f.ctx.Err() != nil:
	case err == nil:
		p.verified = true
		f.c.answered(p.name())
	case final(err):
		f.fail(err)
	default:
		f.failed([]*partition{p}, p.name(), err)
	}
	return p.verified
}
