//go:build integration

package install

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// In a detached screen, with a time zone set in it, and stopped by Ctrl-C there.
func TestReplayScreen(t *testing.T) {
	need(t, "screen")
	i := newIngest(t)
	i.editBySed()
	sockets := openTempDir(t)
	if err := os.Chmod(sockets, 0o700); err != nil {
		t.Fatal(err)
	}
	i.env = append(i.env, "SCREENDIR="+sockets, "TERM=xterm")
	screen := func(args ...string) result { return i.run(append([]string{"screen"}, args...)...) }
	screen("-dmS", "FLOW", "bash").wants(0)
	t.Cleanup(func() { screen("-S", "FLOW", "-X", "quit") }) // fails where it has ended
	typed := func(line string) {
		t.Helper()
		screen("-S", "FLOW", "-p", "0", "-X", "stuff", line).wants(0)
	}
	i.awaitThat("the screen", func() bool { return screen("-S", "FLOW", "-Q", "select", ".").code == 0 })
	typed("export TZ=Asia/Tokyo; source venv/bin/activate; python collector.py -t flow --topic " + topic +
		` > flow.out 2>&1; echo "ended with $?" > flow.code` + "\r")
	i.awaitText("flow.out", "Initialization completed successfully!")
	i.wantLocalTime("flow.out", "Asia/Tokyo")
	i.collect("nfcapd.201803200900")
	i.awaitText("flow.out", `All segments of "nfcapd.201803200900" published successfully to Kafka cluster.`)
	typed("\x03")
	i.awaitText("flow.out", `Stop "Flow" Collector!`)
	i.awaitText("flow.code", "ended with 0\n")
	typed("exit\r")
	i.awaitThat("the end of the screen", func() bool {
		out, _ := exec.Command("env", "SCREENDIR="+sockets, "screen", "-ls").Output() // fails where there is none
		return !strings.Contains(string(out), ".FLOW")
	})
}
