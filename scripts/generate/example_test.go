package generate_test

import (
	"fmt"
	"io"
	"os"

	"spot-ingest/scripts/generate"
)

func ExampleFlow() {
	totals, err := generate.Flow(os.Stdout, generate.Options{Seed: 3, Rows: 2})
	if err != nil {
		panic(err)
	}
	fmt.Println(totals.Rows, "rows of", totals.Lines, "lines")
	// Output:
	// tr,try,trm,trd,trh,trm,trs,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,dtos,dir,ra
	// 2018-03-20 09:34:30,2018,3,20,9,34,30,0.628,155.61.239.54,10.1.16.67,443,15863,TCP,.AP.SF,0,0,18,10566,0,0,7,3,38509,0,0,0,192.0.2.1
	// 2018-03-20 11:37:39,2018,3,20,11,37,39,0.000,136.249.173.139,10.6.185.242,53,50325,UDP,......,0,0,1,186,0,0,7,3,44579,0,0,0,198.51.100.1
	// Summary
	// flows,bytes,packets,avg_bps,avg_pps,avg_bpp
	// 2,10752,19,0,0,565
	// 2 rows of 6 lines
}

func ExampleCapture() {
	totals, err := generate.Capture(io.Discard, generate.CaptureOptions{
		Options: generate.Options{Seed: 3, Rows: 2}, Format: generate.Pcapng, CSV: os.Stdout,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(totals.Rows, "rows of", totals.Packets, "packets")
	// Output:
	// Mar 20, 2018 10:22:54.025165413 UTC,1521541374.025165413,93,10.0.0.53,10.0.141.189,api17.lumen.co.uk,1,0x0001,0,148.141.68.133
	// Mar 20, 2018 11:05:04.257240166 UTC,1521543904.257240166,84,149.112.112.112,10.2.124.63,<Root>,41,,0,
	// 2 rows of 4 packets
}
