package parquet

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// leastSlots is the size of the smallest hash table.
const leastSlots = 256

// dictionaryHeaders is about what a dictionary takes besides its values, in bytes: the header
// of its page.
const dictionaryHeaders = 24

// A number is an integer, or a float's bits.
type number interface{ int32 | int64 }

// numbers is the dictionary of a column of numbers, or a set of hashes. It is used for one
// column after another.
type numbers[T number | uint64] struct {
	// values are the dictionary's entries, in the order in which they were first seen.
	values []T
	// table is an open hash table of where in values an entry is, plus one.
	table []uint32
	seed  uint64
}

func newNumbers[T number | uint64]() numbers[T] { return numbers[T]{seed: rand.Uint64()} }

// begin empties the dictionary; entries is how many are likely to come.
func (d *numbers[T]) begin(entries int) {
	d.values = d.values[:0]
	d.resize(slots(entries))
}

// slots returns the size of a hash table that is at most half full: a power of two.
func slots(entries int) int {
	return max(leastSlots, 1<<bits.Len(uint(2*entries)))
}

func (d *numbers[T]) resize(slots int) {
	if cap(d.table) < slots {
		d.table = make([]uint32, slots)
	} else {
		d.table = d.table[:slots]
		clear(d.table)
	}
	for i, v := range d.values {
		at := d.hash(v) & uint64(slots-1)
		for d.table[at] != 0 {
			at = (at + 1) & uint64(slots-1)
		}
		d.table[at] = uint32(i) + 1
	}
}

// hash mixes a value with the seed, so that nobody can make up values that all fall into the
// same place.
func (d *numbers[T]) hash(v T) uint64 {
	high, low := bits.Mul64(uint64(v)^d.seed, 0x9e3779b97f4a7c15)
	return high ^ low
}

// index writes the index of each value to out, those that are new being added.
func (d *numbers[T]) index(values []T, out []uint32) {
	out = out[:len(values)]
	table, mask := d.table, uint64(len(d.table)-1)
	for i, v := range values {
		at := d.hash(v) & mask
		for {
			slot := table[at]
			if slot == 0 {
				d.values = append(d.values, v)
				slot = uint32(len(d.values))
				table[at] = slot
				out[i] = slot - 1
				if 2*len(d.values) > len(table) {
					d.resize(2 * len(table))
					table, mask = d.table, uint64(len(d.table)-1)
				}
				break
			}
			if d.values[slot-1] == v {
				out[i] = slot - 1
				break
			}
			at = (at + 1) & mask
		}
	}
}

// A forecast is what is known of a column when it is asked whether a dictionary pays.
type forecast struct {
	rows, seen int // rows in all, and seen so far
	entries    int // of the dictionary so far
	dictionary int // size of the dictionary so far, in bytes
	plain      int // size of all values without one
}

// pays tells whether a dictionary takes less than plain values. Before the end it judges by
// what the dictionary would grow to if values came at random: it rather goes on with one that
// doesn't pay, which is found out at the end, than to give up one that would have.
func (f forecast) pays() bool {
	grown := f.grown()
	size := float64(f.dictionary) * grown / float64(f.entries)
	if size > mostDictionary {
		return false
	}
	width := math.Ceil(math.Log2(grown))
	return size+width/8*float64(f.rows)+dictionaryHeaders < float64(f.plain)
}

// grown returns how many entries the dictionary will have in the end. Of n values, each with
// the same chance, seen rows show n·(1−e^(−seen/n)): n is found by halving.
func (f forecast) grown() float64 {
	if f.seen == f.rows {
		return float64(f.entries)
	}
	shown := func(n float64, rows int) float64 { return n * -math.Expm1(-float64(rows)/n) }
	low, high := float64(f.entries), 1e9
	for range 40 {
		if n := math.Sqrt(low * high); shown(n, f.seen) < float64(f.entries) {
			low = n
		} else {
			high = n
		}
	}
	return shown(low, f.rows)
}

// bitsFor returns the width of an index in so many entries.
func bitsFor(entries int) uint { return uint(bits.Len(uint(entries - 1))) }
