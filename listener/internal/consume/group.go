package consume

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/consumer"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"

	"spot-ingest/pkg/broker"
)

// protocolType is what Kafka's tools know the members of consumer groups by.
const protocolType = "consumer"

// Next joins the group and returns the generation that this member is then in. It ends the
// last one first. It waits until the cluster and the topic are there.
func (c *Consumer) Next(ctx context.Context) (*Generation, error) {
	if c.last != nil {
		c.last.End()
	}
	var g *Generation
	err := c.retry(ctx, "group", func(context.Context) (err error) {
		g, err = c.join(ctx) // with ctx's time: it may take as long as the others need to commit
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("join group %q: %w", c.o.Group, err)
	}
	g.over, g.finish = context.WithCancelCause(context.Background())
	g.ended, g.end = context.WithCancel(context.Background())
	g.lastBeat.Store(int64(time.Since(g.born)))
	g.running.Add(1)
	go func() {
		defer g.running.Done()
		g.beat()
	}()
	c.last = g
	c.log.Debug("group %q, generation %d, member %q: partitions %v", c.o.Group, g.id, g.member, g.Partitions)
	return g, nil
}

// maxJoins bounds how often the group may change while we join before that counts as
// something not working.
const maxJoins = 100

// join joins until the group stands still.
func (c *Consumer) join(ctx context.Context) (*Generation, error) {
	var err error
	for n := range maxJoins {
		var g *Generation
		if g, err = c.joinOnce(ctx); err == nil {
			return g, nil
		}
		c.log.Debug("join group %q: %v", c.o.Group, err)
		switch {
		case is(err, kafka.MemberIDRequired): // which we have been given
			continue
		case is(err, kafka.UnknownMemberId, kafka.FencedInstanceID):
			c.member = ""
		case !is(err, kafka.RebalanceInProgress, kafka.IllegalGeneration):
			return nil, err
		}
		if err := c.o.timing.pause(ctx, n); err != nil {
			return nil, err
		}
	}
	return nil, err
}

func (c *Consumer) joinOnce(ctx context.Context) (*Generation, error) {
	// Without partitions the leader could give out none, and nobody would notice when
	// there are some.
	if _, err := c.leaders(ctx); err != nil {
		return nil, err
	}
	g := &Generation{c: c, born: time.Now()}
	joined, err := c.sendJoin(ctx)
	if err != nil {
		return nil, err
	}
	g.id, g.member, g.leader = joined.GenerationID, joined.MemberID, joined.MemberID == joined.LeaderID
	sync := &syncgroup.Request{
		GroupID: c.o.Group, GenerationID: g.id, MemberID: g.member,
		ProtocolType: protocolType, ProtocolName: joined.ProtocolName,
	}
	if g.leader {
		group := c.subscriptions(joined.Members)
		if g.counts, err = c.counts(ctx, topicsOf(group)); err != nil {
			return nil, err
		}
		if sync.Assignments, err = assign(group, g.counts); err != nil {
			return nil, err
		}
	}
	g.Partitions, err = c.sendSync(ctx, sync)
	return g, err
}

// sendJoin and sendSync send kafka-go's messages themselves: its Client hides the error of
// a sync that fails, and can't read other members' metadata of an older form.
func (c *Consumer) sendJoin(ctx context.Context) (*joingroup.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.timing.rebalance+c.o.timing.stall)
	defer cancel()
	metadata, err := protocol.Marshal(consumer.MaxVersionSupported, consumer.Subscription{
		Version: consumer.MaxVersionSupported, Topics: []string{c.o.Topic},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the group's metadata: %w", err)
	}
	res, err := c.transport.RoundTrip(ctx, c.addr, &joingroup.Request{
		GroupID:            c.o.Group,
		MemberID:           c.member,
		ProtocolType:       protocolType,
		Protocols:          []joingroup.RequestProtocol{{Name: kafka.RangeGroupBalancer{}.ProtocolName(), Metadata: metadata}},
		SessionTimeoutMS:   int32(c.o.timing.session.Milliseconds()),
		RebalanceTimeoutMS: int32(c.o.timing.rebalance.Milliseconds()),
	})
	if err != nil {
		return nil, err
	}
	joined := res.(*joingroup.Response)
	if joined.MemberID != "" {
		c.member = joined.MemberID
	}
	if joined.ErrorCode != 0 {
		return nil, kafka.Error(joined.ErrorCode)
	}
	return joined, nil
}

func (c *Consumer) sendSync(ctx context.Context, req *syncgroup.Request) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.timing.session+c.o.timing.stall)
	defer cancel()
	res, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		return nil, err
	}
	synced := res.(*syncgroup.Response)
	if synced.ErrorCode != 0 {
		return nil, kafka.Error(synced.ErrorCode)
	}
	var assigned consumer.Assignment
	if len(synced.Assignments) > 0 {
		if err := protocol.Unmarshal(synced.Assignments, consumer.MaxVersionSupported, &assigned); err != nil {
			return nil, fmt.Errorf("decode the group's assignment: %w", err)
		}
	}
	partitions := []int{}
	for _, t := range assigned.AssignedPartitions {
		if t.Topic != c.o.Topic {
			continue
		}
		for _, p := range t.Partitions {
			partitions = append(partitions, int(p))
		}
	}
	slices.Sort(partitions)
	return partitions, nil
}

// subscriptions returns what the members want to read: a group may have members for
// different topics.
func (c *Consumer) subscriptions(members []joingroup.ResponseMember) []kafka.GroupMember {
	var group []kafka.GroupMember
	for _, m := range members {
		var s consumer.Subscription
		// Members of older versions say less, which is not an error: topics come first.
		if err := protocol.Unmarshal(m.Metadata, consumer.MaxVersionSupported, &s); err != nil {
			c.log.Debug("group %q, metadata of member %q: %v", c.o.Group, m.MemberID, err)
		}
		group = append(group, kafka.GroupMember{ID: m.MemberID, Topics: s.Topics})
	}
	return group
}

func topicsOf(group []kafka.GroupMember) []string {
	var topics []string
	for _, m := range group {
		topics = append(topics, m.Topics...)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// counts returns how many partitions topics have; none for one that isn't there.
func (c *Consumer) counts(ctx context.Context, topics []string) (map[string]int, error) {
	counts := make(map[string]int)
	for _, topic := range topics {
		if topic == c.o.Topic {
			leaders, err := c.leaders(ctx)
			if err != nil {
				return nil, err
			}
			counts[topic] = len(leaders)
			continue
		}
		n, err := c.count(ctx, topic)
		if err != nil { // it isn't there, or not for us; its own members can do no more for it
			c.log.Debug("group %q, another member's topic: %v", c.o.Group, err)
		}
		counts[topic] = n
	}
	return counts, nil
}

// count asks for another topic than the own, of which the connection keeps track.
func (c *Consumer) count(ctx context.Context, topic string) (int, error) {
	client, err := broker.Connect(c.o.Servers, topic, c.o.ClientID, "none")
	if err != nil {
		return 0, err
	}
	defer client.Close()
	t, err := client.Topic(ctx, topic)
	return t.Partitions, err
}

// assign gives out the topics' partitions, as many side by side to each member.
func assign(group []kafka.GroupMember, counts map[string]int) ([]syncgroup.RequestAssignment, error) {
	var partitions []kafka.Partition
	for _, topic := range slices.Sorted(maps.Keys(counts)) {
		for p := range counts[topic] {
			partitions = append(partitions, kafka.Partition{Topic: topic, ID: p})
		}
	}
	given := kafka.RangeGroupBalancer{}.AssignGroups(group, partitions)

	var all []syncgroup.RequestAssignment
	for _, m := range group {
		a := consumer.Assignment{Version: consumer.MaxVersionSupported}
		for _, topic := range slices.Sorted(maps.Keys(given[m.ID])) {
			t := consumer.TopicPartition{Topic: topic}
			for _, p := range given[m.ID][topic] {
				t.Partitions = append(t.Partitions, int32(p))
			}
			if len(t.Partitions) > 0 {
				a.AssignedPartitions = append(a.AssignedPartitions, t)
			}
		}
		b, err := protocol.Marshal(consumer.MaxVersionSupported, a)
		if err != nil {
			return nil, fmt.Errorf("encode the group's assignment: %w", err)
		}
		all = append(all, syncgroup.RequestAssignment{MemberID: m.ID, Assignment: b})
	}
	return all, nil
}
