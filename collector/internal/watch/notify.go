package watch

import (
	"errors"
	"path/filepath"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"spot-ingest/pkg/logging"
)

// A notifier is the source of events: fsnotify's watcher, a test's script, or none.
type notifier struct {
	events <-chan fsnotify.Event
	errors <-chan error
	add    func(folder string)
	remove func(folder string)
	close  func()
}

// noEvents is a notifier for those who only scan.
func noEvents() *notifier {
	ignore := func(string) {}
	return &notifier{add: ignore, remove: ignore, close: func() {}}
}

// inotify starts a notifier by fsnotify. Where the system gives no events, or not for all
// folders, it says so once, and files are found by rescans alone.
func inotify(log *logging.Logger) *notifier {
	n := noEvents()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warning("No events of new files: %v (the limit may be fs.inotify.max_user_instances). They are found by a rescan every %v.",
			err, rescanInterval)
		return n
	}
	n.events, n.errors = w.Events, w.Errors
	n.close = func() { w.Close() }
	n.remove = func(folder string) { _ = w.Remove(folder) } // mostly gone with the folder
	n.add = adder(w.Add, log)
	return n
}

// adder watches folders as far as the limit of watches allows, and says once where not.
func adder(add func(folder string) error, log *logging.Logger) func(folder string) {
	said := false
	return func(folder string) {
		if filepath.Base(folder) == "..." {
			return // fsnotify would take the name as a wish for recursion
		}
		// Any other failure is met again when the folder is read.
		if err := add(folder); errors.Is(err, syscall.ENOSPC) && !said {
			said = true
			log.Warning("Can't watch \"%s\" and maybe more: the limit fs.inotify.max_user_watches is used up. "+
				"Files there are found by a rescan every %v; raise the limit by sysctl.", folder, rescanInterval)
		}
	}
}
