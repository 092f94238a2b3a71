package table

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	ddlTable  = regexp.MustCompile(`(?is)CREATE\s+EXTERNAL\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:\S+\.)?(\w+)\s*\((.*?)\)\s*PARTITIONED\s+BY\s*\((.*?)\)\s*STORED\s+AS\s+PARQUET`)
	ddlColumn = regexp.MustCompile(`^\s*(\w+)\s+(\w+)\s*$`)
)

// TestDDL: the tables that scripts/ddl/tables.sql makes have our columns.
func TestDDL(t *testing.T) {
	text, err := os.ReadFile("../../../scripts/ddl/tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][2][]Partition{}
	for _, m := range ddlTable.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = [2][]Partition{ddlColumns(t, m[2]), ddlColumns(t, m[3])}
	}
	for _, table := range []*Table{flow, dns, proxy} {
		var want []Partition
		for _, c := range table.Schema {
			want = append(want, Partition{c.Name, c.Type.String()})
		}
		got := found[table.Name]
		if !slices.Equal(got[0], want) {
			t.Errorf("%s has the columns\n %v, want\n %v", table.Name, got[0], want)
		}
		if !slices.Equal(got[1], table.Partitions[:]) {
			t.Errorf("%s is partitioned by %v, want %v", table.Name, got[1], table.Partitions)
		}
	}
	if len(found) != 3 {
		t.Errorf("%d tables are made", len(found))
	}
}

func ddlColumns(t *testing.T, list string) (out []Partition) {
	for _, c := range strings.Split(list, ",") {
		m := ddlColumn.FindStringSubmatch(c)
		if m == nil {
			t.Fatalf("not a column: %q", c)
		}
		out = append(out, Partition{m[1], strings.ToUpper(m[2])})
	}
	return out
}
