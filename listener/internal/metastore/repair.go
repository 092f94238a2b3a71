package metastore

import (
	"context"
	"errors"
	"iter"

	"spot-ingest/listener/internal/table"
)

// maxMonth bounds the hours of a month that are held at once: as many as there can be.
const maxMonth = 256 * 256

// Repair adds the partitions whose folders exist and that Hive doesn't know, and returns
// how many there were. Location is where the rows go, as for Add; the hours must come month
// by month, as from Folders, for only one month is held in memory. It stops at the first
// error, except that partitions which Hive refuses are told in a *PartialError at the end.
func (t *Table) Repair(ctx context.Context, location string, hours iter.Seq2[table.Hour, error]) (added int, err error) {
	var month []table.Hour
	var refused PartialError
	flush := func() error {
		n, err := t.repairMonth(ctx, location, month)
		added += n
		month = month[:0]
		var partial *PartialError
		if !errors.As(err, &partial) {
			return err
		}
		if refused.Err == nil {
			refused.Example, refused.Err = partial.Example, partial.Err
		}
		if len(refused.Hours) < maxMonth {
			refused.Hours = append(refused.Hours, partial.Hours...)
		}
		return nil
	}
	for h, err := range hours {
		if err != nil {
			return added, err
		}
		if len(month) > 0 && (month[0].Year != h.Year || month[0].Month != h.Month || len(month) == maxMonth) {
			if err := flush(); err != nil {
				return added, err
			}
		}
		month = append(month, h)
	}
	if err := flush(); err != nil {
		return added, err
	}
	if len(refused.Hours) > 0 {
		return added, &refused
	}
	return added, nil
}

// repairMonth adds those of a month's hours that Hive doesn't know.
func (t *Table) repairMonth(ctx context.Context, location string, hours []table.Hour) (added int, err error) {
	if len(hours) == 0 {
		return 0, nil
	}
	err = t.do(ctx, "repair partitions of", func(s session) error {
		d, err := t.usable(ctx, s, location)
		if err != nil {
			return err
		}
		names, err := s.month(ctx, hours[0])
		if err != nil {
			return err
		}
		missing := t.unknown(hours, names)
		added = len(missing)
		err = t.addAll(ctx, s, d, missing)
		var partial *PartialError
		if errors.As(err, &partial) {
			added -= len(partial.Hours)
		} else if err != nil {
			added = 0
		}
		return err
	})
	return added, err
}

// unknown returns the hours that are not among the partitions of these names. Names are
// compared by their numbers: who has added m=03 by hand means m=3.
func (t *Table) unknown(hours []table.Hour, names []string) (missing []table.Hour) {
	known := make(map[table.Hour]bool, len(names))
	for _, name := range names {
		if h, ok := parseName(name); ok {
			known[h] = true
		}
	}
	for _, h := range hours {
		if !known[h] {
			missing = append(missing, h)
			known[h] = true
		}
	}
	return missing
}
