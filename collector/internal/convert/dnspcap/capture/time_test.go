package capture

import (
	"io"
	"math"
	"testing"
)

func TestPcapngTime(t *testing.T) {
	const ticks, most, top = 1234567890123456789, math.MaxUint64, 1 << 63
	none := []byte{}
	for _, test := range []struct {
		name    string
		options []byte
		ticks   uint64
		seconds int64
		nanos   int32
	}{
		{"microseconds unless told", none, 100e6 + 7, 100, 7000},
		{"10^-3", little.resolution(3), ticks, 1234567890123456, 789e6},
		{"10^-9", little.resolution(9), ticks, 1234567890, 123456789},
		{"10^-9, most", little.resolution(9), most, 18446744073, 709551615},
		{"10^-12", little.resolution(12), ticks, 1234567, 890123456},
		{"10^-19", little.resolution(19), most, 1, 844674407},
		{"10^-20 never makes a second", little.resolution(20), most, 0, 0},
		{"10^-127", little.resolution(127), most, 0, 0},
		{"10^0", little.resolution(0), 5, 5, 0},
		{"10^0, beyond an int64", little.resolution(0), top, math.MinInt64, 0},
		{"2^0", little.resolution(0x80), 5, 5, 0},
		{"2^-1", little.resolution(0x81), 5, 2, 5e8},
		{"2^-10", little.resolution(0x80 + 10), ticks, 1205632705198688, 270507812},
		{"2^-32", little.resolution(0x80 + 32), most, 1<<32 - 1, 999999999},
		{"2^-63", little.resolution(0x80 + 63), most, 1, 999999999},
		{"2^-63, top", little.resolution(0x80 + 63), top, 1, 0},
		{"2^-64 never makes a second", little.resolution(0x80 + 64), most, 0, 0},
		{"2^-127", little.resolution(0xff), most, 0, 0},
		{"an hour on", little.offset(3600), 100e6 + 7, 3700, 7000},
		{"before 1970", little.offset(-1000), 100e6 + 7, -900, 7000},
		{"offset wraps", little.offset(math.MaxInt64), 1e6, math.MinInt64, 0},
		{"offset of the finest", concat(little.resolution(255), little.offset(9)), most, 9, 0},
		{"resolution twice", concat(little.resolution(9), little.resolution(3)), 100007, 100, 7e6},
		{"resolution behind the end", concat(little.option(0, nil), little.resolution(9)), 100e6 + 7, 100, 7000},
		{"resolution of two bytes", little.option(timeResolution, []byte{9, 0}), 100e6 + 7, 100, 7000},
		{"resolution of no bytes", little.option(timeResolution, nil), 100e6 + 7, 100, 7000},
		{"offset of four bytes", little.option(timeOffset, []byte{9, 0, 0, 0}), 100e6 + 7, 100, 7000},
	} {
		packets, err := readBytes(concat(little.section(), little.iface(1, 0, test.options), little.packet(0, test.ticks, sample)))
		if len(packets) != 1 || err != io.EOF {
			t.Errorf("%s: %d packets, ended by %v", test.name, len(packets), err)
			continue
		}
		if p := packets[0]; p.Seconds != test.seconds || p.Nanos != test.nanos {
			t.Errorf("%s: %d s and %d ns, not %d and %d", test.name, p.Seconds, p.Nanos, test.seconds, test.nanos)
		}
	}
}

// TestFractionCarried has fractions of a second that are more than one.
func TestFractionCarried(t *testing.T) {
	for _, test := range []struct {
		magic, fraction uint32
		seconds         int64
		nanos           int32
	}{
		{magicMicro, 999999, 100, 999999000},
		{magicMicro, 1000000, 101, 0},
		{magicMicro, math.MaxUint32, 4394, 967295000},
		{magicNano, 999999999, 100, 999999999},
		{magicNano, 1000000000, 101, 0},
		{magicNano, math.MaxUint32, 104, 294967295},
	} {
		packets, _ := readBytes(append(little.header(test.magic, 1), little.record(100, test.fraction, sample)...))
		if len(packets) != 1 || packets[0].Seconds != test.seconds || packets[0].Nanos != test.nanos {
			t.Errorf("%d of %x: %+v, not %d s and %d ns", test.fraction, test.magic, packets, test.seconds, test.nanos)
		}
	}
}
