package ledger

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// An ID names a file for as long as the ledger knows it: 128 random bits, given when the
// file is first recorded.
type ID [16]byte

// NewID returns a fresh ID.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails (crypto/rand ends the program instead)
	return id
}

// String returns the ID as 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText writes the ID as String does.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) != 2*len(id) {
		return fmt.Errorf("%q is no id of %d hexadecimal digits", text, 2*len(id))
	}
	_, err := hex.Decode(id[:], text)
	return err
}

// A Status is what became of a file.
type Status uint8

// The statuses of a file.
const (
	New         Status = iota // not recorded yet
	Existing                  // there at the first start; recorded, not sent
	Pending                   // planned, and not all of it is acknowledged
	Sent                      // all of it is acknowledged, up to Done
	NoRows                    // nothing in it can be sent
	Failed                    // couldn't be converted or read; Reason says why
	Unsupported               // the name matches no pattern
)

var statuses = [...]string{"new", "existing", "pending", "sent", "no rows", "failed", "unsupported"}

// String returns the status in words.
func (s Status) String() string { return statuses[s] }

// MarshalText writes the status in words.
func (s Status) MarshalText() ([]byte, error) { return []byte(statuses[s]), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Status) UnmarshalText(text []byte) error {
	for i, name := range statuses {
		if name == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("unknown status %q", text)
}

// A File is what the ledger knows of one file. Its fields are changed by Ledger.Update
// only, and read by whoever has the file in hand.
type File struct {
	ID     ID     `json:"id"`
	Path   Name   `json:"path"`
	Stat   Stat   `json:"stat"`
	Head   Print  `json:"head"` // of its first bytes
	Tail   Print  `json:"tail"` // of the bytes before Done
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`

	// Base is how many bytes at its front were there at the first start and have
	// neither been sent nor planned.
	Base       int64 `json:"base,omitempty"`
	BaseWanted bool  `json:"base_wanted,omitempty"` // they are to be sent after all
	// Done is the length in bytes up to which the file is dealt with.
	Done     int64 `json:"done,omitempty"`
	Rows     int64 `json:"rows,omitempty"`     // rows sent
	Segments int64 `json:"segments,omitempty"` // segments sent
	Skipped  int64 `json:"skipped,omitempty"`  // lines that hold no row
	Rejected int64 `json:"rejected,omitempty"` // segments that can never be sent
	// Method is the last carried out plan's: by it the rows up to Done were counted.
	Method json.RawMessage `json:"method,omitempty"`

	Plan   *Plan `json:"plan,omitempty"`
	Plans  int   `json:"plans,omitempty"`  // how many there have been
	Absent int64 `json:"absent,omitempty"` // since when no file is at Path, in Unix seconds

	sameInode *File // the next one in Ledger.byInode
}

// A Stat is what the file system says of a file.
type Stat struct {
	Inode uint64 `json:"inode"`
	Birth int64  `json:"birth,omitempty"` // Unix nanoseconds; 0 where unknown
	Size  int64  `json:"size"`
	ModNS int64  `json:"mtime"` // Unix nanoseconds
}

// A Plan fixes how a file, or its growth, is cut and sent, so that every retry cuts the
// same segments whatever the configuration says by then. It is on disk before the first
// segment goes out.
type Plan struct {
	Seq        int             `json:"seq"`
	From       int64           `json:"from,omitempty"` // bytes [From,To) of the file
	To         int64           `json:"to"`
	SkipRows   int64           `json:"skip_rows,omitempty"` // rows sent before a binary file grew
	Limit      int             `json:"limit"`               // bytes a segment, by the original's count
	Type       string          `json:"type"`
	Method     json.RawMessage `json:"method"` // the converter's own words
	Partitions int             `json:"partitions"`

	acked    []uint32     // a check of the id of each segment that is dealt with; 0: not yet
	rejected map[int]bool // those of them that can never be sent
}

// A Name is a path of raw bytes. In JSON it is a string, or an object with base64 if it
// is not UTF-8, which a JSON string can't hold.
type Name string

type rawName struct {
	Bytes []byte `json:"b64"`
}

// MarshalJSON writes a string or {"b64":…}.
func (n Name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		return json.Marshal(string(n))
	}
	return json.Marshal(rawName{[]byte(n)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Name) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var raw rawName
		err := json.Unmarshal(b, &raw)
		*n = Name(raw.Bytes)
		return err
	}
	return json.Unmarshal(b, (*string)(n))
}

// A Spooled is a segment that failed for a passing reason and lies in local staging.
type Spooled struct {
	File      ID     `json:"file"`
	Plan      int    `json:"plan"` // Plan.Seq
	Number    int    `json:"number"`
	Path      Name   `json:"path"`    // of the CSV
	Size      int64  `json:"size"`    // of the CSV, in bytes
	Sum       string `json:"sum"`     // SHA-256 of the CSV, in hexadecimal
	Segment   string `json:"segment"` // the segment's id, in hexadecimal
	Source    Name   `json:"source"`  // base name of the file it was cut from
	Rows      int    `json:"rows"`
	TimeMS    int64  `json:"time"`
	Partition int    `json:"partition"`
	// Acked is when it was acknowledged. Its identity is remembered for a while: somebody
	// may have copied the CSV to send it by hand.
	Acked time.Time `json:"acked,omitzero"`
	// Lost says that the CSV is gone, so that the plan has to make the segment again.
	Lost bool `json:"lost,omitempty"`
}

type spoolKey struct {
	file   ID
	plan   int
	number int
}

func (s *Spooled) key() spoolKey { return spoolKey{s.File, s.Plan, s.Number} }
