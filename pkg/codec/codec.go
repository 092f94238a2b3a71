// Package codec reads and writes the value of a segment's Kafka record: one raw
// Avro datum, with no container and no schema id, that holds the segment's rows.
//
// Its schema is [Schema]. The Encoder writes what Apache Spot's collector wrote:
// byte 00 (branch 0 of the union, the array), one block with a positive count, and
// 00, the array's end. Decode takes every legal encoding of the schema.
package codec

// Schema is the Avro schema of a value. The dot in the record's name makes "list"
// its name space. Apache Spot's own text had the default "[]", a string, which
// strict parsers refuse; nothing else differs.
const Schema = `{
  "type": "record",
  "name": "list.avsc",
  "fields": [
    {
      "name": "list",
      "type": [{"type": "array", "items": "string"}, "null"],
      "default": []
    }
  ]
}`

// The branches of the schema's union.
const (
	branchArray = 0
	branchNull  = 1
)
