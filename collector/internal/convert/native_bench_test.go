package convert

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"spot-ingest/collector/internal/convert/dnspcap"
	"spot-ingest/scripts/generate"
)

// BenchmarkNative decodes files of 1.5 million flows and captures of 200 MB. Where the tool
// is installed and reads the format, it does the same once, in the same run:
//
//	go test -run '^$' -bench Native ./collector/internal/convert
func BenchmarkNative(b *testing.B) {
	flows := func(o generate.NfcapdOptions) func(io.Writer) (int64, error) {
		o.Options = generate.Options{Seed: 1, Rows: 1_500_000}
		return func(w io.Writer) (int64, error) {
			made, err := generate.Nfcapd(w, o)
			return made.Rows, err
		}
	}
	dns := func(o generate.CaptureOptions) func(io.Writer) (int64, error) {
		o.Options = generate.Options{Seed: 1, Bytes: 200_000_000}
		return func(w io.Writer) (int64, error) {
			made, err := generate.Capture(w, o)
			return made.Rows, err
		}
	}
	for _, bb := range []struct {
		name   string
		format string
		make   func(io.Writer) (rows int64, err error)
		tool   string
	}{
		{"nfcapd-v1", formatNfcapd, flows(generate.NfcapdOptions{Version: 1}), Nfdump},
		{"nfcapd-v1-lzo", formatNfcapd, flows(generate.NfcapdOptions{Version: 1, Compression: generate.LZO}), Nfdump},
		{"nfcapd-v2-lzo", formatNfcapd, flows(generate.NfcapdOptions{Version: 2, Compression: generate.LZO}), Nfdump},
		{"nfcapd-v2-lz4", formatNfcapd, flows(generate.NfcapdOptions{Version: 2, Compression: generate.LZ4}), Nfdump},
		{"nfcapd-v2-zstd", formatNfcapd, flows(generate.NfcapdOptions{Version: 2, Compression: generate.ZSTD}), ""},
		{"pcap", formatPcap, dns(generate.CaptureOptions{}), Tshark},
		{"pcapng", formatPcap, dns(generate.CaptureOptions{Format: generate.Pcapng}), ""},
		{"pcap-gzip", formatPcap, dns(generate.CaptureOptions{Gzip: true}), ""},
	} {
		b.Run(bb.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), bb.name)
			file, err := os.Create(path)
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			rows, err := bb.make(file)
			if err != nil {
				b.Fatal(err)
			}
			info, err := file.Stat()
			if err != nil {
				b.Fatal(err)
			}
			tool := toolTime(b, bb.tool, path)
			m := Method{Name: Native, Format: bb.format, Zone: "UTC"}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				stream, err := m.Open(b.Context(), Job{Path: path, File: file, To: info.Size()})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, stream); err != nil {
					b.Fatal(err)
				}
				if n := stream.src.(*nativeSource).rows.Rows(); n != rows {
					b.Fatalf("%d rows, want %d", n, rows)
				}
				stream.Close()
			}
			each := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(rows)/each.Seconds(), "rows/s")
			if tool > 0 {
				b.ReportMetric(tool.Seconds()/each.Seconds(), "×"+bb.tool)
			}
		})
	}
}

// toolTime is how long a tool takes to print the CSV of a file; 0 without that tool.
func toolTime(b *testing.B, tool, path string) time.Duration {
	b.Helper()
	var args []string
	switch tool {
	case Nfdump:
		args = []string{"-r", path, "-o", "csv", "-q"}
	case Tshark:
		args = append([]string{"-r", path}, dnspcap.Documented...)
	}
	program, err := exec.LookPath(tool)
	if err != nil {
		if tool != "" {
			b.Logf("no comparison: %v", err)
		}
		return 0
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v", tool, err)
	}
	return time.Since(start)
}
