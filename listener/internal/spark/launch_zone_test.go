package spark

import (
	"testing"
	"time"
)

func TestQuick(t *testing.T) {
	for _, n := range []string{"UTC", "America/New_York", "Europe/Dublin", "Africa/Cairo"} {
		loc, _ := time.LoadLocation(n)
		b := time.Now()
		g := gapsOf(loc)
		t.Log(n, len(g), time.Since(b))
		if len(g) > 0 {
			t.Log(g[:2], g[len(g)-2:], time.Unix(g[len(g)-1][0], 0).UTC())
		}
	}
}
