package packet

import (
	"bytes"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

// split is a datagram to be cut up, in the version of IP that a case is about. Its
// identification leaves eight bits free: tshark mixes it with protocol and VLAN, so
// that neighbours would get in each other's way there.
type split struct {
	cutter
	six bool
}

func (t *table) split(six bool) split {
	t.splits++
	id := t.splits << 8
	return split{cutter{id: id, payload: udp(53, 40000, message(id, 6))}, six}
}

// part is the fragment from one place to another; all but the last have more to
// come.
func (s split) part(from, to int) frame {
	return s.raw(from, to, to >= 0 && to < len(s.payload))
}

func (s split) raw(from, to int, more bool) frame {
	if s.six {
		return wire6(s.v6(from, to, more))
	}
	return wire4(s.v4(from, to, more))
}

// forged is part with other addresses in the answers.
func (s split) forged(from, to int) frame {
	more := to >= 0
	s.payload = bytes.ReplaceAll(s.payload, []byte{1, 2, 3, 4}, []byte{5, 6, 7, 8})
	return s.raw(from, to, more)
}

// headers is where the fragment's payload begins in the frame.
func (s split) headers() int {
	if s.six {
		return 14 + 40 + 8
	}
	return 14 + 20
}

func fragmentCases(t *table, six bool) {
	w := func(words string) string { // the frames' words with the version put in
		if six {
			return string(bytes.ReplaceAll([]byte(words), []byte("4"), []byte("6")))
		}
		return words
	}
	f := t.split(six)
	t.add("in order", w("- - 4"), f.part(0, 48), f.part(48, 96), f.part(96, -1))
	f = t.split(six)
	t.add("reversed", w("- - 4"), f.part(96, -1), f.part(48, 96), f.part(0, 48))
	f = t.split(six)
	t.add("first twice", w("- - - 4"), f.part(0, 48), f.part(0, 48), f.part(48, 96), f.part(96, -1))
	f = t.split(six)
	t.add("last twice", w("- - - 4"), f.part(96, -1), f.part(96, -1), f.part(0, 48), f.part(48, 96))
	f = t.split(six)
	t.add("all again", w("- 4 - 4"), f.part(0, 96), f.part(96, -1), f.part(96, -1), f.part(0, 96))
	f = t.split(six)
	t.add("middle again, then all", w("- - 4 - - 4"), f.part(0, 48), f.part(48, 96), f.part(96, -1), f.part(48, 96), f.part(0, 48), f.part(96, -1))
	f = t.split(six)
	t.add("middle missing", "- -", f.part(0, 48), f.part(96, -1))
	f = t.split(six)
	t.add("eight bytes first", w("- 4"), f.part(0, 8), f.part(8, -1))
	f = t.split(six)
	t.add("a gap of three bytes", "- -", f.raw(0, 45, true), f.part(48, -1))
	f = t.split(six)
	t.add("nothing in the middle", w("- - 4"), f.part(0, 48), f.raw(48, 48, true), f.part(48, -1))
	f = t.split(six)
	t.add("nothing at the end", "- -", f.raw(0, -1, true), f.raw(144, -1, false))
	f = t.split(six)
	t.add("whole between", w("- 4 4"), f.part(0, 96), f.raw(0, -1, false), f.part(96, -1))
	f = t.split(six)
	t.add("padded", w("- 4"), f.part(0, 96).padded(10), f.part(96, -1).padded(11))
	f = t.split(six)
	t.add("padding cut", w("- 4"), f.part(0, 96).padded(20).cutTo(f.headers()+96), f.part(96, -1))
	f = t.split(six)
	t.add("last cut", "- -", f.part(0, 96), f.part(96, -1).cutTo(f.headers()+20))
	f = t.split(six)
	first := map[bool]string{false: "4", true: "-"}[six]
	t.add("first cut", first+" -", f.part(0, 96).cutTo(f.headers()+90), f.part(96, -1))
	f = t.split(six)
	t.add("first cut, then whole", first+w(" - 4"), f.part(0, 96).cutTo(f.headers()+95), f.part(96, -1), f.part(0, 96))
	f = t.split(six)
	other := f
	other.next = protoTCP
	if six {
		t.add("last says TCP", "- -", f.part(0, 96), other.part(96, -1))
	} else {
		t.add("another protocol", "- - 4", f.part(0, 96), other.part(96, -1), f.part(96, -1))
	}
}

func overlapCases(t *table, six bool) {
	last := map[bool]string{false: "4", true: "6"}[six]
	f := t.split(six)
	t.add("overlap", "- - "+last, f.part(0, 64), f.part(48, 96), f.part(96, -1))
	f = t.split(six)
	t.add("overlap on both sides", "- - "+last, f.part(64, -1), f.part(72, 80), f.part(0, 72))
	f = t.split(six)
	t.add("overlap by two bytes", "- "+last, f.raw(0, 50, true), f.part(48, -1))
	f = t.split(six)
	t.add("forged later", "- - "+last, f.part(0, 96), f.forged(48, 96), f.part(96, -1))
	f = t.split(six)
	t.add("forged earlier, higher offset", "- - "+last, f.forged(48, 96), f.part(0, 96), f.part(96, -1))
	f = t.split(six)
	t.add("forged earlier, same offset", "- - "+last, f.forged(0, 96), f.part(0, 96), f.part(96, -1))
	f = t.split(six)
	t.add("forged later, same offset, longer", "- - "+last, f.part(0, 72), f.forged(0, 96), f.part(96, -1))
	f = t.split(six)
	t.add("forged end", "- - "+last, f.forged(96, -1), f.part(96, -1), f.part(0, 96))
	f = t.split(six)
	t.add("two ends, longer first", "- - "+last, f.part(96, -1), f.raw(96, 104, false), f.part(0, 96))
	f = t.split(six)
	t.add("two ends, shorter first", "- - "+last, f.raw(96, 104, false), f.part(96, -1), f.part(0, 96))
	f = t.split(six)
	t.add("beyond the end", "- - "+last, f.raw(96, -1, true), f.raw(48, 96, false), f.part(0, 48))
	f = t.split(six)
	t.add("too long", "- -", f.raw(0, 96, true), overlong(f))
}

// overlong is a fragment that ends beyond the longest datagram.
func overlong(f split) frame {
	f.payload = make([]byte, 65552)
	return f.raw(65528, 65552, false)
}

func vlanFragmentCases(t *table) {
	tagged := func(f frame, tags ...int) frame {
		b, etherType := f.data[14:], int(be16(f.data[12:]))
		for i := len(tags) - 2; i >= 0; i -= 2 {
			b, etherType = vlan(tags[i+1], etherType, b), tags[i]
		}
		return wire(eth(etherType, b))
	}
	const q, ad = typeVLAN, typeVLANAD
	for _, c := range []struct {
		name         string
		first, last  []int
		want4, want6 string
	}{
		{"same VLAN", []int{q, 5}, []int{q, 5}, "- 4", "- 6"},
		{"another priority", []int{q, 0xe005}, []int{q, 5}, "- 4", "- 6"},
		{"another VLAN", []int{q, 5}, []int{q, 6}, "- -", "- 6"},
		{"VLAN and none", []int{q, 5}, nil, "- -", "- 6"},
		{"VLAN 0 and none", []int{q, 0}, nil, "- 4", "- 6"},
		{"another inner VLAN", []int{q, 5, q, 6}, []int{q, 5, q, 7}, "- 4", "- 6"},
		{"another outer VLAN", []int{q, 5, q, 6}, []int{q, 4, q, 6}, "- -", "- 6"},
		{"outer VLAN 0", []int{q, 0, q, 6}, []int{q, 6}, "- 4", "- 6"},
		{"another provider VLAN", []int{ad, 5}, []int{ad, 6}, "- 4", "- 6"},
		{"provider's VLAN and one's own", []int{ad, 5, q, 6}, []int{ad, 5, q, 7}, "- -", "- 6"},
		{"QinQ", []int{typeQinQ, 5}, []int{typeQinQ, 6}, "- -", "- 6"},
	} {
		f := t.split(false)
		t.add(c.name, c.want4, tagged(f.part(0, 96), c.first...), tagged(f.part(96, -1), c.last...))
		f = t.split(true)
		t.add(c.name, c.want6, tagged(f.part(0, 96), c.first...), tagged(f.part(96, -1), c.last...))
	}
}

func nestedFragmentCases(t *table) {
	// An inner datagram in two fragments, each in a tunnel's packet that is cut in
	// two again.
	inner := t.split(false)
	tunnels := [2]split{t.split(false), t.split(false)}
	for i, place := range [][2]int{{0, 96}, {96, -1}} {
		body := inner.part(place[0], place[1]).data[14:]
		copy(body[12:], inner4[:])
		tunnels[i].next = protoGRE
		tunnels[i].payload = gre(0, typeIPv4, "", body)
	}
	t.add("fragments of fragments", "- - - 4",
		tunnels[0].part(0, 64), tunnels[0].part(64, -1), tunnels[1].part(0, 64), tunnels[1].part(64, -1))

	f := t.split(false)
	through := func(f frame) frame {
		return wire4(v4{protocol: protoGRE}.wrap(gre(0, typeIPv4, "", f.data[14:])))
	}
	t.add("one part in a tunnel", "- 4", through(f.part(0, 96)), f.part(96, -1))
	f = t.split(false)
	quote := func(f frame) frame { return wire4(v4{protocol: protoICMP}.wrap(icmp(11, f.data[14:]))) }
	t.add("one part quoted", "- 4", quote(f.part(0, 96)), f.part(96, -1))
	f = t.split(false)
	short := f.part(0, 96)
	short.data = short.data[:14+60]
	t.add("first part quoted, short", "4q", quote(short))
	f = t.split(true)
	quote6 := func(f frame) frame { return wire6(v6{next: protoICMPv6}.wrap(icmp(1, f.data[14:]))) }
	t.add("one part quoted, IPv6", "- 6", quote6(f.part(0, 96)), f.part(96, -1))
	f = t.split(false)
	t.add("two link types", "- 4", f.part(0, 96), on(capture.LinuxCooked, cooked(1, typeIPv4, f.part(96, -1).data[14:])))

	f = t.split(true)
	f.next, f.payload = protoDestination, extension(protoDestination, extension(protoUDP, f.payload))
	t.add("options in the fragments", "- - 6", f.part(8, 64), f.part(64, -1), f.part(0, 8))
	f = t.split(true)
	twice := func(b []byte) frame {
		return wire6(v6{next: protoFragment}.wrap(fragmentHeader(protoFragment, 1, 0, false, b[54:])))
	}
	t.add("fragment header twice", "- 6", twice(f.part(0, 64).data), twice(f.part(64, -1).data))

	f = t.split(false)
	f.payload = udp(53, 40000, message(f.id, 4000))
	var frames []frame
	want := ""
	for at := 0; at < len(f.payload); at += 1480 {
		frames = append(frames, f.part(at, at+1480))
		want += "- "
	}
	frames = append(frames[10:], frames[:10]...)
	t.add("a long datagram", want[:len(want)-2]+"4", frames...)
	f = t.split(false)
	f.payload = udp(53, 40000, message(f.id, 4000))
	t.add("jumbo frames", "- - 4", f.part(9000, 60000), f.part(60000, -1), f.part(0, 9000))
}
