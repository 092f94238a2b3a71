package packet

import "encoding/binary"

// Limits of the fragment table. Beyond them the datagram that has waited longest
// is given up; there is no time-out, since captures may hold any clock.
const (
	// maxDatagrams is how many incomplete datagrams are kept.
	maxDatagrams = 1024
	// pieceSize and maxPieces bound the bytes kept, 4 MiB: a fragment takes one
	// piece for each 2 KiB that it has begun.
	pieceSize = 2048
	maxPieces = 2048
	// maxDatagram is the longest payload put together, in bytes.
	maxDatagram = 65535

	fragmentBuckets = 1024
)

// fragmentKey tells datagrams apart. IPv6 goes by addresses and identification
// alone.
type fragmentKey struct {
	src, dst Addr
	id       uint32
	vlan     uint16
	protocol uint8
	v6       bool
}

func (k *fragmentKey) bucket() uint32 {
	const multiplier = 0x9e3779b97f4a7c15
	h := uint64(k.id) | uint64(k.vlan)<<32 | uint64(k.protocol)<<48
	for _, a := range [...]*Addr{&k.src, &k.dst} {
		h = (h ^ h>>32 ^ binary.LittleEndian.Uint64(a[:])) * multiplier
		h = (h ^ h>>32 ^ binary.LittleEndian.Uint64(a[8:])) * multiplier
	}
	return uint32(h>>32) % fragmentBuckets
}

// datagram is one that waits for fragments. References are indices plus one, 0
// meaning none, so that a table needs no setting up.
type datagram struct {
	key    fragmentKey
	pieces int16 // the first of its pieces
	next   int16 // in its bucket, or in the free list
	older  int16
	newer  int16
	bytes  int // of all its pieces
	length int // of the datagram, once its end was seen, else 0
}

// piece is up to pieceSize bytes of one fragment; its bytes lie at the same index
// of fragments.data.
type piece struct {
	offset uint16 // of the fragment in the datagram
	at     uint16 // of the piece in the datagram
	size   uint16
	next   int16
}

// fragments holds incomplete datagrams in arrays of fixed size.
type fragments struct {
	buckets   [fragmentBuckets]int16
	datagrams [maxDatagrams]datagram
	pieces    [maxPieces]piece
	data      [maxPieces][pieceSize]byte
	result    [maxDatagram]byte

	freeDatagram   int16
	freePiece      int16
	piecesLeft     int
	oldest, newest int16

	completed, waiting, evicted, tooLong int
}

func newFragments() *fragments {
	f := new(fragments)
	for i := range f.datagrams {
		f.datagrams[i].next = f.freeDatagram
		f.freeDatagram = int16(i + 1)
	}
	for i := range f.pieces {
		f.pieces[i].next = f.freePiece
		f.freePiece = int16(i + 1)
	}
	f.piecesLeft = maxPieces
	return f
}

// reassemble takes in a fragment and returns the whole datagram if it was the one
// that was missing, else nil. The result is valid until the next call.
func (d *Decoder) reassemble(key *fragmentKey, offset int, more bool, b []byte) []byte {
	if d.fragments == nil {
		d.fragments = newFragments()
	}
	return d.fragments.add(key, offset, more, b)
}

func (f *fragments) add(key *fragmentKey, offset int, more bool, b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	end := offset + len(b)
	if end > maxDatagram {
		f.tooLong++
		return nil
	}
	ref := f.find(key)
	if !f.reserve((len(b)+pieceSize-1)/pieceSize, ref) {
		return nil
	}
	g := &f.datagrams[ref-1]
	if !more && g.length == 0 {
		// Where two ends disagree the first one seen holds.
		g.length = end
	}
	f.insert(g, offset, b)
	if g.length == 0 || g.bytes < g.length || f.reach(g) < g.length {
		return nil
	}
	whole := f.join(g)
	f.remove(ref)
	f.completed++
	return whole
}

// find returns the datagram of a key, which it begins if need be.
func (f *fragments) find(key *fragmentKey) int16 {
	bucket := &f.buckets[key.bucket()]
	for ref := *bucket; ref != 0; ref = f.datagrams[ref-1].next {
		if f.datagrams[ref-1].key == *key {
			return ref
		}
	}
	if f.freeDatagram == 0 {
		f.evict(f.oldest)
	}
	ref := f.freeDatagram
	g := &f.datagrams[ref-1]
	f.freeDatagram = g.next
	*g = datagram{key: *key, next: *bucket, older: f.newest}
	*bucket = ref
	if f.newest != 0 {
		f.datagrams[f.newest-1].newer = ref
	} else {
		f.oldest = ref
	}
	f.newest = ref
	f.waiting++
	return ref
}

// reserve makes sure that there are so many free pieces. The datagram they are
// for goes last, and false says that it had to.
func (f *fragments) reserve(pieces int, ref int16) bool {
	for f.piecesLeft < pieces {
		victim := f.oldest
		if victim == ref {
			victim = f.datagrams[ref-1].newer
		}
		if victim == 0 {
			f.evict(ref)
			return false
		}
		f.evict(victim)
	}
	return true
}

// insert stores a fragment behind those with the same or a lower offset: the order
// in which their bytes count where they overlap.
func (f *fragments) insert(g *datagram, offset int, b []byte) {
	g.bytes += len(b)
	place := &g.pieces
	for *place != 0 && int(f.pieces[*place-1].offset) <= offset {
		place = &f.pieces[*place-1].next
	}
	for at := offset; len(b) > 0; {
		ref := f.freePiece
		p := &f.pieces[ref-1]
		f.freePiece = p.next
		f.piecesLeft--
		size := copy(f.data[ref-1][:], b)
		*p = piece{offset: uint16(offset), at: uint16(at), size: uint16(size), next: *place}
		*place = ref
		place = &p.next
		at += size
		b = b[size:]
	}
}

// reach returns how far the datagram is there without a gap.
func (f *fragments) reach(g *datagram) int {
	end := 0
	for ref := g.pieces; ref != 0; ref = f.pieces[ref-1].next {
		p := &f.pieces[ref-1]
		if int(p.at) > end {
			break
		}
		end = max(end, int(p.at)+int(p.size))
	}
	return end
}

// join copies the datagram together. What lies beyond its end is left out.
func (f *fragments) join(g *datagram) []byte {
	whole := f.result[:g.length]
	end := 0
	for ref := g.pieces; ref != 0 && end < len(whole); ref = f.pieces[ref-1].next {
		p := &f.pieces[ref-1]
		if skip := end - int(p.at); skip < int(p.size) {
			end += copy(whole[end:], f.data[ref-1][skip:p.size])
		}
	}
	return whole
}

func (f *fragments) evict(ref int16) {
	f.evicted++
	f.remove(ref)
}

// remove gives back a datagram and its pieces.
func (f *fragments) remove(ref int16) {
	g := &f.datagrams[ref-1]
	for g.pieces != 0 {
		p := &f.pieces[g.pieces-1]
		g.pieces, p.next, f.freePiece = p.next, f.freePiece, g.pieces
		f.piecesLeft++
	}
	place := &f.buckets[g.key.bucket()]
	for *place != ref {
		place = &f.datagrams[*place-1].next
	}
	*place = g.next
	if g.older != 0 {
		f.datagrams[g.older-1].newer = g.newer
	} else {
		f.oldest = g.newer
	}
	if g.newer != 0 {
		f.datagrams[g.newer-1].older = g.older
	} else {
		f.newest = g.older
	}
	g.next, f.freeDatagram = f.freeDatagram, ref
	f.waiting--
}
