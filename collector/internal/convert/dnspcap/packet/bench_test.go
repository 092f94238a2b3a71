package packet

import "testing"

func BenchmarkDecode(b *testing.B) {
	t := new(table)
	for _, c := range []struct {
		name   string
		frames []frame
	}{
		{"IPv4", []frame{wire4(t.ip4())}},
		{"IPv6", []frame{wire6(t.ip6())}},
		{"TCP", []frame{wire4(v4{protocol: protoTCP}.wrap(t.tcp(segment{})))}},
		{"QinQ", []frame{wire(eth(typeVLANAD, vlan(5, typeVLAN, vlan(6, typeIPv4, t.ip4()))))}},
		{"VXLAN", []frame{wire4(v4{protocol: protoUDP}.wrap(udp(50000, 4789, vxlan(eth(typeIPv4, t.in4())))))}},
		{"fragments", func() []frame {
			f := t.split(false)
			f.payload = udp(53, 40000, message(1, 100))
			return []frame{f.part(0, 1480), f.part(1480, -1)}
		}()},
	} {
		b.Run(c.name, func(b *testing.B) {
			bytes := 0
			for _, f := range c.frames {
				bytes += len(f.data)
			}
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			d := NewDecoder()
			var p Packet
			for range b.N {
				for _, f := range c.frames {
					d.Decode(f.link, f.data, len(f.data), &p)
				}
				if p.Transport == None {
					b.Fatal("nothing found")
				}
			}
		})
	}
}
