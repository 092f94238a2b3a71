package consume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A store is where the members of a group keep how far they have read, as the commit log
// does.
type store struct {
	mu        sync.Mutex
	positions map[int]Position
	seen      map[string]int
	grew      chan struct{}
}

func (s *store) get(partitions []int) map[int]Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	ps := make(map[int]Position)
	for _, p := range partitions {
		if pos, ok := s.positions[p]; ok {
			ps[p] = pos
		} else {
			ps[p] = Position{Last: -1}
		}
	}
	return ps
}

func (s *store) put(positions map[int]Position, values []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.positions, positions)
	for _, v := range values {
		s.seen[v]++
	}
	select {
	case s.grew <- struct{}{}:
	default:
	}
}

// member lives in the group until ctx ends: it reads, and puts what it read into the store
// before it gives its partitions up.
func (s *store) member(ctx context.Context, c *Consumer) error {
	defer c.Close()
	for {
		g, err := c.Next(ctx)
		if err != nil {
			return ctxErr(ctx, err)
		}
		positions := s.get(g.Partitions)
		out := make(chan *Message)
		g.Start(positions, out)
		var values []string
		for reading := true; reading; {
			select {
			case m := <-out:
				if positions[m.Partition].Next != m.Offset {
					return fmt.Errorf("partition %d: offset %d, want %d", m.Partition, m.Offset, positions[m.Partition].Next)
				}
				positions[m.Partition] = Position{Next: m.Offset + 1, Last: m.Offset, Time: m.Time, CRC: m.CRC}
				values = append(values, string(m.Value))
				m.Release()
				if len(values) >= 10 {
					s.put(positions, values)
					values = nil
				}
			case <-g.Done():
				reading = false
			case <-ctx.Done():
				reading = false
			}
		}
		s.put(positions, values)
		offsets := make(map[int]int64)
		for p, pos := range positions {
			offsets[p] = pos.Next
		}
		if err := g.Commit(context.Background(), offsets, "m"); err != nil {
			return err
		}
		g.End()
		if ctx.Err() != nil {
			return nil
		}
		if err := g.Err(); !errors.Is(err, ErrRebalance) {
			return err
		}
	}
}

func ctxErr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Members come and go while messages arrive; as each commits before it gives its partitions
// up, every message is read once.
func TestRebalance(t *testing.T) {
	const partitions, count = 6, 300
	k := newCluster(t, partitions)
	s := &store{positions: make(map[int]Position), seen: make(map[string]int), grew: make(chan struct{}, 1)}
	var members sync.WaitGroup
	join := func() context.CancelFunc {
		ctx, leave := context.WithCancel(context.Background())
		c := k.open(k.options())
		members.Add(1)
		go func() {
			defer members.Done()
			if err := s.member(ctx, c); err != nil {
				t.Error(err)
			}
		}()
		return leave
	}
	var leave []context.CancelFunc
	for i := range count {
		if i%50 == 0 {
			if len(leave) == 3 {
				leave[0]()
				leave = leave[1:]
			}
			leave = append(leave, join())
		}
		k.produce(int32(i%partitions), number(i))
	}
	for _, l := range leave[1:] {
		l()
	}
	ctx := limit(t)
	read := func() int64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		var n int64
		for _, p := range s.positions {
			n += p.Next
		}
		return n
	}
	k.produce(0, make([]string, 20)...) // so that the last member has a full hand to put
	for read() < count && ctx.Err() == nil {
		select {
		case <-s.grew:
		case <-ctx.Done():
		}
	}
	leave[0]()
	members.Wait()
	for i := range count {
		if n := s.seen[number(i)]; n != 1 {
			t.Errorf("message %d was read %d times", i, n)
		}
	}
}

// All partitions are given out, each once, also if there are more members than partitions.
func TestAssignment(t *testing.T) {
	k := newCluster(t, 2)
	var all [3]*Consumer
	for i := range all {
		all[i] = k.open(k.options())
	}
	type result struct {
		i int
		g *Generation
	}
	joined := make(chan result)
	for i, c := range all {
		go func() {
			for {
				g, err := c.Next(limit(t))
				if err != nil {
					t.Error(err)
					return
				}
				joined <- result{i, g}
				<-g.Done()
				if !errors.Is(g.Err(), ErrRebalance) {
					return
				}
			}
		}()
	}
	var now [3]*Generation
	for {
		select {
		case r := <-joined:
			now[r.i] = r.g
		case <-limit(t).Done():
			t.Fatal("the group does not come to rest")
		}
		if now[0] != nil && now[1] != nil && now[2] != nil && now[0].id == now[1].id && now[1].id == now[2].id {
			break
		}
	}
	var given []int
	sizes := map[int]int{}
	for _, g := range now {
		given = append(given, g.Partitions...)
		sizes[len(g.Partitions)]++
	}
	slices.Sort(given)
	if !slices.Equal(given, []int{0, 1}) || sizes[0] != 1 || sizes[1] != 2 {
		t.Errorf("partitions %v, %v, %v", now[0].Partitions, now[1].Partitions, now[2].Partitions)
	}
}

// A group may have members for different topics: whoever leads gives out the partitions of
// all of them.
func TestTopicsOfOneGroup(t *testing.T) {
	k := newCluster(t, 2, kfake.SeedTopics(3, "another"))
	o := k.options()
	one := k.open(o)
	o.Topic = "another"
	two := k.open(o)
	first := next(t, one)
	joined := make(chan *Generation, 1)
	go func() { joined <- next(t, two) }()
	if err := over(t, first); !errors.Is(err, ErrRebalance) {
		t.Fatalf("ended by %v", err)
	}
	if g := next(t, one); !slices.Equal(g.Partitions, []int{0, 1}) {
		t.Errorf("of the first topic: %v", g.Partitions)
	}
	if g := <-joined; !slices.Equal(g.Partitions, []int{0, 1, 2}) {
		t.Errorf("of the other topic: %v", g.Partitions)
	}
}

func TestAddedPartitions(t *testing.T) {
	k := newCluster(t, 1)
	c := k.open(k.options())
	g := next(t, c)
	g.Start(from(0, 0), make(chan *Message))
	k.addPartitions(2)
	if err := over(t, g); !errors.Is(err, ErrRebalance) {
		t.Errorf("ended by %v", err)
	}
	if g = next(t, c); !slices.Equal(g.Partitions, []int{0, 1}) {
		t.Errorf("partitions %v", g.Partitions)
	}
	if n, err := c.Partitions(limit(t)); n != 2 || err != nil {
		t.Errorf("Partitions: %d, %v", n, err)
	}
}

func TestCommit(t *testing.T) {
	k := newCluster(t, 3)
	k.produce(0, "a", "b", "c")
	c := k.open(k.options())
	got, err := c.Committed(limit(t), []int{0, 1})
	if want := map[int]Committed{0: {Offset: -1}, 1: {Offset: -1}}; err != nil || !maps.Equal(got, want) {
		t.Errorf("before: %v, %v", got, err)
	}
	g := next(t, c)
	if err := g.Commit(limit(t), map[int]int64{0: 2, 2: 0}, "spot-ingest 00ff 7"); err != nil {
		t.Fatal(err)
	}
	got, err = c.Committed(limit(t), []int{0, 1, 2})
	want := map[int]Committed{0: {2, "spot-ingest 00ff 7"}, 1: {Offset: -1}, 2: {0, "spot-ingest 00ff 7"}}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("after: %v, %v", got, err)
	}

	// A failure that passes is no failure.
	k.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		return commitAnswer(req, kerr.NotCoordinator), nil, true
	})
	if err := g.Commit(limit(t), map[int]int64{0: 3}, ""); err != nil {
		t.Error(err)
	}
	k.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return commitAnswer(req, kerr.OffsetMetadataTooLarge), nil, true
	})
	if err := g.Commit(limit(t), map[int]int64{0: 3}, ""); !errors.Is(err, kafka.OffsetMetadataTooLarge) {
		t.Error(err)
	}
	if err := g.Commit(limit(t), nil, ""); err != nil {
		t.Error(err)
	}
}

func commitAnswer(req kmsg.Request, code *kerr.Error) kmsg.Response {
	res := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range req.(*kmsg.OffsetCommitRequest).Topics {
		rt := kmsg.OffsetCommitResponseTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			rt.Partitions = append(rt.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: code.Code})
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// While others wait to join, the old generation can commit; afterwards it can't.
func TestCommitInRebalance(t *testing.T) {
	k := newCluster(t, 2)
	a, b := k.open(k.options()), k.open(k.options())
	g := next(t, a)
	joined := make(chan *Generation)
	go func() {
		g, err := b.Next(limit(t))
		if err != nil {
			t.Error(err)
		}
		joined <- g
	}()
	if err := over(t, g); !errors.Is(err, ErrRebalance) {
		t.Fatal(err)
	}
	if err := g.Commit(limit(t), map[int]int64{0: 0}, "x"); err != nil {
		t.Errorf("commit in rebalance: %v", err)
	}
	old := g
	g = next(t, a)
	other := <-joined
	if g.id != other.id || len(g.Partitions) != 1 || len(other.Partitions) != 1 {
		t.Errorf("generations %d %v and %d %v", g.id, g.Partitions, other.id, other.Partitions)
	}
	if err := old.Commit(limit(t), map[int]int64{0: 0}, "x"); !errors.Is(err, ErrLost) {
		t.Errorf("commit of an old generation: %v", err)
	}
}

// A member that the group has given up sees it at its next heartbeat, and can join again.
func TestThrownOut(t *testing.T) {
	k := newCluster(t, 1)
	k.produce(0, "a")
	c := k.open(k.options())
	g := next(t, c)
	k.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.HeartbeatResponse)
		res.ErrorCode = kerr.UnknownMemberID.Code
		return res, nil, true
	})
	if err := over(t, g); !errors.Is(err, ErrLost) {
		t.Errorf("ended by %v", err)
	}
	g = next(t, c)
	out := make(chan *Message)
	g.Start(from(0, 0), out)
	receive(t, g, out).Release()
}

// A process that was stopped for longer than its session lasts delivers nothing when it
// wakes, even before it has asked the group.
func TestStoppedForLong(t *testing.T) {
	k := newCluster(t, 1)
	k.produce(0, "a", "b")
	o := k.options()
	o.timing.heartbeat = time.Hour
	c := k.open(o)
	g := next(t, c)
	out := make(chan *Message)
	g.Start(from(0, 0), out)
	receive(t, g, out).Release()
	g.lastBeat.Add(-int64(o.timing.session)) // as if the last one were so long ago
	k.produce(0, "c")
	got := 0
	for open := true; open; {
		select {
		case m := <-out: // was on its way
			got++
			m.Release()
		case <-g.Done():
			open = false
		}
	}
	if err := g.Err(); !errors.Is(err, ErrLost) || got > 1 {
		t.Errorf("ended by %v after %d more messages", err, got)
	}
}

// A group that others use in a way of their own is not joined.
func TestForeignGroup(t *testing.T) {
	k := newCluster(t, 1)
	k.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.JoinGroupResponse)
		res.ErrorCode = kerr.InconsistentGroupProtocol.Code
		return res, nil, true
	})
	if _, err := k.open(k.options()).Next(limit(t)); !errors.Is(err, kafka.InconsistentGroupProtocol) {
		t.Error(err)
	}
}

// What a coordinator says while it is not ready is waited for.
func TestCoordinatorNotReady(t *testing.T) {
	k := newCluster(t, 1)
	var asked atomic.Int32
	k.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		codes := []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownMemberID, kerr.RebalanceInProgress}
		n := int(asked.Add(1)) - 1
		if n >= len(codes) {
			return nil, nil, false
		}
		k.KeepControl()
		res := req.ResponseKind().(*kmsg.JoinGroupResponse)
		res.ErrorCode = codes[n].Code
		return res, nil, true
	})
	k.ControlKey(int16(kmsg.SyncGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.SyncGroupResponse)
		res.ErrorCode = kerr.RebalanceInProgress.Code
		return res, nil, true
	})
	if g := next(t, k.open(k.options())); !slices.Equal(g.Partitions, []int{0}) {
		t.Errorf("partitions %v", g.Partitions)
	}
}
