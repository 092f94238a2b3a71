package zone

import (
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	winter, summer := time.Unix(1516000000, 0), time.Unix(1530000000, 0)
	tests := []struct{ tz, winter, summer string }{
		{"UTC", "07:06 UTC", "08:00 UTC"},
		{"Europe/Berlin", "08:06 CET", "10:00 CEST"},
		{":Europe/Berlin", "08:06 CET", "10:00 CEST"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "08:06 CET", "10:00 CEST"},
		{"XYZ5", "02:06 XYZ", "03:00 XYZ"},
		{"<+0330>-3:30", "10:36 +0330", "11:30 +0330"},
		{"ABC8DEF", "23:06 ABC", "01:00 DEF"},
		{"/nonexistent", "07:06 UTC", "08:00 UTC"},
		{"Nowhere/Land", "", ""},
		{"5", "", ""},
	}
	for _, tt := range tests {
		loc := Load(tt.tz)
		if loc == nil || tt.winter == "" {
			if loc != nil || tt.winter != "" {
				t.Errorf("%s: %v", tt.tz, loc)
			}
			continue
		}
		if got := winter.In(loc).Format("15:04 MST"); got != tt.winter {
			t.Errorf("%s: in winter %s, want %s", tt.tz, got, tt.winter)
		}
		if got := summer.In(loc).Format("15:04 MST"); got != tt.summer {
			t.Errorf("%s: in summer %s, want %s", tt.tz, got, tt.summer)
		}
	}
}
