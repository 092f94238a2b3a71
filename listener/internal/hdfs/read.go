package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ReadFile returns a file of at most limit bytes; a larger one is an error.
func (c *Client) ReadFile(name string, limit int64) ([]byte, error) {
	var content []byte
	err := c.open(name, 0, limit+1, func(r io.Reader) (err error) {
		content, err = io.ReadAll(r)
		return err
	})
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s in HDFS: %w", name, err)
	}
	return content, nil
}

// ReadRange reads len(p) bytes from offset on. Fewer come with [io.EOF]: the file ends there.
func (c *Client) ReadRange(name string, offset int64, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := 0
	err := c.open(name, offset, int64(len(p)), func(r io.Reader) (err error) {
		n, err = io.ReadFull(r, p)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	})
	if remote := (*RemoteError)(nil); errors.As(err, &remote) && c.past(name, offset) {
		n, err = 0, nil // HDFS takes an offset at or behind the end for an error
	}
	if err != nil {
		return 0, fmt.Errorf("read %s at %d in HDFS: %w", name, offset, err)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// past tells whether a file has no byte at offset.
func (c *Client) past(name string, offset int64) bool {
	info, err := c.stat(c.ctx, name)
	return err == nil && !info.IsDir() && offset >= info.Size()
}

// open reads at most length bytes by read, from the start again if the data break off.
func (c *Client) open(name string, offset, length int64, read func(io.Reader) error) error {
	if err := checkPath(name); err != nil {
		return err
	}
	r := request{method: "GET", op: "OPEN", path: name, query: map[string]string{
		"offset": strconv.FormatInt(offset, 10), "length": strconv.FormatInt(length, 10),
	}}
	return c.again(c.ctx, "OPEN", name, func(t *try) (retry bool, err error) {
		a, retry, err := c.askAll(t.ctx, r)
		if err != nil {
			return retry, err
		}
		if a.location == "" {
			return false, errors.New("the name node names no data node")
		}
		return c.transfer(c.ctx, t, "GET", a.location, nil, -1, func(resp *http.Response) error {
			return read(&exactly{io.LimitReader(resp.Body, length), min(resp.ContentLength, length)})
		})
	})
}

// exactly is a body that must have as many bytes as were announced; a negative number is
// not known.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if e.left >= 0 {
		e.left -= int64(n)
		if err == io.EOF && e.left > 0 {
			err = errBroken
		}
	}
	if err == io.ErrUnexpectedEOF {
		err = errBroken // not to be taken for that of a read that fills a buffer
	}
	return n, err
}

var errBroken = errors.New("the data break off")

// dataURL checks where a name node sends the client.
func dataURL(location string) (*url.URL, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("the name node redirects to %q, which is no URL", firstLine(location))
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.HasPrefix(u.Path, "/") {
		return nil, fmt.Errorf("the name node redirects to %q, which is no data node's URL", firstLine(location))
	}
	return u, nil
}

// transfer sends a body to a data node, or has read take one from there. The data may take
// any time, as long as they flow. size is the body's, or -1 if it isn't known.
func (c *Client) transfer(ctx context.Context, t *try, method, location string, body io.Reader, size int64, read func(*http.Response) error) (retry bool, err error) {
	u, err := dataURL(location)
	if err != nil {
		return false, err
	}
	flow := watch(ctx, t, c.o.Silence)
	defer flow.stop()
	if body != nil {
		body = flow.source(body)
	}
	req, err := http.NewRequestWithContext(flow.ctx, method, u.String(), body)
	if err != nil {
		return false, err
	}
	if body != nil {
		if req.ContentLength = size; size == 0 {
			req.Body = http.NoBody // else nobody knows it
		}
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return ctx.Err() == nil, fmt.Errorf("data node %s: %w", u.Host, cause(flow.ctx, err))
	}
	defer resp.Body.Close()
	resp.Body = flow.arriving(resp.Body)
	if resp.StatusCode >= 300 {
		text, _ := readAtMost(resp.Body, maxAnswer)
		err := parseError(resp.StatusCode, text)
		return ctx.Err() == nil && worthAgain(err), fmt.Errorf("data node %s: %w", u.Host, err)
	}
	if err := read(resp); err != nil {
		return ctx.Err() == nil, fmt.Errorf("data node %s: %w", u.Host, cause(flow.ctx, err))
	}
	return false, nil
}

// worthAgain tells whether another data node may do what one has refused. What the name
// node has told it is final; what else goes wrong there has all kinds of names.
func worthAgain(err error) bool {
	for _, definite := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, unix.ENOTDIR, unix.EDQUOT} {
		if errors.Is(err, definite) {
			return false
		}
	}
	var remote *RemoteError
	return !errors.As(err, &remote) || remote.Message != "Cannot seek after EOF"
}
