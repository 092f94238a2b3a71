package commitlog

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// grow makes records, of no files, up to a number.
func grow(t testing.TB, l *Log, number int64) {
	t.Helper()
	for l.Number() < number {
		p, _ := l.Position(9)
		id := numbered(int(p.Next), 1)
		if err := l.Commit(&Commit{Parts: []Part{{9, p.Next, Position{Next: p.Next + 1, Last: p.Next}}}, Segments: id}); err != nil {
			t.Fatal(err)
		}
	}
}

func epochNumbers(t testing.TB, l *Log) []int64 {
	t.Helper()
	found, err := l.epochs()
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]int64, len(found))
	for i, f := range found {
		numbers[i] = f.epoch
	}
	return numbers
}

func equal(got []int64, want ...int64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] {
			return false
		}
	}
	return true
}

// What a log says is the same on all sides of the end of an epoch, to whoever has followed
// it and to whoever opens it.
func TestEpochEnds(t *testing.T) { overAll(t, testEpochEnds) }

func testEpochEnds(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	o := options(folder, newClock())
	l, follower, lazy := openLog(t, o), openLog(t, o), openLog(t, o)
	for _, number := range []int64{1, 62, 63, 64, 65, 66, 127, 128, 129, 192} {
		grow(t, l, number)
		opened := openLog(t, o)
		if err := follower.Refresh(); err != nil {
			t.Fatal(err)
		}
		for _, x := range []*Log{l, opened, follower} {
			if p, _ := x.Position(9); x.Number() != number || p.Next != number {
				t.Errorf("record %d: got %d, at %v", number, x.Number(), p)
			}
			for n := range int(number) {
				if !x.Known(id(n)) {
					t.Errorf("record %d: segment %d is not known", number, n)
				}
			}
			if x.Known(id(int(number))) || x.state.folder != l.state.folder {
				t.Errorf("record %d: known too early, or another folder", number)
			}
		}
		grow(t, opened, number+1)
		if err := errors.Join(l.Refresh(), opened.Close()); err != nil {
			t.Error(err)
		}
	}
	// Three epochs at once: by the newest snapshot.
	if err := lazy.Refresh(); err != nil || lazy.Number() != l.Number() || !lazy.Known(id(0)) {
		t.Errorf("record %d, %v", lazy.Number(), err)
	}
	if got := epochNumbers(t, l); !equal(got, 0, 1, 2, 3) {
		t.Errorf("epochs %v", got)
	}
}

func TestPrune(t *testing.T) { overAll(t, testPrune) }

func testPrune(t *testing.T, tempFolder func(testing.TB) string) {
	folder, c := tempFolder(t), newClock()
	o := options(folder, c)
	l, asleep := openLog(t, o), openLog(t, o)
	mustCommit(t, l, 0, 1, 1)
	// Folders made in vain, by processes that are gone.
	vain := func(epoch int64) {
		if err := l.fs.MkdirAll(filepath.Join(l.folder, newEpoch(epoch))); err != nil {
			t.Fatal(err)
		}
	}
	vain(0)
	vain(1)
	grow(t, l, 129)
	if got := epochNumbers(t, l); !equal(got, 0, 1, 2) {
		t.Errorf("epochs %v", got)
	}
	c.add(remember)
	grow(t, l, 193)
	if got := epochNumbers(t, l); !equal(got, 0, 1, 2, 3) {
		t.Errorf("after seven days: epochs %v", got)
	}
	c.add(time.Millisecond)
	vain(0)
	vain(4)
	grow(t, l, 257)
	// Epoch 2 ended seven days later than 0 and 1.
	if got := epochNumbers(t, l); !equal(got, 2, 3, 4) {
		t.Errorf("later: epochs %v", got)
	}
	c.add(30 * 24 * time.Hour)
	grow(t, l, 321)
	if got := epochNumbers(t, l); !equal(got, 4, 5) {
		t.Errorf("after a month: epochs %v", got)
	}
	if left := files(t, l.Staging()); len(left) != 1 {
		t.Errorf("in staging: %q", left)
	}
	if err := asleep.Refresh(); err != nil {
		t.Fatal(err)
	}
	opened := openLog(t, o)
	for _, x := range []*Log{asleep, opened} {
		if p, _ := x.Position(9); x.Number() != 321 || p.Next != 320 || !x.Known(id(319)) || !x.Known(id(0)) {
			t.Errorf("record %d, at %v", x.Number(), p)
		}
	}
	mustCommit(t, asleep, 0, 1, 1)
	if err := opened.Refresh(); err != nil {
		t.Fatal(err)
	}
	checkRows(t, folder, map[int]Position{0: opened.Positions()[0]})
}

// Two processes have made the folder of an epoch that comes after the one that a third
// believes to be the present one. It must not take them for made in vain.
func TestPruneSparesWhatComes(t *testing.T) { overAll(t, testPruneSparesWhatComes) }

func testPruneSparesWhatComes(t *testing.T, tempFolder func(testing.TB) string) {
	o := options(tempFolder(t), newClock())
	l := openLog(t, o)
	grow(t, l, 64)
	resume, results := make(chan struct{}), make(chan error, 2)
	l.o.Fault = faultAt(stepRemoveRecord, 1, func() error {
		for partition := range 2 {
			other := openLog(t, o)
			grow(t, other, 127)
			waiting := make(chan struct{})
			other.o.Fault = faultAt(stepLinkRecord, 1, func() error {
				close(waiting)
				<-resume
				return nil
			})
			b := mustBatch(t, other, partition, 5, 1)
			go func() { results <- other.Commit(b) }()
			<-waiting
		}
		return nil
	})
	grow(t, l, 65)
	close(resume)
	if err := errors.Join(<-results, <-results); err != nil {
		t.Error(err)
	}
	opened := openLog(t, o)
	mustCommit(t, opened, 0, 5, 1)
	if opened.Number() != 130 {
		t.Errorf("record %d", opened.Number())
	}
	checkRows(t, o.Folder, map[int]Position{0: {Next: 10}, 1: {Next: 5}})
}

// overtake lets others commit a partition up to a number and remove what is old.
func overtake(t *testing.T, l *Log, c *clock, partition int, number int64) {
	t.Helper()
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, l, partition, 3, 2)
	grow(t, l, number-perEpoch)
	c.add(30 * 24 * time.Hour)
	grow(t, l, number)
}

// A process that was stopped before it made its record can't make it in an epoch that has
// been removed, nor bring one back.
func TestStaleInRemovedEpoch(t *testing.T) { overAll(t, testStaleInRemovedEpoch) }

func testStaleInRemovedEpoch(t *testing.T, tempFolder func(testing.TB) string) {
	for _, number := range []int64{1, 64, 65} {
		for _, step := range []string{stepRead, stepMakeEpoch, stepSyncEpochs, stepWriteRecord, stepSyncRecord, stepLinkRecord} {
			if number != 64 && strings.HasSuffix(t.Name(), "/hdfs") {
				continue // each takes long
			}
			folder, c := tempFolder(t), newClock()
			o := options(folder, c)
			l, other := openLog(t, o), openLog(t, o)
			grow(t, l, number-1)
			b := mustBatch(t, l, 0, 7, 3)
			stopped := false
			l.o.Fault = func(at string) error {
				if at == step && !stopped {
					stopped = true
					overtake(t, other, c, 0, 193)
				}
				return nil
			}
			err := l.Commit(b)
			if reached := number == 64 || step != stepMakeEpoch && step != stepSyncEpochs; stopped != reached {
				t.Fatalf("record %d, %s: stopped: %v", number, step, stopped)
			}
			if !stopped {
				continue
			}
			if !errors.Is(err, ErrStale) || l.Number() != 193 {
				t.Errorf("record %d, %s: got %v, and record %d", number, step, err, l.Number())
			}
			abandon(l, b)
			if got := epochNumbers(t, l); !equal(got, 2, 3) {
				t.Errorf("record %d, %s: epochs %v", number, step, got)
			}
			l.o.Fault = nil
			mustCommit(t, l, 0, 5, 2)
			checkRows(t, folder, map[int]Position{0: l.Positions()[0]})
			l.Close()
			other.Close()
		}
	}
}

// One process makes the folder of an epoch that has been there and is removed, while another
// is about to make a record in the one that was.
func TestTwoStale(t *testing.T) { overAll(t, testTwoStale) }

func testTwoStale(t *testing.T, tempFolder func(testing.TB) string) {
	folder, c := tempFolder(t), newClock()
	o := options(folder, c)
	maker, linker, other := openLog(t, o), openLog(t, o), openLog(t, o)
	grow(t, maker, 63)
	waiting, resume, result := make(chan struct{}), make(chan struct{}), make(chan error)
	linker.o.Fault = faultAt(stepLinkRecord, 1, func() error {
		close(waiting)
		<-resume
		return nil
	})
	maker.o.Fault = func(step string) error {
		switch step {
		case stepMakeEpoch:
			if err := other.Refresh(); err != nil {
				return err
			}
			grow(t, other, 65)
			if err := linker.Refresh(); err != nil {
				return err
			}
			b, err := batch(linker, 0, 0, 7, 2)
			if err != nil {
				return err
			}
			go func() {
				err := linker.Commit(b)
				abandon(linker, b)
				result <- err
			}()
			<-waiting
			overtake(t, other, c, 0, 257)
			if got := epochNumbers(t, other); !equal(got, 3, 4) {
				t.Errorf("epochs %v", got)
			}
		case stepLinkRecord:
			maker.o.Fault = nil
			close(resume)
			if err := <-result; !errors.Is(err, ErrStale) {
				t.Errorf("who was to link: got %v", err)
			}
		}
		return nil
	}
	b := mustBatch(t, maker, 0, 5, 2)
	if err := maker.Commit(b); !errors.Is(err, ErrStale) {
		t.Errorf("who made the folder: got %v", err)
	}
	abandon(maker, b)
	if got := epochNumbers(t, other); !equal(got, 3, 4) {
		t.Errorf("epochs %v", got)
	}
	checkRows(t, folder, map[int]Position{0: other.Positions()[0]})
}

// The epoch is moved away while link is at work in it: the record is made, and is none.
func TestLinkedIntoRemovedEpoch(t *testing.T) { overAll(t, testLinkedIntoRemovedEpoch) }

func testLinkedIntoRemovedEpoch(t *testing.T, tempFolder func(testing.TB) string) {
	folder, c := tempFolder(t), newClock()
	o := options(folder, c)
	l, other := openLog(t, o), openLog(t, o)
	b := mustBatch(t, l, 0, 7, 3)
	epoch := filepath.Join(l.folder, l.state.folder)
	l.o.Fault = func(step string) error {
		switch step {
		case stepLinkRecord:
			l.o.Fault = func(string) error { l.o.Fault = nil; return l.fs.RemoveAll(epoch) }
			overtake(t, other, c, 0, 193)
			return l.fs.MkdirAll(epoch) // stands for the folder that is gone
		}
		return nil
	}
	if err := l.Commit(b); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	abandon(l, b)
	checkRows(t, folder, map[int]Position{0: l.Positions()[0]})
}

func TestLogRemovedOrSetBack(t *testing.T) { overAll(t, testLogRemovedOrSetBack) }

func testLogRemovedOrSetBack(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	o := options(folder, newClock())
	l := openLog(t, o)
	grow(t, l, 64)
	next := filepath.Join(l.folder, l.state.folder)
	if err := l.fs.Remove(next); err != nil {
		t.Fatal(err)
	}
	if err := l.Refresh(); err == nil || errors.Is(err, ErrStale) {
		t.Errorf("the next epoch is missing: got %v", err)
	}
	if err := l.fs.MkdirAll(next); err != nil {
		t.Fatal(err)
	}
	grow(t, l, 66)
	copied := filepath.Join(folder, "copy")
	if err := copyTree(l.fs, l.folder, l.fs, copied); err != nil {
		t.Fatal(err)
	}
	grow(t, l, 130)
	if err := errors.Join(l.fs.RemoveAll(l.folder), l.fs.Rename(copied, l.folder)); err != nil {
		t.Fatal(err)
	}
	if err := l.Refresh(); err == nil || errors.Is(err, ErrStale) {
		t.Errorf("a log set back: got %v", err)
	}
	if err := l.fs.RemoveAll(l.folder); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(mustBatch(t, l, 0, 1, 1)); err == nil || errors.Is(err, ErrStale) {
		t.Errorf("a log removed: got %v", err)
	}
}
