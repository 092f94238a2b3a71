package metastoretest

import (
	"context"
	"net"

	"github.com/apache/thrift/lib/go/thrift"
	hive "github.com/beltran/gohive/hive_metastore"
)

// since and until tell in which versions of Hive there is a request; those not named here
// are not known at all.
var since = map[string]int{
	"set_ugi": 1, "get_table": 1, "get_database": 1, "create_table": 1, "add_partitions_req": 1, "get_partition_names_ps": 1,
	"get_table_req": 3, "get_database_req": 4, "create_table_req": 4, "get_partition_names_ps_req": 4,
}

// until names what Hive 4 has given up, or may yet.
var until = map[string]int{"get_table": 3, "get_database": 3, "create_table": 3, "get_partition_names_ps": 3}

func (s *Server) serveMetastore(conn net.Conn) {
	s.answer(conn, thrift.NewStreamTransportRW(conn), hive.NewThriftHiveMetastoreProcessor(&handler{server: s, store: &s.store}), func(name string) bool {
		from := since[name]
		last, ends := until[name]
		return from != 0 && s.options.Version >= from && (!ends || s.options.Version <= last)
	})
}

// A handler answers a metastore's requests, those that since names.
type handler struct {
	hive.ThriftHiveMetastore // nil
	server                   *Server
	store                    *store
}

func (h *handler) SetUgi(_ context.Context, user string, _ []string) ([]string, error) {
	return []string{user}, nil
}

func (h *handler) GetTable(_ context.Context, database, name string) (*hive.Table, error) {
	t := h.store.table(database + "." + name)
	if t == nil {
		return nil, &hive.NoSuchObjectException{Message: "hive." + database + "." + name + " table not found"}
	}
	return t, nil
}

func (h *handler) GetTableReq(ctx context.Context, r *hive.GetTableRequest) (*hive.GetTableResult_, error) {
	t, err := h.GetTable(ctx, r.DbName, r.TblName)
	if err != nil {
		return nil, err
	}
	return &hive.GetTableResult_{Table: t}, nil
}

func (h *handler) GetDatabase(_ context.Context, name string) (*hive.Database, error) {
	if !h.store.database(name) {
		return nil, &hive.NoSuchObjectException{Message: "database " + name}
	}
	return &hive.Database{Name: name}, nil
}

func (h *handler) GetDatabaseReq(ctx context.Context, r *hive.GetDatabaseRequest) (*hive.Database, error) {
	return h.GetDatabase(ctx, *r.Name)
}

func (h *handler) CreateTable(_ context.Context, t *hive.Table) error {
	database, created := h.store.create(t)
	switch {
	case !database:
		return &hive.InvalidObjectException{Message: "database " + t.DbName}
	case !created:
		return &hive.AlreadyExistsException{Message: "Table " + t.TableName + " already exists"}
	}
	return nil
}

func (h *handler) CreateTableReq(ctx context.Context, r *hive.CreateTableRequest) error {
	return h.CreateTable(ctx, r.Table)
}

func (h *handler) AddPartitionsReq(_ context.Context, r *hive.AddPartitionsRequest) (*hive.AddPartitionsResult_, error) {
	h.store.count()
	name := r.DbName + "." + r.TblName
	t := h.store.table(name)
	if t == nil {
		return nil, &hive.InvalidObjectException{Message: "Unable to add partitions because database or table " + name + " does not exist"}
	}
	seen := map[string]bool{}
	for _, p := range r.Parts {
		partition := partitionName(t.PartitionKeys, p.Values)
		if len(p.Values) != len(t.PartitionKeys) || seen[partition] || p.Sd == nil || p.Sd.Location != t.Sd.Location+"/"+partition {
			return nil, &hive.MetaException{Message: "bad partition " + partition}
		}
		if h.server.refused(partition) {
			return nil, &hive.MetaException{Message: "can't make the folder of " + partition + "\n\tat org.apache.hadoop.hive.metastore"}
		}
		seen[partition] = true
	}
	for _, p := range r.Parts {
		partition := partitionName(t.PartitionKeys, p.Values)
		if _, added := h.store.add(name, partition, p.Sd.Location); !added && !r.IfNotExists {
			return nil, &hive.AlreadyExistsException{Message: "Partition already exists: " + partition}
		}
	}
	return hive.NewAddPartitionsResult_(), nil
}

func (h *handler) GetPartitionNamesPs(_ context.Context, database, name string, values []string, _ int16) ([]string, error) {
	t := h.store.table(database + "." + name)
	if t == nil {
		return nil, &hive.NoSuchObjectException{Message: name}
	}
	return h.store.names(database+"."+name, partitionName(t.PartitionKeys, values)+"/"), nil
}

func (h *handler) GetPartitionNamesPsReq(ctx context.Context, r *hive.GetPartitionNamesPsRequest) (*hive.GetPartitionNamesPsResponse, error) {
	names, err := h.GetPartitionNamesPs(ctx, r.DbName, r.TblName, r.PartValues, r.MaxParts)
	if err != nil {
		return nil, err
	}
	return &hive.GetPartitionNamesPsResponse{Names: names}, nil
}
