package consume

import (
	"context"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
)

// A heartbeatRequest tells the group that a member is there. kafka-go's own would never
// hear of a rebalance: it takes the fields of the answer in the wrong order, so that there
// is never an error, and asks any broker instead of the group's coordinator.
type heartbeatRequest struct {
	heartbeat.Request
	clientID string
	version  int16
	code     kafka.Error
}

// beat sends one heartbeat. The error may be what the coordinator says.
func (c *Consumer) beat(ctx context.Context, member string, generation int32) error {
	r := &heartbeatRequest{clientID: c.o.ClientID, Request: heartbeat.Request{
		GroupID: c.o.Group, GenerationID: generation, MemberID: member,
	}}
	if _, err := c.transport.RoundTrip(ctx, c.addr, r); err != nil {
		return err
	}
	if r.code != 0 {
		return r.code
	}
	return nil
}

// Group routes the request to the group's coordinator.
func (r *heartbeatRequest) Group() string { return r.GroupID }

// Required makes kafka-go call RawExchange. Version 3 is the last before a change of form.
func (r *heartbeatRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = min(versions[protocol.Heartbeat], 3)
	return true
}

// RawExchange sends the request and reads the answer.
// Source: https://kafka.apache.org/protocol#The_Messages_Heartbeat, versions 0 to 3.
func (r *heartbeatRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := protocol.WriteRequest(rw, r.version, correlation, r.clientID, &r.Request); err != nil {
		return nil, err
	}
	size, err := answerSize(rw, 1<<10)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(rw, b); err != nil {
		return nil, err
	}
	d := decoder{b: b}
	if r.version >= 1 {
		d.int32() // throttle time
	}
	r.code = kafka.Error(d.int16())
	if d.bad {
		return nil, errShortAnswer
	}
	return r, nil
}
