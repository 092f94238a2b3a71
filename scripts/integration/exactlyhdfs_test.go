//go:build integration

package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var hdfsKills = flag.Int("hdfs-kills", 10, "how often TestExactlyOnceHDFS kills a listener")

// Listeners that write to HDFS and tell Hive are killed at random moments. In the end each
// row is in the table once, as SQL finds it through Hive.
//
//	go test -tags integration -run 'TestExactlyOnceHDFS$' -v ./scripts/integration -args -hdfs-kills 50
func TestExactlyOnceHDFS(t *testing.T) {
	t.Parallel()
	began := time.Now()
	c := sharedCluster(t)
	s := newHDFSSite(t, c, sharedKafka(t, kafka4), 4, 200*time.Millisecond)
	s.listenToEnd(0, "--from", "earliest", "--once", "--create-table")
	collector := s.collect()
	stop := s.feed(100*time.Millisecond, 300)
	rng := rand.New(rand.NewPCG(*killSeed, 2))
	for range *hdfsKills {
		p := s.listen()
		// While it starts, while it commits, or at any time.
		switch rng.IntN(3) {
		case 0:
			p.pass(time.Duration(rng.IntN(500)) * time.Millisecond)
		case 1:
			p.waitFor("Committed ")
			p.pass(time.Duration(200+rng.IntN(150)) * time.Millisecond)
		default:
			p.waitFor("Committed ")
			p.pass(time.Duration(rng.IntN(3000)) * time.Millisecond)
		}
		p.kill()
		s.bury()
	}
	stop()
	collector.stop()
	s.collectAll()
	s.listenToEnd(0, "--once")
	s.mirror(c.hdfs.NameNodes()[0], "")
	sum := s.checkTable()
	s.nothingStaged()
	want := fmt.Sprintf("%d\t%d\t%d", s.rows.len(), s.rows.len(), s.rows.len()-1)
	got := c.query(t, fmt.Sprintf("REFRESH TABLE %[1]s.flow; SELECT count(*), count(DISTINCT ibyt), max(ibyt) FROM %[1]s.flow", s.databaseOf("")))
	if len(got) != 1 || got[0] != want {
		t.Errorf("SQL finds %q, want %q", got, want)
	}
	t.Logf("%d kills in %v: %d rows, %d records, %d files, %d repeats dropped", *hdfsKills, time.Since(began).Round(time.Second),
		sum.Rows, sum.Records, len(s.tableFiles()), sum.Repeats)
}
