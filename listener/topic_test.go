package main

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"spot-ingest/pkg/codec"
)

// limit is the time that something may take.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// A segment is a message as collectors publish it: rows, and the segment's id where the
// collector gives one.
type segment struct {
	partition int32
	id        string
	rows      []string
}

// value is a message's value.
func value(rows ...string) []byte {
	e := codec.NewEncoder(0, 1<<10)
	for _, row := range rows {
		e.Append([]byte(row))
	}
	return e.Bytes()
}

func (g segment) record() *kgo.Record {
	r := &kgo.Record{Topic: topic, Partition: g.partition, Value: value(g.rows...), Timestamp: noon}
	if g.id != "" {
		r.Headers = []kgo.RecordHeader{
			{Key: "spot.segment", Value: []byte(g.id)},
			{Key: "spot.source", Value: []byte("nfcapd.201803201200")},
		}
	}
	return r
}

// produce appends records to the topic, in order.
func (s *site) produce(records ...*kgo.Record) {
	s.t.Helper()
	if err := s.client.ProduceSync(limit(s.t), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// send publishes rows as one message without an id.
func (s *site) send(partition int32, rows ...string) {
	s.t.Helper()
	s.produce(segment{partition: partition, rows: rows}.record())
}

func (s *site) request(req kmsg.Request) kmsg.Response {
	s.t.Helper()
	res, err := s.client.Request(limit(s.t), req)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

func (s *site) check(code int16) {
	s.t.Helper()
	if err := kerr.ErrorForCode(code); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) createTopic() {
	s.t.Helper()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, partitions, 1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, rt)
	s.check(s.request(req).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
}

func (s *site) deleteTopic() {
	s.t.Helper()
	rt := kmsg.NewDeleteTopicsRequestTopic()
	name := topic
	rt.Topic = &name
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics = []string{topic}, append(req.Topics, rt)
	s.check(s.request(req).(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode)
	s.client.PurgeTopicsFromClient(topic)
}

// addPartition adds one; kfake gives wrong numbers to several.
func (s *site) addPartition() {
	s.t.Helper()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, int32(s.partitions()+1)
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = append(req.Topics, rt)
	s.check(s.request(req).(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode)
	s.client.PurgeTopicsFromClient(topic)
}

// deleteRecords deletes what lies before an offset, as retention does.
func (s *site) deleteRecords(partition int32, before int64) {
	s.t.Helper()
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = partition, before
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, rt)
	s.check(s.request(req).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode)
}

// partitions is how many partitions the topic has.
func (s *site) partitions() int { return len(s.kafka.PartitionInfos(topic)) }

// commitOffset sets the group's offset, as kafka-consumer-groups does or another consumer.
func (s *site) commitOffset(partition int32, offset int64) {
	s.t.Helper()
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Partition, rp.Offset = partition, offset
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Topics = topic, append(req.Topics, rt)
	s.check(s.request(req).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode)
}

// An offset is what the group has committed of a partition.
type offset struct {
	next     int64
	metadata string
}

// offsets are what the group has committed; without what it hasn't.
func (s *site) offsets() map[int]offset {
	s.t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = topic
	req.Group, req.Groups = topic, append(req.Groups, rg)
	all := make(map[int]offset)
	for _, g := range s.request(req).(*kmsg.OffsetFetchResponse).Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				s.check(p.ErrorCode)
				o := offset{next: p.Offset}
				if p.Metadata != nil {
					o.metadata = *p.Metadata
				}
				all[int(p.Partition)] = o
			}
		}
	}
	return all
}

// members are the ids of the group's members.
func (s *site) members() []string {
	s.t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{topic}
	var ids []string
	for _, m := range s.request(req).(*kmsg.DescribeGroupsResponse).Groups[0].Members {
		ids = append(ids, m.MemberID)
	}
	return ids
}

// evict removes all members from the group, as it does itself when it has not heard of them
// for the length of a session.
func (s *site) evict() {
	s.t.Helper()
	ids := s.members()
	if len(ids) == 0 {
		return
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = topic
	for _, id := range ids {
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = id
		req.Members = append(req.Members, m)
	}
	s.check(s.request(req).(*kmsg.LeaveGroupResponse).ErrorCode)
}

// until waits for a condition that nobody announces.
func (s *site) until(what string, met func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !met() {
		select {
		case <-look.C:
		case <-deadline:
			s.t.Fatalf("waited for %v in vain: %s", patience, what)
		}
	}
}
