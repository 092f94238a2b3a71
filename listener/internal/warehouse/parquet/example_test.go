package parquet_test

import (
	"bytes"
	"fmt"
	"log"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/warehouse/parquet"
)

func Example() {
	schema := columns.Schema{
		{Name: "sip", Type: columns.String, Searched: true},
		{Name: "sport", Type: columns.Int32},
	}
	rows := columns.New(schema)
	for port := range int32(1000) {
		rows.Columns[0].AddString([]byte("192.0.2.7"))
		rows.Columns[1].Int32s = append(rows.Columns[1].Int32s, port)
		rows.Len++
	}

	var disk bytes.Buffer
	file := parquet.NewFile(&disk, schema, "spot-ingest version 1.2.3 (build 0123abc)")
	group, err := parquet.NewEncoder(schema, parquet.Snappy).Encode(rows)
	if err != nil {
		log.Fatal(err)
	}
	if err := file.Add(group); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %d rows, complete: %v\n", disk.Bytes()[:4], file.Rows(), file.Size() == int64(disk.Len()))
	// Output: PAR1, 1000 rows, complete: true
}
