package metastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"spot-ingest/listener/internal/table"
)

// batch is how many partitions are added by one request.
const batch = 100

// maxRefused is how many partitions Hive may refuse until the others are not tried: then
// it is no matter of single partitions, and each request may take long to fail.
const maxRefused = 8

// A LocationError says that Hive's table lies elsewhere than the rows.
type LocationError struct {
	// Table is its name, such as "spot.flow".
	Table string
	// Hive is the location that Hive knows, Rows the one where rows go.
	Hive, Rows string
}

// Error says what can be done.
func (e *LocationError) Error() string {
	return fmt.Sprintf("hive's table %s lies in %s, but rows go to %s: set its location back, or start the listener anew", e.Table, e.Hive, e.Rows)
}

// A PartialError says that Hive refuses some partitions and has the others.
type PartialError struct {
	// Hours are those of the partitions that were not added.
	Hours []table.Hour
	// Example is the folder of the first of them, Err what Hive says of it.
	Example string
	Err     error
}

// Error tells how many there are.
func (e *PartialError) Error() string {
	if len(e.Hours) == 1 {
		return fmt.Sprintf("partition %s was not added: %v", e.Example, e.Err)
	}
	return fmt.Sprintf("%d partitions were not added, such as %s: %v", len(e.Hours), e.Example, e.Err)
}

// Unwrap returns what Hive says of the first.
func (e *PartialError) Unwrap() error { return e.Err }

// Add makes the partitions of some hours known, those that aren't yet, in batches. Location
// is where the rows go: a table that lies elsewhere by now is a *LocationError, one with
// other columns a *DifferenceError. Where Hive refuses a batch its halves are tried, so that
// one bad partition keeps no other back: what remains is a *PartialError.
func (t *Table) Add(ctx context.Context, location string, hours []table.Hour) error {
	return t.do(ctx, "add partitions of", func(s session) error {
		d, err := t.usable(ctx, s, location)
		if err != nil {
			return err
		}
		return t.addAll(ctx, s, d, hours)
	})
}

// usable describes the table and refuses one that rows at a location don't belong to.
func (t *Table) usable(ctx context.Context, s session, location string) (Description, error) {
	d, err := s.describe(ctx)
	if err != nil {
		return d, err
	}
	if err := t.Check(d); err != nil {
		return d, err
	}
	if !SameLocation(d.Location, location) {
		return d, &LocationError{Table: t.Name(), Hive: d.Location, Rows: location}
	}
	d.Location = strings.TrimRight(d.Location, "/")
	return d, nil
}

func (t *Table) addAll(ctx context.Context, s session, d Description, hours []table.Hour) error {
	var refused PartialError
	for some := range slices.Chunk(hours, batch) {
		if err := t.addHalves(ctx, s, d, some, &refused); err != nil {
			return err
		}
	}
	if len(refused.Hours) > 0 {
		return &refused
	}
	return nil
}

// addHalves adds hours, or those halves of them that Hive doesn't refuse, and notes the
// others. It returns the errors that concern all of them.
func (t *Table) addHalves(ctx context.Context, s session, d Description, hours []table.Hour, refused *PartialError) error {
	if len(refused.Hours) >= maxRefused {
		refused.Hours = append(refused.Hours, hours...)
		return nil
	}
	err := s.add(ctx, d.Location, hours)
	var r *refusal
	if err == nil || !errors.As(err, &r) {
		return err
	}
	if len(hours) > 1 {
		half := len(hours) / 2
		if err := t.addHalves(ctx, s, d, hours[:half], refused); err != nil {
			return err
		}
		return t.addHalves(ctx, s, d, hours[half:], refused)
	}
	// The table may have gone, of which each partition would be refused.
	if _, err := s.describe(ctx); err != nil {
		return err
	}
	if refused.Err == nil {
		refused.Example, refused.Err = t.table.Folder(hours[0]), err
	}
	refused.Hours = append(refused.Hours, hours[0])
	return nil
}
