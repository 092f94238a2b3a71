package hdfs

import (
	"errors"
	"sync"
	"time"
)

// An outage is told once, however many requests it meets with. Which operations fail is
// kept, for in safe mode, or without data nodes, others go on to work.
type outage struct {
	mu     sync.Mutex
	failed map[string]time.Time // when each operation failed last
}

// forgetAfter is how long an operation that failed, and isn't asked for any more, counts.
const forgetAfter = time.Minute

// failed logs that a request has failed that may work later.
func (c *Client) failed(op, name string, err error) {
	say := c.o.Log.Debug
	if c.outage.begin(op, time.Now()) {
		say = c.o.Log.Warning
	}
	say("hdfs: %s %s failed and may work later: %v", op, name, err)
}

// answered logs that requests work again, if they did not: a refusal is an answer, too.
func (c *Client) answered(op string, err error) {
	if refusal := (*RemoteError)(nil); (err == nil || errors.As(err, &refusal)) && c.outage.end(op) {
		c.o.Log.Info("hdfs: works again")
	}
}

// begin notes a failure, and tells whether it is the first one.
func (o *outage) begin(op string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for op, at := range o.failed {
		if now.Sub(at) > forgetAfter {
			delete(o.failed, op)
		}
	}
	first := len(o.failed) == 0
	if o.failed == nil {
		o.failed = make(map[string]time.Time)
	}
	o.failed[op] = now
	return first
}

// end notes that an operation works, and tells whether it was the last one that did not.
func (o *outage) end(op string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, failed := o.failed[op]; !failed {
		return false
	}
	delete(o.failed, op)
	return len(o.failed) == 0
}
