package convert

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap"
)

// tools makes a folder the whole PATH, with links of these names to the test binary.
func tools(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

// documented is process_opt of Spot's ingest_conf.json.
const documented = "-E separator=, -E header=y -E occurrence=f -T fields -e frame.time -e frame.time_epoch -e frame.len -e ip.src -e ip.dst " +
	"-e dns.resp.name -e dns.resp.type -e dns.resp.class -e dns.flags.rcode -e dns.a 'dns.flags.response == 1'"

func TestNewChooser(t *testing.T) {
	dir := tools(t, "nfdump", "tshark")
	nfdump, tshark := filepath.Join(dir, "nfdump"), filepath.Join(dir, "tshark")
	tests := []struct {
		name   string
		wish   Wish
		tz     string
		prints string
		want   Method
		stored string
		said   string
	}{
		{name: "flow", wish: Wish{RecordType: "flow"}, tz: "Asia/Tokyo",
			want: Method{Name: Native, Format: "nfcapd", Version: nativeVersion, Zone: "UTC"}, said: "native",
			stored: `{"name":"native","format":"nfcapd","version":"` + nativeVersion + `","tz":"UTC"}`},
		{name: "dns", wish: Wish{RecordType: "dns", ProcessOpt: documented, Converter: Auto}, tz: "Asia/Tokyo", said: "native",
			want: Method{Name: Native, Format: "pcap", Version: nativeVersion, Options: dnspcap.Documented, Zone: "Asia/Tokyo"}},
		{name: "dns without options", wish: Wish{RecordType: "dns", Converter: Native}, said: "native",
			want: Method{Name: Native, Format: "pcap", Version: nativeVersion, Zone: "UTC"}},
		{name: "nfdump wished for", wish: Wish{RecordType: "flow", Converter: Nfdump}, tz: "Asia/Tokyo", prints: "out nfdump: Version: NSEL-NEL1.7.1",
			want: Method{Name: Nfdump, Program: nfdump, Version: "1.7.1", Zone: "UTC", Reason: `"converter" is "nfdump"`}, said: `nfdump 1.7.1 ("converter" is "nfdump")`,
			stored: `{"name":"nfdump","program":"` + nfdump + `","version":"1.7.1","tz":"UTC","reason":"\"converter\" is \"nfdump\""}`},
		{name: "options for nfdump", wish: Wish{RecordType: "flow", ProcessOpt: "'proto tcp' -q"},
			prints: "out /opt/nf-1.6.2/nfdump: Version: 1.7.8-release options: lz4 BZIP2 date: Fri Apr 18", said: "nfdump 1.7.8 (process_opt is set)",
			want: Method{Name: Nfdump, Program: nfdump, Version: "1.7.8", Options: []string{"proto tcp", "-q"}, Zone: "UTC", Reason: "process_opt is set"}},
		{name: "options for tshark", wish: Wish{RecordType: "dns", ProcessOpt: "-T fields -E separator=, -E occurrence=f -e http.host"}, tz: "Asia/Tokyo",
			prints: "out TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3).\nout \nout Copyright 1998-2024\nexit 1", said: "tshark 4.0.17 (process_opt has -e http.host)",
			want: Method{Name: Tshark, Program: tshark, Version: "4.0.17", Options: strings.Fields("-T fields -E separator=, -E occurrence=f -e http.host"), Zone: "Asia/Tokyo", Reason: "process_opt has -e http.host"}},
		{name: "a zone that nobody knows", wish: Wish{RecordType: "dns"}, tz: "Nowhere/Land", prints: "err what?\nexit 1", said: `tshark (TZ "Nowhere/Land" is in no time zone database)`,
			want: Method{Name: Tshark, Program: tshark, Zone: "Nowhere/Land", Reason: `TZ "Nowhere/Land" is in no time zone database`}},
		{name: "the machine's zone", wish: Wish{RecordType: "dns", Converter: Tshark}, tz: "unset", prints: "out hello", said: `tshark ("converter" is "tshark")`,
			want: Method{Name: Tshark, Program: tshark, Reason: `"converter" is "tshark"`}},
		{name: "proxy", wish: Wish{RecordType: "proxy", ProcessOpt: "-p | x"}, want: Method{Name: Text}, stored: `{"name":"text"}`, said: "text"},
		{name: "as it is", wish: Wish{RecordType: "flow", AsItIs: true, ProcessOpt: "$"}, want: Method{Name: Text}, said: "text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake(t, "", tt.prints)
			t.Setenv("TZ", tt.tz)
			if tt.tz == "unset" {
				os.Unsetenv("TZ")
			}
			c, err := NewChooser(t.Context(), tt.wish)
			if err != nil {
				t.Fatal(err)
			}
			got := c.Usual()
			if !reflect.DeepEqual(got, tt.want) || got.String() != tt.said {
				t.Errorf("%+v %q\nwant %+v %q", got, got, tt.want, tt.said)
			}
			stored, err := json.Marshal(got)
			if err != nil || tt.stored != "" && string(stored) != tt.stored {
				t.Errorf("stored as %s, %v\nwant %s", stored, err, tt.stored)
			}
			var back Method
			if err := json.Unmarshal(stored, &back); err != nil || !reflect.DeepEqual(back, got) {
				t.Errorf("read back as %+v, %v", back, err)
			}
		})
	}
}

func TestNoChooser(t *testing.T) {
	tools(t, "nfdump")
	fake(t, "", "hang")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		ctx   context.Context
		wish  Wish
		cause error
		text  string
	}{
		{t.Context(), Wish{RecordType: "dns", Converter: Tshark}, exec.ErrNotFound, `dns files need tshark here, because "converter" is "tshark": install the Debian package tshark: `},
		{t.Context(), Wish{RecordType: "dns", ProcessOpt: "-V"}, exec.ErrNotFound, "dns files need tshark here, because process_opt has -V: install the Debian package tshark: "},
		{t.Context(), Wish{RecordType: "dns", ProcessOpt: "-V", Converter: Native}, nil, `not the native one, because process_opt has -V: mend that, or set "converter" to "tshark"`},
		{t.Context(), Wish{RecordType: "flow", ProcessOpt: "-q | tee x"}, nil, `process_opt "-q | tee x": | is for a shell to carry out`},
		{t.Context(), Wish{RecordType: "syslog"}, nil, `no record type "syslog": flow, dns or proxy`},
		{ended, Wish{RecordType: "flow", Converter: Nfdump}, context.Canceled, "for its version: "},
	}
	for _, tt := range tests {
		_, err := NewChooser(tt.ctx, tt.wish)
		if err == nil || !strings.HasPrefix(err.Error(), "choose converter: ") || !strings.Contains(err.Error(), tt.text) ||
			tt.cause != nil && !errors.Is(err, tt.cause) {
			t.Errorf("%+v: %v", tt.wish, err)
		}
	}
}

// A kind of file that the native converter doesn't know is left to the tool, if there is
// one; damage is not.
func TestChoose(t *testing.T) {
	const wifi = "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x69\x00\x00\x00"
	const ethernet = "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00"
	tests := []struct {
		name      string
		converter string
		tools     []string
		content   string
		want      string
		text      string // of the error
	}{
		{name: "known", content: ethernet, want: "native"},
		{name: "empty", tools: []string{"tshark"}, content: "", want: "native"},
		{name: "cut within its header", tools: []string{"tshark"}, content: ethernet[:20], want: "native"},
		{name: "another link type", tools: []string{"tshark"}, content: wifi, want: "tshark 4.0.17 (link type 105 (IEEE 802.11))"},
		{name: "no tool", content: wifi, text: "convert x.pcap: not known: link type 105 (IEEE 802.11); tshark may know it: install the Debian package tshark: "},
		{name: "native and nothing else", converter: Native, tools: []string{"tshark"}, content: wifi, want: "native"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tools(t, tt.tools...)
			fake(t, "", "out TShark (Wireshark) 4.0.17 (Git).")
			t.Setenv("TZ", "UTC")
			path := filepath.Join(t.TempDir(), "x.pcap")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			c, err := NewChooser(t.Context(), Wish{RecordType: "dns", Converter: tt.converter})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time the tool is known
				got, err := c.Choose(t.Context(), file)
				if tt.text != "" {
					var failed *Error
					if !errors.As(err, &failed) || failed.Kind != UnknownFile || !strings.HasPrefix(err.Error(), tt.text) || !errors.Is(err, exec.ErrNotFound) {
						t.Errorf("%v\nwant %s", err, tt.text)
					}
					continue
				}
				if err != nil || got.String() != tt.want {
					t.Errorf("%s, %v; want %s", got, err, tt.want)
				}
				if now, known := c.Now(t.Context(), got.Name); !known || now.Program != got.Program {
					t.Errorf("now: %+v, %v", now, known)
				}
			}
		})
	}
}
