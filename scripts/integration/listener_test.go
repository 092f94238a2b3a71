//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var builtListener struct {
	once sync.Once
	path string
	err  error
}

// listenerBinary builds the listener as a release is built, once, beside the collector.
func listenerBinary(t *testing.T) string {
	t.Helper()
	b := &builtListener
	b.once.Do(func() {
		b.path = filepath.Join(filepath.Dir(collectorBinary), "listener")
		cmd := exec.Command("go", "build", "-o", b.path, "spot-ingest/listener")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("build the listener: %w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

// warehouse is where the site's table lies: its type's folder.
func (s *site) warehouse(elem ...string) string {
	return s.path(append([]string{"warehouse", s.kind}, elem...)...)
}

// listenOnce lets a listener take all that the topic holds into the site's table.
func (s *site) listenOnce() {
	s.t.Helper()
	s.conf["hdfs_app_path"] = s.path("warehouse")
	s.writeConf()
	var text bytes.Buffer
	cmd := exec.Command(listenerBinary(s.t), s.args("-p", fmt.Sprint(partitions), "--master", "local", "--from", "earliest", "--once")...)
	cmd.Dir = s.dir
	cmd.Env = append(append(os.Environ(), "TZ=UTC"), s.env...)
	cmd.Stdout, cmd.Stderr = &text, &text
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("the listener: %v\n%s", err, &text)
	}
}

// deadLetters returns the rows that were set aside, and how often each.
func (s *site) deadLetters() map[string]int {
	s.t.Helper()
	files, err := filepath.Glob(s.warehouse("dead_letter", "*.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	rows := make(map[string]int)
	for _, file := range files {
		lines := json.NewDecoder(bufio.NewReader(bytes.NewReader(readFile(s.t, file))))
		for lines.More() {
			var letter struct {
				Row    *int
				Reason string
				Text   string
			}
			if err := lines.Decode(&letter); err != nil {
				s.t.Fatalf("%s: %v", file, err)
			}
			if letter.Row == nil || letter.Reason == "" {
				s.t.Errorf("%s: not a row with the reason why it is here: %+v", file, letter)
			}
			rows[letter.Text]++
		}
	}
	return rows
}

// tableFiles returns the files of the table, and wants them all to be visible Parquet
// files below partition folders.
func (s *site) tableFiles() (files []string) {
	s.t.Helper()
	hive := s.warehouse("hive")
	err := filepath.WalkDir(hive, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == hive {
			return err
		}
		name := entry.Name()
		if entry.IsDir() != strings.Contains(name, "=") || (!entry.IsDir() && filepath.Ext(name) != ".parquet") || strings.ContainsAny(name[:1], "._") {
			s.t.Errorf("in the table's folder: %s", path)
		}
		if !entry.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return files
}
