package metastoretest

import (
	"maps"
	"slices"
	"strings"
	"sync"

	hive "github.com/beltran/gohive/hive_metastore"
)

// A store holds what Hive knows.
type store struct {
	mu        sync.Mutex
	databases map[string]bool
	tables    map[string]*hive.Table
	// partitions are the locations by table and name.
	partitions map[string]map[string]string
	requests   int
}

func newStore() store {
	return store{databases: map[string]bool{"spot": true}, tables: map[string]*hive.Table{}, partitions: map[string]map[string]string{}}
}

// Table returns what is known of a table, such as "spot.flow", or nil.
func (s *Server) Table(name string) *hive.Table { return s.store.table(name) }

// Change changes what is known of a table, which must exist.
func (s *Server) Change(name string, change func(*hive.Table)) {
	t := s.store.table(name)
	change(t)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.tables[name] = t
}

// Partitions returns the locations of a table's partitions by their names.
func (s *Server) Partitions(table string) map[string]string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return maps.Clone(s.store.partitions[table])
}

// Added tells how many requests to add partitions have been made.
func (s *Server) Added() int {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.requests
}

// DropTable forgets a table and its partitions.
func (s *Server) DropTable(name string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	delete(s.store.tables, name)
	delete(s.store.partitions, name)
}

// DropDatabase forgets a database, which should have no tables.
func (s *Server) DropDatabase(name string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	delete(s.store.databases, name)
}

// create tells whether the database exists, and whether the table has not existed.
func (st *store) create(t *hive.Table) (database, created bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	name := t.DbName + "." + t.TableName
	if !st.databases[t.DbName] {
		return false, false
	}
	if st.tables[name] != nil {
		return true, false
	}
	// As Hive, which knows its default file system.
	if rest, ok := strings.CutPrefix(t.Sd.Location, "file:///"); ok {
		t.Sd.Location = "file:/" + rest
	}
	st.tables[name], st.partitions[name] = t, map[string]string{}
	return true, true
}

// add adds a partition if its table exists and it doesn't.
func (st *store) add(table, name, location string) (known, added bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	partitions := st.partitions[table]
	if partitions == nil {
		return false, false
	}
	if _, exists := partitions[name]; exists {
		return true, false
	}
	partitions[name] = location
	return true, true
}

func (st *store) count() {
	st.mu.Lock()
	st.requests++
	st.mu.Unlock()
}

// names returns the names of partitions that begin with prefix, in order.
func (st *store) names(table, prefix string) (names []string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(st.partitions[table])) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// table returns a copy, for tables are changed while others are being sent.
func (st *store) table(name string) *hive.Table {
	st.mu.Lock()
	defer st.mu.Unlock()
	known := st.tables[name]
	if known == nil {
		return nil
	}
	t, sd := *known, *known.Sd
	sd.Cols, t.PartitionKeys = cloneFields(sd.Cols), cloneFields(t.PartitionKeys)
	t.Parameters = maps.Clone(t.Parameters)
	t.Sd = &sd
	return &t
}

func cloneFields(columns []*hive.FieldSchema) (out []*hive.FieldSchema) {
	for _, c := range columns {
		clone := *c
		out = append(out, &clone)
	}
	return out
}

func (st *store) database(name string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.databases[name]
}

// partitionName returns the name of a partition of these columns, y=2018/m=3.
func partitionName(columns []*hive.FieldSchema, values []string) string {
	var levels []string
	for i, value := range values {
		levels = append(levels, columns[i].Name+"="+value)
	}
	return strings.Join(levels, "/")
}
