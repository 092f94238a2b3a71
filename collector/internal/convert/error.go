package convert

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// A Kind says what went wrong with a conversion, and so whether another try can help.
type Kind int

const (
	// NotStarted: the tool isn't there any more, or can't be started.
	NotStarted Kind = iota + 1
	// BadSource: the raw file can't be opened or read.
	BadSource
	// Exited: the tool exited with another code than 0. The same twice over means that
	// the file itself is damaged; the rows before the damage were delivered.
	Exited
	// NoRows: the tool exited with 0, but printed no row and complained.
	NoRows
	// BadOutput: the tool's output isn't what it should be.
	BadOutput
	// Killed: the tool was killed by a signal that wasn't ours.
	Killed
	// Hanging: the tool printed nothing for the job's timeout, and was killed.
	Hanging
	// Stopped: the context ended.
	Stopped
	// UnknownFile: the raw file is of a kind that the native converter doesn't know.
	UnknownFile
	// Damaged: the raw file makes no sense from some place on, says the native converter;
	// the rows before were delivered.
	Damaged
)

// An Error tells why a file wasn't converted, or not to its end.
type Error struct {
	Kind     Kind
	Tool     string         // Nfdump or Tshark; "" for text and native
	File     string         // the raw file's base name
	ExitCode int            // with Exited
	Signal   syscall.Signal // with Killed
	Timeout  time.Duration  // with Hanging
	Rows     int64          // rows (without headers and trailers) delivered before the end
	Said     string         // what the tool said, in brief: see [Stream.Notes]
	Err      error          // the cause, if it isn't the tool's exit
}

// Error reads "convert nfcapd.201803200900: nfdump exited with 250: bad version: 2".
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "convert %s: ", e.File)
	switch e.Kind {
	case Exited:
		fmt.Fprintf(&b, "%s exited with %d", e.Tool, e.ExitCode)
	case NoRows:
		fmt.Fprintf(&b, "%s printed no rows", e.Tool)
	case Killed:
		fmt.Fprintf(&b, "%s was killed by signal %d (%v)", e.Tool, int(e.Signal), e.Signal)
		if e.Signal == syscall.SIGKILL {
			b.WriteString(", perhaps for want of memory")
		}
	case Hanging:
		fmt.Fprintf(&b, "%s printed nothing for %v and was stopped", e.Tool, e.Timeout)
	default:
		if e.Tool != "" {
			fmt.Fprintf(&b, "%s: ", e.Tool)
		}
		fmt.Fprintf(&b, "%v", e.Err)
	}
	if e.Rows > 0 {
		fmt.Fprintf(&b, " (after %s rows)", thousands(e.Rows))
	}
	if e.Said != "" {
		b.WriteString(": " + e.Said)
	}
	return b.String()
}

// Unwrap returns the cause, if there is one beside the tool's exit.
func (e *Error) Unwrap() error { return e.Err }
