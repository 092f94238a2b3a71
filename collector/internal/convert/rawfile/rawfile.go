// Package rawfile holds what the readers of raw files (nfcapd files, captures) say of a
// file that they can't read, or not to its end.
package rawfile

import "fmt"

// A Damage is the place where a file stops making sense: it is cut short there, or holds
// what its format doesn't allow. All that came before it was read.
type Damage struct {
	Offset int64  // bytes before the damage, in the file as it lies on disk
	What   string // such as "the file ends within a block of 4824 bytes"
}

// Error reads "damaged at byte 276: the file ends within a block of 4824 bytes".
func (d *Damage) Error() string { return fmt.Sprintf("damaged at byte %d: %s", d.Offset, d.What) }

// An Unknown is a file of a kind that the reader doesn't know, and that another program
// may: foreign, of a newer version, or of another link type. Nothing was read of it.
type Unknown struct {
	What string // such as "link type 105 (IEEE 802.11)"
}

// Error reads "not known: link type 105 (IEEE 802.11)".
func (u *Unknown) Error() string { return "not known: " + u.What }
