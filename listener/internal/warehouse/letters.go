package warehouse

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"unicode/utf8"

	"spot-ingest/listener/internal/warehouse/commitlog"
)

// A Letter is a row, or a whole message, that the table can't take.
type Letter struct {
	Topic     string
	Partition int
	Offset    int64
	// Row is the row's number in its message, from 0; negative if the message is meant.
	Row int
	// Reason tells what is wrong.
	Reason string
	// Bytes are the row, or the message's value.
	Bytes []byte
}

// letterLine is a letter as it is written, one JSON object a line. Bytes that are UTF-8 are
// in "text", others in "base64".
type letterLine struct {
	Topic     string  `json:"topic"`
	Partition int     `json:"partition"`
	Offset    int64   `json:"offset"`
	Row       *int    `json:"row"` // null: the whole message
	Reason    string  `json:"reason"`
	Text      *string `json:"text,omitempty"`
	Base64    []byte  `json:"base64,omitempty"`
}

// letters is the batch's file of dead letters.
type letters struct {
	staged, final, path string
	file                *os.File
	buffer              *bufio.Writer
	encoder             *json.Encoder
	count               int64
}

// Bad sets a row or a message aside. It may be called from several goroutines.
func (b *Batch) Bad(l Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.letters == nil {
		made, err := b.newLetters()
		if err != nil {
			return err
		}
		b.letters = made
	}
	return b.letters.write(l)
}

func (b *Batch) newLetters() (*letters, error) {
	l := &letters{
		staged: b.name + ".letters",
		final:  filepath.Join("dead_letter", b.name+".jsonl"),
	}
	l.path = filepath.Join(b.warehouse.options.Folder, l.staged)
	var err error
	if l.file, err = os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err != nil {
		return nil, err
	}
	l.buffer = bufio.NewWriter(l.file)
	l.encoder = json.NewEncoder(l.buffer)
	l.encoder.SetEscapeHTML(false)
	return l, nil
}

func (l *letters) write(letter Letter) error {
	line := letterLine{Topic: letter.Topic, Partition: letter.Partition, Offset: letter.Offset, Reason: letter.Reason}
	if letter.Row >= 0 {
		line.Row = &letter.Row
	}
	if utf8.Valid(letter.Bytes) {
		text := string(letter.Bytes)
		line.Text = &text
	} else {
		line.Base64 = letter.Bytes
	}
	l.count++
	return l.encoder.Encode(line)
}

func (l *letters) finish() (commitlog.File, error) {
	if err := l.buffer.Flush(); err != nil {
		return commitlog.File{}, err
	}
	if err := l.file.Sync(); err != nil {
		return commitlog.File{}, err
	}
	info, err := l.file.Stat()
	if err != nil {
		return commitlog.File{}, err
	}
	if err := l.file.Close(); err != nil {
		return commitlog.File{}, err
	}
	return commitlog.File{Staged: l.staged, Final: l.final, Rows: l.count, Bytes: info.Size()}, nil
}

func (l *letters) abandon() {
	_ = l.file.Close()
	removeStaged(l.path)
}
