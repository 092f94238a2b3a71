package metastoretest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	hive "github.com/beltran/gohive/hive_metastore"
)

// The statements that are understood.
var (
	showDatabases  = regexp.MustCompile(`^SHOW DATABASES LIKE '(\w+)'$`)
	showTables     = regexp.MustCompile(`^SHOW TABLES IN (\w+) LIKE '(\w+)'$`)
	describe       = regexp.MustCompile(`^DESCRIBE FORMATTED (\w+\.\w+)$`)
	createTable    = regexp.MustCompile(`^(?s)CREATE EXTERNAL TABLE IF NOT EXISTS (\w+)\.(\w+) \((.*?)\)\s+PARTITIONED BY \((.*?)\)\s+STORED AS PARQUET\s+LOCATION '([^']+)'$`)
	addPartitions  = regexp.MustCompile(`^ALTER TABLE (\w+\.\w+) ADD IF NOT EXISTS((?: PARTITION \([^)]+\) LOCATION '[^']+')+)$`)
	onePartition   = regexp.MustCompile(` PARTITION \(([^)]+)\) LOCATION '([^']+)'`)
	partitionValue = regexp.MustCompile(`^(\w+)=(?:(\d+)|'([-\w]+)')$`)
	showPartitions = regexp.MustCompile(`^SHOW PARTITIONS (\w+\.\w+) PARTITION \(([^)]+)\)$`)
)

// execute runs a statement as Spark's HiveServer2 would, and returns its rows.
func (s *Server) execute(statement string) (rows [][]string, err error) {
	if m := showDatabases.FindStringSubmatch(statement); m != nil {
		if s.store.database(m[1]) {
			rows = [][]string{{m[1]}}
		}
		return rows, nil
	}
	if m := showTables.FindStringSubmatch(statement); m != nil {
		if s.store.table(m[1]+"."+m[2]) != nil {
			rows = [][]string{{m[1], m[2], "false"}}
		}
		return rows, nil
	}
	if m := describe.FindStringSubmatch(statement); m != nil {
		return s.describe(m[1])
	}
	if m := createTable.FindStringSubmatch(statement); m != nil {
		return nil, s.create(m[1], m[2], m[3], m[4], m[5])
	}
	if m := addPartitions.FindStringSubmatch(statement); m != nil {
		return nil, s.addPartitions(m[1], m[2])
	}
	if m := showPartitions.FindStringSubmatch(statement); m != nil {
		return s.showPartitions(m[1], m[2])
	}
	return nil, fmt.Errorf("[PARSE_SYNTAX_ERROR] Syntax error at or near %.40q", statement)
}

var errNoTable = errors.New("[TABLE_OR_VIEW_NOT_FOUND] The table or view cannot be found.\nVerify the spelling")

func (s *Server) describe(name string) (rows [][]string, err error) {
	t := s.store.table(name)
	if t == nil {
		return nil, errNoTable
	}
	for _, c := range append(append([]*hive.FieldSchema{}, t.Sd.Cols...), t.PartitionKeys...) {
		rows = append(rows, []string{c.Name, c.Type, ""})
	}
	rows = append(rows, []string{"# Partition Information", "", ""}, []string{"# col_name", "data_type", "comment"})
	for _, c := range t.PartitionKeys {
		rows = append(rows, []string{c.Name, c.Type, ""})
	}
	return append(rows, []string{"", "", ""}, []string{"# Detailed Table Information", "", ""},
		[]string{"Location", t.Sd.Location, ""}, []string{"InputFormat", t.Sd.InputFormat, ""}), nil
}

func (s *Server) create(database, name, columns, partitions, location string) error {
	t := &hive.Table{DbName: database, TableName: name, TableType: "EXTERNAL_TABLE",
		PartitionKeys: fields(partitions), Sd: &hive.StorageDescriptor{Cols: fields(columns), Location: location,
			InputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"}}
	if known, _ := s.store.create(t); !known {
		return errors.New("[SCHEMA_NOT_FOUND] The schema cannot be found.")
	}
	return nil
}

func fields(list string) (out []*hive.FieldSchema) {
	for _, c := range strings.Split(list, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(c), " ")
		out = append(out, &hive.FieldSchema{Name: name, Type: strings.ToLower(typ)})
	}
	return out
}

func (s *Server) addPartitions(table, list string) error {
	s.store.count()
	if s.store.table(table) == nil {
		return errNoTable
	}
	locations := map[string]string{}
	for _, m := range onePartition.FindAllStringSubmatch(list, -1) {
		name, err := specName(m[1])
		if err != nil {
			return err
		}
		if s.refused(name) {
			return errors.New("can't make the folder of " + name)
		}
		locations[name] = m[2]
	}
	for name, location := range locations {
		s.store.add(table, name, location)
	}
	return nil
}

// specName turns y=2018,m='3' to y=2018/m=3.
func specName(spec string) (string, error) {
	var levels []string
	for _, v := range strings.Split(spec, ",") {
		m := partitionValue.FindStringSubmatch(v)
		if m == nil {
			return "", fmt.Errorf("[PARSE_SYNTAX_ERROR] Syntax error at or near %q", v)
		}
		levels = append(levels, m[1]+"="+m[2]+m[3])
	}
	return strings.Join(levels, "/"), nil
}

func (s *Server) showPartitions(table, spec string) (rows [][]string, err error) {
	if s.store.table(table) == nil {
		return nil, errNoTable
	}
	prefix, err := specName(spec)
	if err != nil {
		return nil, err
	}
	for _, name := range s.store.names(table, prefix+"/") {
		rows = append(rows, []string{name})
	}
	return rows, nil
}
