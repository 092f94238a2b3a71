package metastore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	cli "github.com/beltran/gohive/hiveserver"

	"spot-ingest/listener/internal/table"
)

// A hiveServer2 is the way to Hive through HiveServer2, or Spark's server of its protocol.
type hiveServer2 struct {
	user, database string
	table          *table.Table
	// bare is set once the server has turned out to use no SASL.
	bare atomic.Bool
	// saslTime is defaultSASLTime, but in tests.
	saslTime time.Duration
}

// defaultSASLTime is how long the server may take to agree upon SASL. One that is configured
// without it takes our first bytes for the length of what follows, and waits.
const defaultSASLTime = 10 * time.Second

// A hiveServer2Session is a connection with a session in it.
type hiveServer2Session struct {
	*hiveServer2
	wire   *wire
	client *cli.TCLIServiceClient
	handle *cli.TSessionHandle
}

func (h *hiveServer2) open(ctx context.Context, address string) (session, error) {
	if !h.bare.Load() {
		s, err := h.connect(ctx, address, plain)
		if err == nil || !errors.Is(err, errNoSASL) {
			return s, err
		}
	}
	s, err := h.connect(ctx, address, func(rw io.ReadWriter, _ string) (thrift.TTransport, error) {
		return thrift.NewStreamTransportRW(rw), nil
	})
	if err == nil {
		h.bare.Store(true)
	}
	return s, err
}

var errNoSASL = errors.New("the server does not answer by SASL")

func (h *hiveServer2) connect(ctx context.Context, address string,
	agree func(io.ReadWriter, string) (thrift.TTransport, error)) (session, error) {
	w, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	s := &hiveServer2Session{hiveServer2: h, wire: w}
	if err := s.begin(ctx, agree); err != nil {
		w.conn.Close()
		return nil, fmt.Errorf("open a session: %w", err)
	}
	return s, nil
}

func (s *hiveServer2Session) begin(ctx context.Context,
	agree func(io.ReadWriter, string) (thrift.TTransport, error)) error {
	counted := &counter{Conn: s.wire.conn}
	var transport thrift.TTransport
	handshake := *s.wire
	handshake.answer = s.saslTime
	err := handshake.bounded(ctx, func(context.Context) (err error) {
		transport, err = agree(counted, s.user)
		if isEnd(err) {
			err = thrift.NewTTransportExceptionFromError(err)
		}
		return err
	})
	if err != nil {
		if counted.read == 0 && errors.Is(err, ErrAway) && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", errNoSASL, err)
		}
		return err
	}
	s.client = cli.NewTCLIServiceClient(client(transport))
	request := cli.NewTOpenSessionReq()
	request.ClientProtocol = cli.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V8
	request.Username = &s.user
	return s.wire.bounded(ctx, func(ctx context.Context) error {
		answer, err := some(s.client.OpenSession(ctx, request))
		if err != nil {
			return err
		}
		if s.handle = answer.SessionHandle; s.handle == nil {
			return cmp.Or(failure(answer.Status), errors.New("hiveserver2 gave no session"))
		}
		return failure(answer.Status)
	})
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// A counter counts what has been read.
type counter struct {
	net.Conn
	read int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

func (s *hiveServer2Session) close() {
	// The server closes the session with the connection at the latest.
	polite, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.wire.bounded(polite, func(ctx context.Context) error {
		_, err := s.client.CloseSession(ctx, &cli.TCloseSessionReq{SessionHandle: s.handle})
		return err
	})
	s.wire.conn.Close()
}

// failure returns what a status says if it isn't success.
func failure(status *cli.TStatus) error {
	switch status.StatusCode {
	case cli.TStatusCode_SUCCESS_STATUS, cli.TStatusCode_SUCCESS_WITH_INFO_STATUS:
		return nil
	}
	return &refusal{text: brief(status.GetErrorMessage())}
}

// fetchRows is how many rows are asked for at once.
const fetchRows = 1000

// run executes a statement and hands its rows, if it has any, to row. Values that are no
// strings are left empty.
func (s *hiveServer2Session) run(ctx context.Context, statement string, row func([]string) error) error {
	var operation *cli.TOperationHandle
	err := s.wire.bounded(ctx, func(ctx context.Context) error {
		request := cli.NewTExecuteStatementReq()
		request.SessionHandle, request.Statement = s.handle, statement
		answer, err := some(s.client.ExecuteStatement(ctx, request))
		if err != nil {
			return err
		}
		operation = answer.OperationHandle
		return failure(answer.Status)
	})
	if err != nil {
		return err
	}
	if operation == nil {
		return errors.New("hiveserver2 gave no handle of the operation")
	}
	for more := operation.HasResultSet; more; {
		if more, err = s.fetch(ctx, operation, row); err != nil {
			return err
		}
	}
	return s.wire.bounded(ctx, func(ctx context.Context) error {
		_, err := s.client.CloseOperation(ctx, &cli.TCloseOperationReq{OperationHandle: operation})
		return err
	})
}

// fetch hands over the next rows and tells whether there were any.
func (s *hiveServer2Session) fetch(ctx context.Context, operation *cli.TOperationHandle, row func([]string) error) (more bool, err error) {
	var columns []*cli.TColumn
	err = s.wire.bounded(ctx, func(ctx context.Context) error {
		request := cli.NewTFetchResultsReq()
		request.OperationHandle, request.MaxRows = operation, fetchRows
		request.Orientation = cli.TFetchOrientation_FETCH_NEXT
		answer, err := some(s.client.FetchResults(ctx, request))
		if err != nil {
			return err
		}
		if answer.Results != nil {
			columns = answer.Results.Columns
		}
		return failure(answer.Status)
	})
	if err != nil {
		return false, err
	}
	rows := 0
	values := make([][]string, len(columns))
	for j, c := range columns {
		if c.StringVal != nil {
			values[j] = c.StringVal.Values
		}
		rows = max(rows, len(values[j]))
	}
	texts := make([]string, len(columns))
	for i := range rows {
		for j := range columns {
			texts[j] = ""
			if i < len(values[j]) {
				texts[j] = strings.TrimSpace(values[j][i])
			}
		}
		if err := row(texts); err != nil {
			return false, err
		}
	}
	return rows > 0, nil
}
