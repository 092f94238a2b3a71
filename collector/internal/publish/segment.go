package publish

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/pkg/broker"
	"spot-ingest/pkg/codec"
	"spot-ingest/pkg/logging"
)

// A Segment is a piece of a file on its way to Kafka.
type Segment struct {
	File      *ledger.File
	Source    string // the file's base name, raw bytes
	Number    int
	ID        [16]byte
	Partition int
	Rows      int
	TimeMS    int64          // the record's time stamp
	Value     *codec.Encoder // holds the rows; from Publisher.Buffer
	Log       *logging.Logger
}

// Identify returns the id of the segment of a file that begins with the given line of a
// plan that begins at byte from: the same rows of the same file have the same id however
// often they are cut and sent.
//
// The id is a GMAC (NIST SP 800-38D) of the value, with the file's id as the key and the
// place as the nonce. Of two different segments of a file it is the same with a chance of
// 1 in 2^100 or less, as with any good hash, and it takes a fraction of SHA-256's time: the id is
// the one thing that is computed of every byte that is sent.
func Identify(file ledger.ID, from, firstLine int64, value []byte) [16]byte {
	block, err := aes.NewCipher(file[:])
	if err != nil {
		panic(err) // the key has 16 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	var place [16]byte
	binary.BigEndian.PutUint64(place[:8], uint64(from))
	binary.BigEndian.PutUint64(place[8:], uint64(firstLine))
	nonce := sha256.Sum256(place[:])
	var tag [16]byte
	gcm.Seal(tag[:0], nonce[:gcm.NonceSize()], nil, value)
	return tag
}

// PartitionOf returns the partition of a segment: its id modulo the partition count.
func PartitionOf(id [16]byte, partitions int) int {
	n := uint64(partitions)
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	shift := (1 << 63) % n * 2 % n // 2^64 mod n
	return int((hi%n*shift + lo%n) % n)
}

// maxSource bounds the spot.source header, in bytes.
const maxSource = 255

// headers returns a segment's record headers, the dispensable first.
func (s *Segment) headers() []broker.Header {
	source := s.Source
	if len(source) > maxSource {
		source = source[:maxSource]
	}
	return []broker.Header{
		{Key: "spot.source", Value: []byte(source)},
		{Key: "spot.rows", Value: strconv.AppendInt(nil, int64(s.Rows), 10)},
		{Key: "spot.segment", Value: hex.AppendEncode(nil, s.ID[:])},
	}
}

// name is what a failed segment's CSV is called: the file's name with every dot turned
// into an underscore, then _segment-<n>.csv. A name too long for a file system is cut.
func (s *Segment) name() string {
	end := "_segment-" + strconv.Itoa(s.Number) + ".csv"
	stem := strings.ReplaceAll(s.Source, ".", "_")
	return stem[:min(len(stem), 255-len(end))] + end
}
