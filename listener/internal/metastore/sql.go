package metastore

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"spot-ingest/listener/internal/table"
)

// locationPattern is a URI or path that means the same in every statement's string: no
// quotes, variables, control characters or semicolons.
var locationPattern = regexp.MustCompile("^([A-Za-z][A-Za-z0-9+.-]*:)?/[^'\"`\\\\$;\\x00-\\x1f\\x7f]*$")

func checkLocation(location string) error {
	if !locationPattern.MatchString(location) {
		return fmt.Errorf("location %q: want an absolute path or a URI, such as hdfs://nameservice1/user/spot/flow/hive, without quotes, $ and ;", location)
	}
	return nil
}

// statement returns the statement that makes a table at a location, word by word as in
// scripts/ddl/tables.sql but for the semicolon.
func statement(database string, t *table.Table, location string) string {
	columns, partitions := columnsOf(t)
	return fmt.Sprintf("CREATE EXTERNAL TABLE IF NOT EXISTS %s.%s (\n%s\n)\nPARTITIONED BY (\n%s\n)\nSTORED AS PARQUET\nLOCATION '%s'",
		database, t.Name, list(columns), list(partitions), location)
}

func list(columns []Column) string {
	var lines []string
	for _, c := range columns {
		lines = append(lines, "  "+c.Name+" "+strings.ToUpper(c.Type))
	}
	return strings.Join(lines, ",\n")
}

// partitionSpec returns the first levels of a partition's folder as SQL has them: y=2018,m=3.
// Strings are quoted, and so are negative numbers, which Hive's grammar doesn't know.
func partitionSpec(t *table.Table, levels []string) string {
	var b strings.Builder
	for i, level := range levels {
		name, value, _ := strings.Cut(level, "=")
		if t.Partitions[i].Type == "STRING" || strings.HasPrefix(value, "-") {
			value = "'" + value + "'"
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(name + "=" + value)
	}
	return b.String()
}

func (s *hiveServer2Session) name() string { return s.database + "." + s.table.Name }

func (s *hiveServer2Session) create(ctx context.Context, location string) error {
	if found, err := s.finds(ctx, "SHOW DATABASES LIKE '"+s.database+"'", s.database); err != nil {
		return err
	} else if !found {
		return ErrNoDatabase
	}
	return s.run(ctx, statement(s.database, s.table, location), nil)
}

func (s *hiveServer2Session) add(ctx context.Context, location string, hours []table.Hour) error {
	if err := checkLocation(location); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ALTER TABLE %s ADD IF NOT EXISTS", s.name())
	for _, h := range hours {
		folder := s.table.Folder(h)
		fmt.Fprintf(&b, " PARTITION (%s) LOCATION '%s/%s'", partitionSpec(s.table, strings.Split(folder, "/")), location, folder)
	}
	return s.run(ctx, b.String(), nil)
}

func (s *hiveServer2Session) month(ctx context.Context, first table.Hour) (names []string, err error) {
	levels := strings.Split(s.table.Folder(first), "/")[:2]
	err = s.run(ctx, fmt.Sprintf("SHOW PARTITIONS %s PARTITION (%s)", s.name(), partitionSpec(s.table, levels)), func(row []string) error {
		names = append(names, row[0])
		return nil
	})
	return names, err
}

// finds tells whether a statement's rows hold a name, in any of their columns: Hive shows
// tables in one column, Spark beside their database.
func (s *hiveServer2Session) finds(ctx context.Context, statement, name string) (found bool, err error) {
	err = s.run(ctx, statement, func(row []string) error {
		for _, value := range row {
			found = found || strings.EqualFold(value, name)
		}
		return nil
	})
	return found, err
}

func (s *hiveServer2Session) describe(ctx context.Context) (Description, error) {
	if found, err := s.finds(ctx, "SHOW DATABASES LIKE '"+s.database+"'", s.database); err != nil {
		return Description{}, err
	} else if !found {
		return Description{}, ErrNoDatabase
	}
	show := fmt.Sprintf("SHOW TABLES IN %s LIKE '%s'", s.database, s.table.Name)
	if found, err := s.finds(ctx, show, s.table.Name); err != nil {
		return Description{}, err
	} else if !found {
		return Description{}, ErrNoTable
	}
	var r describeReader
	err := s.run(ctx, "DESCRIBE FORMATTED "+s.name(), r.row)
	return r.description(), err
}
