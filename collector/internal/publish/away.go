package publish

import (
	"context"
	"fmt"
	"time"
)

const longestRetry = 30 * time.Second // between two questions whether Kafka is back

func (p *Publisher) awayNow() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.away
}

// SetAway says that Kafka is away because of err.
func (p *Publisher) SetAway(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.away:
		return
	default:
	}
	close(p.away)
	p.up = make(chan struct{})
	p.Log.Error("Kafka is away; no new file is opened until it answers: %v", err)
}

func (p *Publisher) setUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = make(chan struct{})
	close(p.up)
	p.Log.Info("Kafka answers again.")
}

// Up returns a channel that is closed while Kafka isn't away.
func (p *Publisher) Up() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up
}

// Recover waits for Kafka to go away, and brings the publisher up again once it answers
// and all spooled segments are sent; it does so until ctx ends.
func (p *Publisher) Recover(ctx context.Context) {
	for {
		select {
		case <-p.awayNow():
		case <-ctx.Done():
			return
		}
		wait := p.retry
		for {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			err := p.restore(ctx)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			wait = min(2*wait, max(longestRetry, p.retry))
			p.Log.Warning("Kafka is still away; the next try is in %v: %v", wait, err)
		}
	}
}

// restore brings the publisher up again if Kafka answers and takes what is spooled.
func (p *Publisher) restore(ctx context.Context) error {
	if err := p.refresh(ctx); err != nil {
		return err
	}
	// With every slot held nothing is in flight, so nothing is spooled behind our back.
	for n := range inFlight {
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
		case <-ctx.Done():
			return fmt.Errorf("%d segments are still in flight: %w", inFlight-n, ctx.Err())
		}
	}
	if err := p.Resend(ctx); err != nil {
		return err
	}
	p.setUp()
	return nil
}

// refresh asks Kafka anew what the topic is like.
func (p *Publisher) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	topic, err := p.Client.Topic(ctx, p.Topic().Name)
	if err != nil {
		return err
	}
	p.topic.Store(&topic)
	return nil
}
