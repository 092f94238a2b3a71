package convert

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func TestText(t *testing.T) {
	const content = "one\ntwo\nthree"
	path := rawFile(t, content)
	tests := []struct {
		from, to int64
		want     string
		err      string
	}{
		{0, 13, content, ""},
		{4, 8, "two\n", ""},
		{13, 13, "", ""},
		{0, 0, "", ""},
		{20, 20, "", ""},
		{8, 20, "three", "convert nfcapd.201803200900: it ends at byte 13 of 20, so it was cut or rewritten: unexpected EOF"},
		{5, 4, "", "convert nfcapd.201803200900: no such range of bytes: 5 to 4"},
		{-1, 4, "", "convert nfcapd.201803200900: no such range of bytes: -1 to 4"},
	}
	for _, tt := range tests {
		got, _, err := convertAll(t, Method{Name: Text}, Job{Path: path, From: tt.from, To: tt.to})
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("[%d, %d): %q, %v; want %q, %s", tt.from, tt.to, got, err, tt.want, tt.err)
		}
	}
}

// TestTextGrows: what comes later is not read.
func TestTextGrows(t *testing.T) {
	path := rawFile(t, "one\n")
	stream, err := Method{Name: Text}.Open(t.Context(), Job{Path: path, To: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := os.WriteFile(path, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(stream, []byte("one\n")); err != nil {
		t.Error(err)
	}
}

func TestTextStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := Method{Name: Text}.Open(ctx, Job{Path: rawFile(t, "one\ntwo\n"), To: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.ReadFull(stream, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = stream.Read(make([]byte, 4))
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Stopped || !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if notes := stream.Notes(); notes != nil {
		t.Errorf("notes are %s", strings.Join(notes, "|"))
	}
}
