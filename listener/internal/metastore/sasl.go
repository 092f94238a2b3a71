package metastore

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/thrift/lib/go/thrift"
)

// What the first byte of a message says while thrift's SASL is agreed upon.
const (
	saslStart    = 1
	saslOK       = 2
	saslComplete = 5
)

// maxSASL bounds an answer, which is a sentence at most.
const maxSASL = 64 << 10

// plain agrees upon SASL's mechanism PLAIN, which HiveServer2 wants even where it asks for
// no password, and which says who asks. What follows travels in frames.
func plain(rw io.ReadWriter, user string) (thrift.TTransport, error) {
	// Any password will do, but there must be one.
	response := "\x00" + user + "\x00x"
	if _, err := rw.Write(saslMessage(saslStart, "PLAIN")); err != nil {
		return nil, err
	}
	if _, err := rw.Write(saslMessage(saslOK, response)); err != nil {
		return nil, err
	}
	status, answer, err := readSASL(rw)
	if err != nil {
		return nil, err
	}
	if status != saslComplete {
		return nil, fmt.Errorf("the server does not let user %q in without a password (SASL status %d: %s)", user, status, brief(answer))
	}
	return thrift.NewTFramedTransportConf(thrift.NewStreamTransportRW(rw), limits), nil
}

func saslMessage(status byte, body string) []byte {
	message := binary.BigEndian.AppendUint32([]byte{status}, uint32(len(body)))
	return append(message, body...)
}

func readSASL(r io.Reader) (status byte, body string, err error) {
	var header [5]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, "", err
	}
	size := binary.BigEndian.Uint32(header[1:])
	if size > maxSASL {
		return 0, "", fmt.Errorf("an answer of %d bytes, which is no SASL", size)
	}
	text := make([]byte, size)
	_, err = io.ReadFull(r, text)
	return header[0], string(text), err
}
