package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var at = time.Date(2018, 3, 20, 9, 25, 11, 123_900_000, time.Local)

func logger(level Level, asJSON bool) (*Logger, *bytes.Buffer) {
	var b bytes.Buffer
	l := New(&b, level, asJSON)
	l.sink.now = func() time.Time { return at }
	return l, &b
}

func TestText(t *testing.T) {
	l, out := logger(Info, false)
	named := l.Named("SPOT.INGEST.COLLECTOR")
	named.Debug("not written")
	named.Info("Start %q Collector!", "Flow")
	named.Warning("100% of it") // without arguments the text is not a format
	named.Error("a")
	l.Named("SPOT.INGEST.A.VERY.LONG.NAME.THAT.IS.LONGER").Critical("b")
	want := `2018-03-20 09:25:11,123 INFO     SPOT.INGEST.COLLECTOR              Start "Flow" Collector!
2018-03-20 09:25:11,123 WARNING  SPOT.INGEST.COLLECTOR              100% of it
2018-03-20 09:25:11,123 ERROR    SPOT.INGEST.COLLECTOR              a
2018-03-20 09:25:11,123 CRITICAL SPOT.INGEST.A.VERY.LONG.NAME.THAT.IS.LONGER b
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestJSON(t *testing.T) {
	l, out := logger(Debug, true)
	l.Named("N").Debug("a \"b\"\n\xff")
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["level"] != "DEBUG" || got["logger"] != "N" || got["message"] != "a \"b\"\n\ufffd" {
		t.Errorf("got %v", got)
	}
	if when, err := time.Parse(time.RFC3339, got["time"]); err != nil || when.Sub(at).Abs() > time.Millisecond {
		t.Errorf("time %q: %v", got["time"], err)
	}
}

func TestParseLevel(t *testing.T) {
	for name, want := range map[string]Level{
		"debug": Debug, "NotSet": Debug, "INFO": Info, "warn": Warning, "WARNING": Warning,
		"error": Error, "fatal": Critical, "CRITICAL": Critical, "": Info, "verbose": Info, "10": Info,
	} {
		if got := ParseLevel(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A log that can't be written stops nothing.
func TestWriteFails(t *testing.T) {
	New(brokenPipe{}, Debug, false).Info("a")
	Discard().Critical("b")
}

// Whatever a message holds, its record is one line of valid UTF-8 without control characters.
func FuzzOneLine(f *testing.F) {
	f.Add("plain")
	f.Add("a\nb\r\x1b[2J\u2028\u0085\xff \u00e9")
	f.Fuzz(func(t *testing.T, message string) {
		line := string(appendText(nil, at, Info, "N", message))
		body := strings.TrimSuffix(line, "\n")
		if len(line) == len(body) || !utf8.ValidString(line) {
			t.Fatalf("%q", line)
		}
		for _, r := range body {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' {
				t.Fatalf("%q has %U", line, r)
			}
		}
	})
}
