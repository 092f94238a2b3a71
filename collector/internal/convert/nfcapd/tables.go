package nfcapd

import (
	"fmt"
	"strconv"
	"strings"
)

// A word is a text of up to eight bytes in a table. It is appended as one number and then cut
// to its length, which is faster than to copy so few bytes.
type word struct {
	text   uint64 // little endian
	length uint8
}

func wordOf(s string) word {
	var b [8]byte
	n := copy(b[:], s)
	return word{text: le.Uint64(b[:]), length: uint8(n)}
}

func (w *word) appendTo(dst []byte) []byte {
	return le.AppendUint64(dst, w.text)[:len(dst)+int(w.length)]
}

// octets are the numbers from 0 to 255 with a point behind them.
var octets = func() (words [256]word) {
	for i := range words {
		words[i] = wordOf(strconv.Itoa(i) + ".")
	}
	return words
}()

// small are the numbers below 1000 behind a comma, threeDigits the same with leading zeros.
var (
	small       [1000]word
	threeDigits [1000]uint32
)

func init() {
	for i := range small {
		small[i] = wordOf("," + strconv.Itoa(i))
		threeDigits[i] = uint32(wordOf(fmt.Sprintf("%03d", i)).text)
	}
}

// appendNumber appends a comma and a number.
func appendNumber(dst []byte, n uint64) []byte {
	switch {
	case n < 1000:
		return small[n].appendTo(dst)
	case n < 1_000_000:
		return appendThree(small[n/1000].appendTo(dst), n%1000)
	case n < 1_000_000_000:
		dst = appendThree(small[n/1_000_000].appendTo(dst), n/1000%1000)
		return appendThree(dst, n%1000)
	}
	return strconv.AppendUint(append(dst, ','), n, 10)
}

func appendThree(dst []byte, n uint64) []byte {
	return le.AppendUint32(dst, threeDigits[n])[:len(dst)+3]
}

// protocolNames are nfdump's names of the protocols from 0 on. (Of 94, nfdump 1.7 alone says
// "OS".)
var protocolNames = strings.Fields(`
	0 ICMP IGMP GGP IPIP ST TCP CBT EGP IGP BBN NVPII PUP ARGUS ENCOM XNET
	CHAOS UDP MUX DCN HMP PRM XNS Trnk1 Trnk2 Leaf1 Leaf2 RDP IRTP ISO-4 NETBK MFESP
	MEINP DCCP 3PC IDPR XTP DDP IDPR TP++ IL IPv6 SDRP Rte6 Frag6 IDRP RSVP GRE
	MHRP BNA ESP AH INLSP SWIPE NARP MOBIL TLSP SKIP ICMP6 NOHE6 OPTS6 HOST CFTP NET
	SATNT KLAN RVD IPPC FS SATM VISA IPCV CPNX CPHB WSN PVP BSATM SUNND WBMON WBEXP
	ISOIP VMTP SVMTP VINES TTP NSIGP DGP TCF EIGRP OSPF S-RPC LARP MTP AX.25 IPIP MICP
	SCCSP ETHIP ENCAP 99 GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPcmp SNP CpqPP IPXIP
	VRRP PGM 0hop L2TP DDX IATP STP SRP UTI SMP SM PTP ISIS4 FIRE CRTP CRUDP
	128 IPLT SPS PIPE SCTP FC 134 MHEAD UDP-L MPLS`)

// ProtocolName returns the text that nfdump prints for the number of an IP protocol. A
// number without a name is padded to five characters, as nfdump 1.6 and 1.7 do it.
func ProtocolName(number uint8) string {
	if int(number) < len(protocolNames) {
		return protocolNames[number]
	}
	return fmt.Sprintf("%-5d", number)
}

// protocolWords are the names, behind a comma.
var protocolWords = func() (words [256]word) {
	for i := range words {
		words[i] = wordOf("," + ProtocolName(uint8(i)))
	}
	return words
}()

// flagNames are TCP's flags behind a comma, as Spot's own nfdump prints them: six letters, or
// a number if one of the other two is set.
var flagNames = func() (words [256]word) {
	for i := range words {
		name := []byte("......")
		for bit, letter := range []byte("FSRPAU") {
			if i>>bit&1 != 0 {
				name[5-bit] = letter
			}
		}
		if i > 63 {
			name = fmt.Appendf(nil, "  0x%2x", i)
		}
		words[i] = wordOf("," + string(name))
	}
	return words
}()
