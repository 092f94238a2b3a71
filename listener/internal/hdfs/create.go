package hdfs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Create makes a file that wasn't there, with what write writes, in a folder that must be
// there. The file appears when it is complete and as durable as HDFS makes it: of all who
// create a name, one gets it, the others an [fs.ErrExist]. write may be called several
// times, one after the other, and must write the same each time. Its own error ends it all.
//
// Data go to a hidden file beside it, .part-ID, of another ID at each try: a data node
// that seemed lost can't touch the file that is complete. A writer that is killed leaves
// the hidden one behind.
func (c *Client) Create(name string, write func(io.Writer) error) error {
	err := c.create(c.ctx, name, -1, func() (content, error) { return startWriting(write), nil })
	if err != nil {
		return fmt.Errorf("create %s in HDFS: %w", name, err)
	}
	return nil
}

// Upload makes a file as Create does, with the content of a local file.
func (c *Client) Upload(ctx context.Context, local, name string) error {
	st, err := os.Stat(local)
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err == nil {
		err = c.create(ctx, name, st.Size(), func() (content, error) { return openLocal(local) })
	}
	if err != nil {
		return fmt.Errorf("upload %s to %s in HDFS: %w", local, name, err)
	}
	return nil
}

// create sends a content of size bytes, -1 if that isn't known, that open gives once a try.
func (c *Client) create(ctx context.Context, name string, size int64, open func() (content, error)) error {
	if err := checkPath(name); err != nil {
		return err
	}
	var away []string // addresses of data nodes that failed
	return c.again(ctx, "CREATE", name, func(t *try) (retry bool, err error) {
		part := partOf(name)
		location, retry, err := c.place(t.ctx, part, &away)
		if err != nil {
			return retry, err
		}
		data, err := open()
		if err != nil {
			return false, err
		}
		retry, err = c.transfer(ctx, t, "PUT", location, data, size, created)
		if own := data.finish(); own != nil {
			retry, err = false, own
		}
		if err == nil {
			return false, c.publish(ctx, part, name)
		}
		if retry {
			retry, err = c.reason(ctx, t, name, err)
		}
		if !refusedAtOnce(err) {
			c.drop(ctx, part)
		}
		away = append(away, addresses(t.ctx, location)...)
		return retry, err
	})
}

// reason finds out why a transfer broke off. A data node that refuses a file, or can't go
// on, says so and closes the connection, and its words are lost if it is being written to
// meanwhile. A file of one byte is written at once, so that there they arrive.
func (c *Client) reason(ctx context.Context, t *try, name string, err error) (retry bool, because error) {
	if remote := (*RemoteError)(nil); errors.As(err, &remote) || neverSent(err) || t.ctx.Err() != nil {
		return true, err
	}
	part := partOf(name)
	location, retry, because := c.place(t.ctx, part, new([]string))
	if because != nil {
		return retry, because
	}
	retry, because = c.transfer(ctx, t, "PUT", location, strings.NewReader("?"), 1, created)
	if !refusedAtOnce(because) {
		c.drop(ctx, part)
	}
	if remote := (*RemoteError)(nil); errors.As(because, &remote) {
		return retry, because
	}
	return true, err
}

// refusedAtOnce tells whether a file was refused before there was anything of it.
func refusedAtOnce(err error) bool {
	return errors.Is(err, ErrSafeMode) || neverSent(err) || err != nil && !worthAgain(err) && !errors.Is(err, unix.EDQUOT)
}

// neverSent tells whether there was no connection.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func created(resp *http.Response) error {
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("HTTP %d, want 201", resp.StatusCode)
	}
	return nil
}

// partOf returns the name under which a try sends its data.
func partOf(name string) string {
	var id [8]byte
	rand.Read(id[:])
	return path.Join(path.Dir(name), ".part-"+hex.EncodeToString(id[:]))
}

// place asks which data node takes a new file, none of those that are away unless there
// is no other.
func (c *Client) place(ctx context.Context, part string, away *[]string) (location string, retry bool, err error) {
	r := request{method: "PUT", op: "CREATE", path: part, query: map[string]string{
		"overwrite": "false", "createparent": "false", "permission": "644",
	}}
	if len(*away) > 0 {
		r.query["excludedatanodes"] = strings.Join(*away, ",")
	}
	a, retry, err := c.askAll(ctx, r)
	if err != nil && len(*away) > 0 {
		*away = nil
		delete(r.query, "excludedatanodes")
		a, retry, err = c.askAll(ctx, r)
	}
	if err != nil {
		return "", retry, err
	}
	if a.location == "" {
		return "", false, errors.New("the name node names no data node")
	}
	return a.location, false, nil
}

// maxAddresses bounds how many addresses of one data node count.
const maxAddresses = 2

// addresses returns those of a data node: the name node knows it by them, not by its
// port for the web.
func addresses(ctx context.Context, location string) []string {
	u, err := dataURL(location)
	if err != nil {
		return nil
	}
	found, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err != nil {
		return nil
	}
	return found[:min(len(found), maxAddresses)]
}

// publish gives a complete file its name. Nobody else touches the part, so that it can be
// tried again when an answer was lost.
func (c *Client) publish(ctx context.Context, part, name string) error {
	doubt := false
	err := c.again(ctx, "RENAME", part, func(t *try) (retry bool, err error) {
		retry, err = c.tryRename(t.ctx, part, name)
		if IsAmbiguous(err) && !errors.Is(err, errHeedless) {
			doubt = true
			return true, err
		}
		if err != nil && !retry && doubt && c.moved(t.ctx, part, name) {
			return false, nil
		}
		return retry, err
	})
	if err != nil {
		c.drop(ctx, part)
	}
	return err
}

// moved tells whether a part has become the file.
func (c *Client) moved(ctx context.Context, part, name string) bool {
	if _, err := c.stat(ctx, part); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err := c.stat(ctx, name)
	return err == nil
}

// drop removes a part of which nothing came, if that can be done now.
func (c *Client) drop(ctx context.Context, part string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.o.Silence)
	defer cancel()
	_, _, err := c.askAll(ctx, request{method: "DELETE", op: "DELETE", path: part})
	if err != nil {
		c.o.Log.Warning("hdfs: %s may be left behind: %v", part, err)
	}
}
