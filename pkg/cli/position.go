package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Position is where to begin to read a topic. At most one of Earliest, Latest, Time and
// Offsets is set; none if no position was given.
type Position struct {
	Text     string        // as given
	Earliest bool          // the oldest message that there is
	Latest   bool          // the next message to come
	Time     time.Time     // the first message of this time or later; not before 1970
	Offsets  map[int]int64 // the next offset to read, by partition
}

const wantPosition = " (want earliest, latest, a time as RFC 3339 or YYYY-MM-DD[ hh:mm[:ss]], " +
	"or offsets by partition as 0:123,1:456)"

// parsePosition reads what --from takes; times without a zone are in the zone local.
func parsePosition(s string, local *time.Location) (Position, error) {
	p := Position{Text: s}
	text := strings.TrimSpace(s)
	at, err := parseTime(text, local)
	reason := ""
	switch {
	case text == "earliest":
		p.Earliest = true
	case text == "latest":
		p.Latest = true
	case err == nil && at.UnixMilli() < 0:
		// Negative times have other meanings in Kafka's protocol.
		reason = ": a time before 1970"
	case err == nil:
		p.Time = at
	case strings.Trim(text, "0123456789:, ") == "" && strings.Contains(text, ":"):
		p.Offsets, reason = parseOffsets(text)
	default:
		return Position{}, errors.New("invalid position: " + quote(s) + wantPosition)
	}
	if reason != "" {
		return Position{}, errors.New("invalid position: " + quote(s) + reason + wantPosition)
	}
	return p, nil
}

// parseOffsets reads PARTITION:OFFSET,… or tells what is wrong with them.
func parseOffsets(text string) (offsets map[int]int64, reason string) {
	offsets = make(map[int]int64)
	for pair := range strings.SplitSeq(text, ",") {
		partition, offset, _ := strings.Cut(strings.TrimSpace(pair), ":")
		p, err := strconv.ParseUint(partition, 10, 31)
		if err != nil {
			return nil, ": " + quote(pair) + " has no partition from 0 to " + strconv.Itoa(math.MaxInt32)
		}
		o, err := strconv.ParseUint(offset, 10, 63)
		if err != nil {
			return nil, ": " + quote(pair) + " has no offset from 0 to " + strconv.Itoa(math.MaxInt64)
		}
		if _, twice := offsets[int(p)]; twice {
			return nil, ": partition " + strconv.Itoa(int(p)) + " is there twice"
		}
		offsets[int(p)] = int64(o)
	}
	return offsets, ""
}
