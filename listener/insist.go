package main

import (
	"context"
	"fmt"
	"time"
)

// insist does what needs another service, until that has been there: for ever, or for a time.
// Errors that are not passing ones are returned at once.
func (l *listener) insist(ctx context.Context, service string, forever bool, patience time.Duration, do func(context.Context) error, passing func(error) bool) error {
	limited := ctx
	if !forever {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	said := false
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := do(limited)
		if err == nil && said {
			l.log.Info("%s is available again.", service)
		}
		if err == nil || !passing(err) {
			return err
		}
		if !said {
			said = true
			l.log.Warning("%s is not available, trying again: %v.", service, err)
		}
		sleep(limited, wait)
		if ctx.Err() == nil && limited.Err() != nil {
			return fmt.Errorf("%s has not been available for %v: %w", service, patience, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
