//go:build integration

package integration

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// hostileValues are values of messages, of which some are lists of rows in unusual forms, and
// the others are none. A good one begins with the row numbered 1000.
func hostileValues() [][]byte {
	long := func(n int64) []byte { return binary.AppendVarint(nil, n) }
	padded := func(n int64, length int) []byte {
		b := long(n)
		for len(b) < length {
			b[len(b)-1] |= 0x80
			b = append(b, 0)
		}
		return b
	}
	cat := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	list := []byte{0}
	end := []byte{0}
	first, second := []byte(numbered(1000)), []byte(numbered(1001))
	row := func(text []byte) []byte { return cat(long(int64(len(text))), text) }
	one, two := row(first), row(second)
	sized := func(count int64, size int, rows ...[]byte) []byte {
		return cat(long(-count), long(int64(size)), cat(rows...))
	}
	whole := encode(string(first), string(second))
	values := [][]byte{
		whole,
		nil, {}, {2}, {0x82, 0}, {2, 0}, {4}, {1}, {0}, {0, 0}, {0x80, 0, 0}, {0x80}, {0xff, 0xff},
		cat(whole, []byte{0}), cat(whole, whole), whole[:len(whole)-1], whole[:len(whole)-40],
		// Counts and lengths that are not there.
		cat(list, long(math.MaxInt32)), cat(list, long(math.MaxInt32), one, end), cat(list, long(math.MaxInt64), one, end),
		cat(list, long(math.MinInt64), long(1), one, end), cat(list, long(-math.MaxInt32), long(int64(len(one))), one, end), cat(list, long(2), one, end),
		cat(list, long(1), long(math.MaxInt32), first, end), cat(list, long(1), long(math.MaxInt64), first, end), cat(list, long(1), long(-1), first, end),
		cat(list, long(1), one, long(math.MaxInt32)), cat(list, long(1), one, long(math.MaxInt64), two), cat(list, long(1), one, long(math.MinInt64), long(1), end),
		// Blocks.
		cat(list, long(1), one, long(1), two, end), cat(list, sized(2, len(one)+len(two), one, two), end),
		cat(list, sized(1, len(one), one), sized(1, len(two), two), end), cat(list, long(1), one, sized(1, len(two), two), end), cat(list, sized(1, len(one), one), long(1), two, end),
		cat(list, sized(1, len(one)+1, one), end), cat(list, sized(1, len(one)-1, one), end), cat(list, sized(1, -1, one), end), cat(list, sized(1, math.MaxInt64, one), end),
		cat(list, sized(2, len(one), one, two), end), cat(list, sized(1, len(one)+len(two), one, two), end), cat(list, long(1), one, sized(1, 1<<40, two), end),
		cat(list, sized(1, len(one), one), end, end), cat(list, long(1), one, sized(1, 0), end),
		// Numbers longer than they need be.
		cat(padded(0, 4), whole[1:]), cat(padded(0, 10), whole[1:]), cat(append(padded(0, 10)[:9], 2), whole[1:]), cat(padded(1, 3)), cat(padded(0, 11), whole[1:]),
		cat(list, padded(2, 9), one, two, end), cat(list, padded(2, 10), one, two, end), cat(list, append(padded(2, 10)[:9], 2), one, two, end),
		cat(list, long(1), padded(int64(len(first)), 5), first, end), cat(list, long(1), padded(int64(len(first)), 10), first, end),
		cat(list, long(1), append(padded(int64(len(first)), 10)[:9], 2), first, end), cat(list, long(1), one, padded(0, 7)),
		// Many rows of nothing behind the first.
		encode(append([]string{string(first)}, make([]string, 3000)...)...),
		cat(list, long(1), one, sized(3000, 3000, make([]byte, 3000)), end),
		// Rows of all lengths at which their number takes another byte.
		encode(string(first), strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("x", 8191), strings.Repeat("x", 8192), strings.Repeat("\xff", 1<<19)),
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		b := slices.Clone(values[[]int{0, 29, 30, 31, 32}[r.IntN(5)]])
		for range 1 + r.IntN(3) {
			if len(b) < 4 {
				break
			}
			at := r.IntN(len(b))
			if r.IntN(2) == 0 {
				at = []int{0, 1, 2, 3, len(b) - 1, len(b) - 2}[r.IntN(6)]
			}
			switch r.IntN(4) {
			case 0:
				b = slices.Insert(b, at, byte(r.IntN(256)))
			case 1:
				b = slices.Delete(b, at, at+1)
			case 2:
				b[at] ^= 1 << r.IntN(8)
			default:
				b = b[:at+1]
			}
		}
		values = append(values, b)
	}
	return values
}
