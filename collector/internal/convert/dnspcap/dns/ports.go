package dns

// A Verdict tells what tshark takes a datagram for, by its ports.
type Verdict uint8

const (
	Unclaimed    Verdict = iota // anything: DNS if it looks like it
	Claimed                     // another protocol
	DNS                         // DNS, or LLMNR, which prints the same
	MulticastDNS                // multicast DNS
)

const (
	portDNS       = 53
	portMulticast = 5353
	portLLMNR     = 5355
)

// PortUDP judges the ports of a datagram. The lower one decides unless it is nobody's; then
// the higher one does.
func PortUDP(src, dst uint16) Verdict {
	if src <= dst {
		if v := verdict(src, &claimedSources); v != Unclaimed {
			return v
		}
		return verdict(dst, &claimedDestinations)
	}
	if v := verdict(dst, &claimedDestinations); v != Unclaimed {
		return v
	}
	return verdict(src, &claimedSources)
}

// PortTCP tells whether a TCP connection between two ports is taken for DNS.
func PortTCP(src, dst uint16) bool {
	return src == portDNS || dst == portDNS || src == portMulticast || dst == portMulticast
}

func verdict(port uint16, claimed *portSet) Verdict {
	switch {
	case port == portDNS || port == portLLMNR:
		return DNS
	case port == portMulticast:
		return MulticastDNS
	case claimed.has(port):
		return Claimed
	}
	return Unclaimed
}

// A portSet has a bit for each port.
type portSet [1 << 16 / 64]uint64

func (s *portSet) has(port uint16) bool { return s[port>>6]>>(port&63)&1 != 0 }

func (s *portSet) add(ports ...uint16) {
	for _, p := range ports {
		s[p>>6] |= 1 << (p & 63)
	}
}

// The ports of which tshark takes a datagram that holds a DNS message for another
// protocol. Those whose protocol declines most of such datagrams aren't among them.
var claimedSources, claimedDestinations = func() (sources, destinations portSet) {
	sources.add(claimedPorts...)
	destinations.add(claimedPorts...)
	sources.add(8755)
	destinations.add(1985, 2029)
	return
}()

var claimedPorts = []uint16{
	7, 13, 19, 37, 49, 67, 68, 69, 111, 123, 137, 138, 173, 213, 319, 320, 389, 427, 434, 464, 496,
	500, 513, 514, 520, 521, 524, 525, 546, 547, 664, 701, 853, 854, 910, 921, 925, 1001,
	1113, 1153, 1194, 1293, 1628, 1629, 1718, 1719, 1745, 1755, 1900, 2099, 2157, 2221, 2222, 2246,
	2268, 2269, 2313, 2345, 2887, 2944, 2945, 2948, 2949, 3000, 3130, 3250, 3343, 3357, 3389, 3452,
	3455, 3544, 3567, 3671, 3784, 3785, 3804, 3863, 4305, 4306, 4307, 4341, 4342, 4500, 4551, 4555,
	4569, 4729, 4754, 4784, 4789, 4790, 4791, 4991, 5072, 5246, 5247, 5404, 5405, 5436, 5567, 5678,
	5683, 5684, 5868, 6073, 6081, 6118, 6160, 6635, 6784, 6970, 7074, 7075, 7255, 7275, 7784, 8200,
	8600, 8767, 8805, 8848, 9200, 9201, 9202, 9203, 9214, 9875, 9877, 9899, 9901, 9956, 10253,
	11211, 11273, 12000, 12001, 12002, 12003, 12004, 12220, 12222, 12223, 13400, 17220, 17500,
	17755, 17756, 19132, 19948, 19999, 23272, 24576, 24577, 25826, 26000, 27500, 27910, 27950,
	27951, 27952, 27953, 27960, 27961, 27962, 27963, 32000, 32512, 34962, 34980, 37008, 41170,
	44818, 47000, 54328,
}

// LooksLike tells whether tshark takes a datagram between unclaimed ports for DNS: msg is
// what was captured of it, length what was sent. A query has one question and no answer;
// a response has at most one question, and no more records than one would expect.
func LooksLike(msg []byte, length int) bool {
	if len(msg) < headerSize || length <= headerSize {
		return false
	}
	m := message{raw: msg}
	flags, queries, answers, authorities, additionals := m.uint16(2), m.uint16(4), m.uint16(6), m.uint16(8), m.uint16(10)
	if flags>>11&15 != 0 || queries > 1 || authorities > 10 || additionals > 10 {
		return false
	}
	if response := flags>>15 != 0; response {
		return answers <= 100
	}
	return queries == 1 && answers == 0 && authorities == 0
}
