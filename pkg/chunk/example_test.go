package chunk_test

import (
	"fmt"
	"io"
	"log"
	"strings"

	"spot-ingest/pkg/chunk"
	"spot-ingest/pkg/codec"
)

func ExampleReader() {
	const csv = `tr,try,trm,trd,trh,trm,trs,td,sa,da
2018-03-20 09:59:58,2018,3,20,9,59,58,0.004,10.0.0.1,192.0.2.1
2018-03-20 09:59:59,2018,3,20,9,59,59,1.250,10.0.0.2,192.0.2.1
2018-03-20 10:00:00,2018,3,20,10,0,0,0.000,10.0.0.1,192.0.2.7
Summary
`
	r := chunk.NewReader(strings.NewReader(csv), chunk.Flow, 1<<20, 0)
	seg := chunk.Segment{Value: codec.NewEncoder(0, 4096)}
	for {
		err := r.Next(&seg)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("segment %d: %d rows from line %d, time %d, %d bytes\n",
			seg.Number, seg.Rows, seg.FirstLine, seg.TimeMS, seg.Value.Len())
	}
	fmt.Println("no time stamp:", r.Stats().NoTime)
	// Output:
	// segment 0: 2 rows from line 1, time 1521539998000, 129 bytes
	// segment 1: 1 rows from line 3, time 1521540000000, 65 bytes
	// no time stamp: 2
}
