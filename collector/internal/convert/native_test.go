package convert

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/scripts/generate"
)

// flowFile writes an nfcapd file and returns its path, what is in it, and its rows.
func flowFile(t *testing.T, o generate.NfcapdOptions) (path string, file []byte, csv string) {
	t.Helper()
	var content, rows bytes.Buffer
	o.CSV = &rows
	if _, err := generate.Nfcapd(&content, o); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "nfcapd.201803200900")
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content.Bytes(), rows.String()
}

var nativeFlow = Method{Name: Native, Format: formatNfcapd, Zone: "UTC"}

func TestNative(t *testing.T) {
	o := generate.NfcapdOptions{Options: generate.Options{Rows: 30_000}, Compression: generate.LZ4}
	path, file, csv := flowFile(t, o)
	size := int64(len(file))
	open, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for name, job := range map[string]Job{
		"by path": {Path: path, To: size}, "by file": {Path: path, File: open, To: size}, "staged nowhere": {Path: path, To: size, Stage: path + ".csv"},
	} {
		out, stream, err := convertAll(t, nativeFlow, job)
		if err != nil || out != csv {
			t.Errorf("%s: %d bytes, want %d; %v", name, len(out), len(csv), err)
		}
		if notes := stream.Notes(); len(notes) > 0 {
			t.Errorf("%s: notes %q", name, notes)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What comes behind the planned end isn't read: the rows are those of the plan.
func TestNativeReadsWhatWasPlanned(t *testing.T) {
	path, file, csv := flowFile(t, generate.NfcapdOptions{Options: generate.Options{Rows: 30_000}, Version: 1})
	var before string
	for _, part := range []int64{int64(len(file)) / 2, int64(len(file))/2 - 1} {
		out, _, err := convertAll(t, nativeFlow, Job{Path: path, To: part})
		var failed *Error
		if !errors.As(err, &failed) || failed.Kind != Damaged || failed.Rows != int64(strings.Count(out, "\n")) || failed.Rows == 0 {
			t.Fatalf("%d bytes: %v", part, err)
		}
		if !strings.HasPrefix(csv, out) || before != "" && !strings.HasPrefix(before, out) {
			t.Errorf("%d bytes: other rows than of the whole", part)
		}
		before = out
	}
}

func TestNativeStopped(t *testing.T) {
	path, file, _ := flowFile(t, generate.NfcapdOptions{Options: generate.Options{Rows: 60_000}})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := nativeFlow.Open(ctx, Job{Path: path, To: int64(len(file))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = io.Copy(io.Discard, stream)
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Stopped {
		t.Errorf("%v", err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	// Closed before its end, and before anything was read.
	for _, n := range []int{0, 100} {
		stream, err := nativeFlow.Open(t.Context(), Job{Path: path, To: int64(len(file))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stream, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNativeFails(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]struct {
		kind Kind
		text string
	}{
		"":                      {Damaged, "convert x: damaged at byte 0: the file is empty"},
		"\x0c\xa5":              {Damaged, "convert x: damaged at byte 2: the file ends within its header"},
		"#fields ts uid id.ori": {UnknownFile, "convert x: not known: "},
	} {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := nativeFlow.Open(t.Context(), Job{Path: path, To: int64(len(content))})
		var failed *Error
		if !errors.As(err, &failed) || failed.Kind != want.kind || !strings.HasPrefix(err.Error(), want.text) {
			t.Errorf("%q: %v", content, err)
		}
	}
	// A folder can be opened, but not read.
	_, err := nativeFlow.Open(t.Context(), Job{Path: dir, To: 100})
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != BadSource {
		t.Errorf("a folder: %v", err)
	}
}
