package nfcapd

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

func TestIPv6(t *testing.T) {
	for _, c := range []struct {
		hi, lo uint64
		want   string
	}{
		{0, 0, "::"},
		{0, 1, "::1"},
		{0, 0x10000, "::0.1.0.0"},
		{0, 0xc0000201, "::192.0.2.1"},
		{0, 0xffff_c0000201, "::ffff:192.0.2.1"},
		{0, 0x1_0000_c0000201, "::1:0:c000:201"},
		{0, 0xfffe_c0000201, "::fffe:c000:201"},
		{1 << 48, 0, "1::"},
		{0x20010db8_00000000, 0x0001_0000_00000001, "2001:db8::1:0:0:1"},
		{0x20010db8_00010001, 0x0001_0001_00000001, "2001:db8:1:1:1:1:0:1"},
		{0xfe80_0000_0000_0000, 0x0211_0abc_d123_4000, "fe80::211:abc:d123:4000"},
		{0x0001_0002_0003_0004, 0x0005_0006_0007_0000, "1:2:3:4:5:6:7:0"},
		{0x0001_0000_0000_0004, 0x0005_0000_0000_0008, "1::4:5:0:0:8"},
	} {
		if got := string(appendIPv6(nil, &address{hi: c.hi, lo: c.lo, v6: true})); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestAddresses compares with net/netip, which doesn't know the old IPv4-compatible form.
func TestAddresses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(rnd.Uint32()) * byte(rnd.IntN(2))
		}
		b[0] |= 0x20
		a := address{v6: true}
		for i := range 8 {
			a.hi, a.lo = a.hi<<8|uint64(b[i]), a.lo<<8|uint64(b[8+i])
		}
		if got, want := string(appendAddress(nil, &a)), netip.AddrFrom16(b).String(); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		a.v6 = false
		if got, want := string(appendAddress(nil, &a)), netip.AddrFrom4([4]byte(b[12:])).String(); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for bits := range 64 {
		for _, n := range []uint64{1<<bits - 1, 1 << bits, 1<<bits + 1} {
			if got, want := string(appendNumber(nil, n)), ","+strconv.FormatUint(n, 10); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
	for n, power := uint64(1), 0; power < 19; n, power = n*10, power+1 {
		for _, n := range []uint64{n - 1, n, n + 1} {
			if got, want := string(appendNumber(nil, n)), ","+strconv.FormatUint(n, 10); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		ms       int64
		unsigned bool
		want     string
	}{
		{0, false, "0.000"},
		{7, false, "0.007"},
		{9999, true, "9.999"},
		{10_050, true, "10.050"},
		{4294967295_999, false, "4294967295.999"},
		{-10, false, "-0.010"},
		{-10, true, "18446744073709552.000"},
		{-10_000, true, "18446744073709540.000"},
	} {
		if got := string(appendDuration(nil, c.ms, c.unsigned)); got != c.want {
			t.Errorf("%d: %s, want %s", c.ms, got, c.want)
		}
	}
}

// TestUnderflowV1 has durations as nfdump 1.6 computes them.
func TestUnderflowV1(t *testing.T) {
	for _, c := range []struct {
		last   uint32
		msLast uint16
		want   string
	}{
		{aCommon.First, aCommon.MsFirst - 10, "-0.010"},
		{aCommon.First - 1, aCommon.MsFirst + 10, "4294967295.010"},
	} {
		record := aCommon
		record.Last, record.MsLast = c.last, c.msLast
		var maps extensionMaps
		if err := maps.define(mapOf(0)); err != nil {
			t.Fatal(err)
		}
		var f flow
		if err := f.decodeV1(flowV1(0, 0, record, [16]byte{}), flowHeader, &maps); err != nil {
			t.Fatal(err)
		}
		if got := string(appendDuration(nil, f.duration, f.unsigned)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	seconds := []int64{1, 0, 59, 60, 86399, 86400, 951782400, 951868799, lastSecond, lastSecond - 86400, 1565635847, 1565635848, 1565635847}
	for range 1000 {
		seconds = append(seconds, rnd.Int64N(lastSecond), 1565635847+rnd.Int64N(90_000))
	}
	var text rowText
	for _, second := range seconds {
		when := time.Unix(second, 0).UTC()
		want := fmt.Sprintf("%s,%d,%d,%d,%d,%d,%d,", when.Format(time.DateTime),
			when.Year(), when.Month(), when.Day(), when.Hour(), when.Minute(), when.Second())
		if got := string(text.appendTime(nil, &flow{first: uint64(second) * 1000})); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := string(text.appendTime(nil, &flow{received: (lastSecond + 1) * 1000, first: 1e12})); got != "1970-01-01 00:00:00,1970,1,1,0,0,0," {
		t.Errorf("beyond the calendar: %s", got)
	}
}

func TestNames(t *testing.T) {
	for n, want := range map[uint8]string{0: ",0", 1: ",ICMP", 6: ",TCP", 17: ",UDP", 58: ",ICMP6", 99: ",99", 132: ",SCTP", 137: ",MPLS", 138: ",138  ", 255: ",255  "} {
		if got := string(protocolWords[n].appendTo(nil)); got != want {
			t.Errorf("protocol %d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint8]string{0: ",......", 1: ",.....F", 2: ",....S.", 27: ",.AP.SF", 32: ",U.....", 63: ",UAPRSF", 64: ",  0x40", 255: ",  0xff"} {
		if got := string(flagNames[n].appendTo(nil)); got != want {
			t.Errorf("flags %d: %q, want %q", n, got, want)
		}
	}
}
