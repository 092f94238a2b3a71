package table

import "testing"

func TestHourOf(t *testing.T) {
	hours := []Hour{{2018, 3, 20, 9}, {2018, 12, 1, 23}, {1, 1, 1, 0}, {-5, -1, 127, -128}, {9999, 0, 0, 0}}
	for _, table := range []*Table{flow, dns, proxy} {
		for _, h := range hours {
			if got, ok := table.HourOf(table.Folder(h)); !ok || got != h {
				t.Errorf("%s %s: got %v, %v", table.Name, table.Folder(h), got, ok)
			}
		}
		for _, folder := range []string{
			"", "y=2018", "y=2018/m=3/d=20", "y=2018/m=3/d=20/h=9/x", "oa/x/y/z", "y=2018/m=3/d=20/h=x",
			"m=3/y=2018/d=20/h=9", "y=+2018/m=3/d=20/h=9", "y=2018/m=300/d=20/h=9", "y=99999/m=3/d=20/h=9",
			"y=2018/m=003/d=20/h=9", "y=2018/m=3/d=20/h=9 ", "y=2018/m=__HIVE_DEFAULT_PARTITION__/d=20/h=9",
		} {
			if h, ok := table.HourOf(folder); ok {
				t.Errorf("%s %q: got %v", table.Name, folder, h)
			}
		}
	}
	if _, ok := flow.HourOf("y=2018/m=03/d=20/h=9"); ok {
		t.Error("flow has no padded months")
	}
	if _, ok := proxy.HourOf("y=2018/m=3/d=20/h=09"); ok {
		t.Error("proxy has padded months")
	}
}
