//go:build integration

package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	packagedConf = "/etc/spot-ingest/ingest_conf.json"
	watched      = "/srv/flow"
	tables       = "/srv/spot"
)

// A service is what a package has installed on a machine, with the topic that it is given.
type service struct {
	*site
	*machine
	sent int // files
}

// testDeb is the life of a Debian package: installed, misconfigured, configured, started,
// crashed, upgraded, stopped, removed, purged.
func testDeb(t *testing.T, m *machine, made packages) {
	s := newService(t, m)
	m.put(find(t, made.first, "*.deb"), "/srv/first.deb")
	m.put(find(t, made.later, "*.deb"), "/srv/later.deb")
	m.sh("root", "dpkg -i /srv/first.deb")
	m.is("", "root", "dpkg --verify spot-ingest")
	s.installed()
	s.withoutTopic()

	s.configured()
	s.withoutTables()
	s.allowed()
	m.sh("root", "systemctl start spot-collector@flow spot-listener@flow")
	s.ready()
	s.arrives()
	s.hardened()
	s.crashes("KILL", "spot-collector@flow", "spot-listener@flow")

	s.upgrades("DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /srv/later.deb", "dpkg-dist")
	s.stops()
	m.sh("root", "dpkg --force-confold -i /srv/later.deb") // starts nothing that did not run
	m.is("inactive\ninactive\n", "root", "systemctl is-active spot-collector@flow spot-listener@flow || :")

	m.sh("root", "systemctl enable -q spot-collector@flow && systemctl start spot-collector@flow spot-listener@flow")
	s.ready()
	m.sh("root", "dpkg -r spot-ingest")
	s.gone()
	m.sh("root", "grep -qF "+s.topic+" /etc/spot-ingest/flow.env && test -e "+packagedConf)
	if out := m.sh("root", "dpkg -P spot-ingest"); !strings.Contains(out, "/var/lib/spot-ingest is left") {
		t.Errorf("purged without a word on what is left: %s", out)
	}
	m.is("", "root", "ls -d /etc/spot-ingest /etc/systemd/system/*.wants/spot-* 2>/dev/null || :")
	s.left()
}

// testRPM is the same by rpm, as far as a Debian lets it: it knows none of its packages.
func testRPM(t *testing.T, m *machine, made packages) {
	s := newService(t, m)
	m.put(find(t, made.first, "*.rpm"), "/srv/first.rpm")
	m.put(find(t, made.later, "*.rpm"), "/srv/later.rpm")
	m.sh("root", "rpm -i --nodeps /srv/first.rpm")
	m.is("", "root", "rpm -V --nodeps spot-ingest")
	s.installed()

	s.configured()
	s.allowed()
	m.sh("root", "systemctl start spot-collector@flow spot-listener@flow")
	s.ready()
	s.arrives()
	s.crashes("QUIT", "spot-collector@flow") // by which a Go program crashes
	s.upgrades("rpm -U --nodeps /srv/later.rpm", "rpmnew")

	if out := m.sh("root", "rpm -e --nodeps spot-ingest"); !strings.Contains(out, "/var/lib/spot-ingest is left") {
		t.Errorf("removed without a word on what is left: %s", out)
	}
	s.gone()
	m.sh("root", "grep -qF "+s.topic+" /etc/spot-ingest/flow.env.rpmsave && test -e "+packagedConf+".rpmsave")
	s.left()
}

func newService(t *testing.T, m *machine) *service {
	return &service{site: newSite(t, sharedKafka(t, kafka4), "flow", nil), machine: m}
}

// installed wants the package to have laid its files, made its user, and started nothing.
func (s *service) installed() {
	m := s.machine
	m.t.Helper()
	m.is("755 root:root\n644 root:root\n644 root:root\n644 root:root\n644 root:root\n755 root:root\n755 root:root\n700 spot-ingest:spot-ingest\n700 spot-ingest:spot-ingest\n", "root",
		"cd /etc/spot-ingest && stat -c '%a %U:%G' . dns.env flow.env ingest_conf.json proxy.env /usr/bin/spot-collector /usr/bin/spot-listener /var/lib/spot-ingest /var/lib/spot-ingest/staging")
	m.is("/var/lib/spot-ingest:/usr/sbin/nologin\n", "root", "getent passwd spot-ingest | cut -d: -f6,7")
	m.is("", "root", "systemctl list-units --no-legend --all 'spot-*'; ls -d /etc/systemd/system/*.wants/spot-* 2>/dev/null || :")
	for _, program := range []string{"collector", "listener"} {
		if got := m.sh("root", "spot-"+program+" --version"); !strings.HasPrefix(got, program+" 1.0.0") {
			m.t.Errorf("version: %s", got)
		}
		m.sh("root", "gzip -dc /usr/share/man/man1/spot-"+program+".1.gz | grep -q '^\\.[TD][Hd]'")
		m.sh("root", "bash -c 'source /usr/share/bash-completion/completions/spot-"+program+" && complete -p spot-"+program+"'")
	}
	m.sh("root", "gzip -dc /usr/share/man/man5/ingest_conf.json.5.gz | grep -q '^\\.[TD][Hd]'")
}

// withoutTopic starts what nobody has configured: it says so, and isn't tried again.
func (s *service) withoutTopic() {
	m := s.machine
	m.t.Helper()
	for _, unit := range []string{"spot-collector@flow", "spot-listener@flow"} {
		m.sh("root", "systemctl start "+unit)
		m.until("root", "journalctl -u "+unit+" | grep -F -- '--topic is empty: want the name of a topic (of a service: TOPIC in its file in /etc/spot-ingest)'")
	}
	m.until("root", "systemctl is-failed spot-collector@flow")
	m.sh("root", "systemctl stop spot-listener@flow && systemctl reset-failed 'spot-*'")
}

// configured edits the shipped configuration, and makes the folders that it names.
func (s *service) configured() {
	m := s.machine
	m.t.Helper()
	s.configure(m, "root", packagedConf, watched, tables)
	m.sh("root", "sed -i 's/^TOPIC=$/TOPIC="+s.topic+"/; s/^LISTENER_OPTIONS=.*/& --from earliest/' /etc/spot-ingest/flow.env")
	m.sh("root", "install -d -o spot-ingest -g spot-ingest "+watched+" "+tables)
}

// withoutTables starts the listener, which systemd keeps from its tables' folder: it says
// which, and why.
func (s *service) withoutTables() {
	m := s.machine
	m.t.Helper()
	m.sh("root", "systemctl start spot-listener@flow")
	m.until("root", "journalctl -u spot-listener@flow | grep -F '"+tables+"' | grep -F 'read-only file system'")
	m.sh("root", "systemctl stop spot-listener@flow; systemctl reset-failed 'spot-*' || :")
}

// allowed lets the listener write its tables.
func (s *service) allowed() {
	m := s.machine
	m.t.Helper()
	m.sh("root", "mkdir -p /etc/systemd/system/spot-listener@flow.service.d && printf '[Service]\\nReadWritePaths="+tables+"\\n' "+
		"> /etc/systemd/system/spot-listener@flow.service.d/tables.conf && systemctl daemon-reload")
}

// ready waits until both work.
func (s *service) ready() {
	m := s.machine
	m.t.Helper()
	for unit, text := range map[string]string{"spot-collector@flow": "Initialization completed successfully!", "spot-listener@flow": "LISTENING KAFKA TOPIC"} {
		m.until("root", "journalctl _PID=$(systemctl show -P MainPID "+unit+") | grep -F '"+text+"'")
		m.is("active spot-ingest\n", "root", "echo $(systemctl is-active "+unit+") $(stat -c %U /proc/$(systemctl show -P MainPID "+unit+"))")
	}
}

// arrive moves the sample into the watched folder under another name each time.
func (s *service) arrive() (name string) {
	s.machine.t.Helper()
	s.sent++
	name = fmt.Sprintf("nfcapd.2018032009%02d", s.sent)
	s.machine.sh("root", "install -o spot-ingest -m 600 -p /srv/sample /srv/arriving && mv /srv/arriving "+watched+"/"+name)
	return name
}

// arrives wants a file in Kafka and in the table, and nothing that was there lost or doubled.
func (s *service) arrives() {
	m := s.machine
	m.t.Helper()
	name := s.arrive()
	m.until("root", "journalctl -u spot-collector@flow | grep -F '"+allSent(name)+"'")
	s.all()
}

// all wants what was sent in Kafka and in the table.
func (s *service) all() {
	m := s.machine
	m.t.Helper()
	m.stored(tables, s.sent)
	once, _ := distinct(m.t, s.consume())
	sources := bySource(once)
	for n := range s.sent {
		name := fmt.Sprintf("nfcapd.2018032009%02d", n+1)
		checkSegments(m.t, name, sources[name], sample(m.t, "flow", defaultLimit))
	}
	if len(sources) != s.sent {
		m.t.Errorf("%d files were sent, of %d", len(sources), s.sent)
	}
}

var exposure = regexp.MustCompile(`Overall exposure level for (\S+): ([0-9.]+)`)

// hardened has systemd judge the running services.
func (s *service) hardened() {
	m := s.machine
	m.t.Helper()
	for _, unit := range []string{"spot-collector@flow.service", "spot-listener@flow.service"} {
		found := exposure.FindStringSubmatch(m.sh("root", "systemd-analyze security --no-pager "+unit))
		if found == nil || found[1] != unit {
			m.t.Fatalf("%s: not judged: %q", unit, found)
		}
		if level, err := strconv.ParseFloat(found[2], 64); err != nil || level >= 3 {
			m.t.Errorf("%s: exposure %s, %v", unit, found[2], err)
		}
	}
}

// crashes has services crash, and a file come while they are down.
func (s *service) crashes(signal string, units ...string) {
	m := s.machine
	m.t.Helper()
	for _, unit := range units {
		m.sh("root", "kill -"+signal+" $(systemctl show -P MainPID "+unit+")")
	}
	name := s.arrive()
	for _, unit := range units {
		m.until("root", "test $(systemctl show -P NRestarts "+unit+") = 1 && systemctl is-active "+unit)
	}
	m.until("root", "journalctl -u spot-collector@flow | grep -F '"+allSent(name)+"'")
	s.all()
}

// upgrades goes over to the later version while files come. What the administrator has
// edited stays, the rest is the later version's.
func (s *service) upgrades(command, beside string) {
	m := s.machine
	m.t.Helper()
	pids := "systemctl show -P MainPID spot-collector@flow spot-listener@flow"
	before := m.sh("root", pids)
	conf := m.sh("root", "cat "+packagedConf)
	s.arrive()
	m.sh("root", command)
	s.arrive()
	s.ready()
	if after := m.sh("root", pids); after == before {
		m.t.Errorf("the processes of the version before run on: %s", after)
	}
	m.is("/usr/bin/spot-collector\n/usr/bin/spot-listener\n", "root", "for p in $("+pids+"); do readlink /proc/$p/exe; done")
	m.sh("root", "spot-collector --version | grep -F 'collector 1.0.1'")
	m.is(conf, "root", "cat "+packagedConf)
	m.sh("root", "grep -F '\"collector_processes\":6' "+packagedConf+"."+beside+" && grep -F 'Of 1.0.1.' /etc/spot-ingest/dns.env")
	s.arrives()
}

// stops wants both to end by themselves when they are told to.
func (s *service) stops() {
	m := s.machine
	m.t.Helper()
	for _, unit := range []string{"spot-collector@flow", "spot-listener@flow"} {
		m.sh("root", "systemctl stop "+unit)
		m.sh("root", "journalctl -u "+unit+" -n 3 -o cat | grep -F '"+unit+".service: Deactivated successfully.'")
	}
}

// gone wants no process, no program and no unit of the package left.
func (s *service) gone() {
	m := s.machine
	m.t.Helper()
	m.is("", "root", "find /proc -maxdepth 1 -user spot-ingest")
	m.is("", "root", "ls -d /usr/bin/spot-* /usr/lib/systemd/system/spot-* /usr/share/doc/spot-ingest /usr/share/man/man1/spot-* 2>/dev/null || :")
	m.is("", "root", "systemctl list-units --no-legend --state=active,activating,deactivating,failed 'spot-*'")
}

// left wants the state kept: what has been sent must not be sent again.
func (s *service) left() {
	m := s.machine
	m.t.Helper()
	m.is("700 spot-ingest\n", "root", "stat -c '%a %U' /var/lib/spot-ingest")
	m.sh("root", "test -n \"$(find /var/lib/spot-ingest -name '*ledger*')\"")
}
