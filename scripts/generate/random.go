package generate

import (
	"math/bits"
	"math/rand/v2"
)

// random draws from PCG, whose numbers are the same in every version of Go.
type random struct{ pcg rand.PCG }

// newRandom gives each type its own sequence, so that files of one seed don't rhyme.
func newRandom(seed, kind uint64) *random {
	r := &random{}
	r.pcg.Seed(seed, kind)
	return r
}

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(hi)
}

func (r *random) between(low, high int) int { return low + r.below(high-low+1) }

func (r *random) oneIn(n int) bool { return r.below(n) == 0 }

// fraction returns a number from 0 up to, but without, 1.
func (r *random) fraction() float64 { return float64(r.pcg.Uint64()>>11) / (1 << 53) }

// popular returns a number from 0 to n-1 of which the small ones are far more likely: a few
// hosts, names and sites make most of the traffic.
func (r *random) popular(n int) int {
	f := r.fraction()
	return int(f * f * f * float64(n))
}

// heavy returns a number from 1 to about 2^bits, each doubling half as likely as the one
// before: most flows are mice, most bytes are in a few elephants.
func (r *random) heavy(maxBits int) int {
	e := min(bits.TrailingZeros64(r.pcg.Uint64()|1<<63), maxBits)
	return 1<<e + r.below(1<<e)
}

func pick[T any](r *random, choices []T) T { return choices[r.below(len(choices))] }

// A weighted list is drawn from by the weight each of its entries was added with.
type weighted[T any] struct {
	values []T
	upTo   []int
}

func (w *weighted[T]) add(weight int, value T) {
	total := weight
	if n := len(w.upTo); n > 0 {
		total += w.upTo[n-1]
	}
	w.values = append(w.values, value)
	w.upTo = append(w.upTo, total)
}

func (w *weighted[T]) draw(r *random) T {
	at := r.below(w.upTo[len(w.upTo)-1])
	i := 0
	for w.upTo[i] <= at {
		i++
	}
	return w.values[i]
}
