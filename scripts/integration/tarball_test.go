//go:build integration

package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// testTarball is a user with nothing but a shell, the tarball, and the habits that Spot's
// documentation teaches.
func testTarball(t *testing.T, m *machine, made packages) {
	s := newSite(t, sharedKafka(t, kafka4), "flow", nil)
	tarball := find(t, made.first, "spot-ingest-*-linux-*.tar.gz")
	m.sh("root", "useradd --create-home --shell /bin/bash analyst")
	m.put(tarball, "/srv/"+filepath.Base(tarball))
	m.sh("analyst", "tar -xzf /srv/"+filepath.Base(tarball)+" && mv spot-ingest-1.0.0 spot-ingest && mkdir flow")
	s.configure(m, "analyst", "spot-ingest/ingest_conf.json", "/home/analyst/flow", "/home/analyst/tables")
	for range 2 { // again does no harm
		if out := m.sh("analyst", "cd spot-ingest && ./install_DC.sh"); !strings.Contains(out, "Installation completed successfully") {
			t.Errorf("install_DC.sh: %s", out)
		}
	}
	const activate = "cd spot-ingest && source venv/bin/activate\n"
	want := readFile(t, filepath.Join("..", "..", "pkg", "cli", "testdata", "collector_help.txt"))
	m.is(string(want), "analyst", activate+"python collector.py --help")
	m.is("", "analyst", activate+"deactivate; command -v python || :")

	logged := func(file, text string) string { return fmt.Sprintf("grep -F '%s' spot-ingest/%s", text, file) }
	background(m, "listener.sh", activate+"mkdir -p logs\n"+
		"bash -c 'python start_listener.py -t flow --topic "+s.topic+" -p 1 --master local --config-file ingest_conf.json --redirect-spark-logs logs/x.log'"+
		" > listener.out 2>&1 & echo $! > listener.pid\nwait $!; echo $? > listener.code")
	background(m, "flow.sh", activate+"python collector.py -t flow --topic "+s.topic+" > flow.out 2>&1 & echo $! > flow.pid\nwait $!; echo $? > flow.code")
	m.until("analyst", logged("listener.out", "LISTENING KAFKA TOPIC"))
	m.until("analyst", logged("flow.out", "Initialization completed successfully!"))
	for file, program := range map[string]string{"flow": "collector", "listener": "listener"} {
		m.is("/home/analyst/spot-ingest/venv/bin/"+program+"\n", "analyst", "readlink /proc/$(cat spot-ingest/"+file+".pid)/exe")
	}

	m.sh("analyst", "cp /srv/sample arriving && mv arriving flow/"+sampleName)
	m.until("analyst", logged("flow.out", allSent(sampleName)))
	checkSegments(t, sampleName, s.consume(), sample(t, "flow", defaultLimit))
	m.stored("/home/analyst/tables", 1)
	for _, file := range []string{"flow", "listener"} {
		m.sh("analyst", "kill $(cat spot-ingest/"+file+".pid)")
		m.until("analyst", "test -s spot-ingest/"+file+".code")
		m.is("0\n", "analyst", "cat spot-ingest/"+file+".code")
	}
	m.is("", "analyst", "cat spot-ingest/logs/x.log")

	// What was sent is known, also to those who call the file itself.
	m.sh("analyst", "spot-ingest/collector.py -t flow --topic "+s.topic+" -c spot-ingest/ingest_conf.json --once")
	checkSegments(t, sampleName, s.consume(), sample(t, "flow", defaultLimit))
	m.is("700\n", "analyst", "stat -c %a .local/state/spot-ingest")
	m.is("", "analyst", "find / -xdev -newer /srv/sample -user analyst -not -path '/home/analyst*' 2>/dev/null || :")
}

// background runs a user's script, by a file of its own, that goes on after its login has ended.
func background(m *machine, file, script string) {
	m.t.Helper()
	m.sh("analyst", "cat > "+file+" <<'EOF'\n"+script+"\nEOF\nsetsid bash "+file+" < /dev/null > /dev/null 2>&1 &")
}
