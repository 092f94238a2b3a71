package metastore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
)

const (
	// dialTime is how long a server may take to accept a connection.
	dialTime = 10 * time.Second
	// answerTime is how long it may take to answer one request. Adding partitions makes
	// their folders, which may be slow.
	answerTime = 2 * time.Minute
	// maxMessage bounds what an answer may make us reserve. The names of the partitions of
	// a month, with every number that a TINYINT can be, take 2 MB.
	maxMessage = 16 << 20
)

// ErrAway is wrapped by the errors of a server that isn't reached or breaks off; the same
// may work later.
var ErrAway = errors.New("hive does not answer")

var limits = &thrift.TConfiguration{MaxMessageSize: maxMessage, MaxFrameSize: maxMessage}

// A wire is a connection that knows how long things may take.
type wire struct {
	conn    net.Conn
	address string
	answer  time.Duration
}

// dial connects to host:port.
func dial(ctx context.Context, address string) (*wire, error) {
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	return &wire{conn: conn, address: address, answer: answerTime}, nil
}

// client returns a client for what travels over a transport.
func client(transport thrift.TTransport) thrift.TClient {
	protocol := thrift.NewTBinaryProtocolConf(transport, limits)
	return thrift.NewTStandardClient(protocol, protocol)
}

// bounded runs one exchange, which ends in time or by the context's end: the connection
// is unusable then. Errors of the connection wrap ErrAway.
func (w *wire) bounded(ctx context.Context, exchange func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, w.answer)
	defer cancel()
	stop := context.AfterFunc(within, func() { w.conn.Close() })
	defer stop()
	err := exchange(within)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %s: %w", ErrAway, w.address, ctx.Err())
	case within.Err() != nil:
		return fmt.Errorf("%w: %s: no answer within %v", ErrAway, w.address, w.answer)
	case isBroken(err):
		return fmt.Errorf("%w: %s: connection broken: %w", ErrAway, w.address, err)
	}
	return err
}

// isBroken tells failures of the connection from the server's own exceptions.
func isBroken(err error) bool {
	var transport thrift.TTransportException
	var protocol thrift.TProtocolException
	var network net.Error
	return errors.As(err, &transport) || errors.As(err, &protocol) || errors.As(err, &network)
}

// isUnknown tells whether the server doesn't know the method it was asked for.
func isUnknown(err error) bool {
	var application thrift.TApplicationException
	return errors.As(err, &application) && application.TypeId() == thrift.UNKNOWN_METHOD
}

// some refuses an answer that holds nothing, which thrift lets through.
func some[T any](answer *T, err error) (*T, error) {
	if err == nil && answer == nil {
		return nil, errors.New("hive's answer is empty")
	}
	return answer, err
}
