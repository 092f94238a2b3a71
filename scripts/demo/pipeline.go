package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"spot-ingest/scripts/generate"
)

// A pipeline is one type of data on its way from a generated file by a topic to a table.
type pipeline struct {
	name     string
	file     string
	generate func(*os.File, generate.Options) (generate.Totals, error)
	table    layout
}

var pipelines = []pipeline{
	{"flow", "nfcapd.201803200900", nfcapd, flowLayout},
	{"dns", "resolver.pcap", capture, dnsLayout},
	{"proxy", "proxy.log", proxy, proxyLayout},
}

func (p pipeline) topic() string { return "SPOT-" + strings.ToUpper(p.name) }

func nfcapd(f *os.File, o generate.Options) (generate.Totals, error) {
	return generate.Nfcapd(f, generate.NfcapdOptions{Options: o, Compression: generate.LZO})
}

func capture(f *os.File, o generate.Options) (generate.Totals, error) {
	t, err := generate.Capture(f, generate.CaptureOptions{Options: o})
	return generate.Totals{Rows: t.Rows, RowBytes: t.RowBytes, Bytes: t.Bytes}, err
}

func proxy(f *os.File, o generate.Options) (generate.Totals, error) { return generate.Proxy(f, o) }

// make makes the pipeline's input in the folder that the collector watches.
func (p pipeline) make(dir string) (generate.Totals, error) {
	f, err := os.Create(filepath.Join(dir, p.name, p.file))
	if err != nil {
		return generate.Totals{}, err
	}
	made, err := p.generate(f, generate.Options{Seed: 1, Rows: rows, Odd: true})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return made, err
}

// show makes a pipeline's input, has it collected and put into its table, and prints what
// arrived.
func (d *demo) show(ctx context.Context, p pipeline) error {
	made, err := p.make(d.dir)
	if err != nil {
		return fmt.Errorf("make input: %w", err)
	}
	if err := d.call(ctx, fmt.Sprintf("finds %s, %d bytes", p.file, made.Bytes),
		"collector", "-t", p.name, "--topic", p.topic(), "--once", "--log-level", "ERROR"); err != nil {
		return err
	}
	sent, err := consume(ctx, d.kafka, p.topic(), p.table)
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	sent.print(d.out, made.Rows)
	if sent.rows != made.Rows || sent.bytes != made.RowBytes {
		return fmt.Errorf("%d rows (%d bytes) arrived of %d (%d bytes)", sent.rows, sent.bytes, made.Rows, made.RowBytes)
	}
	if err := d.call(ctx, fmt.Sprintf("finds %d records", sent.records),
		"listener", "-t", p.name, "--topic", p.topic(), "-p", fmt.Sprint(partitions),
		"--master", "local", "--from", "earliest", "--once", "--log-level", "ERROR"); err != nil {
		return err
	}
	return d.showTable(p, sent)
}

// showTable prints what the listener has made of the rows that were sent, and compares.
func (d *demo) showTable(p pipeline, sent *arrival) error {
	folder := filepath.Join(d.dir, tables, p.name)
	stored, err := readTable(filepath.Join(folder, "hive"), p.table)
	if err != nil {
		return fmt.Errorf("read the table: %w", err)
	}
	stored.print(d.out)
	if stored.rows != sent.fit {
		return fmt.Errorf("the table's %d rows are not the %d that it should have", stored.rows.count, sent.fit.count)
	}
	fmt.Fprintf(d.out, "Put together again from their columns, these are the %d rows of Kafka", stored.rows.count)
	letters, err := readLetters(filepath.Join(folder, "dead_letter"))
	if err != nil {
		return fmt.Errorf("read the dead letters: %w", err)
	}
	if letters.rows != sent.unfit {
		return fmt.Errorf("%d rows are among the dead letters that are not the %d that should be", letters.rows.count, sent.unfit.count)
	}
	letters.print(d.out)
	return nil
}
