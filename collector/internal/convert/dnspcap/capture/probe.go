package capture

import (
	"errors"
	"io"

	"spot-ingest/collector/internal/convert/rawfile"
)

// maxProbe is how far Probe reads into a file, and a block or a window more.
const maxProbe = 1 << 20

// Probe reads the beginning of a capture, up to its first packet, to tell whether a Reader
// makes sense of the file. The error is a [*rawfile.Unknown] if the format, its version or
// the link type of one of the interfaces that are described there isn't known, a
// [*rawfile.Damage] if there is nothing in the file that can be read, and otherwise
// wraps that of reading src.
func Probe(src io.Reader) error {
	r, err := NewReader(src)
	if err != nil {
		return err
	}
	if !r.blocks {
		return known(r.record.link)
	}
	var p Packet
	for found := false; err == nil && !found && r.src.offset < maxProbe; {
		found, err = r.readBlock(&p)
	}
	for _, i := range r.interfaces {
		if err := known(i.link); err != nil {
			return err
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func known(l LinkType) error {
	if l.Known() {
		return nil
	}
	return &rawfile.Unknown{What: "link type " + l.String()}
}
