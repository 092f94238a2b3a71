package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"spot-ingest/collector/internal/convert"
	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/publish"
	"spot-ingest/collector/internal/watch"
	"spot-ingest/pkg/chunk"
)

// A shipment carries out one plan of a file.
type shipment struct {
	*worker
	*task
	method convert.Method
	kind   chunk.Type
	stage  string // where the converter's CSV is staged; "" for nowhere

	submitted bool // a segment may have gone out

	// Of the latest go:
	stats    chunk.Stats
	damaged  error // the failure that the rows end before
	rows     int64
	segments int
	staged   bool // read from staging, where it was complete
	old      bool // retention was warned about

	mu       sync.Mutex // guards outcomes, which come from other goroutines
	sending  sync.WaitGroup
	outcomes [4]int
}

func (w *worker) begin(ctx context.Context, t *task) (*shipment, error) {
	s := &shipment{worker: w, task: t}
	p := t.file.Plan
	if err := json.Unmarshal(p.Method, &s.method); err != nil {
		return nil, fmt.Errorf("the plan of %s: %w", t.found.Path, err)
	}
	if now, known := w.chooser.Now(ctx, s.method.Name); known && now.Name != convert.Text {
		if s.method.Version != now.Version {
			w.log.Warning("File %q was begun with %s %s and goes on with %s: its rows may differ.", t.found.Path, s.method.Name, s.method.Version, now.Version)
		}
		s.method.Program = now.Program // it may have moved since
	}
	var err error
	if s.kind, err = chunk.ParseType(p.Type); err != nil {
		return nil, fmt.Errorf("the plan of %s: %w", t.found.Path, err)
	}
	if s.isTool() && w.conf.KeepCSV {
		s.stage = filepath.Join(w.conversions(), t.file.ID.String()+".csv")
	}
	return s, nil
}

// tryTwice goes at the plan, and once more if the converter fails after some rows: the
// same failure a second time is in the file, not in the circumstances, and what the
// converter made of it before the damage is sent.
func (s *shipment) tryTwice(ctx, drain context.Context) error {
	err := s.try(ctx, drain, nil)
	var before *damage
	if errors.As(err, &before) && before.hasRows() {
		s.log.Warning("%v; it is tried once more.", before.err)
		err = s.try(ctx, drain, before)
	}
	return err
}

// try streams the file through converter and cutter to Kafka, and waits until all its
// segments have an outcome.
func (s *shipment) try(ctx, drain context.Context, before *damage) error {
	s.outcomes, s.rows, s.segments, s.damaged = [4]int{}, 0, 0, nil
	var failed *convert.Error
	source, err := s.open(ctx)
	if errors.As(err, &failed) && failed.Kind == convert.Stopped {
		return errStopped
	}
	if err != nil {
		return err
	}
	defer source.Close()
	tolerant := &tolerantReader{r: source, before: before, check: s.unchanged}
	err = s.cut(ctx, drain, tolerant)
	s.sending.Wait()
	s.damaged = tolerant.accepted
	switch {
	case s.outcomes[publish.Stopped] > 0, errors.As(err, &failed) && failed.Kind == convert.Stopped:
		return errStopped
	case s.outcomes[publish.Away] > 0:
		return errAway
	case err == nil: // a failure's message has them already
		for _, note := range source.Notes() {
			s.log.Warning("%s: %s", filepath.Base(s.found.Path), note)
		}
		if n := source.Passed(); n > 0 {
			s.log.Debug("%s: %d records hold no row.", filepath.Base(s.found.Path), n)
		}
	}
	return err
}

// open opens the file's CSV: as it was staged when Kafka went away, or anew.
func (s *shipment) open(ctx context.Context) (*convert.Stream, error) {
	p := s.file.Plan
	if s.stage != "" {
		info, err := os.Stat(s.stage)
		s.staged = err == nil
		if s.staged {
			return convert.Method{Name: convert.Text}.Open(ctx, convert.Job{Path: s.stage, To: info.Size()})
		}
		if err := ledger.PrivateFolder(filepath.Dir(s.stage)); err != nil {
			s.log.Warning("local_staging: %v; the CSV is not stored", err)
			s.stage = ""
		}
	}
	return s.method.Open(ctx, convert.Job{
		Path:    s.found.Path,
		File:    s.source,
		From:    p.From,
		To:      p.To,
		Timeout: s.conf.ConvertTimeout,
		Stage:   s.stage,
	})
}

// isTool tells whether another program converts the file. It reads the file by its name
// and as a whole; we read what was planned of the opened file.
func (s *shipment) isTool() bool {
	return s.method.Name == convert.Nfdump || s.method.Name == convert.Tshark
}

// unchanged makes sure that a file for a converter is still the one that was planned.
// Text may grow meanwhile, and other files if it is we who read them; only what was
// planned of them is read.
func (s *shipment) unchanged() error {
	switch {
	case s.method.Name == convert.Text || s.staged:
		return nil
	case s.method.Name == convert.Native:
		return s.onlyGrown()
	}
	now, err := watch.Stat(s.found.Path)
	if err != nil {
		return fmt.Errorf("it went away while it was read: %w", err)
	}
	if statOf(now) != statOf(s.found) {
		return errors.New("it changed while it was read")
	}
	return nil
}

// onlyGrown makes sure that nothing but growth has happened to a file.
func (s *shipment) onlyGrown() error {
	info, err := s.source.Stat()
	if err != nil {
		return err
	}
	if info.Size() == s.found.Size && info.ModTime().Equal(s.found.ModTime) {
		return nil
	}
	same, err := s.file.SameBytes(s.source, info.Size())
	if err == nil && (!same || info.Size() <= s.found.Size) {
		err = errors.New("it changed while it was read")
	}
	return err
}

// cut sends segment after segment, but for those that are acknowledged already.
func (s *shipment) cut(ctx, drain context.Context, source io.Reader) error {
	p := s.file.Plan
	reader := chunk.NewReader(source, s.kind, p.Limit, p.SkipRows)
	defer func() { s.stats = reader.Stats() }()
	for {
		buffer, err := s.kafka.Buffer(ctx)
		if err != nil || ctx.Err() != nil {
			if err == nil {
				s.kafka.Release(buffer)
			}
			return errStopped
		}
		piece := chunk.Segment{Value: buffer}
		if err := reader.Next(&piece); err != nil {
			s.kafka.Release(buffer)
			if err == io.EOF {
				return nil
			}
			return err
		}
		s.rows += int64(piece.Rows)
		s.segments++
		segment := &publish.Segment{
			File: s.file, Source: filepath.Base(s.found.Path), Log: s.log,
			Number: piece.Number, Rows: piece.Rows, TimeMS: piece.TimeMS, Value: buffer,
			ID: publish.Identify(s.file.ID, p.From, piece.FirstLine, buffer.Bytes()),
		}
		segment.Partition = s.kafka.PartitionOf(segment.ID, p.Partitions)
		if !s.submit(drain, segment) {
			return nil // an earlier one found Kafka away
		}
	}
}

// submit hands a segment over, unless it is acknowledged; it returns false if an earlier
// one found Kafka away.
func (s *shipment) submit(drain context.Context, segment *publish.Segment) bool {
	acked, same := s.ledger.Acked(s.file, segment.Number, segment.ID)
	if acked && same {
		s.kafka.Release(segment.Value)
		return true
	}
	if acked {
		s.log.Warning("Segment-%d of %q is not what it was when it was sent first: the file or its converter has changed since. It is sent as it is now.", segment.Number, s.found.Path)
	}
	s.mu.Lock()
	away := s.outcomes[publish.Away] > 0
	s.mu.Unlock()
	if away {
		s.kafka.Release(segment.Value)
		return false
	}
	if !s.old && s.kafka.Expired(segment.TimeMS) {
		s.old = true
		s.log.Warning("Rows of %q are older than the topic's retention.ms: Kafka may delete them before they are read.", s.found.Path)
	}
	s.submitted = true
	s.sending.Add(1)
	s.kafka.Submit(drain, segment, func(o publish.Outcome) {
		s.mu.Lock()
		s.outcomes[o]++
		s.mu.Unlock()
		s.sending.Done()
	})
	return true
}

// end records and tells how the plan ended. A plan that failed stays, for the next try.
func (s *shipment) end(err error) error {
	if errors.Is(err, errStopped) {
		return err
	}
	if err != nil {
		if _, gone := os.Stat(s.found.Path); gone == nil { // else the staged CSV is all there is
			s.unstage()
		}
		err = fmt.Errorf("%w; converter: %s", err, s.method)
		if nothingRead(err) && s.fresh && !s.submitted {
			// No segment can have gone out by this plan. The file may grow into one that can be
			// read, or another converter read it: it is planned as all is then.
			return errors.Join(err, s.ledger.Update(s.file, func(f *ledger.File) { f.Plan = nil }))
		}
		return err
	}
	s.unstage()
	rejected := int64(s.ledger.Rejected(s.file)) + s.stats.Oversized
	s.listOversized()
	if err := s.record(rejected); err != nil {
		return err
	}
	s.report(rejected)
	return nil
}

// listOversized puts the lines too long to be read on the list of rejections.
func (s *shipment) listOversized() {
	p := s.file.Plan
	for _, line := range s.stats.Oversize {
		s.kafka.Reject(publish.Rejection{
			File:   s.file.Path,
			Reason: fmt.Sprintf("a line of %d bytes is larger than the limit of %d by far", line.Length, p.Limit),
			Line:   line.Line + 1, Offset: p.From + line.Offset, Length: line.Length,
		})
	}
	if listed := int64(len(s.stats.Oversize)); listed < s.stats.Oversized {
		s.kafka.Reject(publish.Rejection{
			File:   s.file.Path,
			Reason: fmt.Sprintf("%d more lines are as large", s.stats.Oversized-listed),
		})
	}
}

// record says in the ledger that all of the plan is dealt with.
func (s *shipment) record(rejected int64) error {
	p := s.file.Plan
	end := max(s.file.Done, p.To)
	if s.isTool() {
		end = s.found.Size // unchanged has made sure of it
	}
	tail, err := ledger.TailPrint(s.source, end)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.found.Path, err)
	}
	return s.ledger.Update(s.file, func(f *ledger.File) {
		f.Tail, f.Done, f.Plan, f.Reason = tail, end, nil, ""
		if s.method.Name != convert.Text {
			f.Method = p.Method
		}
		if p.From < f.Base {
			f.Base, f.BaseWanted = 0, false
		}
		f.Rows += s.rows
		f.Segments += int64(s.segments)
		f.Skipped += skipped(s.stats)
		f.Rejected += rejected
		f.Status = ledger.Sent
		if f.Rows == 0 {
			f.Status = ledger.NoRows
		}
		if s.damaged != nil {
			f.Reason = s.damaged.Error()
		}
	})
}

// report tells how the plan ended, in the original's sentences and in numbers.
func (s *shipment) report(rejected int64) {
	name := filepath.Base(s.found.Path)
	s.total.add(func(n *counts) {
		n.bytes += s.stats.Bytes
		n.skipped += skipped(s.stats)
		n.rejected += rejected
		if s.segments == 0 {
			n.empty++
		}
	})
	if s.damaged != nil {
		s.log.Warning("File %q is damaged; the rows before the damage were taken: %v", name, s.damaged)
	}
	switch {
	case rejected > 0:
		s.log.Error("One or more segment(s) of %q were not published to Kafka cluster.", name)
	case s.segments == 0 && s.method.Name == convert.Text && s.kind == chunk.Proxy:
		s.log.Warning("%q: Text-converted file has no valid lines.", name)
	case s.segments == 0:
		s.log.Warning("%q: CSV-converted file has no valid lines.", name)
	default:
		s.log.Info("All segments of %q published successfully to Kafka cluster.", name)
	}
	s.log.Info("File %q: %d rows in %d segments, %d lines skipped, %d rejected; converter: %s.",
		name, s.rows, s.segments, skipped(s.stats), rejected, s.method)
}

// skipped is how many lines hold no row, blank ones aside.
func skipped(s chunk.Stats) int64 { return s.FewFields + s.NoTime + s.BadTime }

// unstage removes the file's CSV from staging.
func (s *shipment) unstage() {
	if s.stage == "" {
		return
	}
	err := os.Remove(s.stage)
	if err == nil {
		s.log.Info("Remove CSV-converted file %q from local staging area.", s.stage)
	} else if !errors.Is(err, os.ErrNotExist) {
		s.log.Warning("%v", err)
	}
}
