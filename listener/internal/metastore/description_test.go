package metastore

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// asMade is the description of table flow as Create makes it.
func asMade() Description {
	d := Description{Location: "file:/data/spot/flow/hive", InputFormat: parquetFormats[0]}
	d.Columns, d.Partitions = columnsOf(table.Of(config.Flow))
	return d
}

// What DESCRIBE FORMATTED prints: testdata/describe-spark.txt is recorded from Spark 4.1.1,
// describe-hive.txt has the form of Hive 3, with blanks at the end of values.
func TestDescribeFormatted(t *testing.T) {
	for file, transactional := range map[string]string{
		"describe-spark.txt": "[transactional=true, transient_lastDdlTime=1]",
		"describe-hive.txt":  "true",
	} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		got := readDescription(t, string(text))
		if want := asMade(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got\n%v, want\n%v", file, got, want)
		}
		changed := strings.NewReplacer("[transient_lastDdlTime=1795782123]", transactional, "false               ", transactional).Replace(string(text))
		if !readDescription(t, changed).Transactional {
			t.Errorf("%s: a transactional table isn't seen", file)
		}
	}
}

func readDescription(t *testing.T, text string) Description {
	t.Helper()
	var r describeReader
	for line := range strings.Lines(text) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if err := r.row(row); err != nil {
			t.Fatal(err)
		}
	}
	return r.description()
}

func FuzzDescribe(f *testing.F) {
	for _, file := range []string{"describe-spark.txt", "describe-hive.txt"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) { readDescription(t, text) })
}

func TestCheck(t *testing.T) {
	tab := open(t, Options{HiveServer2: "h:1"})
	move := func(d *Description, from, to int) {
		c := d.Columns[from]
		d.Columns = slices.Insert(slices.Delete(d.Columns, from, from+1), to, c)
	}
	for name, c := range map[string]struct {
		change func(*Description)
		want   []string
	}{
		"the same":    {func(*Description) {}, nil},
		"old classes": {func(d *Description) { d.InputFormat = "parquet.hive.DeprecatedParquetInputFormat" }, nil},
		"text": {func(d *Description) { d.InputFormat = "org.apache.hadoop.mapred.TextInputFormat" },
			[]string{`it is not stored as Parquet, but read by "org.apache.hadoop.mapred.TextInputFormat"`}},
		"a view":        {func(d *Description) { d.InputFormat = "" }, []string{`it is not stored as Parquet, but read by ""`}},
		"transactional": {func(d *Description) { d.Transactional = true }, []string{"it is transactional, so that nobody but Hive may write its files"}},
		"one missing":   {func(d *Description) { d.Columns = slices.Delete(d.Columns, 1, 2) }, []string{"column unix_tstamp BIGINT is missing"}},
		"one too many": {func(d *Description) { d.Columns = slices.Insert(d.Columns, 2, Column{"extra", "map<string,int>"}) },
			[]string{"column extra MAP<STRING,INT>, the 3rd, is none of the listener's"}},
		"other types": {func(d *Description) { d.Columns[11].Type, d.Partitions[0].Type = "string", "int" },
			[]string{"column sport is STRING, not INT", "partition column y is INT, not SMALLINT"}},
		"two exchanged": {func(d *Description) { d.Columns[9], d.Columns[10] = d.Columns[10], d.Columns[9] },
			[]string{"column dip stands where sip should", "column sip stands where dip should"}},
		"one at the end": {func(d *Description) { move(d, 24, 27) },
			[]string{"column dtos stands where das should", "column dir stands where dtos should", "column rip stands where dir should", "column das stands where rip should"}},
		"not partitioned": {func(d *Description) { d.Columns = append(d.Columns, d.Partitions...); d.Partitions = nil }, []string{
			"column y SMALLINT, the 29th, is none of the listener's", "column m TINYINT, the 30th, is none of the listener's",
			"column d TINYINT, the 31st, is none of the listener's", "column h TINYINT, the 32nd, is none of the listener's",
			"partition column y SMALLINT is missing", "partition column m TINYINT is missing",
			"partition column d TINYINT is missing", "partition column h TINYINT is missing"}},
	} {
		d := asMade()
		c.change(&d)
		err := tab.Check(d)
		if c.want == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		want := "hive's table spot.flow is not the one that the listener writes: " + strings.Join(c.want, "; ")
		if err == nil || err.Error() != want || !IsDifference(err) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
}

// However many columns a table has, the error is readable.
func TestDifferencesAreBounded(t *testing.T) {
	d := asMade()
	for i := range 500 {
		d.Columns = append(d.Columns, column(fmt.Sprintf("C%d", i), "int"))
	}
	err := open(t, Options{HiveServer2: "h:1"}).Check(d)
	if err == nil || !strings.HasSuffix(err.Error(), "; column c39 INT, the 68th, is none of the listener's; and 460 more") {
		t.Error(err)
	}
}

func TestNamesInAnyCase(t *testing.T) {
	if got := column("Unix_TStamp", "BigInt"); got != (Column{"unix_tstamp", "bigint"}) {
		t.Error(got)
	}
}

func TestSameLocation(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"file:/data/flow", "/data/flow/", true},
		{"file:///data/flow", "file:/data//flow", true},
		{"file://localhost/data/flow", "/data/flow", true},
		{"/data/flow", "/data/dns", false},
		{"hdfs://ns1/flow", "hdfs://NS1/flow/", true},
		{"hdfs://ns1/flow", "hdfs://ns2/flow", false},
		{"hdfs://nn:8020/flow", "webhdfs://nn:9870/flow", true},
		{"hdfs://nn:8020/flow", "swebhdfs://nn:9871/flow", true},
		{"hdfs://nn:8020/flow", "hdfs:/flow", true},
		{"hdfs://[::1]:8020/flow", "webhdfs://[::1]:9870/flow", true},
		{"hdfs://nn:8020/flow", "/flow", false},
		{"hdfs://nn:8020/flow", "file:/flow", false},
		{"hdfs://nn", "hdfs://nn/", true},
		{"/data/a:b", "/data/a:b", true},
		{"s3a://bucket:1/x", "s3a://bucket:2/x", false},
	} {
		if SameLocation(c.a, c.b) != c.want || SameLocation(c.b, c.a) != c.want {
			t.Errorf("%s and %s: not %v", c.a, c.b, c.want)
		}
	}
}

func FuzzSameLocation(f *testing.F) {
	f.Add("hdfs://nn:8020/flow")
	f.Add("file:/a")
	f.Add("//x")
	f.Fuzz(func(t *testing.T, location string) {
		if !SameLocation(location, location) {
			t.Errorf("%q is not itself", location)
		}
	})
}
