// Package metastore makes a table of the listener and its partitions known to Hive, either
// through Hive's metastore or through HiveServer2, both by their thrift protocols.
//
// Every request is bounded in time and made on a connection of its own kind: one for each
// call of a method here, closed when the method returns. Calls are rare, once an hour while
// rows come in order of time, and so nothing has to be kept alive. All that is asked for can
// be asked for twice, so whatever failed half-way is simply done again.
package metastore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"regexp"
	"strings"
	"sync"

	"spot-ingest/listener/internal/table"
)

// Options say where Hive is and which table is meant.
type Options struct {
	// Metastore are the addresses of metastores, thrift://host:port or host:port. The first
	// one that answers is used.
	Metastore []string
	// HiveServer2 is the host:port of a HiveServer2, the other way; one of the two is given.
	HiveServer2 string
	// User is who asks, as Hive and the file system see it; HADOOP_USER_NAME or the user of
	// this process if it is empty.
	User string
	// Database is the name of the table's database.
	Database string
	// Table is the table, which Hive knows by the same name.
	Table *table.Table
}

// A Table is one of the listener's tables in Hive. Its methods may be used by several
// goroutines.
type Table struct {
	table     *table.Table
	database  string
	addresses []string
	open      func(ctx context.Context, address string) (session, error)

	mu    sync.Mutex
	first int // of the addresses: the one that answered last
}

// What Hive lacks. Errors of Describe, Create, Add and Repair wrap these.
var (
	ErrNoTable    = errors.New("there is no such table")
	ErrNoDatabase = errors.New("there is no such database")
)

// A session is a connection to a metastore or HiveServer2.
type session interface {
	// describe returns ErrNoTable or ErrNoDatabase if the table is missing.
	describe(ctx context.Context) (Description, error)
	// create makes the table if it isn't there.
	create(ctx context.Context, location string) error
	// add adds those partitions that aren't there, below the table's location.
	add(ctx context.Context, location string, hours []table.Hour) error
	// month returns the names of the partitions of a month, such as "y=2018/m=3/d=20/h=9".
	month(ctx context.Context, first table.Hour) ([]string, error)
	close()
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// Open checks the options and asks nothing yet.
func Open(o Options) (*Table, error) {
	if !namePattern.MatchString(o.Database) {
		return nil, fmt.Errorf("hive: database %q: want letters, digits and underscores", o.Database)
	}
	if (len(o.Metastore) == 0) == (o.HiveServer2 == "") {
		return nil, errors.New("hive: want either a metastore or a hiveserver2")
	}
	if o.User == "" {
		var err error
		if o.User, err = currentUser(); err != nil {
			return nil, fmt.Errorf("hive: find out the user's name, which HADOOP_USER_NAME may give: %w", err)
		}
	}
	t := &Table{table: o.Table, database: o.Database}
	if o.HiveServer2 != "" {
		t.addresses = []string{o.HiveServer2}
		server := &hiveServer2{user: o.User, database: o.Database, table: o.Table, saslTime: defaultSASLTime}
		t.open = server.open
	} else {
		for _, uri := range o.Metastore {
			t.addresses = append(t.addresses, strings.TrimPrefix(strings.TrimSpace(uri), "thrift://"))
		}
		store := &metastore{user: o.User, database: o.Database, table: o.Table}
		t.open = store.open
	}
	for _, address := range t.addresses {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("hive: address %q: want host:port", address)
		}
	}
	return t, nil
}

func currentUser() (string, error) {
	if name := os.Getenv("HADOOP_USER_NAME"); name != "" {
		return name, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

// Name is the table's name with its database's, such as "spot.flow".
func (t *Table) Name() string { return t.database + "." + t.table.Name }

// Describe returns what Hive knows of the table. The error wraps ErrNoTable or
// ErrNoDatabase if it knows none.
func (t *Table) Describe(ctx context.Context) (d Description, err error) {
	err = t.do(ctx, "describe", func(s session) error {
		d, err = s.describe(ctx)
		return err
	})
	return d, err
}

// Create makes the external table at a location, a URI or a path of Hive's default file
// system, as scripts/ddl declares it. One that is there already stays as it is, with its
// own columns and location: Describe tells. Hive makes the folder, as its own user, if it
// isn't there.
func (t *Table) Create(ctx context.Context, location string) error {
	if err := checkLocation(location); err != nil {
		return fmt.Errorf("create table %s in hive: %w", t.Name(), err)
	}
	return t.do(ctx, "create", func(s session) error { return s.create(ctx, location) })
}

// do opens a session at the first address that answers, and uses it. Where a connection
// breaks, the work is done again at the next address.
func (t *Table) do(ctx context.Context, action string, work func(session) error) error {
	t.mu.Lock()
	first := t.first
	t.mu.Unlock()
	var broken error
	for i := range t.addresses {
		at := (first + i) % len(t.addresses)
		err := t.try(ctx, t.addresses[at], work)
		if err == nil || !errors.Is(err, ErrAway) {
			t.mu.Lock()
			t.first = at
			t.mu.Unlock()
			if err != nil {
				err = fmt.Errorf("%s table %s in hive: %w", action, t.Name(), err)
			}
			return err
		}
		if broken == nil {
			broken = err
		} else {
			broken = fmt.Errorf("%w; %w", broken, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return fmt.Errorf("%s table %s in hive: %w", action, t.Name(), broken)
}

func (t *Table) try(ctx context.Context, address string, work func(session) error) error {
	s, err := t.open(ctx, address)
	if err != nil {
		return err
	}
	defer s.close()
	return work(s)
}
