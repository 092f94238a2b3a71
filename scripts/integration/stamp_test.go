//go:build integration

package integration

import (
	"testing"
	"time"
)

// Rows from times long gone keep them.
func TestOldTimeStamps(t *testing.T) {
	t.Parallel()
	s := newSite(t, sharedKafka(t, kafka4), "flow", nil)
	rest := ",2018,3,20,9,0,0,0.374,10.2.0.243,192.0.2.39,39217,53,UDP,......,0,0,69,12401,0,0,0,0,2457,5632,0,0,127.0.0.1"
	want := []segment{
		{[]string{"1970-01-01 00:00:00" + rest}, 0},
		{[]string{"1899-12-31 23:59:59" + rest}, -2208988801_000},
		{[]string{"0001-01-01 00:00:00" + rest}, -62135596800_000},
	}
	var text string
	for _, segment := range want {
		text += segment.rows[0] + "\n"
	}
	s.arrive("old.csv", []byte(text))
	s.run(0, s.args("--skip-conversion", "--once")...)
	all := s.consume()
	s.stamp(all)
	checkSegments(t, "old.csv", all, want)
}

// A time stamp that Kafka refuses is replaced, and the log says so. Only the record's is:
// the row keeps what it says.
func TestFutureTimeStamp(t *testing.T) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, version), "dns", map[string]string{"message.timestamp.after.max.ms": "3600000"})
			future := "Nov 20, 2286 17:46:39.000000000 UTC,9999999999.000000000,93,198.51.100.53,10.0.0.1,host0.example.com,1,0x0001,0,192.0.2.0"
			past := "Sep  8, 2017 11:05:01.123456000 UTC,1504868701.123456000,93,198.51.100.53,10.0.0.1,host0.example.com,1,0x0001,0,192.0.2.0"
			s.arrive("a.csv", []byte(future+"\n"+past+"\n"))
			began := time.Now().UnixMilli()
			p := s.run(0, s.args("--skip-conversion", "--once")...)
			all := s.consume()
			for i, m := range all {
				if m.rows[0] == future && m.timeMS >= began && m.timeMS <= time.Now().UnixMilli() {
					all[i].timeMS = 9999999999_000
				}
			}
			checkSegments(t, "a.csv", all, []segment{{[]string{future}, 9999999999_000}, {[]string{past}, 1504868701_123}})
			if !p.says(`Kafka refuses the time stamp of segment-0 of "a.csv" (2286-11-20T17:46:39Z); it is sent with the present time.`) {
				t.Error("the log does not say that the time stamp was refused")
			}
		})
	}
}
