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

func TestChoose(t *testing.T) {
	dir := tools(t, "nfdump", "tshark")
	nfdump, tshark := filepath.Join(dir, "nfdump"), filepath.Join(dir, "tshark")
	tests := []struct {
		name       string
		recordType string
		skip       bool
		opt        string
		tz         string
		prints     string
		want       Method
		stored     string
	}{
		{name: "flow", recordType: "flow", tz: "Asia/Tokyo", prints: "out nfdump: Version: NSEL-NEL1.7.1",
			want:   Method{Name: Nfdump, Program: nfdump, Version: "1.7.1", Zone: "UTC"},
			stored: `{"name":"nfdump","program":"` + nfdump + `","version":"1.7.1","tz":"UTC"}`},
		{name: "a newer nfdump", recordType: "flow", opt: "'proto tcp' -q", prints: "out /opt/nf-1.6.2/nfdump: Version: 1.7.8-release options: lz4 BZIP2 date: Fri Apr 18",
			want: Method{Name: Nfdump, Program: nfdump, Version: "1.7.8", Options: []string{"proto tcp", "-q"}, Zone: "UTC"}},
		{name: "dns", recordType: "dns", tz: "Asia/Tokyo", opt: "-T fields", prints: "out TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3).\nout \nout Copyright 1998-2024\nexit 1",
			want:   Method{Name: Tshark, Program: tshark, Version: "4.0.17", Options: []string{"-T", "fields"}, Zone: "Asia/Tokyo"},
			stored: `{"name":"tshark","program":"` + tshark + `","version":"4.0.17","options":["-T","fields"],"tz":"Asia/Tokyo"}`},
		{name: "no version", recordType: "dns", tz: "unset", prints: "err what?\nexit 1", want: Method{Name: Tshark, Program: tshark}},
		{name: "empty TZ", recordType: "dns", prints: "out hello", want: Method{Name: Tshark, Program: tshark, Zone: "UTC"}},
		{name: "proxy", recordType: "proxy", opt: "-p | x", want: Method{Name: Text}, stored: `{"name":"text"}`},
		{name: "skip conversion", recordType: "flow", skip: true, opt: "$", want: Method{Name: Text}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake(t, "", tt.prints)
			t.Setenv("TZ", tt.tz)
			if tt.tz == "unset" {
				os.Unsetenv("TZ")
			}
			got, err := Choose(t.Context(), tt.recordType, tt.skip, tt.opt)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, tt.want)
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

func TestCannotChoose(t *testing.T) {
	tools(t, "nfdump")
	fake(t, "", "hang")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		ctx        context.Context
		recordType string
		opt        string
		cause      error
		text       string
	}{
		{t.Context(), "dns", "", exec.ErrNotFound, "dns files need tshark: install the Debian package tshark: "},
		{t.Context(), "flow", "-q | tee x", nil, `process_opt "-q | tee x": | is for a shell to carry out`},
		{t.Context(), "syslog", "", nil, `no record type "syslog": flow, dns or proxy`},
		{ended, "flow", "", context.Canceled, "for its version: "},
	}
	for _, tt := range tests {
		m, err := Choose(tt.ctx, tt.recordType, false, tt.opt)
		if err == nil || !strings.HasPrefix(err.Error(), "choose converter: ") || !strings.Contains(err.Error(), tt.text) ||
			tt.cause != nil && !errors.Is(err, tt.cause) || !reflect.DeepEqual(m, Method{}) {
			t.Errorf("%s %q: %+v, %v", tt.recordType, tt.opt, m, err)
		}
	}
}
