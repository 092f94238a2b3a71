package broker

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// Headroom is the room in bytes that EncodeBatch needs in front of a value, so that a
// segment is framed where it lies instead of being copied.
const Headroom = batchHeader + 5 + 3 + 1 + 5 // batch, record length, attributes and deltas, null key, value length

// The fixed part of a record batch, version 2, and where its fields lie.
// Source: https://kafka.apache.org/documentation/#recordbatch
const (
	batchHeader      = 61
	offBatchLength   = 8
	offLeaderEpoch   = 12
	offMagic         = 16
	offCRC           = 17
	offAttributes    = 21
	offFirstTime     = 27
	offMaxTime       = 35
	offProducerID    = 43
	offProducerEpoch = 51
	offBaseSequence  = 53
	offRecordCount   = 57

	lengthIsAfter = 12 // the batch length counts what follows it
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// EncodeBatch frames the value buf[start:] as a record batch of one record with a null
// key, and returns the batch, which shares buf's memory unless it is compressed. The
// first Headroom bytes before start are overwritten.
//
// The batch is built here, not by kafka-go's writer, because that one takes the time
// stamp 0 for "now", overflows for years before 1678, and copies the value; and because
// the size of the finished batch must be known before it is sent.
func EncodeBatch(buf []byte, start int, timeMS int64, headers []Header, codec compress.Codec) ([]byte, error) {
	valueLen := len(buf) - start
	buf = binary.AppendVarint(buf, int64(len(headers)))
	for _, h := range headers {
		buf = binary.AppendVarint(buf, int64(len(h.Key)))
		buf = append(buf, h.Key...)
		buf = binary.AppendVarint(buf, int64(len(h.Value)))
		buf = append(buf, h.Value...)
	}
	var prefix [Headroom]byte
	p := append(prefix[:0], 0, 0, 0, 1) // attributes, time delta, offset delta, key length -1
	p = binary.AppendVarint(p, int64(valueLen))
	start -= len(p)
	copy(buf[start:], p)
	p = binary.AppendVarint(prefix[:0], int64(len(buf)-start))
	start -= len(p)
	copy(buf[start:], p)

	if codec != nil {
		packed := &tail{b: make([]byte, batchHeader, batchHeader+(len(buf)-start)/2)}
		w := codec.NewWriter(packed)
		if _, err := w.Write(buf[start:]); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		buf, start = packed.b, batchHeader
	}
	batch := buf[start-batchHeader:]
	putBatchHeader(batch, timeMS, codec)
	return batch, nil
}

func putBatchHeader(batch []byte, timeMS int64, codec compress.Codec) {
	clear(batch[:batchHeader])
	be := binary.BigEndian
	be.PutUint32(batch[offBatchLength:], uint32(len(batch)-lengthIsAfter))
	be.PutUint32(batch[offLeaderEpoch:], ^uint32(0))
	batch[offMagic] = 2
	if codec != nil {
		be.PutUint16(batch[offAttributes:], uint16(codec.Code()))
	}
	be.PutUint64(batch[offFirstTime:], uint64(timeMS))
	be.PutUint64(batch[offMaxTime:], uint64(timeMS))
	be.PutUint64(batch[offProducerID:], ^uint64(0))
	be.PutUint16(batch[offProducerEpoch:], ^uint16(0))
	be.PutUint32(batch[offBaseSequence:], ^uint32(0))
	be.PutUint32(batch[offRecordCount:], 1)
	be.PutUint32(batch[offCRC:], crc32.Checksum(batch[offAttributes:], castagnoli))
}

// tail collects what a compressor writes behind the room for the batch header.
type tail struct{ b []byte }

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	return len(p), nil
}
