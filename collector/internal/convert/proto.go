package convert

import (
	"strconv"
	"strings"
)

// protoNames are the names that nfdump gives to the protocol numbers from 0 on.
var protoNames = strings.Fields(`
	0 ICMP IGMP GGP IPIP ST TCP CBT EGP IGP BBN NVPII PUP ARGUS ENCOM XNET
	CHAOS UDP MUX DCN HMP PRM XNS Trnk1 Trnk2 Leaf1 Leaf2 RDP IRTP ISO-4 NETBK MFESP
	MEINP DCCP 3PC IDPR XTP DDP IDPR TP++ IL IPv6 SDRP Rte6 Frag6 IDRP RSVP GRE
	MHRP BNA ESP AH INLSP SWIPE NARP MOBIL TLSP SKIP ICMP6 NOHE6 OPTS6 HOST CFTP NET
	SATNT KLAN RVD IPPC FS SATM VISA IPCV CPNX CPHB WSN PVP BSATM SUNND WBMON WBEXP
	ISOIP VMTP SVMTP VINES TTP NSIGP DGP TCF EIGRP OSPF S-RPC LARP MTP AX.25 IPIP MICP
	SCCSP ETHIP ENCAP 99 GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPcmp SNP CpqPP IPXIP
	VRRP PGM 0hop L2TP DDX IATP STP SRP UTI SMP SM PTP ISIS4 FIRE CRTP CRUDP
	128 IPLT SPS PIPE SCTP FC 134 MHEAD UDP-L MPLS`)

// appendProto turns a protocol's number, which nfdump prints since 1.7.5, into its name.
// One without a name stays a number, padded to five characters as by older versions.
func appendProto(dst, number []byte) []byte {
	n, err := strconv.ParseUint(string(number), 10, 8)
	if err != nil {
		return append(dst, number...)
	}
	if n < uint64(len(protoNames)) {
		return append(dst, protoNames[n]...)
	}
	dst = append(dst, number...)
	for pad := 5 - len(number); pad > 0; pad-- {
		dst = append(dst, ' ')
	}
	return dst
}
