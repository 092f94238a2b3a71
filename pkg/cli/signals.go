package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Signals returns a context that ends at the first INT, TERM, USR1 or HUP, and one that ends
// the time drain after it, when work still under way is given up. A second signal (but for an
// echo of the first, within a tenth of a second) ends the process at once with exit code 1,
// and so does the time limit after the first, with the message as the program's error. HUP is
// left alone if it was ignored at start, as nohup wants it. It is called once.
func Signals(program string, drain, limit time.Duration, message string) (stop, drained context.Context) {
	stop, cancelStop := context.WithCancel(context.Background())
	drained, cancelDrained := context.WithCancel(context.Background())
	received := stopSignals()
	go func() {
		<-received
		cancelStop()
		time.AfterFunc(drain, cancelDrained)
		select {
		case <-received:
		case <-time.After(limit):
			fmt.Fprintf(os.Stderr, "%s: error: %s\n", program, message)
		}
		os.Exit(1)
	}()
	return stop, drained
}

// TwoSignals returns a context that ends at the first of the signals that Signals heeds, and
// one that ends at the second: for a program that waits for another one. It is called once,
// and not beside Signals.
func TwoSignals() (first, second context.Context) {
	first, cancelFirst := context.WithCancel(context.Background())
	second, cancelSecond := context.WithCancel(context.Background())
	received := stopSignals()
	go func() {
		<-received
		cancelFirst()
		<-received
		cancelSecond()
	}()
	return first, second
}

// stopSignals has the signals that are to stop the program come by a channel.
func stopSignals() <-chan os.Signal {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	received, meant := make(chan os.Signal, 2), make(chan os.Signal, 2)
	signal.Notify(received, signals...)
	go dropEchoes(received, meant, time.Now)
	return meant
}

// dropEchoes passes on the signals that were meant, until there are no more.
func dropEchoes(received <-chan os.Signal, meant chan<- os.Signal, now func() time.Time) {
	var e echo
	for s := range received {
		if !e.hears(s, now()) {
			meant <- s
		}
	}
}

// An echo is a signal that comes twice though it was sent once: timeout(1) sends its own to the
// program and then to the program's group.
type echo struct {
	first os.Signal
	at    time.Time
}

// echoTime is far shorter than it takes somebody to lose patience.
const echoTime = 100 * time.Millisecond

// hears tells whether a signal is the echo of the first one.
func (e *echo) hears(s os.Signal, now time.Time) bool {
	if e.first == nil {
		e.first, e.at = s, now
		return false
	}
	return s == e.first && now.Sub(e.at) < echoTime
}
