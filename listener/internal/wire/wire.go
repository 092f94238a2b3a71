// Package wire has network connections that a test can cut, as an outage does.
package wire

import (
	"net"
	"sync"
)

// A Wire is all connections that were accepted by its listeners.
type Wire struct {
	mu    sync.Mutex
	cut   bool
	conns map[*conn]bool
}

// New returns a wire that is not cut.
func New() *Wire { return &Wire{conns: make(map[*conn]bool)} }

type listener struct {
	net.Listener
	wire *Wire
}

type conn struct {
	net.Conn
	wire *Wire
}

// Listen is net.Listen on this wire.
func (w *Wire) Listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return &listener{l, w}, err
}

// Accept closes new connections at once while the wire is cut.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.wire.add(c); c != nil {
			return c, nil
		}
	}
}

func (w *Wire) add(c net.Conn) net.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		c.Close()
		return nil
	}
	wc := &conn{c, w}
	w.conns[wc] = true
	return wc
}

func (c *conn) Close() error {
	c.wire.mu.Lock()
	delete(c.wire.conns, c)
	c.wire.mu.Unlock()
	return c.Conn.Close()
}

// Cut closes all connections and lets no new ones through.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for c := range w.conns {
		c.Conn.Close()
	}
}

// Mend lets new connections through again.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}
