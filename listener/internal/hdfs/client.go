// Package hdfs reads and writes files in HDFS by WebHDFS, which each name node serves. It
// needs no library of Hadoop.
//
// A name node that is in standby, away or in safe mode is asked again a little later, and
// the others of a nameservice with it. What only reads, and what may be done twice, is also
// tried again when an answer is lost. What may not, such as a rename, then fails with an
// [AmbiguousError], and its caller has to look what was done.
package hdfs

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"path"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"spot-ingest/pkg/logging"
)

// Options say which cluster a Client works with, and as whom.
type Options struct {
	Cluster Cluster
	// User is whom HDFS takes the client for: user.name. Empty is HADOOP_USER_NAME, else the
	// user of the process.
	User string
	// Log gets a warning when requests have to be made again, one an outage, and is told when
	// they need not any more; nil discards it.
	Log *logging.Logger
	// Patience is how long one method tries before it gives up; 0 is a minute. A transfer
	// that goes on is never given up.
	Patience time.Duration
	// Silence is how long a server may say nothing, and take no data; 0 is 20 seconds.
	Silence time.Duration
	// Pause waits before a request is made again; nil is by the clock.
	Pause func(context.Context, time.Duration) error
}

// A Client works in one cluster. Its methods take absolute clean paths, may be called by
// several goroutines at a time, and those without a context take no longer than Patience
// and one Silence if no data flow, and one Silence more where the part of a file has to be
// removed that has come to nothing. Their errors name what was done to which path.
type Client struct {
	*shared
	ctx context.Context
}

// shared is what all Clients made from one by Under have in common.
type shared struct {
	o      Options
	http   *http.Client
	active atomic.Int32 // the name node that answered last
	outage outage
}

// New returns a client. It asks nothing yet.
func New(o Options) (*Client, error) {
	if len(o.Cluster.NameNodes) == 0 {
		return nil, fmt.Errorf("no name node of %s is known", o.Cluster.URI)
	}
	if o.User == "" {
		name, err := hadoopUser()
		if err != nil {
			return nil, err
		}
		o.User = name
	}
	if o.Log == nil {
		o.Log = logging.Discard()
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Silence == 0 {
		o.Silence = 20 * time.Second
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	return &Client{&shared{o: o, http: httpClient(o)}, context.Background()}, nil
}

// hadoopUser is whom Hadoop's own clients say they are.
func hadoopUser() (string, error) {
	if name := os.Getenv("HADOOP_USER_NAME"); name != "" {
		return name, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find the user for HDFS: %w; set HADOOP_USER_NAME", err)
	}
	return u.Username, nil
}

func httpClient(o Options) *http.Client {
	return &http.Client{
		// Redirects are followed by hand: what is sent to a data node must not be sent to the name node.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: o.Silence, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: o.Silence,
			// Idle connections are closed before a server closes them: a request on a connection
			// that is just being closed has no answer, and a rename none that tells what was done.
			IdleConnTimeout:        4 * time.Second,
			MaxIdleConnsPerHost:    4,
			MaxResponseHeaderBytes: 64 << 10,
			WriteBufferSize:        64 << 10,
			ReadBufferSize:         64 << 10,
			DisableCompression:     true,
			Proxy:                  nil, // name nodes and data nodes are asked directly, as by Hadoop's own clients
		},
	}
}

// Under returns the same client, whose methods without a context end with ctx.
func (c *Client) Under(ctx context.Context) *Client { return &Client{c.shared, ctx} }

// URI is the cluster's, see [Cluster].
func (c *Client) URI() string { return c.o.Cluster.URI }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// checkPath refuses what is no clean absolute path, or one that HDFS can't have.
func checkPath(name string) error {
	switch {
	case !strings.HasPrefix(name, "/") || path.Clean(name) != name:
		return fmt.Errorf("path %q: want an absolute one without . and ..", name)
	case strings.Contains(name, ":"):
		return fmt.Errorf("path %q: HDFS has no colons in names", name)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("path %q: want no control characters, and UTF-8", name)
	}
	return nil
}

// pause waits for d, or for the end of the context, which it returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// backOff is the time before try number n+1, from 0.1 s to 5 s.
func backOff(n int) time.Duration { return min(100*time.Millisecond<<min(n, 6), 5*time.Second) }

// maxTries bounds how often something is tried, whatever Patience is; minTries are made
// also where each is a long transfer.
const minTries, maxTries = 3, 12

// A try is one of several to do something.
type try struct {
	ctx    context.Context // ends when name nodes are waited for in vain for too long
	flowed bool            // data have been transferred, in this one or before
}

// again calls do until it succeeds or tells that another try wouldn't help, or until
// Patience or the tries are over. It returns the last error.
func (c *Client) again(ctx context.Context, op, name string, do func(*try) (retry bool, err error)) error {
	end := time.Now().Add(c.o.Patience)
	flowed := false
	for n := 0; ; n++ {
		last := end
		if now := time.Now(); flowed && now.After(end) {
			last = now
		}
		retry, err := c.once(ctx, last.Add(c.o.Silence), &flowed, do)
		if err == nil || !retry {
			c.answered(op, err)
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		c.failed(op, name, err)
		wait := backOff(n)
		if late := time.Now().Add(wait).After(end); n+1 == maxTries || late && (!flowed || n+1 >= minTries) {
			return err
		}
		if c.o.Pause(ctx, wait) != nil {
			return err
		}
	}
}

// once makes one try, in which no name node is waited for after the end.
func (c *Client) once(ctx context.Context, end time.Time, flowed *bool, do func(*try) (retry bool, err error)) (retry bool, err error) {
	near, cancel := context.WithDeadlineCause(ctx, end, &outageError{fmt.Sprintf("no answer within %v", c.o.Patience+c.o.Silence)})
	defer cancel()
	t := &try{near, *flowed}
	retry, err = do(t)
	*flowed = t.flowed
	return retry, err
}
