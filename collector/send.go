package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"spot-ingest/collector/internal/convert"
	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/publish"
	"spot-ingest/collector/internal/watch"
	"spot-ingest/pkg/chunk"
	"spot-ingest/pkg/logging"
)

// A worker brings one file at a time to Kafka.
type worker struct {
	*collector
	log *logging.Logger
}

// process sends what is to be sent of a file. It returns errAway or errStopped if the
// file goes on later; any other error is a failure of the file.
func (w *worker) process(ctx, drain context.Context, j job) error {
	w.log.Info("Processing raw file %q...", filepath.Base(j.found.Path))
	if done, err := w.sendSpooled(ctx, drain, j); done || err != nil {
		return err
	}
	if err := w.take(j); err != nil {
		return err
	}
	// A file has at most what was planned before, what was there at the first start, and
	// what has come since.
	for range 3 {
		more, err := w.plan(j)
		if err != nil {
			return err
		}
		if !more {
			return w.nothing(j)
		}
		if err := w.send(ctx, drain, j); err != nil {
			return err
		}
	}
	return nil
}

// nothing answers for a file of which nothing is to be sent now.
func (w *worker) nothing(j job) error {
	if j.file.Status != ledger.Pending {
		return nil
	}
	if j.found.Size > j.file.Done {
		w.log.Info("File %q waits for the end of its line.", j.found.Path)
		return nil
	}
	w.log.Warning("File %q is empty.", j.found.Path)
	w.total.add(func(t *counts) { t.files++; t.empty++ })
	return w.ledger.Update(j.file, func(f *ledger.File) { f.Status = ledger.NoRows })
}

// take brings the ledger's entry of the file up to date before it is planned.
func (w *worker) take(j job) error {
	if j.old != nil {
		if j.old.Status == ledger.Pending {
			w.log.Warning("File %q was written anew before all of it was sent; what was left of it is gone.", j.found.Path)
		}
		if err := w.ledger.Forget(j.old); err != nil {
			return err
		}
	}
	head := j.file.Head
	if head.Len == 0 {
		r, err := os.Open(j.found.Path)
		if err != nil {
			return err
		}
		defer r.Close()
		if head, err = ledger.HeadPrint(r, j.found.Size); err != nil {
			return fmt.Errorf("read %s: %w", j.found.Path, err)
		}
	}
	return w.ledger.Update(j.file, func(f *ledger.File) {
		// A text file that was there at the first start and is renamed now, as rotation
		// does, was sent by the original at that moment.
		rotated := string(f.Path) != j.found.Path
		f.BaseWanted = f.Base > 0 && (f.BaseWanted || rotated || w.wanted(f))
		if f.BaseWanted && f.Done == f.Base {
			f.BaseWanted, f.Base, f.Done = false, 0, 0 // nothing has been sent: it is a file like any other
		}
		if f.Status == ledger.New || f.Status == ledger.Failed || f.Status == ledger.Existing {
			f.Status = ledger.Pending
		}
		f.Path, f.Stat, f.Head, f.Absent = ledger.Name(j.found.Path), statOf(j.found), head, 0
	})
}

// send carries out a file's plan.
func (w *worker) send(ctx, drain context.Context, j job) error {
	r, err := w.begin(j)
	if err != nil {
		return err
	}
	var before *damage
	for {
		err = r.convert(ctx, drain, before)
		var damaged *damage
		if before != nil || !errors.As(err, &damaged) || !damaged.hasRows() {
			break
		}
		// The same failure a second time is in the file, not in the circumstances: what the
		// converter made of it before the damage is sent.
		w.log.Warning("%v; it is tried once more.", damaged.err)
		before = damaged
	}
	return r.end(err)
}

// A shipment is one go at a plan.
type shipment struct {
	*worker
	job
	method  convert.Method
	kind    chunk.Type
	stage   string
	stats   chunk.Stats
	damaged error // the failure that the rows end before

	mu       sync.Mutex // guards the outcomes, which come from other goroutines
	sending  sync.WaitGroup
	outcomes [4]int
	rows     int64
	segments int
}

func (w *worker) begin(j job) (*shipment, error) {
	r := &shipment{worker: w, job: j}
	p := j.file.Plan
	if err := json.Unmarshal(p.Method, &r.method); err != nil {
		return nil, fmt.Errorf("the plan of %s: %w", j.found.Path, err)
	}
	if r.method.Name == w.method.Name && r.method.Name != convert.Text {
		if r.method.Version != w.method.Version {
			w.log.Warning("File %q was begun with %s %s and goes on with %s: its rows may differ.", j.found.Path, r.method.Name, r.method.Version, w.method.Version)
		}
		r.method.Program = w.method.Program // it may have moved since
	}
	var err error
	if r.kind, err = chunk.ParseType(p.Type); err != nil {
		return nil, fmt.Errorf("the plan of %s: %w", j.found.Path, err)
	}
	if r.method.Name != convert.Text && w.conf.KeepCSV {
		r.stage = filepath.Join(w.staging, j.file.ID.String()+".csv")
	}
	return r, nil
}

// convert streams the file through converter and cutter to Kafka, and waits until all its
// segments have an outcome.
func (r *shipment) convert(ctx, drain context.Context, before *damage) error {
	r.outcomes, r.rows, r.segments = [4]int{}, 0, 0
	defer r.sending.Wait()
	source, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	tolerant := &tolerantReader{r: source, before: before, check: r.unchanged}
	err = r.cut(ctx, drain, tolerant)
	r.damaged = tolerant.accepted
	if err == nil { // a failure's message has them already
		for _, note := range source.Notes() {
			r.log.Warning("%s: %s", filepath.Base(r.found.Path), note)
		}
	}
	r.sending.Wait()
	return err
}

// open opens the file's CSV: as it was staged when Kafka went away, or anew.
func (r *shipment) open(ctx context.Context) (*convert.Stream, error) {
	p := r.file.Plan
	if r.stage != "" {
		if info, err := os.Stat(r.stage); err == nil {
			return convert.Method{Name: convert.Text}.Open(ctx, convert.Job{Path: r.stage, To: info.Size()})
		}
		if err := ledger.PrivateFolder(r.staging); err != nil {
			r.log.Warning("local_staging: %v; the CSV is not stored", err)
			r.stage = ""
		}
	}
	return r.method.Open(ctx, convert.Job{
		Path:    r.found.Path,
		From:    p.From,
		To:      p.To,
		Timeout: r.conf.ConvertTimeout,
		Stage:   r.stage,
	})
}

// cut sends segment after segment, but for those that are acknowledged already.
func (r *shipment) cut(ctx, drain context.Context, source io.Reader) error {
	p := r.file.Plan
	reader := chunk.NewReader(source, r.kind, p.Limit, p.SkipRows)
	defer func() { r.stats = reader.Stats() }()
	partitions := min(p.Partitions, r.kafka.Topic().Partitions)
	for {
		if ctx.Err() != nil {
			return errStopped
		}
		buffer, err := r.kafka.Buffer(ctx)
		if err != nil {
			return errStopped
		}
		piece := chunk.Segment{Value: buffer}
		if err := reader.Next(&piece); err != nil {
			r.kafka.Release(buffer)
			if err == io.EOF {
				return nil
			}
			return err
		}
		s := &publish.Segment{
			File: r.file, Source: filepath.Base(r.found.Path), Log: r.log,
			Number: piece.Number, Rows: piece.Rows, TimeMS: piece.TimeMS, Value: buffer,
			ID: publish.Identify(r.file.ID, p.From, piece.FirstLine, buffer.Bytes()),
		}
		s.Partition = publish.PartitionOf(s.ID, partitions)
		if !r.submit(drain, s) {
			return errAway
		}
	}
}

// unchanged makes sure that a file for a converter is still the one that was planned.
// Text may grow meanwhile; only what was planned of it is read.
func (r *shipment) unchanged() error {
	if r.method.Name == convert.Text {
		return nil
	}
	now, err := watch.Stat(r.found.Path)
	if err != nil {
		return fmt.Errorf("it went away while it was read: %w", err)
	}
	if statOf(now) != statOf(r.found) {
		return fmt.Errorf("it changed while it was read")
	}
	return nil
}

// submit hands a segment over, unless it is acknowledged; it returns false if an earlier
// one found Kafka away.
func (r *shipment) submit(drain context.Context, s *publish.Segment) bool {
	r.rows += int64(s.Rows)
	r.segments++
	acked, same := r.ledger.Acked(r.file, s.Number, s.ID)
	if acked && same {
		r.kafka.Release(s.Value)
		return true
	}
	if acked {
		r.log.Warning("Segment-%d of %q is not what it was when it was sent first: the file or its converter has changed since. It is sent as it is now.", s.Number, r.found.Path)
	}
	r.mu.Lock()
	away := r.outcomes[publish.Away] > 0
	r.mu.Unlock()
	if away {
		r.kafka.Release(s.Value)
		return false
	}
	r.sending.Add(1)
	rows := int64(s.Rows)
	r.kafka.Submit(drain, s, func(o publish.Outcome) {
		r.mu.Lock()
		r.outcomes[o]++
		r.mu.Unlock()
		if o == publish.Acked {
			r.total.add(func(t *counts) { t.segments++; t.rows += rows })
		}
		r.sending.Done()
	})
	return true
}

// end records what became of the plan.
func (r *shipment) end(err error) error {
	var failed *convert.Error
	switch {
	case r.outcomes[publish.Stopped] > 0, errors.As(err, &failed) && failed.Kind == convert.Stopped:
		return errStopped
	case r.outcomes[publish.Away] > 0:
		return errAway // what was converted stays in staging for the next go
	case errors.Is(err, errStopped), errors.Is(err, errAway):
		return err
	}
	r.unstage()
	if err != nil {
		return err
	}
	if err := r.done(); err != nil {
		return err
	}
	r.report()
	return nil
}

// done records that all of the plan is dealt with.
func (r *shipment) done() error {
	source, err := os.Open(r.found.Path)
	if err != nil {
		return err
	}
	defer source.Close()
	p := r.file.Plan
	end := max(r.file.Done, p.To)
	tail, err := ledger.TailPrint(source, end)
	if err != nil {
		return fmt.Errorf("read %s: %w", r.found.Path, err)
	}
	for _, line := range r.stats.Oversize {
		r.kafka.Reject(publish.Rejection{
			File:   r.file.Path,
			Reason: fmt.Sprintf("a line of %d bytes is larger than the limit of %d by far", line.Length, p.Limit),
			Line:   line.Line + 1, Offset: p.From + line.Offset, Length: line.Length,
		})
	}
	if listed := int64(len(r.stats.Oversize)); listed < r.stats.Oversized {
		r.kafka.Reject(publish.Rejection{
			File:   r.file.Path,
			Reason: fmt.Sprintf("%d more lines are as large", r.stats.Oversized-listed),
		})
	}
	return r.ledger.Update(r.file, func(f *ledger.File) {
		f.Tail, f.Done, f.Plan, f.Reason = tail, end, nil, ""
		if p.From < f.Base {
			f.Base, f.BaseWanted = 0, false
		}
		f.Rows += r.rows
		f.Segments += int64(r.segments)
		f.Skipped += skipped(r.stats)
		f.Rejected += int64(r.outcomes[publish.Rejected]) + r.stats.Oversized
		f.Status = ledger.Sent
		if f.Rows == 0 {
			f.Status = ledger.NoRows
		}
		if r.damaged != nil {
			f.Reason = r.damaged.Error()
		}
	})
}

// report tells how the file ended, in the original's sentences and in numbers.
func (r *shipment) report() {
	name := filepath.Base(r.found.Path)
	rejected := int64(r.outcomes[publish.Rejected]) + r.stats.Oversized
	r.total.add(func(t *counts) {
		t.files++
		t.bytes += r.file.Stat.Size
		t.skipped += skipped(r.stats)
		t.rejected += rejected
		if r.segments == 0 {
			t.empty++
		}
	})
	if r.damaged != nil {
		r.log.Warning("File %q is damaged; the rows before the damage were taken: %v", name, r.damaged)
	}
	switch {
	case r.segments == 0 && r.method.Name == convert.Text && r.kind == chunk.Proxy:
		r.log.Warning("%q: Text-converted file has no valid lines.", name)
	case r.segments == 0:
		r.log.Warning("%q: CSV-converted file has no valid lines.", name)
	case rejected > 0:
		r.log.Error("One or more segment(s) of %q were not published to Kafka cluster.", name)
	default:
		r.log.Info("All segments of %q published successfully to Kafka cluster.", name)
	}
	r.log.Info("File %q: %d rows in %d segments, %d lines skipped, %d rejected; converter: %s.",
		name, r.rows, r.segments, skipped(r.stats), rejected, strings.TrimSpace(r.method.Name+" "+r.method.Version))
}

// skipped is how many lines hold no row, blank ones aside.
func skipped(s chunk.Stats) int64 { return s.FewFields + s.NoTime + s.BadTime }

// unstage removes the file's CSV from staging.
func (r *shipment) unstage() {
	if r.stage == "" {
		return
	}
	err := os.Remove(r.stage)
	if err == nil {
		r.log.Info("Remove CSV-converted file %q from local staging area.", r.stage)
	} else if !errors.Is(err, os.ErrNotExist) {
		r.log.Warning("%v", err)
	}
}
