package hdfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spot-ingest/pkg/logging"
)

// outageClient is a client of these name nodes that waits for nothing and logs to out.
func outageClient(t *testing.T, out *bytes.Buffer, nodes ...string) *Client {
	t.Helper()
	c, err := New(Options{
		Cluster: Cluster{URI: "hdfs://ns", NameNodes: nodes}, User: "u", Log: logging.New(out, logging.Info, false),
		Pause: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// However often requests fail, an outage is told when it begins and when it ends.
func TestOutageIsToldOnce(t *testing.T) {
	var standby, refuses atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case standby.Load():
			w.WriteHeader(403)
			w.Write([]byte(`{"RemoteException":{"exception":"StandbyException","message":"standby"}}`))
		case refuses.Load():
			w.WriteHeader(404)
			w.Write([]byte(`{"RemoteException":{"exception":"FileNotFoundException","message":"none"}}`))
		default:
			w.Write([]byte(`{"boolean":true}`))
		}
	}))
	defer s.Close()
	var out bytes.Buffer
	c := outageClient(t, &out, s.URL)
	for range 2 {
		standby.Store(true)
		for range 3 {
			if err := c.MkdirAll("/a"); !Passes(err) {
				t.Errorf("got %v", err)
			}
			if _, err := c.Stat("/a"); !Passes(err) {
				t.Errorf("got %v", err)
			}
		}
		standby.Store(false)
		refuses.Store(true)
		for range 2 {
			if _, err := c.Stat("/a"); err == nil || Passes(err) {
				t.Errorf("got %v", err)
			}
		}
		refuses.Store(false)
		if err := c.MkdirAll("/a"); err != nil {
			t.Error(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], "WARNING") || !strings.Contains(lines[0], "MKDIRS /a failed and may work later") ||
		!strings.HasSuffix(lines[1], "hdfs: works again") || !strings.Contains(lines[2], "WARNING") || !strings.HasSuffix(lines[3], "hdfs: works again") {
		t.Errorf("got\n%s", out.String())
	}
}

// An operation that failed and is never asked for again does not hide the next outage.
func TestOutageIsForgotten(t *testing.T) {
	var o outage
	now := time.Unix(0, 0)
	if !o.begin("DELETE", now) || o.begin("OPEN", now) || o.end("OPEN") || o.begin("OPEN", now.Add(forgetAfter)) {
		t.Error("told twice")
	}
	if o.end("RENAME") || !o.begin("RENAME", now.Add(2*forgetAfter+1)) || !o.end("RENAME") {
		t.Error("not told")
	}
}

// A name that DNS doesn't know is a mistake of the configuration, if no other name node answers.
func TestUnknownHost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`{"boolean":true}`)) }))
	defer s.Close()
	for _, tt := range []struct {
		name   string
		nodes  []string
		dials  int32 // of names; 0: some
		passes bool
		err    string
	}{
		{"alone", []string{"http://ns1:9870"}, 1, false, "dfs.nameservices of hdfs-site.xml"},
		{"all", []string{"http://ns1:9870", "http://ns2:9870"}, 2, false, "dfs.nameservices of hdfs-site.xml"},
		{"another is away", []string{"http://ns1:9870", "http://127.0.0.1:1"}, 0, true, "no name node is active"},
		{"another answers", []string{"http://ns1:9870", s.URL}, 1, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			c := outageClient(t, &out, tt.nodes...)
			var dials atomic.Int32
			var d net.Dialer
			c.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if !strings.HasPrefix(address, "ns") {
					return d.DialContext(ctx, network, address)
				}
				dials.Add(1)
				return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}}
			}
			err := c.MkdirAll("/a")
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v", err)
			}
			if Passes(err) != tt.passes || tt.dials > 0 && dials.Load() != tt.dials {
				t.Errorf("passes %v, %d dials", Passes(err), dials.Load())
			}
		})
	}
}

func TestPasses(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("x"), false},
		{errBroken, true},
		{&AmbiguousError{errors.New("x")}, true},
		{fmt.Errorf("y: %w", &AmbiguousError{errHeedless}), false},
		{&RemoteError{Exception: "StandbyException"}, true},
		{&RemoteError{Exception: "AccessControlException"}, false},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}, true},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, false},
	} {
		if got := Passes(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}
