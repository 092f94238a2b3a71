package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// A partner serves the driver of a Spark job, whose child it is: Spark's executors read the
// messages and write the files, and all that makes each row be there once is done here, by
// the code that does it without Spark. The driver asks, a JSON object a line; a request is
// answered before the next is read.
type partner struct {
	*listener
	requests chan request  // closed when the driver has gone
	done     chan struct{} // closed when there are no more answers
	answers  *json.Encoder

	gen       *consume.Generation
	positions map[int]commitlog.Position
	wait      time.Duration // before the next try, after an error
	failed    error         // of the last batch
	unread    bool          // since the last start, nothing has come and nothing has failed
	heard     time.Time     // when the last batch came, or was missed
	batch     string        // the name of the one under way; empty: none
	adopted   []string      // its files that are out of its folder
	loose     []string      // folders in staging to be removed
}

// A request is what a driver asks for.
type request struct {
	Do          string              `json:"do"`
	IDs         []segmentID         `json:"ids"`
	Parts       map[string][2]int64 `json:"parts"` // the batch's first offset, and the one behind its last
	Messages    int64               `json:"messages"`
	Repeats     int64               `json:"repeats"`
	BadMessages int64               `json:"bad_messages"`
	Rows        int64               `json:"rows"` // that went to the table
	Level       string              `json:"level"`
	Text        string              `json:"text"`
}

// An answer has the members that belong to the request.
type answer struct {
	End *int `json:"end,omitempty"` // the job ends, with this exit code

	Partitions []int            `json:"partitions,omitempty"`
	Offsets    map[string]int64 `json:"offsets,omitempty"`
	Until      map[string]int64 `json:"until,omitempty"`
	Limit      int              `json:"limit,omitempty"` // of messages in a batch
	Checkpoint string           `json:"checkpoint,omitempty"`

	Alive  *bool        `json:"alive,omitempty"`
	Folder string       `json:"folder,omitempty"`
	Known  *[]segmentID `json:"known,omitempty"`
	OK     *bool        `json:"ok,omitempty"`
	Again  bool         `json:"again,omitempty"`
}

// A segmentID is written as 32 hexadecimal digits.
type segmentID commitlog.SegmentID

// MarshalText writes the digits.
func (s segmentID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText reads them.
func (s *segmentID) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(s) {
		return fmt.Errorf("%q is no segment's id: want %d hexadecimal digits", text, 2*len(s))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// maxRequest bounds a request's line: one with maxSegments ids has 3.5 MB.
const maxRequest = 16 << 20

// newPartner returns a partner that answers on out.
func newPartner(l *listener, out io.Writer) *partner {
	return &partner{listener: l, requests: make(chan request), done: make(chan struct{}), answers: json.NewEncoder(out), wait: firstRetry}
}

// listen hands on the requests until the driver has gone, and then calls gone: what is asked of
// Kafka for it must end.
func (p *partner) listen(in io.Reader, gone func()) {
	defer gone()
	defer close(p.requests)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), maxRequest)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			p.log.Error("The Spark job asks for something that can't be understood: %v.", err)
			return
		}
		select {
		case p.requests <- r:
		case <-p.done:
			return
		}
	}
	if err := lines.Err(); err != nil {
		p.log.Error("The Spark job's request can't be read: %v.", err)
	}
}

// serve answers until the driver goes, once start has done its work. The error is one that
// ends the job; the driver is told with the answer to its next request.
func (p *partner) serve(ctx context.Context, in io.Reader, start func(context.Context) error) error {
	ctx, gone := context.WithCancel(ctx)
	defer gone()
	go p.listen(in, gone)
	defer close(p.done)
	err := start(ctx)
	if err == nil {
		defer p.close()
		defer p.leave()
	}
	for r := range p.requests {
		var a answer
		if err == nil {
			a, err = p.answer(ctx, r)
		}
		if err != nil {
			p.log.Error("%v", err)
			failed := exitFailed
			a = answer{End: &failed}
		}
		if writeErr := p.answers.Encode(a); writeErr != nil || a.End != nil {
			return err
		}
	}
	p.log.Info("Stopped: %s.", &p.total)
	return nil
}

func (p *partner) answer(ctx context.Context, r request) (answer, error) {
	yes := true
	switch r.Do {
	case "next":
		return p.next(ctx)
	case "alive":
		alive := p.alive(ctx)
		return answer{Alive: &alive}, nil
	case "batch":
		return p.begin(r)
	case "commit":
		return p.finish(ctx, r)
	case "abandon":
		p.unread = false
		p.abandon()
		return answer{OK: &yes}, nil
	case "log":
		p.say(r)
		return answer{OK: &yes}, nil
	}
	return answer{}, fmt.Errorf("the Spark job asks for %q, which is unknown: job and listener are of different versions", r.Do)
}

// say logs for the driver.
func (p *partner) say(r request) {
	log := p.root.Named("SPOT.INGEST.SPARK")
	switch r.Level {
	case "DEBUG":
		log.Debug("%s", r.Text)
	case "WARNING":
		log.Warning("%s", r.Text)
	case "ERROR":
		log.Error("%s", r.Text)
	default:
		log.Info("%s", r.Text)
	}
}

// next gives the partitions that the group gives, as soon as it gives some, and tells where
// reading them begins.
func (p *partner) next(ctx context.Context) (answer, error) {
	p.passGaps(ctx)
	p.leave()
	err := p.failed
	p.failed = nil
	for {
		if err := p.mind(ctx, err, p.wait); err != nil {
			return answer{}, err
		}
		if waited(err) {
			p.wait = min(2*p.wait, lastRetry)
		}
		if ctx.Err() != nil {
			return p.stopped()
		}
		var done bool
		done, err = p.begun(ctx)
		switch {
		case done:
			return p.over()
		case err == nil && len(p.positions) > 0:
			return p.start(ctx)
		case err == nil: // the others have all partitions
			select {
			case <-p.gen.Done():
			case <-ctx.Done():
			}
			err = p.gen.Err()
		}
		p.leave()
	}
}

// over ends a job that was to read what was there.
func (p *partner) over() (answer, error) {
	p.leave()
	p.summarize()
	if err := p.endRegistrar(); err != nil {
		return answer{}, err
	}
	code := exitOK
	return answer{End: &code}, nil
}

// stopped ends the job after a signal.
func (p *partner) stopped() (answer, error) {
	if p.args.Once {
		return answer{}, errStopped
	}
	code := exitOK
	return answer{End: &code}, nil
}

// begun joins the group and finds out where its partitions begin. done tells that nothing is
// left to read for --once.
func (p *partner) begun(ctx context.Context) (done bool, err error) {
	gen, err := p.join(ctx)
	if err != nil {
		return false, err
	}
	p.gen = gen
	p.log.Info("Partitions of topic \"%s\" that this job reads: %s.", p.topic, numbers(gen.Partitions))
	if p.positions, err = p.listener.positions(ctx, gen); err != nil {
		return false, err
	}
	if p.args.Once && p.allRead() {
		return p.others(ctx, gen)
	}
	return false, nil
}

// allRead tells whether the own partitions are read as far as --once is to read.
func (p *partner) allRead() bool {
	for partition, at := range p.positions {
		if at.Next < p.ends[partition] {
			return false
		}
	}
	return true
}

// start tells the driver where to begin.
func (p *partner) start(ctx context.Context) (answer, error) {
	a := answer{Offsets: make(map[string]int64), Limit: p.limit(ctx)}
	a.Partitions = slices.Sorted(maps.Keys(p.positions))
	for partition, at := range p.positions {
		a.Offsets[strconv.Itoa(partition)] = at.Next
	}
	if p.args.Once {
		a.Until = make(map[string]int64)
		for partition := range p.positions {
			a.Until[strconv.Itoa(partition)] = p.ends[partition]
		}
	}
	checkpoint := p.fileName() + ".checkpoint"
	p.loose = append(p.loose, checkpoint)
	a.Checkpoint = p.place.uri(path.Join(p.commits.Staging(), checkpoint))
	p.heard, p.unread = time.Now(), true
	return a, nil
}

// A batch should have some gigabytes at most, lest much be done again after a failure. That
// can be told to Spark by a number of messages only.
const (
	batchBytes   = 8 << 30
	fewMessages  = 1000
	someMessages = 20_000 // if nothing is known of their size
	samples      = 8
)

// limit is how many messages a batch may have, by the size of some that come next.
func (p *partner) limit(ctx context.Context) int {
	bytes, n := 0, 0
	for _, partition := range slices.Sorted(maps.Keys(p.positions)) {
		if n == samples {
			break
		}
		limited, cancel := context.WithTimeout(ctx, firstRetry)
		m, err := p.kafka.Message(limited, partition, p.positions[partition].Next)
		cancel()
		if err != nil {
			continue // there is none yet, or Kafka will be asked again by Spark
		}
		bytes += len(m.Value)
		n++
		m.Release()
	}
	if n == 0 {
		return someMessages
	}
	return min(max(batchBytes/(bytes/n+1), fewMessages), maxSegments)
}

// alive tells whether the partitions are still ours to read.
func (p *partner) alive(ctx context.Context) bool {
	if p.gen == nil || ctx.Err() != nil || p.gen.Err() != nil {
		return false
	}
	if p.batch == "" && time.Since(p.heard) >= p.conf.Batch {
		p.heard = time.Now()
		p.log.Info(" ---- LISTENING KAFKA TOPIC: %s ---- ", p.topic)
	}
	return true
}

// leave gives the partitions back and removes what is left of the last query.
func (p *partner) leave() {
	if p.gen != nil {
		p.gen.End()
		p.gen = nil
	}
	p.abandon()
	for _, name := range p.loose {
		p.remove(name)
	}
	p.loose = nil
}

// remove removes a folder in the own staging folder; if it can't, Close does, or the next start.
func (p *partner) remove(name string) {
	if err := p.files.RemoveAll(path.Join(p.commits.Staging(), name)); err != nil {
		p.log.Debug("remove %s from staging: %v", name, err)
	}
}
