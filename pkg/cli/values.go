package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// parseInt reads a whole number as Python's int does: blanks around it and a sign are fine.
func parseInt(s string) (int, error) {
	n, err := strconv.Atoi(strings.Trim(s, " \t\n\v\f\r"))
	if err != nil {
		return 0, errors.New("invalid int value: " + quote(s))
	}
	return n, nil
}

func parseCount(s string) (int, error) {
	n, err := parseInt(s)
	if err == nil && n < 0 {
		err = errors.New("must not be negative: " + quote(s))
	}
	return n, err
}

// CheckTopic refuses the empty name that an unset variable of a script or a service leaves. The
// parser does not: as for Python's argparse, an empty value is a value.
func CheckTopic(name string) error {
	if name == "" {
		return errors.New("--topic is empty: want the name of a topic (of a service: TOPIC in its file in /etc/spot-ingest)")
	}
	return nil
}

// parseTime reads RFC 3339, or YYYY-MM-DD[ hh:mm[:ss]] in the zone local.
func parseTime(s string, local *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("invalid time: " + quote(s) +
		" (want RFC 3339 or YYYY-MM-DD[ hh:mm[:ss]])")
}
