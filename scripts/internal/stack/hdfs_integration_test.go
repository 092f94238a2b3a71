//go:build integration

package stack

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func startHDFS(t *testing.T, h HDFS) *FileSystem {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a first run fetches jars
	defer cancel()
	f, err := StartHDFS(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(f.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the data folder is left: %v", err)
		}
	})
	return f
}

// status asks a name node for the root.
func status(t *testing.T, node string) string {
	t.Helper()
	resp, err := http.Get(node + "/webhdfs/v1/?op=GETFILESTATUS&user.name=hdfs")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestHDFS(t *testing.T) {
	f := startHDFS(t, HDFS{HA: true, DataNodes: 2})
	nodes := f.NameNodes()
	expect := func(i int, want string) {
		t.Helper()
		if got := status(t, nodes[i]); !strings.Contains(got, want) {
			t.Errorf("name node %d said %s, want %s", i, got, want)
		}
	}
	expect(0, `"permission":"777"`)
	expect(1, "StandbyException")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	do(f.Failover())
	expect(0, "StandbyException")
	expect(1, `"permission":"777"`)
	do(f.SafeMode(true))
	do(f.SafeMode(false))
	do(f.StopNameNode(0))
	expect(0, "refused")
	do(f.StartNameNode(0))
	expect(0, "StandbyException")
	do(f.StopDataNode(1))
	do(f.BuryDataNode(1))
	do(f.StartDataNode(1))
	if err := f.Command("nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a command that is none: %v", err)
	}
	if text, err := os.ReadFile(f.ConfDir() + "/core-site.xml"); err != nil || !strings.Contains(string(text), f.URI()) {
		t.Errorf("core-site.xml is %s, %v", text, err)
	}
	f.process.kill()
	if err := f.Failover(); err == nil {
		t.Error("what has ended obeys")
	}
}
