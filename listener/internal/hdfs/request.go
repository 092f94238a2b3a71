package hdfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// A request is one operation that a name node is asked for.
type request struct {
	method string // of HTTP
	op     string // of WebHDFS
	path   string
	query  map[string]string
	// once is set for what mustn't be asked for a second time unless it is known that the
	// first did nothing.
	once bool
	// limit bounds the answer's body; 0 is that of small answers.
	limit int64
}

// An answer is what a name node said.
type answer struct {
	body     []byte
	location string // of a data node, if it is a redirect
}

// ask makes a request of the cluster's active name node, and again if that is worthwhile.
func (c *Client) ask(ctx context.Context, r request) (a *answer, err error) {
	if err := checkPath(r.path); err != nil {
		return nil, err
	}
	err = c.again(ctx, r.op, r.path, func(t *try) (retry bool, err error) {
		a, retry, err = c.askAll(t.ctx, r)
		return retry, err
	})
	return a, err
}

// askAll makes the request of each name node until one does it or refuses it, the active
// one first. retry tells that it can be made again.
func (c *Client) askAll(ctx context.Context, r request) (a *answer, retry bool, err error) {
	nodes := c.o.Cluster.NameNodes
	first := int(c.active.Load())
	var failed []error
	unknown := 0 // nodes whose names DNS doesn't know
	for i := range nodes {
		n := (first + i) % len(nodes)
		a, retry, err := c.askNode(ctx, nodes[n], r)
		if err == nil {
			c.active.Store(int32(n))
			return a, false, nil
		}
		if unknownHost(err) {
			unknown++
		}
		err = fmt.Errorf("%w (name node %s)", err, nodes[n])
		if !retry || ctx.Err() != nil {
			return nil, false, err
		}
		if errors.Is(err, ErrSafeMode) || errors.Is(err, ErrNoDataNode) {
			return nil, true, err // said by the active one
		}
		failed = append(failed, err)
	}
	if unknown == len(nodes) {
		return nil, false, failed[0] // the configuration is wrong
	}
	return nil, true, allFailed(failed)
}

// unknownHost tells whether a name isn't known to DNS, which has answered.
func unknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// allFailed makes one error of those of all name nodes.
func allFailed(failed []error) error {
	if len(failed) == 1 {
		return failed[0]
	}
	texts := make([]string, len(failed))
	for i, err := range failed {
		texts[i] = err.Error()
	}
	return &nodesError{fmt.Sprintf("%v: %s", ErrNoNameNode, strings.Join(texts, "; ")), failed}
}

// A nodesError is one of several name nodes, none of which does what is asked for.
type nodesError struct {
	text   string
	failed []error
}

func (e *nodesError) Error() string { return e.text }

func (e *nodesError) Unwrap() []error { return append([]error{ErrNoNameNode}, e.failed...) }

// askNode makes the request of one name node. With retry, nothing has been done, or may be
// done twice.
func (c *Client) askNode(ctx context.Context, node string, r request) (a *answer, retry bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Silence, &outageError{fmt.Sprintf("no answer within %v", c.o.Silence)})
	defer cancel()
	// Once there is a connection, the request may have been made.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, r.method, node+"/webhdfs/v1"+escapePath(r.path)+"?"+c.queryOf(r), nil)
	if err != nil {
		return nil, false, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		err = cause(ctx, err)
		if unknownHost(err) {
			err = fmt.Errorf("%w: if it is a nameservice, dfs.nameservices of hdfs-site.xml in HADOOP_CONF_DIR has to name it", err)
		}
		return nil, !r.once || !connected.Load(), lost(r.once && connected.Load(), err)
	}
	defer resp.Body.Close()
	limit := r.limit
	if limit == 0 || resp.StatusCode != http.StatusOK {
		limit = maxAnswer
	}
	body, err := readAtMost(resp.Body, limit)
	switch {
	case resp.StatusCode == http.StatusTemporaryRedirect && (r.op == "CREATE" || r.op == "OPEN"):
		return &answer{location: resp.Header.Get("Location")}, false, nil
	case resp.StatusCode != http.StatusOK:
		retry, err = refused(r.once, resp.StatusCode, body)
		return nil, retry, err
	case err != nil:
		return nil, !r.once, lost(r.once, cause(ctx, err))
	}
	return &answer{body: body}, false, nil
}

// lost is the error of a request that has no answer. once is set if it may have been done
// and mustn't be done twice.
func lost(once bool, err error) error {
	if once {
		return &AmbiguousError{err}
	}
	return err
}

// refused is the error of an answer that isn't of success.
func refused(once bool, status int, body []byte) (retry bool, err error) {
	if status < 400 {
		return false, lost(once, fmt.Errorf("HTTP %d, which no name node answers to this: is the address a name node's?", status))
	}
	err = parseError(status, body)
	if remote := (*RemoteError)(nil); errors.As(err, &remote) {
		return remote.passing(), err
	}
	if status >= 500 {
		// Something on the way, or a server that is just ending.
		return !once, lost(once, err)
	}
	return false, err
}

// cause names what ended a context rather than only that it has ended.
func cause(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // it has the whole URL in its text
	}
	if why := context.Cause(ctx); why != nil {
		return why
	}
	return err
}

// readAtMost reads all, which is an error if it is more than limit.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("the answer has more than %d bytes", limit)
	}
	return b.Bytes(), err
}

func (c *Client) queryOf(r request) string {
	q := "op=" + r.op + "&user.name=" + escape(c.o.User)
	for key, value := range r.query {
		q += "&" + key + "=" + escape(value)
	}
	return q
}

// escape quotes all but plain characters: servers differ in how they take the others.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func escapePath(name string) string { return strings.ReplaceAll(escape(name), "%2F", "/") }

// parse reads an answer of the name node. One that makes no sense counts as lost.
func parse(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("the name node's answer is not what WebHDFS answers: %w", err)
	}
	return nil
}
