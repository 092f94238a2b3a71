package metastore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/logging"
)

const (
	// maxPending is how many hours may wait to be added. Beyond it they are found by a
	// repair.
	maxPending = 10_000
	// maxKnown is how many hours are remembered as added, so that Hive isn't asked again
	// for the hour of each batch.
	maxKnown = 20_000
	// round is how many hours are added before what has been done is noted.
	round = 1000

	firstPause = time.Second
	lastPause  = time.Minute
)

// RegistrarOptions say what a Registrar needs.
type RegistrarOptions struct {
	// Location is where the rows go, as for Table.Add.
	Location string
	// Folders goes through the folders of all partitions, as the function Folders does.
	Folders func(ctx context.Context) iter.Seq2[table.Hour, error]
	// Repair has it begin with a repair.
	Repair bool
	Log    *logging.Logger

	wait func(ctx context.Context, d time.Duration) error // nil: by the clock
	idle func(ctx context.Context)                        // for tests: called when all is done
	most int                                              // 0: maxPending
}

// A Registrar makes partitions known to Hive beside the stream of rows, which it never
// holds up: what can't be done now is tried again, for ever, after a second at first and
// after a minute in the end.
type Registrar struct {
	t      *Table
	o      RegistrarOptions
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // holds one

	mu      sync.Mutex
	pending hourSet
	known   recent
	// repair is set while all folders have to be looked through.
	repair bool

	trouble string // what the log was told of last; of the goroutine that works
}

// StartRegistrar starts the work for a table, which goes on until the context ends. The
// caller must Close the Registrar.
func StartRegistrar(ctx context.Context, t *Table, o RegistrarOptions) *Registrar {
	if o.wait == nil {
		o.wait = wait
	}
	if o.most == 0 {
		o.most = maxPending
	}
	r := &Registrar{t: t, o: o, done: make(chan struct{}), wake: make(chan struct{}, 1),
		pending: hourSet{}, repair: o.Repair}
	ctx, r.cancel = context.WithCancel(ctx)
	if o.Repair {
		r.wake <- struct{}{}
	}
	go r.run(ctx)
	return r
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Add notes the hours of a batch that has been committed, whose folders exist. It returns at once.
func (r *Registrar) Add(hours []table.Hour) {
	r.mu.Lock()
	news := r.hold(hours)
	r.mu.Unlock()
	if !news {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default: // it is awake, or will be
	}
}

// Close ends the work, does what is left, waiting for a Hive that is away for as long as the
// context allows, and says what it could not do, if anything.
func (r *Registrar) Close(ctx context.Context) error {
	r.cancel()
	<-r.done
	err := r.work(ctx)
	for pause := firstPause; errors.Is(err, ErrAway) && r.o.wait(ctx, pause) == nil; pause = min(2*pause, lastPause) {
		err = r.work(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	left, repair := len(r.pending), r.repair
	switch {
	case left > 0:
		return fmt.Errorf("hive does not know %s of table %s, such as %s; hive_partition_repair adds what is missing at the next start: %w",
			count(left), r.t.Name(), r.t.table.Folder(r.pending.least()), err)
	case repair:
		return fmt.Errorf("hive may not know all partitions of table %s, for its folders have not been looked through; hive_partition_repair does it at the next start: %w", r.t.Name(), err)
	}
	return nil
}

// run works whenever there is something new, until the context ends.
func (r *Registrar) run(ctx context.Context) {
	defer close(r.done)
	pause := firstPause
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		for {
			err := r.work(ctx)
			if ctx.Err() != nil {
				return
			}
			r.report(err)
			if err == nil {
				if r.o.idle != nil {
					r.o.idle(ctx)
				}
				break
			}
			if r.o.wait(ctx, pause) != nil {
				return
			}
			pause = min(2*pause, lastPause)
		}
		pause = firstPause
	}
}

// work adds what is pending, and repairs if that is to be done.
func (r *Registrar) work(ctx context.Context) error {
	err := r.addPending(ctx)
	if errors.Is(err, ErrNoTable) || errors.Is(err, ErrNoDatabase) {
		r.forget()
	}
	var partial *PartialError
	if err != nil && !errors.As(err, &partial) {
		return err
	}
	if err := r.repairAll(ctx); err != nil {
		return err
	}
	return err
}

// forget is for a table that has gone: when it is made again it has no partitions.
func (r *Registrar) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = recent{}
	r.repair = true
}

// addPending adds the pending hours, the earliest first. What Hive refuses stays pending.
func (r *Registrar) addPending(ctx context.Context) error {
	refused := hourSet{}
	var first error
	for {
		r.mu.Lock()
		hours := r.pending.first(round, refused)
		r.mu.Unlock()
		if len(hours) == 0 {
			return first
		}
		err := r.t.Add(ctx, r.o.Location, hours)
		var partial *PartialError
		if errors.As(err, &partial) {
			for _, h := range partial.Hours {
				refused[h] = true
			}
			if first == nil {
				first = err
			}
		} else if err != nil {
			return err
		}
		r.added(hours, refused)
	}
}

// added notes hours as known but for those that were refused.
func (r *Registrar) added(hours []table.Hour, refused hourSet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range hours {
		if !refused[h] {
			delete(r.pending, h)
			r.known.add(h)
		}
	}
}

// repairAll looks through the folders if that is to be done. Partitions that Hive refuses
// become pending, so that the folders need not be looked through again for them.
func (r *Registrar) repairAll(ctx context.Context) error {
	r.mu.Lock()
	wanted := r.repair
	r.repair = false // until hours overflow again
	r.mu.Unlock()
	if !wanted {
		return nil
	}
	n, err := r.t.Repair(ctx, r.o.Location, r.o.Folders(ctx))
	if n > 0 {
		r.o.Log.Info("Hive: %s of table %s had not been known and are now", count(n), r.t.Name())
	}
	var partial *PartialError
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
	case errors.As(err, &partial):
		r.hold(partial.Hours)
	default:
		r.repair = true
	}
	return err
}

// hold makes hours pending, or has a repair find them if they are too many. The lock is held.
func (r *Registrar) hold(hours []table.Hour) (news bool) {
	for _, h := range hours {
		if r.known.has(h) || r.pending[h] {
			continue
		}
		news = true
		if len(r.pending) < r.o.most {
			r.pending[h] = true
		} else {
			r.repair = true
		}
	}
	return news
}
