package dnspcap

import (
	"strconv"
	"time"
)

// A timeText writes moments as tshark does. Most frames share their second with the one
// before, so its text is kept.
type timeText struct {
	zone    *time.Location
	seconds int64
	before  []byte // "May 18, 2016 08:15:50."
	behind  []byte // " UTC"
}

// appendFrameTime appends "May 18, 2016 08:15:50.492846000 UTC".
func (t *timeText) appendFrameTime(dst []byte, seconds int64, nanos int32) []byte {
	if seconds != t.seconds || t.before == nil {
		moment := time.Unix(seconds, 0).In(t.zone)
		t.seconds = seconds
		t.before = moment.AppendFormat(t.before[:0], "Jan _2, 2006 15:04:05.")
		t.behind = moment.AppendFormat(t.behind[:0], " MST")
	}
	dst = appendNanos(append(dst, t.before...), nanos)
	return append(dst, t.behind...)
}

// appendEpoch appends "1463559350.492846000". Before 1970 the fraction still counts
// forwards, as tshark prints it: half a second before is -1.500000000.
func appendEpoch(dst []byte, seconds int64, nanos int32) []byte {
	return appendNanos(append(strconv.AppendInt(dst, seconds, 10), '.'), nanos)
}

func appendNanos(dst []byte, nanos int32) []byte {
	var digits [9]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + nanos%10)
		nanos /= 10
	}
	return append(dst, digits[:]...)
}
