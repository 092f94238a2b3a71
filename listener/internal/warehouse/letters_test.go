package warehouse

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"spot-ingest/pkg/config"
)

func TestLetters(t *testing.T) {
	const prefix = `{"topic":"SPOT-FLOW","partition":2,"offset":1234567890123,`
	for _, tt := range []struct {
		name   string
		letter Letter
		want   string
	}{
		{"a row", Letter{Row: 7, Reason: `ibyt is "x": want a number`, Bytes: []byte("2018,x")},
			`"row":7,"reason":"ibyt is \"x\": want a number","text":"2018,x"}`},
		{"the first row", Letter{Row: 0, Reason: "r", Bytes: []byte("x")}, `"row":0,"reason":"r","text":"x"}`},
		{"a message", Letter{Row: -1, Reason: "no list", Bytes: []byte("hello")}, `"row":null,"reason":"no list","text":"hello"}`},
		{"a message without value", Letter{Row: -1, Reason: "r"}, `"row":null,"reason":"r","text":""}`},
		{"an empty row", Letter{Row: 1, Reason: "r", Bytes: []byte{}}, `"row":1,"reason":"r","text":""}`},
		{"markup", Letter{Row: 1, Reason: "r", Bytes: []byte("GET /?a=1&b=<c> \\ \"d\" HTTP")}, `"row":1,"reason":"r","text":"GET /?a=1&b=<c> \\ \"d\" HTTP"}`},
		{"text", Letter{Row: 1, Reason: "r", Bytes: []byte("caf\u00e9 \U0001f37a \ufffd \ufeff")}, "\"row\":1,\"reason\":\"r\",\"text\":\"caf\u00e9 \U0001f37a \ufffd \ufeff\"}"},
		{"what ends lines", Letter{Row: 1, Reason: "r", Bytes: []byte("a\nb\r\nc\u2028d\u2029e")},
			`"row":1,"reason":"r","text":"a\nb\r\nc\u2028d\u2029e"}`},
		{"control characters", Letter{Row: 1, Reason: "r", Bytes: []byte("\x00\x01\x1b[31m\t\x7f")},
			`"row":1,"reason":"r","text":"\u0000\u0001\u001b[31m\t` + "\x7f" + `"}`},
		{"Latin-1", Letter{Row: 1, Reason: "r", Bytes: []byte("caf\xe9")}, `"row":1,"reason":"r","base64":"Y2Fm6Q=="}`},
		{"half a surrogate", Letter{Row: 1, Reason: "r", Bytes: []byte("\xed\xa0\x80")}, `"row":1,"reason":"r","base64":"7aCA"}`},
		{"cut UTF-8", Letter{Row: -1, Reason: "r", Bytes: []byte("a\xe2\x82")}, `"row":null,"reason":"r","base64":"YeKC"}`},
		{"a reason that is no UTF-8", Letter{Row: 1, Reason: "dns \xff", Bytes: []byte("x")}, `"row":1,"reason":"dns \ufffd","text":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWarehouse(t, config.Flow, nil)
			b := w.Batch("name")
			tt.letter.Topic, tt.letter.Partition, tt.letter.Offset = "SPOT-FLOW", 2, 1234567890123
			if err := b.Bad(tt.letter); err != nil {
				t.Fatal(err)
			}
			files := finish(t, b)
			if len(files) != 1 || files[0].Final != "dead_letter/name.jsonl" || files[0].Rows != 1 {
				t.Fatalf("files %+v", files)
			}
			line, err := os.ReadFile(filepath.Join(w.options.Folder, files[0].Staged))
			if err != nil {
				t.Fatal(err)
			}
			if want := prefix + tt.want + "\n"; string(line) != want || files[0].Bytes != int64(len(want)) {
				t.Errorf("%d bytes, got\n%s, want\n%s", files[0].Bytes, line, want)
			}
			readLetters(t, line, tt.letter)
		})
	}
}

// readLetters checks that the bytes can be had back from each of the lines.
func readLetters(t *testing.T, lines []byte, want ...Letter) {
	t.Helper()
	if !utf8.Valid(lines) {
		t.Errorf("not UTF-8: %q", lines)
	}
	// Some readers take these for ends of lines.
	if bytes.ContainsAny(lines, "\r\u2028\u2029") {
		t.Errorf("more than a line a letter: %q", lines)
	}
	decoder := json.NewDecoder(bytes.NewReader(lines))
	for i, want := range want {
		var got struct {
			Row          *int
			Text, Base64 *string
		}
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		var back []byte
		switch {
		case got.Text != nil && got.Base64 == nil:
			back = []byte(*got.Text)
		case got.Base64 != nil && got.Text == nil:
			var err error
			if back, err = base64.StdEncoding.DecodeString(*got.Base64); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("line %d has neither text nor base64, or both", i)
		}
		if !bytes.Equal(back, want.Bytes) || (got.Row == nil) != (want.Row < 0) {
			t.Errorf("line %d: row %v, %q; want %d, %q", i, got.Row, back, want.Row, want.Bytes)
		}
	}
	if decoder.More() {
		t.Error("more lines")
	}
}

func FuzzLetter(f *testing.F) {
	for _, s := range []string{"", "2018-03-20,x", "a\nb\u2028c", "caf\xe9", "\x00\x7f\u0085", "\xed\xa0\x80", `"\`} {
		f.Add([]byte(s), s)
	}
	w := New(Options{Folder: f.TempDir()})
	letters, err := w.Batch("name").newLetters()
	if err != nil {
		f.Fatal(err)
	}
	defer letters.abandon()
	f.Fuzz(func(t *testing.T, value []byte, reason string) {
		var lines bytes.Buffer
		letters.buffer.Reset(&lines) // faster than a file
		want := []Letter{{Topic: "t", Row: -1, Reason: reason, Bytes: value}, {Topic: "t", Reason: reason, Bytes: value}}
		for _, l := range want {
			if err := letters.write(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := letters.buffer.Flush(); err != nil {
			t.Fatal(err)
		}
		readLetters(t, lines.Bytes(), want...)
	})
}

// Several goroutines set rows aside, among them a giant one, while others append.
func TestConcurrentLetters(t *testing.T) {
	const goroutines, each = 4, 200
	w := newWarehouse(t, config.Flow, nil)
	b := w.Batch("name")
	giant := strings.Repeat("x", 5<<20)
	rows := rowsOf(t, config.Flow, hourNumber(0), 0, 1)
	var wait sync.WaitGroup
	for g := range goroutines {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range each {
				l := Letter{Topic: "t", Partition: g, Offset: int64(i), Row: i, Reason: "r", Bytes: []byte("row")}
				if g == 0 && i == 100 {
					l.Bytes = []byte(giant)
				}
				if err := b.Bad(l); err != nil {
					t.Error(err)
				}
				if err := b.Append(hourNumber(0), rows); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wait.Wait()
	files := finish(t, b)
	letters := files[len(files)-1]
	if len(files) != 2 || letters.Final != "dead_letter/name.jsonl" || letters.Rows != goroutines*each || files[0].Rows != goroutines*each {
		t.Fatalf("files %+v", files)
	}
	lines, err := os.ReadFile(filepath.Join(w.options.Folder, letters.Staged))
	if err != nil {
		t.Fatal(err)
	}
	seen, decoder := map[[2]int]int{}, json.NewDecoder(bytes.NewReader(lines))
	for decoder.More() {
		var l struct {
			Partition, Offset, Row int
			Text                   string
		}
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if l.Row != l.Offset || l.Text != "row" && l.Text != giant {
			t.Errorf("partition %d, offset %d: row %d, %.20q", l.Partition, l.Offset, l.Row, l.Text)
		}
		seen[[2]int{l.Partition, l.Offset}]++
	}
	if len(seen) != goroutines*each || bytes.Count(lines, []byte("\n")) != goroutines*each {
		t.Errorf("%d letters, want %d", len(seen), goroutines*each)
	}
}
