package hdfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"spot-ingest/listener/internal/hdfs"
)

// write makes a Create of the content.
func write(c *hdfs.Client, name, content string) error {
	return c.Create(name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

// The semantics are what the commit log builds on. Each is tried in a new folder, d, that
// has file ("content"), empty/, and full/file. The test runs against hdfstest and against a
// real HDFS, so that the one is known to behave as the other.
var semantics = []struct {
	name string
	do   func(c *hdfs.Client, d string) error
	want error    // nil is none
	left []string // what is there then, all but file, empty/, full/ and full/file; - before a name is that it is gone
}{
	{"stat of a file", func(c *hdfs.Client, d string) error {
		return expectInfo(c, d+"/file", "file", 7, false)
	}, nil, nil},
	{"stat of a folder", func(c *hdfs.Client, d string) error {
		return expectInfo(c, d+"/full", "full", 0, true)
	}, nil, nil},
	{"stat of the root", func(c *hdfs.Client, d string) error { return expectInfo(c, "/", "/", 0, true) }, nil, nil},
	{"stat of nothing", func(c *hdfs.Client, d string) error { _, err := c.Stat(d + "/none"); return err }, fs.ErrNotExist, nil},
	{"stat below nothing", func(c *hdfs.Client, d string) error { _, err := c.Stat(d + "/none/none"); return err }, fs.ErrNotExist, nil},
	{"stat below a file", func(c *hdfs.Client, d string) error { _, err := c.Stat(d + "/file/none"); return err }, fs.ErrNotExist, nil},

	{"list nothing", func(c *hdfs.Client, d string) error { _, err := c.ReadDir(d + "/none"); return err }, fs.ErrNotExist, nil},
	{"list a file", func(c *hdfs.Client, d string) error { _, err := c.ReadDir(d + "/file"); return err }, unix.ENOTDIR, nil},

	{"read", func(c *hdfs.Client, d string) error { return expectContent(c, d+"/file", "content") }, nil, nil},
	{"read nothing", func(c *hdfs.Client, d string) error { _, err := c.ReadFile(d+"/none", 10); return err }, fs.ErrNotExist, nil},
	{"read a folder", func(c *hdfs.Client, d string) error { _, err := c.ReadFile(d+"/full", 10); return err }, fs.ErrNotExist, nil},
	{"read an empty file", func(c *hdfs.Client, d string) error {
		return errors.Join(write(c, d+"/new", ""), expectContent(c, d+"/new", ""))
	}, nil, []string{"new"}},
	{"read a range", func(c *hdfs.Client, d string) error { return expectRange(c, d+"/file", 2, 3, "nte", nil) }, nil, nil},
	{"read the end", func(c *hdfs.Client, d string) error { return expectRange(c, d+"/file", 4, 3, "ent", nil) }, nil, nil},
	{"read beyond the end", func(c *hdfs.Client, d string) error { return expectRange(c, d+"/file", 5, 9, "nt", io.EOF) }, nil, nil},
	{"read at the end", func(c *hdfs.Client, d string) error { return expectRange(c, d+"/file", 7, 1, "", io.EOF) }, nil, nil},
	{"read behind the end", func(c *hdfs.Client, d string) error { return expectRange(c, d+"/file", 70, 1, "", io.EOF) }, nil, nil},
	{"read at the end of nothing", func(c *hdfs.Client, d string) error {
		return errors.Join(write(c, d+"/new", ""), expectRange(c, d+"/new", 0, 1, "", io.EOF), expectRange(c, d+"/new", 5, 1, "", io.EOF))
	}, nil, []string{"new"}},

	{"make a folder", func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/new") }, nil, []string{"new/"}},
	{"make folders", func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/new/er/still") }, nil, []string{"new/", "new/er/", "new/er/still/"}},
	{"make a folder that is there", func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/full") }, nil, nil},
	{"make a folder of a file", func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/file") }, fs.ErrExist, nil},
	{"make a folder below a file", func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/file/new") }, unix.ENOTDIR, nil},

	{"create", func(c *hdfs.Client, d string) error {
		return errors.Join(write(c, d+"/full/new", "some"), expectContent(c, d+"/full/new", "some"))
	}, nil, []string{"full/new"}},
	{"create what is there", func(c *hdfs.Client, d string) error {
		return expectAfter(write(c, d+"/file", "other"), expectContent(c, d+"/file", "content"))
	}, fs.ErrExist, nil},
	{"create over a folder", func(c *hdfs.Client, d string) error { return write(c, d+"/empty", "other") }, fs.ErrExist, nil},
	{"create without a folder", func(c *hdfs.Client, d string) error { return write(c, d+"/none/new", "") }, fs.ErrNotExist, nil},
	{"create below a file", func(c *hdfs.Client, d string) error { return write(c, d+"/file/new", "") }, unix.ENOTDIR, nil},

	{"claim", func(c *hdfs.Client, d string) error {
		return errors.Join(c.Claim(d+"/file", d+"/full/new"), expectContent(c, d+"/full/new", "content"))
	}, nil, []string{"-file", "full/new"}},
	{"claim what is taken", func(c *hdfs.Client, d string) error { return c.Claim(d+"/file", d+"/full/file") }, fs.ErrExist, nil},
	{"claim a folder's name", func(c *hdfs.Client, d string) error { return c.Claim(d+"/file", d+"/empty") }, fs.ErrExist, nil},
	{"claim its own name", func(c *hdfs.Client, d string) error { return c.Claim(d+"/file", d+"/file") }, fs.ErrExist, nil},
	{"claim by nothing", func(c *hdfs.Client, d string) error { return c.Claim(d+"/none", d+"/new") }, fs.ErrNotExist, nil},
	{"claim what is taken by nothing", func(c *hdfs.Client, d string) error { return c.Claim(d+"/none", d+"/file") }, fs.ErrNotExist, nil},
	{"claim in nothing", func(c *hdfs.Client, d string) error { return c.Claim(d+"/file", d+"/none/new") }, fs.ErrNotExist, nil},
	{"claim below a file", func(c *hdfs.Client, d string) error { return c.Claim(d+"/full/file", d+"/file/new") }, unix.ENOTDIR, nil},

	{"rename a folder", func(c *hdfs.Client, d string) error { return c.Rename(d+"/full", d+"/new") }, nil,
		[]string{"-full/", "-full/file", "new/", "new/file"}},
	{"rename a folder to an empty one", func(c *hdfs.Client, d string) error { return c.Rename(d+"/full", d+"/empty") }, fs.ErrExist, nil},
	{"rename a folder to a file", func(c *hdfs.Client, d string) error { return c.Rename(d+"/full", d+"/file") }, fs.ErrExist, nil},

	{"remove a file", func(c *hdfs.Client, d string) error { return c.Remove(d + "/file") }, nil, []string{"-file"}},
	{"remove an empty folder", func(c *hdfs.Client, d string) error { return c.Remove(d + "/empty") }, nil, []string{"-empty/"}},
	{"remove a full folder", func(c *hdfs.Client, d string) error { return c.Remove(d + "/full") }, unix.ENOTEMPTY, nil},
	{"remove nothing", func(c *hdfs.Client, d string) error { return c.Remove(d + "/none") }, fs.ErrNotExist, nil},
	{"remove below nothing", func(c *hdfs.Client, d string) error { return c.Remove(d + "/none/none") }, fs.ErrNotExist, nil},
	{"remove below a file", func(c *hdfs.Client, d string) error { return c.Remove(d + "/file/none") }, unix.ENOTDIR, nil},
	{"remove a folder and all", func(c *hdfs.Client, d string) error { return c.RemoveAll(d + "/full") }, nil, []string{"-full/", "-full/file"}},
	{"remove a file and all", func(c *hdfs.Client, d string) error { return c.RemoveAll(d + "/file") }, nil, []string{"-file"}},
	{"remove nothing and all", func(c *hdfs.Client, d string) error { return c.RemoveAll(d + "/none") }, nil, nil},
	{"sync", func(c *hdfs.Client, d string) error { return c.Sync(d) }, nil, nil},

	{"a path that isn't absolute", func(c *hdfs.Client, d string) error { _, err := c.Stat("file"); return anyError(err) }, errAny, nil},
	{"a path that isn't clean", func(c *hdfs.Client, d string) error { return anyError(c.MkdirAll(d + "/../new")) }, errAny, nil},
	{"a colon", func(c *hdfs.Client, d string) error { return anyError(write(c, d+"/a:b", "")) }, errAny, nil},
	{"a control character", func(c *hdfs.Client, d string) error { return anyError(write(c, d+"/a\nb", "")) }, errAny, nil},
}

var errAny = errors.New("any error")

func anyError(err error) error {
	if err != nil {
		return errAny
	}
	return nil
}

func testSemantics(t *testing.T, c *hdfs.Client, base string) {
	for i, s := range semantics {
		t.Run(s.name, func(t *testing.T) {
			d := fmt.Sprintf("%s/case %d", base, i)
			prepare(t, c, d)
			err := s.do(c, d)
			if s.want == nil && err != nil || !errors.Is(err, s.want) {
				t.Errorf("error %v, want %v", err, s.want)
			}
			if s.want != nil && s.want != errAny && err != nil && !strings.Contains(err.Error(), d) {
				t.Errorf("error %q doesn't name %s", err, d)
			}
			want := map[string]bool{"file": true, "empty/": true, "full/": true, "full/file": true}
			for _, name := range s.left {
				if gone, ok := strings.CutPrefix(name, "-"); ok {
					delete(want, gone)
				} else {
					want[name] = true
				}
			}
			for _, name := range tree(t, c, d, "") {
				if !want[name] {
					t.Errorf("%s is there", name)
				}
				delete(want, name)
			}
			for name := range want {
				t.Errorf("%s isn't there", name)
			}
		})
	}
}

func prepare(t *testing.T, c *hdfs.Client, d string) {
	t.Helper()
	for _, err := range []error{c.MkdirAll(d + "/empty"), c.MkdirAll(d + "/full"), write(c, d+"/file", "content"), write(c, d+"/full/file", "also")} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tree lists what is in a folder and in those in it, these with a slash.
func tree(t *testing.T, c *hdfs.Client, d, prefix string) []string {
	t.Helper()
	infos, err := c.ReadDir(d)
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, i := range infos {
		if i.IsDir() {
			names = append(names, prefix+i.Name()+"/")
			names = append(names, tree(t, c, d+"/"+i.Name(), prefix+i.Name()+"/")...)
		} else {
			names = append(names, prefix+i.Name())
		}
	}
	return names
}

func expectInfo(c *hdfs.Client, path, name string, size int64, dir bool) error {
	i, err := c.Stat(path)
	if err == nil && (i.Name() != name || i.Size() != size || i.IsDir() != dir || i.ModTime().IsZero()) {
		err = fmt.Errorf("%s %d %v %v", i.Name(), i.Size(), i.Mode(), i.ModTime())
	}
	return err
}

func expectContent(c *hdfs.Client, path, want string) error {
	got, err := c.ReadFile(path, int64(len(want)))
	if err == nil && string(got) != want {
		err = fmt.Errorf("%s holds %q, want %q", path, got, want)
	}
	return err
}

func expectRange(c *hdfs.Client, path string, offset int64, n int, want string, wantErr error) error {
	p := make([]byte, n)
	n, err := c.ReadRange(path, offset, p)
	if err != wantErr || string(p[:n]) != want {
		return fmt.Errorf("read %q, error %v, want %q, %v", p[:n], err, want, wantErr)
	}
	return nil
}

// expectAfter returns err unless the check that follows fails.
func expectAfter(err, check error) error {
	if check != nil {
		return check
	}
	return err
}

// A cluster is one whose state a test changes: hdfstest or a real one.
type cluster interface {
	// client is a client that makes one try only.
	client(t testing.TB, user string) *hdfs.Client
	safeMode(on bool)
	quota(folder string, names, bytes int64)
}

// changes are all operations that change something in a folder that prepare has made.
var changes = []struct {
	name string
	do   func(c *hdfs.Client, d string) error
}{
	{"make a folder", func(c *hdfs.Client, d string) error { return c.MkdirAll(d + "/new") }},
	{"create", func(c *hdfs.Client, d string) error { return write(c, d+"/new file", "some") }},
	{"create a large file", func(c *hdfs.Client, d string) error { return write(c, d+"/large", strings.Repeat("large ", 1_000_000)) }},
	{"claim", func(c *hdfs.Client, d string) error { return c.Claim(d+"/file", d+"/full/claimed") }},
	{"rename", func(c *hdfs.Client, d string) error { return c.Rename(d+"/full", d+"/renamed") }},
	{"remove", func(c *hdfs.Client, d string) error { return c.Remove(d + "/empty") }},
	{"remove all", func(c *hdfs.Client, d string) error { return c.RemoveAll(d + "/renamed") }},
}

func testSafeMode(t *testing.T, of cluster) {
	c, d := of.client(t, "hdfs"), "/safe mode"
	prepare(t, c, d)
	of.safeMode(true)
	defer of.safeMode(false)
	for _, change := range changes {
		if err := change.do(c, d); !errors.Is(err, hdfs.ErrSafeMode) {
			t.Errorf("%s in safe mode: %v", change.name, err)
		}
	}
	if err := expectContent(c, d+"/file", "content"); err != nil {
		t.Error(err)
	}
	expectUntouched(t, c, d)
	of.safeMode(false)
	for _, change := range changes {
		if err := change.do(c, d); err != nil {
			t.Errorf("%s after safe mode: %v", change.name, err)
		}
	}
}

func testPermissions(t *testing.T, of cluster) {
	d := "/permissions"
	prepare(t, of.client(t, "hdfs"), d)
	c := of.client(t, "somebody")
	for _, change := range changes {
		// The last removes what isn't there.
		if err := change.do(c, d); !errors.Is(err, fs.ErrPermission) && change.name != "remove all" {
			t.Errorf("%s by somebody: %v", change.name, err)
		}
	}
	if err := expectContent(c, d+"/file", "content"); err != nil {
		t.Error(err)
	}
	if _, err := c.Stat(d + "/file/none"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("stat below a file by somebody: %v", err)
	}
	expectUntouched(t, c, d)
}

func testQuotas(t *testing.T, of cluster) {
	c := of.client(t, "hdfs")
	prepare(t, c, "/quota")
	for _, q := range []struct{ names, bytes int64 }{{5, 1 << 40}, {100, 4000}} {
		of.quota("/quota", q.names, q.bytes)
		for _, size := range []int{5000, 6_000_000} {
			if err := write(c, "/quota/new", strings.Repeat("n", size)); !errors.Is(err, unix.EDQUOT) {
				t.Errorf("%d bytes where %d names and %d bytes are allowed: %v", size, q.names, q.bytes, err)
			}
		}
		expectUntouched(t, c, "/quota")
	}
}

func expectUntouched(t *testing.T, c *hdfs.Client, d string) {
	t.Helper()
	if got := tree(t, c, d, ""); fmt.Sprint(got) != "[empty/ file full/ full/file]" {
		t.Errorf("left: %q", got)
	}
}

// Names come back as they were given, whatever means something in a URL.
func testNames(t *testing.T, c *hdfs.Client, base string) {
	for _, name := range []string{
		"y=2018", "a b", "a+b", "a%20b", "a%b", "a;b", "a&b", "a#b", "a?b", "a=b&c=d", "ä€😀", "~", "a'b", `a"b`, `a\b`, "a|b", "a,b", "@", "[a]", "{a}", "a*", ".a", strings.Repeat("n", 250),
	} {
		t.Run(name, func(t *testing.T) {
			d := base + "/" + name
			if err := c.MkdirAll(d); err != nil {
				t.Fatal(err)
			}
			if err := write(c, d+"/"+name, name); err != nil {
				t.Fatal(err)
			}
			if err := expectContent(c, d+"/"+name, name); err != nil {
				t.Error(err)
			}
			if err := c.Rename(d+"/"+name, d+"/2 "+name); err != nil {
				t.Error(err)
			}
			if got := tree(t, c, d, ""); len(got) != 1 || got[0] != "2 "+name {
				t.Errorf("listed as %q", got)
			}
			if err := c.RemoveAll(d); err != nil {
				t.Error(err)
			}
			if got := tree(t, c, base, ""); len(got) != 0 {
				t.Errorf("left: %q", got)
			}
		})
	}
}

// What is larger than any buffer on the way arrives as it is.
func testLarge(t *testing.T, c *hdfs.Client, base string, size int) {
	content := bytes.Repeat([]byte("0123456789abcdef-"), size/17+1)[:size]
	if err := c.MkdirAll(base); err != nil {
		t.Fatal(err)
	}
	if err := write(c, base+"/large", string(content)); err != nil {
		t.Fatal(err)
	}
	got, err := c.ReadFile(base+"/large", int64(size))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes, error %v", len(got), err)
	}
	if _, err := c.ReadFile(base+"/large", int64(size)-1); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("read of a file that is too large: %v", err)
	}
}
