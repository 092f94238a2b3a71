package cli

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestParsePosition(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	noon := time.Date(2018, 3, 20, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		in   string
		want Position
	}{
		{"earliest", Position{Earliest: true}},
		{" latest ", Position{Latest: true}},
		{"2018-03-20T12:00:00Z", Position{Time: noon}},
		{"2018-03-20 14:00:00", Position{Time: noon}},
		{"2018-03-20 14:00", Position{Time: noon}},
		{"2018-03-20", Position{Time: noon.Add(-14 * time.Hour)}},
		{"1970-01-01T00:00:00Z", Position{Time: time.Unix(0, 0)}},
		{"0:123", Position{Offsets: map[int]int64{0: 123}}},
		{"0:123,1:456", Position{Offsets: map[int]int64{0: 123, 1: 456}}},
		{"7:0, 2:9223372036854775807 ", Position{Offsets: map[int]int64{7: 0, 2: 1<<63 - 1}}},
		{"2147483647:1", Position{Offsets: map[int]int64{1<<31 - 1: 1}}},
	} {
		got, err := parsePosition(tt.in, zone)
		if err != nil || got.Text != tt.in || got.Earliest != tt.want.Earliest || got.Latest != tt.want.Latest ||
			!got.Time.Equal(tt.want.Time) || !maps.Equal(got.Offsets, tt.want.Offsets) {
			t.Errorf("%q: got %+v, %v; want %+v", tt.in, got, err, tt.want)
		}
	}
}

func TestParsePositionErrors(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	for in, reason := range map[string]string{
		"":                          "",
		"newest":                    "",
		"Earliest":                  "",
		"5":                         "",
		"-1":                        "",
		"0:-2":                      "",
		"0=1":                       "",
		"2018-02-31":                "",
		"20180320":                  "",
		"1969-12-31":                ": a time before 1970",
		"1970-01-01":                ": a time before 1970", // in that zone
		"0:1,":                      ": '' has no partition from 0 to 2147483647",
		":1":                        ": ':1' has no partition from 0 to 2147483647",
		"2147483648:1":              ": '2147483648:1' has no partition from 0 to 2147483647",
		"0:":                        ": '0:' has no offset from 0 to 9223372036854775807",
		"0:1:2":                     ": '0:1:2' has no offset from 0 to 9223372036854775807",
		"0:1 2":                     ": '0:1 2' has no offset from 0 to 9223372036854775807",
		"0:1,1":                     ": '1' has no offset from 0 to 9223372036854775807",
		"0:1,0:2":                   ": partition 0 is there twice",
		"0:1,00:2":                  ": partition 0 is there twice",
		"1:9,0:9223372036854775808": ": '0:9223372036854775808' has no offset from 0 to 9223372036854775807",
	} {
		_, err := parsePosition(in, zone)
		if want := "invalid position: " + quote(in) + reason + wantPosition; err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"earliest", "latest", "2018-03-20 12:00", "1969-12-31T23:59:59.9999999Z", "0:1, 2:3", "0:1,0:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePosition(s, time.UTC)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "invalid position: ") {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		set := 0
		for _, b := range []bool{p.Earliest, p.Latest, !p.Time.IsZero(), len(p.Offsets) > 0} {
			if b {
				set++
			}
		}
		if set != 1 || p.Text != s || !p.Time.IsZero() && p.Time.UnixMilli() < 0 {
			t.Errorf("%q: got %+v", s, p)
		}
		for partition, offset := range p.Offsets {
			if partition < 0 || offset < 0 {
				t.Errorf("%q: got %+v", s, p)
			}
		}
	})
}
