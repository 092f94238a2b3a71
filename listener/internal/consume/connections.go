package consume

import (
	"context"
	"net"
	"sync"
)

// connections are all that the transport has opened. It has no means to close those that
// wait for an answer, which joining a group may take a minute to get.
type connections struct {
	mu   sync.Mutex
	open map[*connection]struct{}
	shut bool
}

type connection struct {
	net.Conn
	of *connections
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func (s *connections) dial(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.shut {
			conn.Close()
			return nil, ErrClosed
		}
		if s.open == nil {
			s.open = make(map[*connection]struct{})
		}
		c := &connection{conn, s}
		s.open[c] = struct{}{}
		return c, nil
	}
}

func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (s *connections) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for c := range s.open {
		c.Conn.Close()
	}
}

func (s *connections) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shut
}
