package table

// The columns of flow that are not only read from their fields.
const (
	flowUnixTime = 1
	flowYear     = 2 // and month, day and hour behind it
)

// flow reads the row as a flow: 27 fields as Spot's own nfdump prints them, or the 48 of
// other versions. Fields behind the 27th are ignored.
func (p *Parser) flow() (Hour, error) {
	n, ascii := splitCommas(p.row, &p.fields)
	if n == stockFields && p.isStock() {
		if err := p.mapStock(); err != nil {
			return Hour{}, err
		}
		n, ascii = splitCommas(p.row, &p.fields)
	}
	if err := p.check(n, ascii); err != nil {
		return Hour{}, err
	}
	unix, fault := p.clock.unix(p.field(0))
	if fault != none {
		return Hour{}, p.badColumn(0, p.field(0), fault)
	}
	p.numbers[flowUnixTime] = unix
	if err := p.readNumbers(); err != nil {
		return Hour{}, err
	}
	return p.flowHour()
}

// flowHour makes the partition's hour of the row's columns of year, month, day and hour,
// which need not be those of its time.
func (p *Parser) flowHour() (Hour, error) {
	of := p.numbers[flowYear : flowYear+4]
	h := Hour{Year: int16(of[0]), Month: int8(of[1]), Day: int8(of[2]), Hour: int8(of[3])}
	for i, n := range [4]int64{int64(h.Year), int64(h.Month), int64(h.Day), int64(h.Hour)} {
		if n != of[i] {
			return Hour{}, p.badPartition(flowYear+i, i)
		}
	}
	return h, nil
}
