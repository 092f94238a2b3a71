package metastore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	hive "github.com/beltran/gohive/hive_metastore"

	"spot-ingest/listener/internal/metastore/metastoretest"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/logging"
)

// A rig is a Registrar for table flow of a Hive in memory, whose pauses last until the test
// says so.
type rig struct {
	t    *testing.T
	ctx  context.Context
	hive *metastoretest.Server
	tab  *Table
	r    *Registrar
	log  *lines

	waits chan time.Duration // a pause has begun
	goOn  chan struct{}      // ends it
	idle  chan struct{}      // all is done

	mu      sync.Mutex
	folders []table.Hour
	listed  int
}

// most is how many hours may wait.
const most = 500

func newRig(t *testing.T, repair bool) *rig {
	t.Helper()
	g := &rig{t: t, ctx: soon(t), hive: metastoretest.Start(t, metastoretest.Options{}), log: new(lines),
		waits: make(chan time.Duration), goOn: make(chan struct{}), idle: make(chan struct{})}
	g.tab = open(t, byMetastore(g.hive))
	mustCreate(g.ctx, t, g.tab)
	if repair {
		g.written(someHours(30)...)
	}
	g.r = StartRegistrar(g.ctx, g.tab, RegistrarOptions{
		Location: rowsAt, Folders: g.walk, Repair: repair, Log: logging.New(g.log, logging.Debug, false), wait: g.wait, most: most,
		idle: func(ctx context.Context) {
			select {
			case g.idle <- struct{}{}:
			case <-ctx.Done():
			}
		},
	})
	t.Cleanup(func() {
		over, end := context.WithCancel(g.ctx)
		end()
		_ = g.r.Close(over)
	})
	return g
}

// written makes folders.
func (g *rig) written(hours ...table.Hour) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.folders = append(g.folders, hours...)
}

func (g *rig) walk(context.Context) iter.Seq2[table.Hour, error] {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listed++
	return all(g.folders...)
}

func (g *rig) wait(ctx context.Context, d time.Duration) error {
	select {
	case g.waits <- d:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-g.goOn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pauses takes the next pause, which must be this long, and ends it if it shall.
func (g *rig) pauses(want time.Duration, end bool) {
	g.t.Helper()
	for begun := false; !begun; {
		select {
		case d := <-g.waits:
			begun = true
			if d != want {
				g.t.Errorf("a pause of %v, want %v", d, want)
			}
		case <-g.idle: // it was woken by what is done already
		case <-g.ctx.Done():
			g.t.Fatalf("no pause of %v; log:\n%s", want, g.log)
		}
	}
	if end {
		g.goOn <- struct{}{}
	}
}

// done waits until all is done.
func (g *rig) done() {
	g.t.Helper()
	select {
	case <-g.idle:
	case d := <-g.waits:
		g.t.Fatalf("a pause of %v, instead of an end; log:\n%s", d, g.log)
	case <-g.ctx.Done():
		g.t.Fatalf("it isn't done; log:\n%s", g.log)
	}
}

func (g *rig) partitions(want int) {
	g.t.Helper()
	if got := len(g.hive.Partitions("spot.flow")); got != want {
		g.t.Errorf("%d partitions, want %d", got, want)
	}
}

// logged checks the log's lines by their beginnings, without time and name.
func (g *rig) logged(want ...string) {
	g.t.Helper()
	var got []string
	for line := range strings.Lines(g.log.String()) {
		_, line, _ = strings.Cut(line, " Hive: ")
		got = append(got, line)
	}
	ok := len(got) == len(want)
	for i := range want {
		ok = ok && strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		g.t.Errorf("log\n%s\nwant %q", g.log, want)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestRegistrarAsksOnce(t *testing.T) {
	g := newRig(t, false)
	hours := someHours(3)
	g.r.Add(hours)
	g.done()
	g.partitions(3)
	before := g.hive.Added()
	for range 5 {
		g.r.Add(hours)
	}
	g.r.Add(append(hours, someHours(4)...))
	g.done()
	g.partitions(4)
	if n := g.hive.Added() - before; n != 1 {
		t.Errorf("%d requests for one new hour", n)
	}
	if err := g.r.Close(g.ctx); err != nil {
		t.Error(err)
	}
	g.logged()
}

func TestRegistrarRepairsAtStart(t *testing.T) {
	g := newRig(t, true)
	g.done()
	g.partitions(30)
	g.logged("30 partitions of table spot.flow had not been known and are now")
}

func TestRegistrarOutlastsHive(t *testing.T) {
	g := newRig(t, false)
	g.hive.Down()
	g.r.Add(someHours(1))
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		g.pauses(time.Duration(seconds)*time.Second, true)
	}
	g.r.Add(someHours(7)) // never waits for Hive
	g.pauses(time.Minute, false)
	g.hive.Up()
	g.goOn <- struct{}{}
	g.done()
	g.partitions(7)
	g.logged("1 partition of table spot.flow can't be added yet, and will be tried again until it is done: add partitions of table spot.flow in hive: hive does not answer: dial tcp 127.0.0.1:",
		"the partitions of table spot.flow are known again")
	// The next trouble begins with a short pause, and is told.
	g.hive.Down()
	g.r.Add(someHours(8))
	g.pauses(time.Second, false)
	g.logged("1 part", "the part", "1 part")
}

// More hours than are held become a repair, and nothing is lost.
func TestRegistrarOverflows(t *testing.T) {
	g := newRig(t, false)
	g.hive.Down()
	hours := someHours(most + 100)
	g.written(hours...)
	g.r.Add(hours[:1])
	g.pauses(time.Second, false)
	for i := range hours {
		g.r.Add(hours[i : i+1])
	}
	g.hive.Up()
	g.goOn <- struct{}{}
	g.done()
	g.partitions(len(hours))
	if g.listed != 1 {
		t.Errorf("the folders were listed %d times", g.listed)
	}
}

// A table that is dropped is an error in the log, once; when it is made again all its
// partitions come back.
func TestRegistrarAfterDrop(t *testing.T) {
	g := newRig(t, false)
	hours := someHours(50)
	g.written(hours...)
	g.r.Add(hours[:40])
	g.done()
	g.hive.DropTable("spot.flow")
	g.r.Add(hours[40:])
	g.pauses(time.Second, true)
	g.pauses(2*time.Second, false)
	mustCreate(g.ctx, t, g.tab)
	g.goOn <- struct{}{}
	g.done()
	g.partitions(50)
	g.logged("10 partitions of table spot.flow can't be added, and will be tried again until it is done: add partitions of table spot.flow in hive: there is no such table",
		"40 partitions of table spot.flow had not been known", "the partitions of table spot.flow are known again (no table before)")
}

func TestRegistrarAfterChange(t *testing.T) {
	g := newRig(t, false)
	change := func(f func(*hive.Table)) { g.hive.Change("spot.flow", f) }
	change(func(h *hive.Table) { h.Sd.Location = "file:/else/where" })
	g.r.Add(someHours(2))
	g.pauses(time.Second, false)
	g.partitions(0)
	change(func(h *hive.Table) { h.Sd.Location = rowsAt; h.Sd.Cols[0].Name = "received" })
	g.goOn <- struct{}{}
	g.pauses(2*time.Second, false)
	g.partitions(0)
	change(func(h *hive.Table) { h.Sd.Cols[0].Name = "treceived" })
	g.goOn <- struct{}{}
	g.done()
	g.partitions(2)
	g.logged("2 partitions of table spot.flow can't be added, and will be tried again until it is done: add partitions of table spot.flow in hive: hive's table spot.flow lies in file:/else/where, but rows go to "+rowsAt,
		"2 partitions of table spot.flow can't be added, and will be tried again until it is done: add partitions of table spot.flow in hive: hive's table spot.flow is not the one",
		"the partitions of table spot.flow are known again (other columns before)")
}

// A partition that Hive refuses is tried again, beside the others.
func TestRegistrarRefused(t *testing.T) {
	g := newRig(t, true)
	g.done()
	hours := someHours(40)
	bad := g.tab.table.Folder(hours[35])
	g.hive.Refuse(func(name string) bool { return name == bad })
	g.r.Add(hours)
	g.pauses(time.Second, true)
	g.partitions(39)
	g.pauses(2*time.Second, false)
	g.hive.Refuse(nil)
	g.goOn <- struct{}{}
	g.done()
	g.partitions(40)
	g.logged("30 part", "1 partition of table spot.flow can't be added, and will be tried again until it is done: add partitions of table spot.flow in hive: partition y=2017/m=12/d=21/h=11 was not added: hive says: can't make",
		"the partitions of table spot.flow are known again (partitions refused before)")
	if g.listed != 1 {
		t.Errorf("the folders were listed %d times", g.listed)
	}
}

// Folders that Hive refuses are found by one listing alone.
func TestRegistrarRefusedRepair(t *testing.T) {
	g := newRig(t, false)
	g.written(someHours(3)...)
	g.hive.Refuse(func(string) bool { return true })
	g.r.mu.Lock()
	g.r.repair = true
	g.r.mu.Unlock()
	g.r.Add(someHours(1))
	g.pauses(time.Second, true)
	g.pauses(2*time.Second, false)
	g.hive.Refuse(nil)
	g.goOn <- struct{}{}
	g.done()
	g.partitions(3)
	if g.listed != 1 {
		t.Errorf("the folders were listed %d times", g.listed)
	}
}

// Close tries what is left, waits while Hive is away, and says what it could not do.
func TestRegistrarCloses(t *testing.T) {
	g := newRig(t, false)
	g.hive.Down()
	g.r.Add(someHours(12))
	g.pauses(time.Second, false)
	g.hive.Up()
	if err := g.r.Close(g.ctx); err != nil {
		t.Error(err)
	}
	g.partitions(12)

	g = newRig(t, false)
	g.hive.Down()
	g.r.Add(someHours(12))
	g.pauses(time.Second, false)
	ctx, giveUp := context.WithCancel(g.ctx)
	closed := make(chan error)
	go func() { closed <- g.r.Close(ctx) }()
	g.pauses(time.Second, true)
	g.pauses(2*time.Second, false)
	giveUp()
	err := <-closed
	const want = "hive does not know 12 partitions of table spot.flow, such as y=2017/m=12/d=20/h=0; hive_partition_repair adds what is missing at the next start: add partitions of"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, ErrAway) {
		t.Errorf("error %v", err)
	}
}

// A repair that is still to be done is done at the end.
func TestRegistrarClosesBeforeRepair(t *testing.T) {
	g := newRig(t, false)
	hours := someHours(most + 1)
	g.written(hours...)
	g.hive.Down()
	for i := range hours {
		g.r.Add(hours[i : i+1])
	}
	g.pauses(time.Second, false)
	g.hive.Up()
	g.hive.Refuse(func(string) bool { return true })
	err := g.r.Close(g.ctx)
	if err == nil || !strings.HasPrefix(err.Error(), "hive does not know 500 partitions of table spot.flow") {
		t.Errorf("error %v", err)
	}
	g.hive.Refuse(nil)
	if err := g.r.Close(g.ctx); err != nil {
		t.Errorf("error %v", err)
	}
	g.partitions(most + 1)
}

// Close takes no longer than its context, also if Hive takes requests and never answers.
func TestRegistrarClosesInTime(t *testing.T) {
	g := newRig(t, false)
	release := make(chan struct{})
	defer close(release)
	var asked atomic.Int32
	second, giveUp := context.WithCancel(g.ctx)
	first := make(chan struct{}, 1)
	g.hive.Before(func(request string) error {
		if request == "add_partitions_req" {
			if asked.Add(1) == 2 {
				giveUp()
			}
			select {
			case first <- struct{}{}:
			default:
			}
			<-release
		}
		return nil
	})
	g.r.Add(someHours(2))
	<-first
	if err := g.r.Close(second); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "hive does not know 2 partitions of table spot.flow") {
		t.Errorf("error %v", err)
	}
}

func TestRecentIsBounded(t *testing.T) {
	var r recent
	hours := someHours(3 * maxKnown)
	for _, h := range hours {
		r.add(h)
		if !r.has(h) {
			t.Fatalf("%v is forgotten at once", h)
		}
		if n := len(r.young) + len(r.old); n > maxKnown {
			t.Fatalf("%d are known", n)
		}
	}
	for _, h := range hours[len(hours)-maxKnown/2:] {
		if !r.has(h) {
			t.Fatalf("%v is forgotten", h)
		}
	}
}
