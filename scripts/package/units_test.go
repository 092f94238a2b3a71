package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"spot-ingest/pkg/cli"
)

// A unit is a unit file: the values of each key, of whatever section.
type unit map[string][]string

func readUnit(t *testing.T, name string) unit {
	t.Helper()
	text, err := os.ReadFile("systemd/" + name)
	if err != nil {
		t.Fatal(err)
	}
	u := unit{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && line[0] != '#' {
			u[key] = append(u[key], value)
		}
	}
	return u
}

// environment reads a file of settings as systemd does, where it has no quotes.
func environment(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("etc/" + name)
	if err != nil {
		t.Fatal(err)
	}
	env := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && line[0] != '#' {
			env[key] = value
		}
	}
	return env
}

// command is ExecStart's words as systemd makes them: $NAME is split at blanks,
// ${NAME} is one word.
func (u unit) command(instance string, env map[string]string) []string {
	var words []string
	for _, word := range strings.Fields(strings.ReplaceAll(u["ExecStart"][0], "%i", instance)) {
		if name, ok := strings.CutPrefix(word, "${"); ok {
			words = append(words, env[strings.TrimSuffix(name, "}")])
		} else if name, ok := strings.CutPrefix(word, "$"); ok {
			words = append(words, strings.Fields(env[name])...)
		} else {
			words = append(words, word)
		}
	}
	return words
}

func anyPipeline(string) bool { return true }

// TestCommandLines has our own command lines judge those of the units, with and without a topic.
func TestCommandLines(t *testing.T) {
	hooks := cli.Hooks{Load: func(string) error { return nil }, IsPipeline: anyPipeline}
	for _, pipeline := range []string{"flow", "dns", "proxy"} {
		env := environment(t, pipeline+".env")
		if want := []string{"COLLECTOR_OPTIONS", "LISTENER_OPTIONS", "TOPIC"}; !slices.Equal(slices.Sorted(maps.Keys(env)), want) {
			t.Errorf("%s.env sets %v, want %v", pipeline, env, want)
		}
		for _, program := range []string{"collector", "listener"} {
			u := readUnit(t, "spot-"+program+"@.service")
			parse := func(env map[string]string) (topic, kind, conf string, exit *cli.Exit) {
				words := u.command(pipeline, env)
				if words[0] != "/usr/bin/spot-"+program {
					t.Errorf("%s starts %s", program, words[0])
				}
				if program == "collector" {
					var args cli.CollectorArgs
					exit = cli.Collector(&args, hooks).Parse(words[1:])
					return args.Topic, args.Type, args.ConfigFile, exit
				}
				var args cli.ListenerArgs
				exit = cli.Listener(&args, hooks).Parse(words[1:])
				if args.Partitions != 1 && exit == nil || args.Master != "local" && exit == nil {
					t.Errorf("listener: %+v", args)
				}
				return args.Topic, args.Type, args.ConfigFile, exit
			}
			if topic, _, _, exit := parse(env); exit != nil || cli.CheckTopic(topic) == nil {
				t.Errorf("%s without TOPIC: %q, %+v", program, topic, exit)
			}
			env := maps.Clone(env)
			env["TOPIC"], env["COLLECTOR_OPTIONS"] = "SPOT-X", "--backlog -l DEBUG"
			if topic, kind, conf, exit := parse(env); exit != nil || topic != "SPOT-X" || kind != pipeline || conf != "/etc/spot-ingest/ingest_conf.json" {
				t.Errorf("%s: %s %s %s %+v", program, topic, kind, conf, exit)
			}
		}
	}
}

// TestUnits wants of the units what the programs rely on, and what users were promised.
func TestUnits(t *testing.T) {
	for program, wants := range map[string]map[string]string{
		"collector": {"RestartPreventExitStatus": "2", "LimitCORE": "0", "TimeoutStopSec": "20", "ProtectHome": "read-only", "UMask": "0077", "OOMPolicy": "continue"},
		// A Spark job that fails ends it with 2, the JVM makes code, and others read its tables.
		"listener": {"RestartPreventExitStatus": "(absent)", "TimeoutStopSec": "45", "MemoryDenyWriteExecute": "(absent)", "UMask": "0022",
			// It looks for the boot's id and other processes of its user.
			"ProcSubset": "(absent)", "PrivatePIDs": "(absent)"},
	} {
		for key, want := range map[string]string{
			"User": "spot-ingest", "Group": "spot-ingest", "EnvironmentFile": "/etc/spot-ingest/%i.env", "Restart": "on-failure",
			"KillMode": "mixed", "StateDirectory": "spot-ingest spot-ingest/staging", "StateDirectoryMode": "0700",
			"WorkingDirectory": "/var/lib/spot-ingest", "ProtectSystem": "strict", "PrivateTmp": "yes", "StartLimitIntervalSec": "0",
			"After": "network-online.target", "Wants": "network-online.target", "WantedBy": "multi-user.target",
			"CapabilityBoundingSet": "", "AmbientCapabilities": "", "NoNewPrivileges": "yes",
		} {
			if _, ok := wants[key]; !ok {
				wants[key] = want
			}
		}
		u := readUnit(t, "spot-"+program+"@.service")
		for key, want := range wants {
			got := "(absent)"
			if values, ok := u[key]; ok {
				got = strings.Join(values, " / ")
			}
			if got != want {
				t.Errorf("%s: %s=%s, want %s", program, key, got, want)
			}
		}
	}
}

// TestCrash crashes as the collector would in its unit, and wants an end that systemd restarts.
func TestCrash(t *testing.T) {
	if os.Getenv("SPOT_CRASH") != "" {
		done := make(chan bool)
		go func() { panic("as a goroutine of the collector's") }()
		<-done
	}
	u := readUnit(t, "spot-collector@.service")
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(append(os.Environ(), "SPOT_CRASH=1"), u["Environment"]...)
	cmd.Dir = t.TempDir() // for a core file, if there is one
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "as a goroutine of the collector's") {
		t.Fatalf("%v\n%s", err, out)
	}
	if code := strconv.Itoa(exit.ExitCode()); slices.Contains(u["RestartPreventExitStatus"], code) {
		t.Errorf("a crash ends with exit code %s, after which systemd does not restart it", code)
	}
}

func TestSysusers(t *testing.T) {
	text, err := os.ReadFile("systemd/spot-ingest.conf")
	if err != nil || !strings.Contains(string(text), "\nu spot-ingest - \"Spot ingest\" /var/lib/spot-ingest\n") {
		t.Errorf("%q, %v", text, err)
	}
}
