package cli

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

// Every abbreviation of an option of the Python programs means what it means without the
// further options.
func TestAbbreviationsStay(t *testing.T) {
	for _, program := range []string{"collector", "listener"} {
		p, _ := line{Program: program}.program()
		q, _ := line{Program: program}.program()
		q.groups = q.groups[:2]
		for name, o := range q.byName {
			if o.further {
				delete(q.byName, name)
			}
		}
		tried := 0
		for _, o := range q.options() {
			name := "--" + o.Name
			for end := 3; end <= len(name); end++ {
				tried++
				got, gotExit := p.classify(name[:end])
				want, wantExit := q.classify(name[:end])
				if (gotExit == nil) != (wantExit == nil) || got.name != want.name {
					t.Errorf("%s %s: got %q, want %q", program, name[:end], got.name, want.name)
				}
			}
		}
		if tried < 40 {
			t.Errorf("%s: only %d abbreviations tried", program, tried)
		}
	}
}

func TestFurtherOptionsYield(t *testing.T) {
	newParser := func() *Parser {
		f := flag.NewFlagSet("prog", flag.ContinueOnError)
		for _, name := range []string{"skip", "stage", "staging", "stop"} {
			f.Bool(name, false, "")
		}
		p := New(f, "optional arguments", Option{Name: "skip"}, Option{Name: "stage"})
		p.Further("further arguments", Option{Name: "staging"}, Option{Name: "stop"})
		return p
	}
	for _, tt := range []struct{ arg, set, err string }{
		{arg: "--sk", set: "skip"},
		{arg: "--st", set: "stage"},
		{arg: "--sta", set: "stage"},
		{arg: "--stage", set: "stage"},
		{arg: "--stagi", set: "staging"},
		{arg: "--sto", set: "stop"},
		{arg: "--s", err: "ambiguous option: --s could match --skip, --stage"},
		{arg: "--x", err: "unrecognized arguments: --x"},
	} {
		p := newParser()
		exit := p.Parse([]string{tt.arg})
		if tt.err != "" {
			if exit == nil || !strings.HasSuffix(exit.Text, "prog: error: "+tt.err+"\n") {
				t.Errorf("%s: got %+v, want %s", tt.arg, exit, tt.err)
			}
			continue
		}
		if exit != nil {
			t.Errorf("%s: %+v", tt.arg, exit)
		}
		p.flags.Visit(func(f *flag.Flag) {
			if f.Name != tt.set {
				t.Errorf("%s: sets %s, want %s", tt.arg, f.Name, tt.set)
			}
		})
	}
}

// The configuration is read once for each -c, in their order, and before a name that is no
// type is judged.
func TestOrderOfHooks(t *testing.T) {
	for _, tt := range []struct {
		args, want string
	}{
		{"--topic T -t flow", "load ingest_conf.json"},
		{"--topic T -t a", "load ingest_conf.json, judge a"},
		{"-t a -c x --topic T", "load x, judge a"},
		{"-c x -t a -c y -t b --topic T", "load x, load y, judge a, judge b"},
		{"-t no -t a --topic T -c x", "load x, judge no"},
		{"-c x -c bad -t a -c y", "load x, load bad"},
		{"-c x -h", "load x"},
		{"-h -c x", ""},
	} {
		var calls []string
		var a CollectorArgs
		p := Collector(&a, Hooks{
			Load: func(path string) error {
				calls = append(calls, "load "+path)
				if path == "bad" {
					return errors.New("bad configuration")
				}
				return nil
			},
			IsPipeline: func(name string) bool {
				calls = append(calls, "judge "+name)
				return name != "no"
			},
		})
		p.Parse(strings.Fields(tt.args))
		if got := strings.Join(calls, ", "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.args, got, tt.want)
		}
	}
}

func TestNoPipelines(t *testing.T) {
	var a ListenerArgs
	exit := Listener(&a, Hooks{}).Parse([]string{"-t", "x", "-h"})
	if exit == nil || exit.Code != 2 || !strings.Contains(exit.Text, "invalid choice: 'x'") {
		t.Errorf("got %+v", exit)
	}
}

func TestDeclarationErrors(t *testing.T) {
	for _, tt := range []struct {
		want    string
		options []Option
	}{
		{"no flag nothing", []Option{{Name: "nothing"}}},
		{"--a declared twice", []Option{{Name: "a"}, {Name: "a"}}},
		{"-h declared twice", []Option{{Name: "a", Short: "h"}}},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}()
			f := flag.NewFlagSet("prog", flag.ContinueOnError)
			f.Bool("a", false, "")
			New(f, "optional arguments", tt.options...)
		}()
	}
}

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	for _, tt := range []struct{ in, want string }{
		{"2018-03-20", "2018-03-19T22:00:00Z"},
		{"2018-03-20 09:25", "2018-03-20T07:25:00Z"},
		{"2018-03-20 09:25:11", "2018-03-20T07:25:11Z"},
		{"2018-03-20T09:25:11Z", "2018-03-20T09:25:11Z"},
		{"2018-03-20T09:25:11-05:00", "2018-03-20T14:25:11Z"},
		{"2018-03-20T09:25:11.5Z", "2018-03-20T09:25:11.5Z"},
		{"2018-02-31", ""},
		{"2018-03-20T09:25:11", ""},
		{"20180320", ""},
		{"", ""},
	} {
		got, err := parseTime(tt.in, zone)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q: got %v, want an error", tt.in, got)
			}
		} else if s := got.UTC().Format(time.RFC3339Nano); err != nil || s != tt.want {
			t.Errorf("%q: got %s, %v; want %s", tt.in, s, err, tt.want)
		}
	}
}

// FuzzParse reads words separated by NUL, which no word of a command line can hold.
func FuzzParse(f *testing.F) {
	for _, words := range []string{
		"-t\x00flow\x00--topic\x00T", "-hlX", "-t=\x00--=", "--\x00--t", "-c\x00", "-p\x00-.5\n\x00-",
		"--to=\xff\x00-tpipeline\x00-p1", "--backlog-s=2018-03-20\x00--res\x00a b", "-h=",
	} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		args := strings.Split(words, "\x00")
		if len(args) > 1000 {
			t.Skip("more words than a test needs")
		}
		hooks := Hooks{
			Load: func(path string) error {
				if path == "" {
					return errors.New("no such file")
				}
				return nil
			},
			IsPipeline: func(name string) bool { return name == "pipeline" },
			Version:    "version 0",
		}
		var c CollectorArgs
		checkOutcome(t, Collector(&c, hooks), args, &c.Type)
		var l ListenerArgs
		checkOutcome(t, Listener(&l, hooks), args, &l.Type)
	})
}

func checkOutcome(t *testing.T, p *Parser, args []string, typ *string) {
	exit := p.Parse(args)
	if exit == nil {
		if *typ != "dns" && *typ != "flow" && *typ != "proxy" && *typ != "pipeline" {
			t.Errorf("%q: goes on with type %q", args, *typ)
		}
		given := map[string]bool{}
		p.flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for _, o := range p.options() {
			if o.Required && !given[o.Name] {
				t.Errorf("%q: goes on without --%s", args, o.Name)
			}
		}
		return
	}
	for code, prefix := range []string{"", "no such file", "usage: "} {
		if code == exit.Code && strings.HasPrefix(exit.Text, prefix) && strings.HasSuffix(exit.Text, "\n") {
			return
		}
	}
	t.Errorf("%q: ends with %+v", args, exit)
}
