package commitlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The heart beats until the log is closed, which waits for it.
func TestHeart(t *testing.T) {
	o := options(treeFolder(t), newClock())
	m := mountAgain(o.Folder)
	beats := make(chan string)
	m.before = func(operation, path string) failure {
		if operation == "rename" && strings.Contains(path, "/.beat-") {
			beats <- filepath.Base(path)
		}
		return none
	}
	o.FileSystem, o.beat = m, time.Millisecond
	l := openLog(t, o)
	for _, want := range []string{marks[0], marks[1], marks[0]} {
		if got := <-beats; got != want {
			t.Errorf("%s was renamed, want %s", got, want)
		}
	}
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	for open := true; open; {
		select {
		case <-beats:
		case err := <-closed:
			open = false
			if err != nil {
				t.Error(err)
			}
		}
	}
	select {
	case <-l.heart.done:
	default:
		t.Error("the heart beats on")
	}
	if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left > 0 {
		t.Errorf("left in staging: %d", left)
	}
}

// The end waits for one request of a beat at most: each may take its time.
func TestHeartEndsSoon(t *testing.T) {
	o := options(treeFolder(t), newClock())
	m := mountAgain(o.Folder)
	opened, count := make(chan *Log, 1), 0
	m.before = func(operation, path string) failure {
		if operation != "rename" || !strings.Contains(path, "/.beat-") {
			return none
		}
		if count++; count == 1 {
			l := <-opened
			<-l.heart.stop
			mountAgain(o.Folder).Remove(path) // so that it fails
		}
		return none
	}
	o.FileSystem, o.beat = m, time.Millisecond
	l := openLog(t, o)
	opened <- l
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if count > 1 {
		t.Errorf("%d requests of a beat", count)
	}
}

// A beat of which the answer was lost doesn't stop the heart.
func TestLostBeats(t *testing.T) {
	for _, with := range []failure{dropped, lost, lagging} {
		for nth := 1; nth <= 4; nth++ {
			o := options(treeFolder(t), newClock())
			m := mountAgain(o.Folder)
			m.lag = 1
			o.FileSystem = m
			l := openLog(t, o)
			failAt(m, nth, 2, with)
			failed := 0
			for range 8 {
				m.mu.Lock()
				m.now = m.now.Add(time.Minute)
				m.mu.Unlock()
				if err := l.beatOnce(); errors.Is(err, ErrTaken) {
					t.Fatalf("failure %d of request %d: %v", with, nth, err)
				} else if err != nil {
					failed++
				}
			}
			if failed == 0 || failed > 2 {
				t.Errorf("failure %d of request %d: %d beats failed", with, nth, failed)
			}
			if info, err := fileSystemOf(o.Folder).Stat(l.staging); err != nil || !info.ModTime().Equal(m.now) {
				t.Errorf("failure %d of request %d: the last beat isn't seen: %v", with, nth, err)
			}
		}
	}
}

// A writer on another machine is held for dead after ten minutes without a beat, by the
// file system's clock, and then has done nothing. Others are not.
func TestSilent(t *testing.T) {
	o := options(treeFolder(t), newClock())
	clock := fileSystemOf(o.Folder).(*mount)
	pass := func(d time.Duration) {
		clock.mu.Lock()
		defer clock.mu.Unlock()
		clock.now = clock.now.Add(d)
	}
	near, far := openLog(t, o), openLog(t, o)
	elsewhere := thisIdentity()
	elsewhere.Boot = "another"
	if err := disown(far, elsewhere, os.Getpid()); err != nil {
		t.Fatal(err)
	}
	b := mustBatch(t, far, 0, 5, 2)
	others := func(want bool) {
		t.Helper()
		if err := openLog(t, o).Close(); err != nil {
			t.Error(err)
		}
		for l, want := range map[*Log]bool{near: true, far: want} {
			if there, err := l.exists(l.staging); there != want || err != nil {
				t.Errorf("the folder of %s is there: %v, %v", l.writer, there, err)
			}
		}
	}
	pass(9 * time.Minute)
	others(true)
	if err := far.beatOnce(); err != nil {
		t.Error(err)
	}
	pass(10 * time.Minute)
	others(true)
	pass(time.Second)
	others(false)
	if err := far.beatOnce(); !errors.Is(err, ErrTaken) {
		t.Errorf("a beat: got %v", err)
	}
	if err := far.Commit(b); !errors.Is(err, ErrTaken) {
		t.Errorf("a commit: got %v", err)
	}
	if err := far.Adopt("x/y", "z"); !errors.Is(err, ErrTaken) {
		t.Errorf("an adoption: got %v", err)
	}
	if err := errors.Join(far.Refresh(), far.Close()); err != nil {
		t.Error(err)
	}
	mustCommit(t, near, 0, 5, 2)
	checkLog(t, o)
}

// Where files are made together with their folders no log is opened, and nothing is left.
func TestCareless(t *testing.T) {
	for name, c := range map[string]struct {
		folder   func(testing.TB) string
		careless func(folder string)
	}{
		"remote": {treeFolder, func(folder string) {
			fileSystemOf(folder).(*mount).careless = func(string) bool { return true }
		}},
		"hdfs": {hdfsFolder, func(folder string) { serverOf(folder).SetCareless(true) }},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(c.folder(t), newClock())
			c.careless(o.Folder)
			l, err := Open(o)
			if err == nil {
				l.Close()
				t.Fatal("the log was opened")
			}
			if !strings.Contains(err.Error(), "Hadoop 2.8") {
				t.Errorf("error %q doesn't say what is needed", err)
			}
			if left := entries(t, filepath.Join(o.Folder, stagingFolder)); left > 0 {
				t.Errorf("left in staging: %d", left)
			}
		})
	}
}

// What writers have started may make a folder anew that was taken: nothing can be committed
// from it, and it is removed when it is old.
func TestMadeAnew(t *testing.T) {
	o := options(treeFolder(t), newClock())
	l := openLog(t, o)
	b := mustBatch(t, l, 0, 5, 2)
	taken := filepath.Join(o.Folder, stagingFolder, leftStaging+l.writer)
	if err := l.fs.Rename(l.staging, taken); err != nil {
		t.Fatal(err)
	}
	// As if all files were there, and more than anybody would make.
	err := l.fs.MkdirAll(l.staging)
	for _, f := range append(b.Files, File{Staged: lockFile}) {
		err = errors.Join(err, l.fs.Rename(filepath.Join(taken, f.Staged), filepath.Join(l.staging, f.Staged)))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(b); !errors.Is(err, ErrTaken) || l.Number() != 0 {
		t.Errorf("got %v", err)
	}
	if err := l.fs.Remove(filepath.Join(l.staging, lockFile)); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(b); !errors.Is(err, ErrTaken) || l.Number() != 0 {
		t.Errorf("without a lock: got %v", err)
	}
	for _, old := range []bool{false, true} {
		openLog(t, o).Close()
		if there, err := l.exists(l.staging); there == old || err != nil {
			t.Errorf("old: %v, there: %v, %v", old, there, err)
		}
		m := fileSystemOf(o.Folder).(*mount)
		m.now = m.now.Add(remember + time.Minute)
	}
}

func TestAdopt(t *testing.T) { overAll(t, testAdopt) }

func testAdopt(t *testing.T, tempFolder func(testing.TB) string) {
	folder := tempFolder(t)
	l := openLog(t, options(folder, newClock()))
	make := func(name, text string) {
		path := filepath.Join(l.Staging(), name)
		if err := errors.Join(l.fs.MkdirAll(filepath.Dir(path)), l.createFile(path, []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	make("batch/table/y=2018/part-0", "0 0\n")
	make("batch/other", "0 1\n")
	if err := l.Adopt("batch/table/y=2018/part-0", "a"); err != nil {
		t.Fatal(err)
	}
	if err := l.Adopt("batch/other", "a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto another file: got %v", err)
	}
	if err := l.Adopt("batch/none", "b"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrTaken) {
		t.Errorf("of no file: got %v", err)
	}
	for _, names := range [][2]string{
		{"", "b"}, {".", "b"}, {"../x", "b"}, {"/etc/passwd", "b"}, {"batch//other", "b"}, {"lock", "b"}, {".record/1", "b"}, {"batch/\x00", "b"},
		{"batch/other", ""}, {"batch/other", "lock"}, {"batch/other", ".b"}, {"batch/other", "b/c"}, {"batch/other", ".."},
	} {
		if err := l.Adopt(names[0], names[1]); err == nil || !strings.Contains(err.Error(), "can't become") {
			t.Errorf("%q to %q: got %v", names[0], names[1], err)
		}
	}
	if err := l.Commit(&Commit{
		Parts: []Part{{0, 0, Position{Next: 1, Last: 0}}},
		Files: []File{{Staged: "a", Final: "hive/y=2018/a.parquet", Rows: 1, Bytes: 4}},
	}); err != nil {
		t.Fatal(err)
	}
	checkRows(t, folder, l.Positions())
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if l.Adopt("batch/other", "b") == nil {
		t.Error("a closed log adopts")
	}
}

func TestIdentity(t *testing.T) {
	here := thisIdentity()
	if here.Boot == "" || here.Namespace == "" || here.Start == 0 {
		t.Fatalf("this process is %+v", here)
	}
	another := func(change func(*owner)) owner {
		o := owner{PID: os.Getpid(), identity: here}
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		owner owner
		want  fate
	}{
		"this process":      {another(func(*owner) {}), alive},
		"no process":        {another(func(o *owner) { o.PID = noProcess }), dead},
		"its number again":  {another(func(o *owner) { o.Start-- }), dead},
		"after a boot":      {another(func(o *owner) { o.Boot = "x" }), unknown},
		"in a container":    {another(func(o *owner) { o.Namespace = "pid:[1]" }), unknown},
		"of another make":   {another(func(o *owner) { o.identity = identity{} }), unknown},
		"without a start":   {another(func(o *owner) { o.Start = 0 }), unknown},
		"not even a number": {another(func(o *owner) { o.PID = -1 }), unknown},
	} {
		if got := here.fateOf(c.owner); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	if got := (identity{}).fateOf(owner{PID: os.Getpid()}); got != unknown {
		t.Errorf("where nothing is known: got %d", got)
	}
}

func FuzzStat(f *testing.F) {
	text := "17 (a ) (b) S 1 17 17 0 -1 4194560 100 0 0 0 5 3 0 0 20 0 8 0 123456 100 200"
	if start, state, err := parseStat([]byte(text)); start != 123456 || state != 'S' || err != nil {
		f.Errorf("got %d, %c, %v", start, state, err)
	}
	for _, seed := range []string{text, "", ")", "17 (x) S", strings.Replace(text, "123456", "-1", 1), strings.Replace(text, "S", "", 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if start, state, err := parseStat(text); err == nil && (state == 0 || start > 0 && !strings.ContainsAny(string(text), "123456789")) {
			t.Errorf("got %d, %c of %q", start, state, text)
		}
	})
}
