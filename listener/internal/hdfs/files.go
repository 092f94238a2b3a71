package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxListing bounds the list of a folder: 200,000 files.
const maxListing = 64 << 20

// fileStatus is WebHDFS's FileStatus.
type fileStatus struct {
	Name    string `json:"pathSuffix"`
	Type    string `json:"type"`
	Length  int64  `json:"length"`
	Changed int64  `json:"modificationTime"` // milliseconds since 1970
	Mode    string `json:"permission"`       // octal
}

// fileInfo is a file's or folder's [fs.FileInfo].
type fileInfo struct {
	name    string
	size    int64
	mode    fs.FileMode
	changed time.Time
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) ModTime() time.Time { return i.changed }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *fileInfo) Sys() any           { return nil }

// info checks a status before it is believed.
func (s *fileStatus) info(name string) (fs.FileInfo, error) {
	if s.Length < 0 {
		return nil, fmt.Errorf("the length %d of %s makes no sense", s.Length, name)
	}
	var mode uint32
	if _, err := fmt.Sscanf(s.Mode, "%o", &mode); err != nil {
		return nil, fmt.Errorf("the permission %q of %s makes no sense", s.Mode, name)
	}
	i := &fileInfo{name: name, size: s.Length, mode: fs.FileMode(mode) & fs.ModePerm, changed: time.UnixMilli(s.Changed)}
	switch s.Type {
	case "FILE":
	case "DIRECTORY":
		i.mode |= fs.ModeDir
	case "SYMLINK":
		i.mode |= fs.ModeSymlink
	default:
		return nil, fmt.Errorf("the type %q of %s makes no sense", s.Type, name)
	}
	return i, nil
}

// Stat tells what is there; [fs.ErrNotExist] if nothing is.
func (c *Client) Stat(name string) (fs.FileInfo, error) {
	info, err := c.stat(c.ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look at %s in HDFS: %w", name, err)
	}
	return info, nil
}

func (c *Client) stat(ctx context.Context, name string) (fs.FileInfo, error) {
	a, err := c.ask(ctx, request{method: "GET", op: "GETFILESTATUS", path: name})
	if err != nil {
		return nil, err
	}
	return parseStatus(a.body, path.Base(name))
}

func parseStatus(body []byte, name string) (fs.FileInfo, error) {
	var status struct{ FileStatus *fileStatus }
	if err := parse(body, &status); err != nil {
		return nil, err
	}
	if status.FileStatus == nil {
		return nil, errors.New("the name node's answer has no FileStatus")
	}
	return status.FileStatus.info(name)
}

// ReadDir lists a folder by names; [fs.ErrNotExist] if it isn't
// there, unix.ENOTDIR if it is a file.
func (c *Client) ReadDir(name string) ([]fs.FileInfo, error) {
	infos, err := c.list(name)
	if err != nil {
		return nil, fmt.Errorf("list %s in HDFS: %w", name, err)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return infos, nil
}

func (c *Client) list(name string) ([]fs.FileInfo, error) {
	a, err := c.ask(c.ctx, request{method: "GET", op: "LISTSTATUS", path: name, limit: maxListing})
	if err != nil {
		return nil, err
	}
	return parseListing(a.body)
}

func parseListing(body []byte) ([]fs.FileInfo, error) {
	var listing struct {
		FileStatuses *struct{ FileStatus []fileStatus }
	}
	if err := parse(body, &listing); err != nil {
		return nil, err
	}
	if listing.FileStatuses == nil {
		return nil, errors.New("the name node's answer has no FileStatuses")
	}
	statuses := listing.FileStatuses.FileStatus
	if len(statuses) == 1 && statuses[0].Name == "" {
		return nil, unix.ENOTDIR
	}
	infos := make([]fs.FileInfo, len(statuses))
	for i, status := range statuses {
		if name := status.Name; name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return nil, fmt.Errorf("the name %q in a list makes no sense", name)
		}
		info, err := status.info(status.Name)
		if err != nil {
			return nil, err
		}
		infos[i] = info
	}
	return infos, nil
}

// MkdirAll makes a folder and those above it, where they are missing.
func (c *Client) MkdirAll(name string) error {
	if err := c.done(request{method: "PUT", op: "MKDIRS", path: name}); err != nil {
		return fmt.Errorf("make folder %s in HDFS: %w", name, err)
	}
	return nil
}

// Rename gives a file or folder another name, in one step: [fs.ErrExist] if that name is
// taken, [fs.ErrNotExist] if from or the folder of to is missing. It isn't done again
// after its answer was lost, see [IsAmbiguous].
func (c *Client) Rename(from, to string) error {
	if err := c.rename(c.ctx, from, to); err != nil {
		return fmt.Errorf("rename %s to %s in HDFS: %w", from, to, err)
	}
	return nil
}

// Claim is Rename: of all who claim a name, one gets it.
func (c *Client) Claim(from, to string) error { return c.Rename(from, to) }

func (c *Client) rename(ctx context.Context, from, to string) error {
	if err := checkPath(from); err != nil {
		return err
	}
	if err := checkPath(to); err != nil {
		return err
	}
	return c.again(ctx, "RENAME", from, func(t *try) (retry bool, err error) { return c.tryRename(t.ctx, from, to) })
}

// errHeedless is of a server that will never do what is needed.
var errHeedless = errors.New("the server pays no heed to renameoptions=NONE, as HttpFS does; " +
	"give the address of a name node instead")

// tryRename asks all name nodes once.
func (c *Client) tryRename(ctx context.Context, from, to string) (retry bool, err error) {
	// Without renameoptions it would move into a folder of the name, and would say in one
	// word, false, for several reasons that it was not done.
	a, retry, err := c.askAll(ctx, request{
		method: "PUT", op: "RENAME", path: from, once: true, query: map[string]string{"destination": to, "renameoptions": "NONE"},
	})
	if err != nil {
		return retry, err
	}
	if len(a.body) == 0 {
		return false, nil
	}
	if _, err := parseBool(a.body); err != nil {
		return false, &AmbiguousError{fmt.Errorf("the answer to a rename is %q, want none", firstLine(string(a.body)))}
	}
	return false, &AmbiguousError{errHeedless}
}

// Remove removes a file or an empty folder: [fs.ErrNotExist] if there is none,
// unix.ENOTEMPTY if the folder isn't empty. It isn't done again after its answer was lost,
// see [IsAmbiguous].
func (c *Client) Remove(name string) error {
	if err := c.remove(c.ctx, name, "false"); err != nil {
		return fmt.Errorf("remove %s in HDFS: %w", name, err)
	}
	return nil
}

// RemoveAll removes a file, or a folder with all that is in it. There may be nothing. It
// isn't done again after its answer was lost, see [IsAmbiguous].
func (c *Client) RemoveAll(name string) error {
	if err := c.remove(c.ctx, name, "true"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s with all in it in HDFS: %w", name, err)
	}
	return nil
}

func (c *Client) remove(ctx context.Context, name, recursive string) error {
	if name == "/" {
		return errors.New("the root stays")
	}
	a, err := c.ask(ctx, request{method: "DELETE", op: "DELETE", path: name, once: true, query: map[string]string{"recursive": recursive}})
	if err != nil {
		return err
	}
	removed, err := parseBool(a.body)
	if err != nil {
		return &AmbiguousError{err}
	}
	if !removed {
		return fs.ErrNotExist
	}
	return nil
}

// Sync does nothing: a change of HDFS is durable when it is answered.
func (c *Client) Sync(string) error { return nil }

// done asks for something that answers true.
func (c *Client) done(r request) error {
	a, err := c.ask(c.ctx, r)
	if err != nil {
		return err
	}
	if ok, err := parseBool(a.body); err != nil || ok {
		return err
	}
	return errors.New("the name node didn't do it, and doesn't say why")
}

func parseBool(body []byte) (bool, error) {
	var v struct {
		Boolean *bool `json:"boolean"`
	}
	if err := parse(body, &v); err != nil {
		return false, err
	}
	if v.Boolean == nil {
		return false, errors.New("the name node's answer has no boolean")
	}
	return *v.Boolean, nil
}
