// Package metastoretest is a Hive in memory for tests: it speaks the protocols of Hive's
// metastore and of HiveServer2, knows of them what the listener uses, and fails as it is told.
package metastoretest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
)

// Options say which Hive it is.
type Options struct {
	// Version is Hive's, 2 to 4, which differ in the requests they know; 0 is 3.
	Version int
	// NoSASL has the HiveServer2 expect none.
	NoSASL bool
}

// A Server is a metastore and a HiveServer2 over the same tables, both on 127.0.0.1.
type Server struct {
	t           testing.TB
	options     Options
	store       store
	metastore   *port
	hiveServer2 *port

	mu     sync.Mutex
	before func(request string) error
	refuse func(name string) bool
}

// Before has f called before each request with its name, such as "add_partitions_req" or
// "ALTER TABLE". It is called for several connections at once, and may wait. If it returns Cut
// or CutAfter the connection breaks, any other error is answered.
func (s *Server) Before(f func(request string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Refuse has partitions refused of which f is true, by their names y=2018/m=3/d=20/h=9.
func (s *Server) Refuse(f func(name string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

func (s *Server) ask(request string) error {
	s.mu.Lock()
	f := s.before
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(request)
}

func (s *Server) refused(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuse != nil && s.refuse(name)
}

// What Before returns to have the connection break.
var (
	// Cut breaks it before anything is done.
	Cut = errors.New("cut")
	// CutAfter breaks it when all is done, and nothing answered.
	CutAfter = errors.New("cut after")
)

// Start starts a Hive with an empty database spot, which ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Version == 0 {
		o.Version = 3
	}
	s := &Server{t: t, options: o, store: newStore()}
	s.metastore = &port{serve: s.serveMetastore}
	s.hiveServer2 = &port{serve: s.serveHiveServer2}
	t.Cleanup(s.Down)
	s.Up()
	return s
}

// URI is the metastore's address, thrift://127.0.0.1:9083.
func (s *Server) URI() string { return "thrift://" + s.metastore.address }

// HiveServer2 is the host:port of the HiveServer2.
func (s *Server) HiveServer2() string { return s.hiveServer2.address }

// Down breaks all connections and lets no new one in, until Up. It waits until nothing is
// being answered any more.
func (s *Server) Down() {
	s.metastore.down()
	s.hiveServer2.down()
}

// Up lets connections in, at the same addresses as before.
func (s *Server) Up() {
	s.t.Helper()
	for _, p := range []*port{s.metastore, s.hiveServer2} {
		if err := p.up(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A port takes connections.
type port struct {
	serve   func(net.Conn)
	address string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	done     sync.WaitGroup
}

func (p *port) up() error {
	if p.address == "" {
		p.address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.address, p.listener, p.conns = l.Addr().String(), l, map[net.Conn]bool{}
	p.done.Add(1)
	go p.accept(l)
	return nil
}

func (p *port) accept(l net.Listener) {
	defer p.done.Done()
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed by down
		}
		p.mu.Lock()
		p.conns[conn] = true
		p.mu.Unlock()
		p.done.Add(1)
		go func() {
			defer p.done.Done()
			p.serve(conn)
			conn.Close()
			p.mu.Lock()
			delete(p.conns, conn)
			p.mu.Unlock()
		}()
	}
}

func (p *port) down() {
	if p.listener == nil {
		return
	}
	p.listener.Close()
	p.mu.Lock()
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.done.Wait()
	p.listener = nil
}

// answer answers requests until the connection ends.
func (s *Server) answer(conn net.Conn, transport thrift.TTransport, processor thrift.TProcessor, known func(string) bool) {
	for name, next := range processor.ProcessorMap() {
		if known(name) {
			processor.AddToProcessorMap(name, &hooked{s, conn, name, next})
		} else {
			delete(processor.ProcessorMap(), name)
		}
	}
	protocol := thrift.NewTBinaryProtocolConf(transport, nil)
	for {
		_, err := processor.Process(context.Background(), protocol, protocol)
		var answered thrift.TApplicationException
		if err != nil && !errors.As(err, &answered) {
			return
		}
	}
}

// hooked answers one kind of request, after Before.
type hooked struct {
	s    *Server
	conn net.Conn
	name string
	next thrift.TProcessorFunction
}

// Process answers a request, or fails it.
func (h *hooked) Process(ctx context.Context, id int32, in, out thrift.TProtocol) (bool, thrift.TException) {
	if h.name == "ExecuteStatement" { // told by the statement
		return h.next.Process(ctx, id, in, out)
	}
	switch err := h.s.ask(h.name); {
	case err == nil:
		return h.next.Process(ctx, id, in, out)
	case errors.Is(err, CutAfter):
		nowhere := thrift.NewTBinaryProtocolConf(thrift.NewTMemoryBuffer(), nil)
		_, _ = h.next.Process(ctx, id, in, nowhere)
		h.conn.Close()
		return false, thrift.WrapTException(err)
	case errors.Is(err, Cut):
		h.conn.Close()
		return false, thrift.WrapTException(err)
	default:
		return h.refuse(ctx, id, in, out, err)
	}
}

func (h *hooked) refuse(ctx context.Context, id int32, in, out thrift.TProtocol, why error) (bool, thrift.TException) {
	x := thrift.NewTApplicationException(thrift.INTERNAL_ERROR, why.Error())
	err := errors.Join(in.Skip(ctx, thrift.STRUCT), in.ReadMessageEnd(ctx),
		out.WriteMessageBegin(ctx, h.name, thrift.EXCEPTION, id), x.Write(ctx, out), out.WriteMessageEnd(ctx), out.Flush(ctx))
	if err != nil {
		return false, thrift.WrapTException(err)
	}
	return true, x
}
