package parquet

import (
	"errors"
	"hash/crc32"
)

// errTooLarge is what a page fails with whose size is no int32.
var errTooLarge = errors.New("more than a Parquet page can hold (2 GiB)")

// mostHeader is the most that a page's header takes, in bytes.
const mostHeader = 64

// A page is where a data page lies in its row group's data, and which row it begins with.
type page struct {
	offset, size int // header included
	firstRow     int
}

// endPage appends e.page, the values of rows from to to, as a data page.
func (e *Encoder) endPage(c *chunk, from, to int, encoding int32) error {
	p := page{offset: len(e.group.data), firstRow: from}
	err := e.appendPage(c, pageData, to-from, encoding)
	p.size = len(e.group.data) - p.offset
	c.pages = append(c.pages, p)
	return err
}

// endDictionary appends e.page, the values of a dictionary's entries, as the dictionary's page.
func (e *Encoder) endDictionary(c *chunk, entries int) error {
	return e.appendPage(c, pageDictionary, entries, encodingPlainDictionary)
}

// appendPage compresses e.page and appends it with its header. The compressed bytes come to
// stand behind room for the header, and then move up to it: how long it is depends on how many
// they are.
func (e *Encoder) appendPage(c *chunk, kind int32, values int, encoding int32) error {
	from := len(e.group.data)
	data := grow(e.group.data, mostHeader)
	data, err := e.compress.append(data, e.page)
	if err != nil {
		return err
	}
	body := data[from+mostHeader:]
	if len(body) > mostPage || len(e.page) > mostPage {
		return errTooLarge
	}
	var room [mostHeader]byte
	t := thrift{buf: room[:0]}
	t.open()
	t.i32(1, kind)
	t.i32(2, int32(len(e.page)))
	t.i32(3, int32(len(body)))
	t.i32(4, int32(crc32.ChecksumIEEE(body)))
	if kind == pageDictionary {
		t.structure(7)
	} else {
		t.structure(5)
	}
	t.i32(1, int32(values))
	t.i32(2, encoding)
	if kind == pageData {
		t.i32(3, encodingRLE) // of definition levels, of which there are none
		t.i32(4, encodingRLE) // of repetition levels
	}
	t.end()
	t.end()
	copy(data[from:], t.buf)
	copy(data[from+len(t.buf):], body)
	e.group.data = data[:from+len(t.buf)+len(body)]
	c.uncompressed += len(t.buf) + len(e.page)
	return nil
}
