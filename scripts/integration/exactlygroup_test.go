//go:build integration

package integration

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ask makes requests with a client of its own, which knows nothing of the time before a
// restart of the broker.
func (s *exactSite) ask(request func(context.Context, *kgo.Client) error) {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Addr()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := request(ctx, client); err != nil {
		s.t.Fatal(err)
	}
}

// topicEnds asks for the end of each of the topic's partitions.
func (s *exactSite) topicEnds() map[int32]int64 {
	s.t.Helper()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = s.topic
	for p := range s.count {
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition, partition.Timestamp = int32(p), -1
		topic.Partitions = append(topic.Partitions, partition)
	}
	ends := make(map[int32]int64)
	s.ask(func(ctx context.Context, client *kgo.Client) error {
		request := kmsg.NewPtrListOffsetsRequest()
		request.Topics = append(request.Topics, topic)
		answer, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		for _, t := range answer.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					s.t.Fatalf("end of partition %d: error %d", p.Partition, p.ErrorCode)
				}
				ends[p.Partition] = p.Offset
			}
		}
		return nil
	})
	if len(ends) != s.count {
		s.t.Fatalf("ends of %d partitions: %v", s.count, ends)
	}
	return ends
}

// groupOffsets asks for what the group has committed to Kafka.
func (s *exactSite) groupOffsets() map[int32]int64 {
	s.t.Helper()
	topic := kmsg.NewOffsetFetchRequestGroupTopic()
	topic.Topic = s.topic
	for p := range s.count {
		topic.Partitions = append(topic.Partitions, int32(p))
	}
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group, group.Topics = s.topic, append(group.Topics, topic)
	offsets := make(map[int32]int64)
	s.ask(func(ctx context.Context, client *kgo.Client) error {
		request := kmsg.NewPtrOffsetFetchRequest()
		request.Groups = append(request.Groups, group)
		answer, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		for _, g := range answer.Groups {
			for _, t := range g.Topics {
				for _, p := range t.Partitions {
					offsets[p.Partition] = p.Offset
				}
			}
		}
		return nil
	})
	return offsets
}

var memberID = regexp.MustCompile(`member "([^"]+)"`)

// bury takes out of the group whoever is not among the living, as Kafka would do half a
// minute later, when their sessions end.
func (s *exactSite) bury(living ...*process) {
	s.t.Helper()
	var alive []string
	for _, p := range living {
		if found := memberID.FindStringSubmatch(p.line(`member "`)); found != nil {
			alive = append(alive, found[1])
		}
	}
	s.ask(func(ctx context.Context, client *kgo.Client) error {
		describe := kmsg.NewPtrDescribeGroupsRequest()
		describe.Groups = []string{s.topic}
		groups, err := describe.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = s.topic
		for _, g := range groups.Groups {
			for _, m := range g.Members {
				if slices.Contains(alive, m.MemberID) {
					continue
				}
				member := kmsg.NewLeaveGroupRequestMember()
				member.MemberID = m.MemberID
				leave.Members = append(leave.Members, member)
			}
		}
		if len(leave.Members) > 0 {
			_, err = leave.RequestWith(ctx, client)
		}
		return err
	})
}
