package commitlog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// maxName is the longest name of a folder in bytes; file systems allow 255.
const maxName = 200

// escape makes of a topic's or group's name one that is a single safe path element, and no
// other name's.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		safe := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' ||
			(c == '.' || c == '_') && i > 0
		if i == 0 && name == warehouseFile {
			safe = false // that file lies beside the topics
		}
		if safe {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= maxName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(name))
	digits := hex.EncodeToString(sum[:16])
	return b.String()[:maxName-len(digits)-1] + "~" + digits
}
