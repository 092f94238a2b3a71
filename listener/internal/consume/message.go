package consume

import (
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// A Message is one record of the topic, or one of two things in its place: see Gap and Bad.
type Message struct {
	Partition int
	Offset    int64
	Time      int64 // of the record, in milliseconds since 1970
	// Value may be used until Release is called.
	Value []byte
	Null  bool   // there is no value
	CRC   uint32 // CRC-32C of Value

	Segment    [16]byte // the record's header spot.segment
	HasSegment bool
	Source     string // the record's header spot.source

	// Gap says that no record will come for the offsets up to this one, and that nothing
	// but the position has moved: there are the ends of transactions, aborted
	// transactions, and what compaction has taken away.
	Gap bool
	// Bad says why the batch of records that ends at Offset can't be read. Value is the
	// batch as the broker gave it.
	Bad error

	buf *buffer
}

// Release gives the message's memory back. Every message must be released, once.
func (m *Message) Release() {
	if m.buf != nil {
		m.buf.release()
		m.buf, m.Value = nil, nil
	}
}

// A Position is where reading a partition goes on, and what lies before it.
type Position struct {
	Next int64
	Time int64  // of the message read last, in milliseconds since 1970
	CRC  uint32 // of its value
	Last int64  // its offset; -1: none was read, there is nothing to verify
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Why a generation is over; see Generation.Err.
var (
	// ErrRebalance says that the group is about to give its partitions out anew. What was
	// read can still be committed.
	ErrRebalance = errors.New("the consumer group rebalances")
	// ErrLost says that the group has gone on without this member.
	ErrLost = errors.New("no longer a member of the consumer group")
	// ErrEnded says that the generation was ended by End.
	ErrEnded = errors.New("the generation was ended")
)

// ErrNotFound says that there is no record at an offset, or none any more.
var ErrNotFound = errors.New("no record")

// An OutOfRangeError says that the topic does not hold the offset that comes next.
type OutOfRangeError struct {
	Partition int
	Next      int64 // the offset that comes next
	First     int64 // the first offset that the topic holds
	End       int64 // the offset after its last one
}

// Lost is the number of offsets that were deleted before they were read.
func (e *OutOfRangeError) Lost() int64 { return max(0, e.First-e.Next) }

func (e *OutOfRangeError) Error() string {
	if lost := e.Lost(); lost > 0 {
		return fmt.Sprintf("partition %d: %d messages were deleted before they were read: offset %d comes next, the topic begins at %d",
			e.Partition, lost, e.Next, e.First)
	}
	return fmt.Sprintf("partition %d: offset %d comes next, but the topic ends at %d: it was deleted and made again, or cut",
		e.Partition, e.Next, e.End)
}

// A ReplacedError says that the message before a position is another one than was read.
type ReplacedError struct {
	Partition int
	Read      Position // what was read
	Time      int64    // of the message that is there now
	CRC       uint32   // of its value
}

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("partition %d: the message at offset %d is another one than was read (then: %s, CRC %08x; now: %s, CRC %08x): the topic was deleted and made again, or an unclean leader election has changed it",
		e.Partition, e.Read.Last, stamp(e.Read.Time), e.Read.CRC, stamp(e.Time), e.CRC)
}

func stamp(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
