package chunk

import "fmt"

// A Type is a kind of source. It says where a line's time stamp stands.
type Type int

// The three kinds of source.
const (
	Flow  Type = iota // nfdump's CSV: the first comma field
	DNS               // tshark's fields: the third comma field, an epoch
	Proxy             // a proxy's log: the first two words
)

var names = [...]string{Flow: "flow", DNS: "dns", Proxy: "proxy"}

// ParseType reads a type's name: flow, dns or proxy.
func ParseType(name string) (Type, error) {
	for t, n := range names {
		if n == name {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("unknown type %q, want flow, dns or proxy", name)
}

// String returns the type's name.
func (t Type) String() string {
	if t < 0 || int(t) >= len(names) {
		return fmt.Sprintf("Type(%d)", int(t))
	}
	return names[t]
}
