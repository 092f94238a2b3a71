//go:build integration

package integration

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// hostileNames hold all that a shell, a tool's options or a format string could take for
// something else than a name.
var hostileNames = []string{
	"a b", `quo"te'`, "$(touch pwned)", "`touch pwned`", "; touch pwned;", "&& touch pwned", "| touch pwned", "> pwned",
	"new\nline", "-rf", "--help", "-", "-w pwned", "*", "?", "~", "$HOME", "%s%n%d", `back\slash`, "tab\there",
	"\xff\xfe", "ünï", "a:b", "a,b", "#comment", "a=b", "{a,b}", "!!",
}

// Files are sent whatever they are called, and nothing in a name is executed.
func TestHostileNames(t *testing.T) {
	for _, c := range []struct{ kind, converter, file, options string }{
		{"flow", "native", "nfcapd.201803200900", ""},
		{"flow", "nfdump", "nfcapd.201803200900", ""},
		{"dns", "native", "dns.pcap", tsharkOptions},
		{"dns", "tshark", "dns.pcap", tsharkOptions},
	} {
		t.Run(c.kind+" "+c.converter, func(t *testing.T) {
			t.Parallel()
			kind := c.kind
			want := sample(t, kind, defaultLimit)
			s := newSite(t, sharedKafka(t, kafka4), kind, nil)
			s.pipeline(map[string]any{"process_opt": c.options, "converter": c.converter})
			content := readFile(t, filepath.Join("testdata", c.file))
			for _, name := range hostileNames {
				s.arrive(name, content)
			}
			s.run(0, s.args("--once")...)
			sources := bySource(s.consume())
			for _, name := range hostileNames {
				checkSegments(t, name, sources[name], want)
				delete(sources, name)
			}
			for name := range sources {
				t.Errorf("from nowhere: %q", name)
			}
			err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Name() == "pwned" {
					t.Errorf("a file name was executed: %s is there", path)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// sample returns what has to arrive of the small capture in testdata, cut at a limit, and
// skips the test if its tool is missing.
func sample(t *testing.T, kind string, limit int) []segment {
	t.Helper()
	if kind == "dns" {
		need(t, "tshark")
		rows := []string{
			"Sep  8, 2017 11:05:01.123456000 UTC,1504868701.123456000,93,198.51.100.53,10.0.0.1,host0.example.com,1,0x0001,0,192.0.2.0",
			"Sep  8, 2017 12:05:01.123456000 UTC,1504872301.123456000,93,198.51.100.53,10.0.0.2,host1.example.com,1,0x0001,0,192.0.2.1",
			"Sep  8, 2017 13:05:01.123456000 UTC,1504875901.123456000,93,198.51.100.53,10.0.0.3,host2.example.com,1,0x0001,0,192.0.2.2",
		}
		return cut("dns", []byte(strings.Join(rows, "\n")), limit)
	}
	need(t, "nfdump")
	rows := spotColumns(nfdump(t, filepath.Join("testdata", "nfcapd.201803200900")))
	if len(rows) != 1200 || rows[0] != "2018-03-20 09:00:00,2018,3,20,9,0,0,0.374,10.2.0.243,192.0.2.39,39217,53,UDP,......,0,0,69,12401,0,0,0,0,2457,5632,0,0,127.0.0.1" {
		missing(t, "needs an nfdump from 1.7.0 to 1.7.4, whose columns are known: this one prints %d rows that are", len(rows))
	}
	return cut("flow", []byte(strings.Join(rows, "\n")), limit)
}
