package convert

import (
	"strings"
	"testing"
	"time"
)

var documentedDNS = strings.Fields("-E separator=, -E header=y -E occurrence=f -T fields -e frame.time -e frame.time_epoch -e frame.len")

func TestFrameTime(t *testing.T) {
	const rest = ",1504868701.123456789,86,10.0.0.1"
	tests := []struct{ zone, line, want string }{
		{"UTC", "2017-09-08T11:05:01.123456789+0000" + rest, "Sep  8, 2017 11:05:01.123456789 UTC" + rest},
		{"UTC", "2017-09-08T11:05:01.123456789Z" + rest, "Sep  8, 2017 11:05:01.123456789 UTC" + rest},
		{"UTC", "2017-12-18T11:05:01.123456789+00:00" + rest, "Dec 18, 2017 11:05:01.123456789 UTC" + rest},
		{"UTC", "2017-12-18T11:05:01.1234+00" + rest, "Dec 18, 2017 11:05:01.123400000 UTC" + rest},
		{"UTC", "2017-12-18T11:05:01Z", "Dec 18, 2017 11:05:01.000000000 UTC"},
		{"Europe/Berlin", "2017-09-08T13:05:01.123456789+0200" + rest, "Sep  8, 2017 13:05:01.123456789 CEST" + rest},
		{"Europe/Berlin", "2017-12-08T13:05:01.123456789+0100" + rest, "Dec  8, 2017 13:05:01.123456789 CET" + rest},
		{"Europe/Berlin", "2017-12-31T23:30:00.000000000Z" + rest, "Jan  1, 2018 00:30:00.000000000 CET" + rest},
		{":America/Sao_Paulo", "2025-02-04T08:15:58.097949000-0300" + rest, "Feb  4, 2025 08:15:58.097949000 -03" + rest},
		// A rule, and what is in no time zone database.
		{"XYZ-3:30", "2017-09-08T13:05:01.123456789+0330" + rest, "Sep  8, 2017 13:05:01.123456789 XYZ" + rest},
		{"Nowhere/Land", "2017-09-08T13:05:01.123456789+0330" + rest, "Sep  8, 2017 13:05:01.123456789 +0330" + rest},
		{"Nowhere/Land", "2017-09-08T13:05:01.123456789-03:00" + rest, "Sep  8, 2017 13:05:01.123456789 -0300" + rest},
		// Not ISO 8601: as it is.
		{"UTC", "Sep  8, 2017 11:05:01.123456789 UTC" + rest, ""},
		{"UTC", "frame.time,frame.time_epoch,frame.len", ""},
		{"UTC", "2017-09-08 11:05:01.123456789+0000" + rest, ""},
		{"UTC", "2017-09-08T11:05:01.123456789" + rest, ""},
		{"UTC", "2017-09-08T11:05:01.123456789+0" + rest, ""},
		{"UTC", "2017-09-08T11:05:01.123456789+0x00" + rest, ""},
		{"UTC", "2017-09-08T11:05:01.123456789Zulu" + rest, ""},
		{"UTC", "2017-02-31T11:05:01.123456789Z" + rest, ""},
		{"UTC", "2017-09-08T25:05:01.123456789Z" + rest, ""},
		{"UTC", "2017-09-08T11:75:01.123456789Z" + rest, ""},
		{"UTC", "2017-09-08T11:05:61.123456789Z" + rest, ""},
		{"UTC", "", ""},
		{"UTC", ",,,", ""},
	}
	for _, tt := range tests {
		if tt.want == "" {
			tt.want = tt.line
		}
		d := newDNSLines(Method{Options: documentedDNS, Zone: tt.zone})
		got, err := d.line(nil, []byte(tt.line))
		if err != nil || string(got) != tt.want+"\n" {
			t.Errorf("TZ=%s %q\n got %q, %v\nwant %q", tt.zone, tt.line, got, err, tt.want)
		}
	}
}

// TestFrameTimeOnlyFirst: the comma would shift the columns of any other list of fields.
func TestFrameTimeOnlyFirst(t *testing.T) {
	const line = "2017-09-08T11:05:01.123456789+0000,1"
	for _, options := range []string{
		"",
		"-E separator=, -e frame.number -e frame.time",
		"-e frame.time -e frame.len", // separated by tabs
		"-E separator=, -eframe.time_epoch -e frame.time",
		"-E separator=, -e",
	} {
		got, _ := newDNSLines(Method{Options: strings.Fields(options), Zone: "UTC"}).line(nil, []byte(line))
		if string(got) != line+"\n" {
			t.Errorf("%q: %q", options, got)
		}
	}
	got, _ := newDNSLines(Method{Options: strings.Fields("-eframe.time -Eseparator=,"), Zone: "UTC"}).line(nil, []byte(line))
	if want := "Sep  8, 2017 11:05:01.123456789 UTC,1\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrameTimeAllocates(t *testing.T) {
	d := newDNSLines(Method{Options: documentedDNS, Zone: "Europe/Berlin"})
	line := []byte("2017-09-08T13:05:01.123456789+0200,1504868701.123456789,86")
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { d.line(dst, line) }); n > 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func FuzzFrameTime(f *testing.F) {
	f.Add([]byte("2017-09-08T11:05:01.123456789+0000,1504868701.123456789"))
	f.Add([]byte("0001-01-01T00:00:00.9999999999999-99:99"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, rest := appendFrameTime(nil, line, time.UTC)
		if len(got) == 0 {
			if string(rest) != string(line) {
				t.Errorf("%q became %q", line, rest)
			}
			return
		}
		if !strings.HasSuffix(string(line), string(rest)) || len(rest) > 0 && rest[0] != ',' {
			t.Errorf("%q: the rest is %q", line, rest)
		}
		back, err := time.Parse("Jan _2, 2006 15:04:05.000000000 MST", string(got))
		want, _, ok := parseISO(line[:len(line)-len(rest)])
		if want.Year() >= 0 && want.Year() <= 9999 && (err != nil || !ok || !back.Equal(want)) {
			t.Errorf("%q became %q: %v, %v", line, got, back, err)
		}
	})
}
