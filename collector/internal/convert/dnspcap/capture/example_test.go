package capture_test

import (
	"fmt"
	"io"
	"strings"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

func ExampleReader() {
	file := "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x65\x00\x00\x00" +
		"\x15\xcd\x5b\x07\x07\x00\x00\x00\x04\x00\x00\x00\x5c\x00\x00\x00" + "\x45\x00\x00\x5c" +
		"\x16\xcd\x5b\x07\x00\x00\x00\x00\x04\x00\x00\x00" // cut here
	r, err := capture.NewReader(strings.NewReader(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	var p capture.Packet
	for err = r.Next(&p); err == nil; err = r.Next(&p) {
		fmt.Printf("packet %d at %d.%09d: %d of %d bytes, %s\n", p.Number, p.Seconds, p.Nanos, len(p.Data), p.Length, p.Link)
	}
	if err != io.EOF {
		fmt.Println(err)
	}
	// Output:
	// packet 1 at 123456789.000007000: 4 of 92 bytes, raw IP
	// damaged at byte 44: the file ends within the head of a packet
}
