package metastore

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"spot-ingest/listener/internal/metastore/metastoretest"
)

// addRequests are the requests that add partitions, by either way.
func isAdd(request string) bool { return request == "add_partitions_req" || request == "ALTER TABLE" }

func TestRefusedConnection(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		s.Down()
		_, err := tab.Describe(ctx)
		if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), tab.addresses[0]) {
			t.Errorf("error %v", err)
		}
		s.Up()
		mustCreate(ctx, t, tab)
	})
}

// A connection that is cut, before or after the partitions are added, is ErrAway; the same
// once more does it.
func TestCut(t *testing.T) {
	for _, how := range []error{metastoretest.Cut, metastoretest.CutAfter} {
		eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
			mustCreate(ctx, t, tab)
			var requests atomic.Int32
			s.Before(func(request string) error {
				if isAdd(request) && requests.Add(1) == 2 {
					return how
				}
				return nil
			})
			hours := someHours(3 * batch)
			if err := tab.Add(ctx, rowsAt, hours); !errors.Is(err, ErrAway) {
				t.Errorf("%v: error %v", how, err)
			}
			want := batch
			if how == metastoretest.CutAfter {
				want = 2 * batch
			}
			if got := len(s.Partitions("spot.flow")); got != want {
				t.Errorf("%v: %d partitions, want %d", how, got, want)
			}
			if err := tab.Add(ctx, rowsAt, hours); err != nil || len(s.Partitions("spot.flow")) != len(hours) {
				t.Errorf("%v: %d partitions, error %v", how, len(s.Partitions("spot.flow")), err)
			}
		})
	}
}

// Each request may be cut: the error says so, whatever it is, and nothing hangs.
func TestCutAnywhere(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		work := func() error {
			return errors.Join(tab.Create(ctx, rowsAt), second(tab.Repair(ctx, rowsAt, all(someHours(3)...))))
		}
		for at := 1; ; at++ {
			s.DropTable("spot.flow")
			var count atomic.Int32
			s.Before(func(string) error {
				if count.Add(1) == int32(at) {
					return metastoretest.Cut
				}
				return nil
			})
			err := work()
			if int(count.Load()) < at {
				if err != nil {
					t.Errorf("undisturbed: %v", err)
				}
				break
			}
			// The table is missing where its making was cut, and a session's end is nobody's loss.
			if err != nil && !errors.Is(err, ErrAway) && !errors.Is(err, ErrNoTable) {
				t.Errorf("cut at request %d: %v", at, err)
			}
		}
	})
}

// A server that takes connections and never answers is given up in time, and the caller's
// context ends it at once.
func TestNoAnswer(t *testing.T) {
	ctx := soon(t)
	for _, way := range ways {
		s := metastoretest.Start(t, way.hive)
		tab := open(t, way.options(s))
		mustCreate(ctx, t, tab)
		release := make(chan struct{})
		asked := make(chan struct{}, 1)
		s.Before(func(request string) error {
			if isAdd(request) {
				asked <- struct{}{}
				<-release
			}
			return nil
		})
		stopped, stop := context.WithCancel(ctx)
		done := make(chan error)
		go func() { done <- tab.Add(stopped, rowsAt, someHours(1)) }()
		<-asked
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAway) {
			t.Errorf("%s: error %v", way.name, err)
		}
		close(release)
	}
}

// A metastore that breaks off at the first request may be one that wants Kerberos.
func TestBreaksOffAtOnce(t *testing.T) {
	s := metastoretest.Start(t, metastoretest.Options{})
	s.Before(func(string) error { return metastoretest.Cut })
	_, err := open(t, byMetastore(s)).Describe(soon(t))
	if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "connection broken: EOF (a metastore that wants Kerberos") {
		t.Errorf("error %v", err)
	}
}

func TestAnswerTime(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	w := &wire{conn: here, address: "h:1", answer: time.Millisecond}
	err := w.bounded(soon(t), func(context.Context) error {
		_, err := here.Read(make([]byte, 1))
		return thrift.NewTTransportExceptionFromError(err)
	})
	if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "h:1: no answer within 1ms") {
		t.Errorf("error %v", err)
	}
}

// The first metastore that answers is used, and asked first from then on.
func TestSeveralMetastores(t *testing.T) {
	ctx := soon(t)
	a, b := metastoretest.Start(t, metastoretest.Options{}), metastoretest.Start(t, metastoretest.Options{Version: 4})
	tab := open(t, Options{Metastore: []string{a.URI(), " " + b.URI()}})
	a.Down()
	mustCreate(ctx, t, tab)
	if b.Table("spot.flow") == nil {
		t.Fatal("the second wasn't asked")
	}
	a.Up()
	if err := tab.Add(ctx, rowsAt, someHours(2)); err != nil || len(b.Partitions("spot.flow")) != 2 {
		t.Errorf("%d partitions in the second; %v", len(b.Partitions("spot.flow")), err)
	}
	b.Down()
	if err := tab.Add(ctx, rowsAt, someHours(2)); !errors.Is(err, ErrNoTable) {
		t.Errorf("the first, which has no table, was not asked again: %v", err)
	}
	a.Down()
	_, err := tab.Describe(ctx)
	if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), a.URI()[len("thrift://"):]) || !strings.Contains(err.Error(), b.URI()[len("thrift://"):]) {
		t.Errorf("error %v: want both named", err)
	}
}

// What breaks in the middle of the work at one metastore is done at the other.
func TestGoesOnAtTheOther(t *testing.T) {
	ctx := soon(t)
	a, b := metastoretest.Start(t, metastoretest.Options{}), metastoretest.Start(t, metastoretest.Options{})
	for _, s := range []*metastoretest.Server{a, b} {
		mustCreate(ctx, t, open(t, byMetastore(s)))
	}
	a.Before(func(request string) error {
		if request == "add_partitions_req" {
			return metastoretest.Cut
		}
		return nil
	})
	tab := open(t, Options{Metastore: []string{a.URI(), b.URI()}})
	if err := tab.Add(ctx, rowsAt, someHours(5)); err != nil || len(b.Partitions("spot.flow")) != 5 {
		t.Errorf("%d partitions; %v", len(b.Partitions("spot.flow")), err)
	}
}

// An exception of the server is no reason to ask another one.
func TestExceptionsAreShown(t *testing.T) {
	eachWay(t, func(ctx context.Context, t *testing.T, s *metastoretest.Server, tab *Table) {
		s.Before(func(request string) error {
			if request == "SHOW DATABASES" || strings.HasPrefix(request, "get_") {
				return errors.New("java.lang.NullPointerException\n\tat org.apache.hadoop.hive")
			}
			return nil
		})
		_, err := tab.Describe(ctx)
		if err == nil || errors.Is(err, ErrAway) || err.Error() != "describe table spot.flow in hive: hive says: java.lang.NullPointerException" {
			t.Errorf("error %v", err)
		}
	})
}

func TestHiveServer2WithoutSASL(t *testing.T) {
	s := metastoretest.Start(t, metastoretest.Options{NoSASL: true})
	tab := open(t, byHiveServer2(s))
	server := &hiveServer2{user: "spot", database: "spot", table: tab.table, saslTime: 20 * time.Millisecond}
	tab.open = server.open
	ctx := soon(t)
	mustCreate(ctx, t, tab)
	if !server.bare.Load() {
		t.Error("it isn't remembered that the server uses no SASL")
	}
	if err := tab.Add(ctx, rowsAt, someHours(1)); err != nil {
		t.Error(err)
	}
}

func TestHiveServer2KnowsUsers(t *testing.T) {
	s := metastoretest.Start(t, metastoretest.Options{})
	o := byHiveServer2(s)
	o.User, o.Database, o.Table = "nobody", "spot", open(t, o).table
	tab, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tab.Describe(soon(t))
	if err == nil || errors.Is(err, ErrAway) || !strings.Contains(err.Error(), `does not let user "nobody" in without a password (SASL status 3: Error validating user)`) {
		t.Errorf("error %v", err)
	}
}

// FuzzSASL: whatever a server answers, it ends, and in little memory.
func FuzzSASL(f *testing.F) {
	f.Add([]byte{5, 0, 0, 0, 0})
	f.Add([]byte{3, 0, 0, 0, 2, 'n', 'o'})
	f.Add([]byte{5, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, err := plain(&scripted{answer: answer}, "spot")
		if err == nil && (len(answer) < 5 || answer[0] != saslComplete) {
			t.Errorf("%x agreed", answer)
		}
	})
}

// scripted answers what it is told, whatever is written.
type scripted struct{ answer []byte }

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.answer) == 0 {
		return 0, net.ErrClosed
	}
	n := copy(p, s.answer)
	s.answer = s.answer[n:]
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error) { return len(p), nil }
