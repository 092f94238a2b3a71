// Package logging writes log lines as Apache Spot's ingest did: Python's
// "%(asctime)s %(levelname)-8s %(name)-34s %(message)s", with local time and a
// comma before the milliseconds, or one JSON object a line.
//
// A record is always one line, whatever a file name in it holds: control
// characters in the message are escaped.
package logging

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Level says how grave a record is; the numbers are those of Python's logging.
type Level int

// The levels of Python's logging module.
const (
	Debug    Level = 10
	Info     Level = 20
	Warning  Level = 30
	Error    Level = 40
	Critical Level = 50
)

// ParseLevel reads a level's name in any case, with Python's aliases (WARN, FATAL,
// NOTSET). A name it doesn't know is Info, as with the original.
func ParseLevel(name string) Level {
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "NOTSET", "DEBUG":
		return Debug
	case "WARN", "WARNING":
		return Warning
	case "ERROR":
		return Error
	case "FATAL", "CRITICAL":
		return Critical
	}
	return Info
}

// String returns Python's name of the level.
func (l Level) String() string {
	switch {
	case l >= Critical:
		return "CRITICAL"
	case l >= Error:
		return "ERROR"
	case l >= Warning:
		return "WARNING"
	case l >= Info:
		return "INFO"
	}
	return "DEBUG"
}

// A Logger writes records under one name. Loggers made from each other by Named share
// the writer, and may be used from several goroutines.
type Logger struct {
	name string
	sink *sink
}

type sink struct {
	mu    sync.Mutex
	w     io.Writer
	level Level
	json  bool
	now   func() time.Time
	buf   []byte
}

// New returns a logger that writes records of at least the given level to w, as JSON
// objects (time, level, logger, message) if asJSON is set.
func New(w io.Writer, level Level, asJSON bool) *Logger {
	return &Logger{sink: &sink{w: w, level: level, json: asJSON, now: time.Now}}
}

// Discard returns a logger that writes nothing.
func Discard() *Logger { return New(io.Discard, Critical+1, false) }

// Named returns a logger that writes under name, such as SPOT.INGEST.COLLECTOR.
func (l *Logger) Named(name string) *Logger { return &Logger{name: name, sink: l.sink} }

// Enabled tells whether records of this level are written.
func (l *Logger) Enabled(level Level) bool { return level >= l.sink.level }

// Debug writes a record of level Debug, formatted as by fmt.Sprintf.
func (l *Logger) Debug(format string, args ...any) { l.log(Debug, format, args) }

// Info writes a record of level Info.
func (l *Logger) Info(format string, args ...any) { l.log(Info, format, args) }

// Warning writes a record of level Warning.
func (l *Logger) Warning(format string, args ...any) { l.log(Warning, format, args) }

// Error writes a record of level Error.
func (l *Logger) Error(format string, args ...any) { l.log(Error, format, args) }

// Critical writes a record of level Critical.
func (l *Logger) Critical(format string, args ...any) { l.log(Critical, format, args) }

func (l *Logger) log(level Level, format string, args []any) {
	s := l.sink
	if level < s.level {
		return
	}
	message := format
	if len(args) > 0 {
		message = fmt.Sprintf(format, args...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.json {
		s.buf = appendJSON(s.buf[:0], s.now(), level, l.name, message)
	} else {
		s.buf = appendText(s.buf[:0], s.now(), level, l.name, message)
	}
	// A log that can't be written (a full disk, a closed pipe) must not stop delivery.
	_, _ = s.w.Write(s.buf)
}

func appendText(b []byte, now time.Time, level Level, name, message string) []byte {
	b = now.AppendFormat(b, "2006-01-02 15:04:05,000")
	b = append(b, ' ')
	b = pad(b, level.String(), 8)
	b = append(b, ' ')
	b = pad(b, name, 34)
	b = append(b, ' ')
	b = appendOneLine(b, message)
	return append(b, '\n')
}

func pad(b []byte, s string, width int) []byte {
	b = append(b, s...)
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	return b
}

func appendJSON(b []byte, now time.Time, level Level, name, message string) []byte {
	line, err := json.Marshal(struct {
		Time    string `json:"time"`
		Level   string `json:"level"`
		Logger  string `json:"logger"`
		Message string `json:"message"`
	}{now.Format("2006-01-02T15:04:05.000Z07:00"), level.String(), name, message})
	if err != nil {
		return b // four strings always marshal
	}
	return append(append(b, line...), '\n')
}

// appendOneLine escapes control characters and bytes that aren't UTF-8.
func appendOneLine(b []byte, s string) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && size == 1) || r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' {
			q := strconv.QuoteToASCII(s[:size])
			b = append(b, q[1:len(q)-1]...)
		} else {
			b = append(b, s[:size]...)
		}
		s = s[size:]
	}
	return b
}
