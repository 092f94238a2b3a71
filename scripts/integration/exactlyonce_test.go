//go:build integration

package integration

import (
	"context"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// exactBatch is the length of a batch where there are to be many.
const exactBatch = 100 * time.Millisecond

var (
	kills    = flag.Int("kills", 25, "how often TestExactlyOnce kills a listener")
	killSeed = flag.Uint64("kill-seed", 1, "what the moments of TestExactlyOnce's kills are made from")
)

// Listeners are killed at random moments and started again at once; so is the collector,
// and the broker. In the end each row is in the table once.
//
//	go test -tags integration -timeout 60m -run 'TestExactlyOnce$' -v ./scripts/integration -args -kills 200
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	s := newExactSite(t, ownKafka(t, kafka4), 4, exactBatch)
	s.begin()
	c := &chaos{exactSite: s, rng: rand.New(rand.NewPCG(*killSeed, 0)), moments: make(map[string]int)}
	c.collector = s.collect()
	c.listeners = []*process{s.listen()}
	stop := s.feed(100*time.Millisecond, 600)
	for c.kills < *kills {
		c.step()
	}
	stop()
	c.collector.stop()
	s.collectAll()
	s.stored()
	for _, p := range c.listeners {
		p.stop()
	}
	sum := s.finished()
	t.Logf("%d kills of listeners, %d of the collector, %d restarts of the broker, in %v (-kill-seed %d)",
		*kills, c.collectorKills, c.restarts, time.Since(began).Round(time.Second), *killSeed)
	t.Logf("%d rows in %d files arrived; %d messages, %d of them repeats that were dropped; %d records, %d Parquet files",
		s.rows.len(), s.rows.files, sum.Messages, sum.Repeats, sum.Records, len(s.tableFiles()))
	for _, moment := range slices.Sorted(maps.Keys(c.moments)) {
		t.Logf("killed %3d times: %s", c.moments[moment], moment)
	}
}

// chaos is what goes on while rows arrive.
type chaos struct {
	*exactSite
	rng       *rand.Rand
	collector *process
	listeners []*process
	moments   map[string]int // of the listeners' kills, and how often

	away                            bool // the broker
	kills, collectorKills, restarts int
}

// step is another kill of a listener, and what else is due then. In the first half there is
// one listener, in the second there are two.
func (c *chaos) step() {
	c.t.Helper()
	half := *kills / 2
	switch c.kills {
	case half / 2: // these listeners find no broker
		c.broker.Kill()
		c.away = true
	case half/2 + 2:
		c.startBroker()
	case half:
		c.listeners = append(c.listeners, c.listen())
	case half + half/2:
		if err := c.broker.Stop(); err != nil {
			c.t.Error(err)
		}
		c.startBroker()
	}
	if c.kills%8 == 4 {
		c.collector.running()
		c.collector.kill()
		c.collectorKills++
		c.collector = c.collect()
	}
	victim := c.rng.IntN(len(c.listeners))
	c.await(c.listeners[victim])
	c.killListener(victim)
}

// await lets time go by until the next kill: often little, to hit a start; often until a
// batch is being committed; else long enough for a few batches. Where there are two
// listeners they take up to three seconds to agree.
func (c *chaos) await(p *process) {
	c.t.Helper()
	longest := 2 * time.Second
	if len(c.listeners) > 1 {
		longest = 5 * time.Second
	}
	switch c.rng.IntN(6) {
	case 0, 1:
		longest = 150 * time.Millisecond
	case 2:
		if !c.away {
			p.waitFor("Committed ")
			c.awaitStaged(p, "*.staged")
			longest = 10 * time.Millisecond
		}
	case 3, 4:
		if !c.away {
			p.waitFor("Committed ")
			c.awaitStaged(p, ".record") // which lies there until all files are moved
			longest = 3 * time.Millisecond
		}
	}
	p.pass(time.Duration(c.rng.Float64() * float64(longest)))
}

// awaitStaged waits until a listener, which commits, has files of a name in staging.
func (c *chaos) awaitStaged(p *process, name string) {
	c.t.Helper()
	staged := c.warehouse("staging", c.stagedBy(p), name)
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		if files, err := filepath.Glob(staged); err != nil || len(files) > 0 {
			return
		}
		if p.running(); time.Now().After(deadline) {
			c.t.Fatalf("no %s comes to staging", name)
		}
	}
}

func (c *chaos) startBroker() {
	c.t.Helper()
	if err := c.broker.Start(context.Background()); err != nil {
		c.t.Fatal(err)
	}
	c.away = false
	c.restarts++
	c.bury(c.listeners...)
}

func (c *chaos) killListener(victim int) {
	c.t.Helper()
	p := c.listeners[victim]
	p.kill()
	c.moments[c.moment(p, c.stagedBy(p))]++
	c.listeners[victim] = c.listen()
	switch n := c.kills; {
	case c.away:
	case n%50 == 49: // this once Kafka has to notice by itself that the member is gone
		c.listeners[victim].waitFor("Committed ")
	default: // it would take half a minute each time
		c.bury(c.listeners...)
	}
	c.kills++
}

// moment tells by what a killed listener has left at which moment of its work that was.
func (c *chaos) moment(p *process, staging string) string {
	c.t.Helper()
	records := c.recordFiles()
	if last := c.readRecord(records[len(records)-1]); last.Writer == staging {
		left := 0
		for _, f := range last.Files {
			if _, err := os.Stat(c.warehouse("staging", f.Staged)); err == nil {
				left++
			}
		}
		switch {
		case left > 0 && left == len(last.Files):
			return "record made, no file moved"
		case left > 0:
			return "record made, some files moved"
		case !c.away && c.behind(last):
			return "record made, files moved, Kafka's offsets not committed"
		}
	}
	files, err := filepath.Glob(c.warehouse("staging", staging, "*"))
	if err != nil {
		c.t.Fatal(err)
	}
	switch {
	case staging != "" && slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f) != "lock" }):
		return "files in staging, no record"
	case c.away:
		return "Kafka away"
	case !p.says("Partitions of topic"):
		return "starting or joining"
	case !p.says("Committed "):
		return "reading, nothing committed yet"
	}
	return "reading, between two batches"
}

// behind tells whether Kafka does not know of a record yet.
func (c *chaos) behind(r record) bool {
	offsets := c.groupOffsets()
	for _, p := range r.Parts {
		if offsets[p.Partition] < p.Next {
			return true
		}
	}
	return false
}

// Listeners of one group come and go, some of them by SIGTERM and some by SIGKILL.
func TestExactlyOnceComeAndGo(t *testing.T) {
	t.Parallel()
	s := newExactSite(t, sharedKafka(t, kafka4), 6, 300*time.Millisecond)
	s.begin()
	collector := s.collect()
	stop := s.feed(100*time.Millisecond, 300)
	rng := rand.New(rand.NewPCG(*killSeed, 1))
	listeners := []*process{s.listen()}
	all := slices.Clone(listeners)
	var log []string
	for range 12 {
		listeners[0].pass(time.Duration(rng.IntN(2500)) * time.Millisecond)
		leaver := rng.IntN(len(listeners))
		switch what := rng.IntN(4); {
		case len(listeners) == 1 || what > 1 && len(listeners) < 3:
			listeners = append(listeners, s.listen())
			all = append(all, listeners[len(listeners)-1])
			log = append(log, "come")
			continue
		case what%2 == 0:
			listeners[leaver].stop()
			log = append(log, "stop")
		default:
			listeners[leaver].kill()
			log = append(log, "kill")
		}
		listeners = slices.Delete(listeners, leaver, leaver+1)
		s.bury(listeners...)
	}
	stop()
	collector.stop()
	s.collectAll()
	s.stored()
	for _, p := range listeners {
		p.stop()
	}
	dropped := 0
	for _, p := range all {
		dropped += strings.Count(p.stdout.String(), "Dropped a batch")
	}
	sum := s.finished()
	t.Logf("%s: %d rows, %d records, %d batches dropped", strings.Join(log, ", "), sum.Rows, sum.Records, dropped)
}
