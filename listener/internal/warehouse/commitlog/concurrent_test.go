package commitlog

import (
	"errors"
	"sync"
	"testing"
)

// Several logs of one folder, in one process here, commit at once: partitions of their own,
// and one that all want.
func TestConcurrent(t *testing.T) { overAll(t, testConcurrent) }

func testConcurrent(t *testing.T, tempFolder func(testing.TB) string) {
	const writers = 4
	o := options(tempFolder(t), newClock())
	rounds := 40
	if brief(o.Folder) {
		rounds = 4
	}
	var all sync.WaitGroup
	for w := range writers {
		l := openLog(t, o)
		stop := make(chan struct{})
		var asking sync.WaitGroup
		asking.Add(1)
		go func() { // as whoever reads messages does meanwhile
			defer asking.Done()
			for {
				select {
				case <-stop:
					return
				default:
					l.Known(SegmentID{1})
					l.Position(0)
					l.Positions()
					l.Number()
				}
			}
		}()
		all.Add(1)
		go func() {
			defer all.Done()
			defer asking.Wait()
			defer close(stop)
			for n := range rounds {
				partition := 1 + w
				if n%2 == 0 {
					partition = 0
				}
				p, _ := l.Position(partition)
				c, err := batch(l, partition, p.Next, p.Next+5, 2)
				if err != nil {
					t.Error(err)
					return
				}
				c.Segments = []SegmentID{{byte(w + 2), byte(n)}}
				err = l.Commit(c)
				if partition == 0 && errors.Is(err, ErrStale) {
					abandon(l, c)
				} else if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	all.Wait()
	l := openLog(t, o)
	checkRows(t, o.Folder, l.Positions())
	for w := range writers {
		if p, _ := l.Position(1 + w); p.Next != int64(rounds)/2*5 {
			t.Errorf("partition %d is at %d", 1+w, p.Next)
		}
		if !l.Known(SegmentID{byte(w + 2), 1}) {
			t.Errorf("a segment of writer %d isn't known", w)
		}
	}
}

// Logs that are opened at once for the first time agree on all.
func TestOpenAtOnce(t *testing.T) { overAll(t, testOpenAtOnce) }

func testOpenAtOnce(t *testing.T, tempFolder func(testing.TB) string) {
	for range 20 {
		o := options(tempFolder(t), newClock())
		logs := make([]*Log, 4)
		var all sync.WaitGroup
		for i := range logs {
			all.Add(1)
			go func() {
				defer all.Done()
				l, err := Open(o)
				if err != nil {
					t.Error(err)
					return
				}
				logs[i] = l
				c, err := batch(l, i, 0, 5, 1)
				if err == nil {
					err = l.Commit(c)
				}
				if err != nil {
					t.Error(err)
				}
			}()
		}
		all.Wait()
		for _, l := range logs {
			if l == nil {
				return
			}
			if err := l.Refresh(); err != nil || l.Number() != 4 || l.Warehouse() != logs[0].Warehouse() {
				t.Errorf("record %d of warehouse %s, %v", l.Number(), l.Warehouse(), err)
			}
		}
		checkRows(t, o.Folder, logs[0].Positions())
		for _, l := range logs {
			l.Close()
		}
	}
}
