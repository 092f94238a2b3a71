// Package columns holds typed rows column by column, the form in which they are both made
// fast from text and written fast to Parquet: a column's values lie side by side.
package columns

// A Type is the type of a column's values.
type Type uint8

// The types of the tables' columns, with Hive's name of each.
const (
	Int32   Type = iota // INT
	Int64               // BIGINT
	Float32             // FLOAT
	String              // STRING, bytes that are UTF-8
)

var hiveNames = [...]string{Int32: "INT", Int64: "BIGINT", Float32: "FLOAT", String: "STRING"}

// String returns Hive's name of the type, such as BIGINT.
func (t Type) String() string { return hiveNames[t] }

// A Column is a column's name, as the table has it, and its type.
type Column struct {
	Name string
	Type Type
	// Searched marks a column that queries compare with single values, such as an address:
	// one for which statistics of least and greatest value say little.
	Searched bool
}

// A Schema is the columns of a table in order, those of its partitions left out.
type Schema []Column

// Values are the values of one column. Only the fields of its type are used. There are no
// nulls.
type Values struct {
	Int32s   []int32
	Int64s   []int64
	Float32s []float32
	// Bytes are the strings one after the other; Ends[i] is where string i ends in them.
	Bytes []byte
	Ends  []uint32
}

// AddString appends a string.
func (v *Values) AddString(s []byte) {
	v.Bytes = append(v.Bytes, s...)
	v.Ends = append(v.Ends, uint32(len(v.Bytes)))
}

// String returns string i, which lies in v.Bytes.
func (v *Values) String(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = v.Ends[i-1]
	}
	return v.Bytes[from:v.Ends[i]]
}

// Rows are rows of one schema. Its strings must stay below 4 GiB a column.
type Rows struct {
	Schema Schema
	// Columns holds the values of each column of Schema.
	Columns []Values
	// Len is the number of rows; whoever appends values to the columns counts them here.
	Len int
}

// New returns no rows of a schema.
func New(schema Schema) *Rows {
	return &Rows{Schema: schema, Columns: make([]Values, len(schema))}
}

// Reset removes all rows and keeps their memory.
func (r *Rows) Reset() {
	for i := range r.Columns {
		c := &r.Columns[i]
		c.Int32s, c.Int64s, c.Float32s = c.Int32s[:0], c.Int64s[:0], c.Float32s[:0]
		c.Bytes, c.Ends = c.Bytes[:0], c.Ends[:0]
	}
	r.Len = 0
}

// Append appends a copy of all rows of from, which are of the same schema.
func (r *Rows) Append(from *Rows) {
	for i := range r.Columns {
		to, c := &r.Columns[i], &from.Columns[i]
		to.Int32s = append(to.Int32s, c.Int32s...)
		to.Int64s = append(to.Int64s, c.Int64s...)
		to.Float32s = append(to.Float32s, c.Float32s...)
		base := uint32(len(to.Bytes))
		to.Bytes = append(to.Bytes, c.Bytes...)
		for _, end := range c.Ends {
			to.Ends = append(to.Ends, base+end)
		}
	}
	r.Len += from.Len
}

// Size returns the bytes that the values take.
func (r *Rows) Size() int {
	size := 0
	for i := range r.Columns {
		c := &r.Columns[i]
		size += 4*(len(c.Int32s)+len(c.Float32s)+len(c.Ends)) + 8*len(c.Int64s) + len(c.Bytes)
	}
	return size
}

// Memory returns the bytes that are held for values, used or not.
func (r *Rows) Memory() int {
	size := 0
	for i := range r.Columns {
		c := &r.Columns[i]
		size += 4*(cap(c.Int32s)+cap(c.Float32s)+cap(c.Ends)) + 8*cap(c.Int64s) + cap(c.Bytes)
	}
	return size
}
