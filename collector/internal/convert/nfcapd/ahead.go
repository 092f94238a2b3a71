package nfcapd

// An ahead reads and decompresses a block while the one before it is printed: both take
// about as long, and a machine has more than one core.
type ahead struct {
	source blockSource
	spare  []byte       // for the body of the next block
	next   chan fetched // nil while nothing is under way
}

type fetched struct {
	block block
	err   error
}

// take waits for the next block and begins with the one behind it. b's body is used again.
func (a *ahead) take(b *block) error {
	if a.next == nil {
		a.begin()
	}
	got := <-a.next
	a.next, a.spare = nil, b.body[:0]
	*b = got.block
	if got.err == nil {
		a.begin()
	}
	return got.err
}

func (a *ahead) begin() {
	next, b := make(chan fetched, 1), block{body: a.spare}
	a.next, a.spare = next, nil
	go func() {
		err := a.source.next(&b)
		next <- fetched{b, err}
	}()
}

// close waits for what is under way.
func (a *ahead) close() {
	if a.next != nil {
		<-a.next
		a.next = nil
	}
}
