package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A section is one object of the file. Its methods return a key's value, or record why
// they can't: the first reason stays in err, which sections of one reading share.
type section struct {
	file   string
	prefix string // of its keys, such as "pipelines.flow."
	values map[string]json.RawMessage
	err    *error
}

// reading returns the whole file as a section, and where its first error will be.
func (c *Config) reading() (section, *error) {
	err := new(error)
	return section{file: c.file, values: c.values, err: err}, err
}

// fail records an error about a key.
func (s section) fail(key, format string, args ...any) {
	if *s.err == nil {
		*s.err = fmt.Errorf("%s: %s%s %s", s.file, s.prefix, key, fmt.Sprintf(format, args...))
	}
}

func (s section) missing(key, want string) { s.fail(key, "is missing or empty: want %s", want) }

func (s section) invalid(key, want string) {
	const most = 80
	var compact bytes.Buffer
	_ = json.Compact(&compact, s.values[key]) // it was valid when the file was read
	value := []rune(compact.String())
	if len(value) > most {
		value = append(value[:most], '…')
	}
	s.fail(key, "is %s: want %s", string(value), want)
}

// unedited records that the value is still what the shipped file has there.
func (s section) unedited(key, placeholder, want string) {
	s.fail(key, "is still the placeholder %q: want %s", placeholder, want)
}

// get returns a value as it is written. Null and blank strings count as no value.
func (s section) get(key string) (json.RawMessage, bool) {
	raw, found := s.values[key]
	if !found || string(raw) == "null" {
		return nil, false
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && strings.TrimSpace(text) == "" {
		return nil, false
	}
	return raw, true
}

// section returns an object within this one.
func (s section) section(key, want string) section {
	if _, set := s.get(key); !set {
		s.missing(key, want)
	}
	return s.optional(key, want)
}

// optional returns an object within this one, an empty one if it is unset.
func (s section) optional(key, want string) section {
	inner := section{file: s.file, prefix: s.prefix + key + ".", err: s.err}
	if raw, set := s.get(key); set && json.Unmarshal(raw, &inner.values) != nil {
		s.invalid(key, want)
	}
	return inner
}

// text returns a string, "" if it is unset.
func (s section) text(key, want string) string {
	raw, set := s.get(key)
	if !set {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		s.invalid(key, want)
	}
	return text
}

// choice returns a string in lower case that is one of the allowed.
func (s section) choice(key, fallback string, allowed ...string) string {
	want := "one of " + strings.Join(allowed, ", ")
	text := strings.ToLower(strings.TrimSpace(s.text(key, want)))
	if text == "" {
		return fallback
	}
	if !slices.Contains(allowed, text) {
		s.invalid(key, want)
	}
	return text
}

// list returns the strings of a list; a string alone is a list of one.
func (s section) list(key, want string) []string {
	raw, set := s.get(key)
	if !set {
		return nil
	}
	if raw[0] == '"' {
		return []string{s.text(key, want)}
	}
	var items []*string // null is no string
	if json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
		s.invalid(key, want)
		return nil
	}
	var list []string
	for _, item := range items {
		list = append(list, *item)
	}
	return list
}

// joined returns a list with commas between, a string alone as it is written.
func (s section) joined(key, want string) string {
	return strings.TrimSpace(strings.Join(s.list(key, want), ","))
}

// number returns a number, written as such or as a string, between two bounds.
func (s section) number(key string, fallback, low, high float64, want string) float64 {
	raw, set := s.get(key)
	if !set {
		return fallback
	}
	n, err := parseNumber(raw)
	if err != nil || n < low || n > high {
		s.invalid(key, want)
		return fallback
	}
	return n
}

func parseNumber(raw json.RawMessage) (float64, error) {
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return 0, err
		}
	}
	text = strings.TrimSpace(text)
	if strings.Trim(text, "+-.0123456789eE") != "" { // ParseFloat takes "inf", "nan" and hexadecimal
		return 0, errors.New("not a decimal number")
	}
	return strconv.ParseFloat(text, 64)
}

func (s section) whole(key string, fallback, low, high int, unit string) int {
	want := strings.TrimSpace(fmt.Sprintf("a whole number from %d to %d %s", low, high, unit))
	n := s.number(key, float64(fallback), float64(low), float64(high), want)
	if n != math.Trunc(n) {
		s.invalid(key, want)
	}
	return int(n)
}

func (s section) seconds(key string, fallback, low, high time.Duration) time.Duration {
	want := fmt.Sprintf("a number of seconds from %g to %.0f", low.Seconds(), high.Seconds())
	return time.Duration(s.number(key, fallback.Seconds(), low.Seconds(), high.Seconds(), want) * float64(time.Second))
}

// written returns a string or a number as it is written, without blanks around it, "" if it
// is unset.
func (s section) written(key, want string) string {
	raw, set := s.get(key)
	if !set {
		return ""
	}
	if _, err := parseNumber(raw); err == nil && raw[0] != '"' {
		return string(raw)
	}
	return strings.TrimSpace(s.text(key, want))
}

// boolean takes true, "true" in any case, 1, and their contraries.
func (s section) boolean(key string, fallback bool) bool {
	raw, set := s.get(key)
	if !set {
		return fallback
	}
	switch strings.ToLower(strings.Trim(string(raw), "\" ")) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	s.invalid(key, "true or false")
	return fallback
}
