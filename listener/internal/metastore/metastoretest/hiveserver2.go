package metastoretest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/apache/thrift/lib/go/thrift"
	cli "github.com/beltran/gohive/hiveserver"
)

func (s *Server) serveHiveServer2(conn net.Conn) {
	transport := thrift.TTransport(thrift.NewStreamTransportRW(conn))
	if !s.options.NoSASL {
		if err := agree(conn); err != nil {
			return
		}
		transport = thrift.NewTFramedTransportConf(transport, nil)
	}
	h := &sessionHandler{server: s, conn: conn}
	s.answer(conn, transport, cli.NewTCLIServiceProcessor(h), func(name string) bool {
		switch name {
		case "OpenSession", "CloseSession", "ExecuteStatement", "FetchResults", "CloseOperation":
			return true
		}
		return false
	})
}

// agree plays the server's part of SASL's mechanism PLAIN.
func agree(conn net.Conn) error {
	for _, want := range []struct {
		status byte
		body   string
	}{{1, "PLAIN"}, {2, "\x00"}} {
		var header [5]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(header[1:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return err
		}
		if header[0] != want.status || !strings.HasPrefix(string(body), want.body) {
			return fmt.Errorf("message %d %q", header[0], body)
		}
		if parts := strings.Split(string(body), "\x00"); header[0] == 2 && (len(parts) != 3 || parts[1] == "nobody") {
			_, err := conn.Write(append([]byte{3, 0, 0, 0, 21}, "Error validating user"...))
			return errors.Join(errors.New("refused"), err)
		}
	}
	_, err := conn.Write([]byte{5, 0, 0, 0, 0})
	return err
}

// A sessionHandler answers the requests of one connection.
type sessionHandler struct {
	cli.TCLIService // nil
	server          *Server
	conn            net.Conn
	rows            [][]string // not fetched yet
}

var success = &cli.TStatus{StatusCode: cli.TStatusCode_SUCCESS_STATUS}

func handle() *cli.THandleIdentifier {
	return &cli.THandleIdentifier{GUID: []byte("0123456789abcdef"), Secret: []byte("0123456789abcdef")}
}

func (h *sessionHandler) OpenSession(_ context.Context, r *cli.TOpenSessionReq) (*cli.TOpenSessionResp, error) {
	return &cli.TOpenSessionResp{Status: success, ServerProtocolVersion: r.ClientProtocol,
		SessionHandle: &cli.TSessionHandle{SessionId: handle()}}, nil
}

func (h *sessionHandler) CloseSession(context.Context, *cli.TCloseSessionReq) (*cli.TCloseSessionResp, error) {
	return &cli.TCloseSessionResp{Status: success}, nil
}

func (h *sessionHandler) CloseOperation(context.Context, *cli.TCloseOperationReq) (*cli.TCloseOperationResp, error) {
	return &cli.TCloseOperationResp{Status: success}, nil
}

func (h *sessionHandler) ExecuteStatement(_ context.Context, r *cli.TExecuteStatementReq) (*cli.TExecuteStatementResp, error) {
	words := strings.Fields(r.Statement)
	err := h.server.ask(strings.Join(words[:2], " "))
	cutAfter := errors.Is(err, CutAfter)
	if errors.Is(err, Cut) {
		h.conn.Close()
		return nil, thrift.ErrAbandonRequest
	}
	var rows [][]string
	if err == nil || cutAfter {
		rows, err = h.server.execute(r.Statement)
	}
	if cutAfter {
		h.conn.Close()
		return nil, thrift.ErrAbandonRequest
	}
	if err != nil {
		text := err.Error()
		return &cli.TExecuteStatementResp{Status: &cli.TStatus{StatusCode: cli.TStatusCode_ERROR_STATUS, ErrorMessage: &text}}, nil
	}
	h.rows = rows
	return &cli.TExecuteStatementResp{Status: success, OperationHandle: &cli.TOperationHandle{
		OperationId: handle(), OperationType: cli.TOperationType_EXECUTE_STATEMENT, HasResultSet: true,
	}}, nil
}

// FetchResults returns few rows at once, so that clients have to come again.
func (h *sessionHandler) FetchResults(context.Context, *cli.TFetchResultsReq) (*cli.TFetchResultsResp, error) {
	rows := h.rows
	n := min(len(rows), 10)
	set := &cli.TRowSet{Rows: []*cli.TRow{}, Columns: []*cli.TColumn{}}
	for i := 0; n > 0 && i < len(rows[0]); i++ {
		c := &cli.TStringColumn{Nulls: []byte{}}
		for _, row := range rows[:n] {
			c.Values = append(c.Values, row[i])
		}
		set.Columns = append(set.Columns, &cli.TColumn{StringVal: c})
	}
	h.rows = rows[n:]
	return &cli.TFetchResultsResp{Status: success, Results: set}, nil
}
