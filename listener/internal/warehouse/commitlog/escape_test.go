package commitlog

import (
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	long := strings.Repeat("a", 300)
	for name, want := range map[string]string{
		"SPOT-INGEST.flow_0": "SPOT-INGEST.flow_0",
		".":                  "%2E",
		"..":                 "%2E.",
		"_hidden":            "%5Fhidden",
		".hidden":            "%2Ehidden",
		"a/b":                "a%2Fb",
		"a%2Fb":              "a%252Fb",
		"a b\x00~":           "a%20b%00%7E",
		"grün":               "gr%C3%BCn",
		"-a":                 "-a",
		"warehouse.json":     "%77arehouse.json",
		"warehouse.jsonl":    "warehouse.jsonl",
		long[:200]:           long[:200],
		long[:201]:           long[:167] + "~a92efd82109373e58f9a2056dee01e80",
	} {
		if got := escape(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if escape(long) == escape(long[1:]) || len(escape(strings.Repeat("/", 249))) != 200 {
		t.Error("long names")
	}
}

// Every name is one safe path element, and none is another's.
func FuzzEscape(f *testing.F) {
	f.Add("a", "b")
	f.Add("..", "%2E.")
	f.Add(strings.Repeat("x", 300), strings.Repeat("x", 301))
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := escape(a), escape(b)
		if a != b && x == y {
			t.Errorf("%q and %q are both %q", a, b, x)
		}
		if len(x) > maxName || strings.ContainsAny(x, "/\x00") || x == warehouseFile || a != "" && (x == "" || x[0] == '.' || x[0] == '_') {
			t.Errorf("%q: %q", a, x)
		}
	})
}
