package metastore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	hive "github.com/beltran/gohive/hive_metastore"

	"spot-ingest/listener/internal/table"
)

// A metastore is the way to Hive through its metastore, version 1 to 4.
type metastore struct {
	user, database string
	table          *table.Table
}

// A metastoreSession is a connection to it.
type metastoreSession struct {
	*metastore
	wire   *wire
	client *hive.ThriftHiveMetastoreClient
	known  *hive.Table // as the metastore described it last
}

func (m *metastore) open(ctx context.Context, address string) (session, error) {
	w, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	s := &metastoreSession{metastore: m, wire: w}
	s.client = hive.NewThriftHiveMetastoreClient(client(thrift.NewStreamTransportRW(w.conn)))
	err = s.ask(ctx, func(ctx context.Context) error {
		_, err := s.client.SetUgi(ctx, m.user, nil)
		return err
	})
	if err == nil {
		return s, nil
	}
	s.close()
	if errors.Is(err, ErrAway) && ctx.Err() == nil {
		return nil, fmt.Errorf("%w (a metastore that wants Kerberos or TLS, which isn't supported, breaks off as well)", err)
	}
	return nil, fmt.Errorf("tell the user's name %q: %w", m.user, err)
}

func (s *metastoreSession) close() { s.wire.conn.Close() }

// ask makes one request, and takes what Hive says of a failure to one line.
func (s *metastoreSession) ask(ctx context.Context, request func(context.Context) error) error {
	err := s.wire.bounded(ctx, request)
	if err == nil || errors.Is(err, ErrAway) || isUnknown(err) {
		return err
	}
	return &refusal{exception: err, text: brief(exceptionText(err))}
}

// exceptionText returns what an exception of the metastore says, without its type's fields.
func exceptionText(err error) string {
	var e interface{ GetMessage() string }
	if errors.As(err, &e) && e.GetMessage() != "" {
		return e.GetMessage()
	}
	return err.Error()
}

func (s *metastoreSession) describe(ctx context.Context) (Description, error) {
	found, err := s.get(ctx)
	if isNoSuchObject(err) {
		return Description{}, s.missing(ctx)
	}
	if err != nil {
		return Description{}, err
	}
	if found == nil || found.Sd == nil {
		return Description{}, errors.New("the metastore's answer holds no table")
	}
	s.known = found
	d := Description{Location: found.Sd.Location, InputFormat: found.Sd.InputFormat,
		Transactional: strings.EqualFold(found.Parameters["transactional"], "true")}
	for _, c := range found.Sd.Cols {
		d.Columns = append(d.Columns, column(c.Name, c.Type))
	}
	for _, c := range found.PartitionKeys {
		d.Partitions = append(d.Partitions, column(c.Name, c.Type))
	}
	return d, nil
}

// get asks for the table by the request that Hive 2.3 brought, and older ones by that
// which Hive 4 has given up.
func (s *metastoreSession) get(ctx context.Context) (found *hive.Table, err error) {
	request := hive.NewGetTableRequest()
	request.DbName, request.TblName = s.database, s.table.Name
	err = s.ask(ctx, func(ctx context.Context) error {
		result, err := some(s.client.GetTableReq(ctx, request))
		if err == nil {
			found = result.Table
		}
		return err
	})
	if isUnknown(err) {
		err = s.ask(ctx, func(ctx context.Context) error {
			found, err = s.client.GetTable(ctx, s.database, s.table.Name)
			return err
		})
	}
	return found, err
}

// missing tells whether the table alone is missing or its database too.
func (s *metastoreSession) missing(ctx context.Context) error {
	err := s.ask(ctx, func(ctx context.Context) error {
		_, err := s.client.GetDatabase(ctx, s.database)
		return err
	})
	if isUnknown(err) {
		err = s.ask(ctx, func(ctx context.Context) error {
			request := hive.NewGetDatabaseRequest()
			request.Name = &s.database
			_, err := s.client.GetDatabaseReq(ctx, request)
			return err
		})
	}
	if isNoSuchObject(err) {
		return ErrNoDatabase
	}
	if err != nil {
		return err
	}
	return ErrNoTable
}

func isNoSuchObject(err error) bool {
	var e *hive.NoSuchObjectException
	return errors.As(err, &e)
}

// The classes of a Parquet table in Hive.
const (
	parquetOutput = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
	parquetSerDe  = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
)

func (s *metastoreSession) create(ctx context.Context, location string) error {
	wanted := s.declaration(location)
	err := s.ask(ctx, func(ctx context.Context) error { return s.client.CreateTable(ctx, wanted) })
	if isUnknown(err) {
		err = s.ask(ctx, func(ctx context.Context) error {
			return s.client.CreateTableReq(ctx, &hive.CreateTableRequest{Table: wanted})
		})
	}
	var exists *hive.AlreadyExistsException
	if err == nil || errors.As(err, &exists) {
		return nil
	}
	if missing := s.missing(ctx); errors.Is(missing, ErrNoDatabase) {
		return missing
	}
	return err
}

// declaration is what CREATE EXTERNAL TABLE would have Hive store.
func (s *metastoreSession) declaration(location string) *hive.Table {
	columns, partitions := columnsOf(s.table)
	t := hive.NewTable()
	t.DbName, t.TableName, t.Owner = s.database, s.table.Name, s.user
	t.CreateTime = int32(time.Now().Unix())
	t.TableType = "EXTERNAL_TABLE"
	t.Parameters = map[string]string{"EXTERNAL": "TRUE"}
	t.PartitionKeys = fields(partitions)
	t.Sd = &hive.StorageDescriptor{
		Cols: fields(columns), Location: location,
		InputFormat: parquetFormats[0], OutputFormat: parquetOutput,
		NumBuckets: -1, BucketCols: []string{}, SortCols: []*hive.Order{}, Parameters: map[string]string{},
		SerdeInfo: &hive.SerDeInfo{SerializationLib: parquetSerDe, Parameters: map[string]string{"serialization.format": "1"}},
	}
	return t
}

func fields(columns []Column) (out []*hive.FieldSchema) {
	for _, c := range columns {
		out = append(out, &hive.FieldSchema{Name: c.Name, Type: c.Type})
	}
	return out
}

func (s *metastoreSession) add(ctx context.Context, location string, hours []table.Hour) error {
	request := &hive.AddPartitionsRequest{DbName: s.database, TblName: s.table.Name, IfNotExists: true}
	now := int32(time.Now().Unix())
	for _, h := range hours {
		folder := s.table.Folder(h)
		p := hive.NewPartition()
		p.DbName, p.TableName, p.CreateTime = s.database, s.table.Name, now
		p.Values = values(folder)
		p.Parameters = map[string]string{}
		sd := *s.known.Sd
		sd.Parameters = maps.Clone(sd.Parameters)
		sd.Location = location + "/" + folder
		p.Sd = &sd
		request.Parts = append(request.Parts, p)
	}
	err := s.ask(ctx, func(ctx context.Context) error {
		_, err := s.client.AddPartitionsReq(ctx, request)
		return err
	})
	var exists *hive.AlreadyExistsException
	if errors.As(err, &exists) && len(hours) == 1 {
		return nil // somebody else added it at the same time
	}
	return err
}

func (s *metastoreSession) month(ctx context.Context, first table.Hour) (names []string, err error) {
	part := values(s.table.Folder(first))[:2]
	err = s.ask(ctx, func(ctx context.Context) error {
		names, err = s.client.GetPartitionNamesPs(ctx, s.database, s.table.Name, part, -1)
		return err
	})
	if isUnknown(err) {
		request := hive.NewGetPartitionNamesPsRequest()
		request.DbName, request.TblName, request.PartValues, request.MaxParts = s.database, s.table.Name, part, -1
		err = s.ask(ctx, func(ctx context.Context) error {
			answer, err := some(s.client.GetPartitionNamesPsReq(ctx, request))
			if err == nil {
				names = answer.Names
			}
			return err
		})
	}
	if isNoSuchObject(err) {
		return nil, nil // Hive 4 says this of a month without partitions
	}
	return names, err
}

// values returns the values in a partition's folder, "2018", "3", "20", "9".
func values(folder string) []string {
	levels := strings.Split(folder, "/")
	for i, level := range levels {
		_, levels[i], _ = strings.Cut(level, "=")
	}
	return levels
}
