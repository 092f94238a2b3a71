package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/watch"
	"spot-ingest/scripts/generate"
)

// These tests are about what becomes of a file when the converter for it changes, goes
// away, or never ends.

// tool makes a shell script a tool that tells this as its version.
func (s *site) tool(name, version, script string) {
	s.t.Helper()
	path := s.write("#!/bin/sh\ncase $1 in -[vV]) echo '"+version+"'; exit 0;; esac\n"+script+"\n", "tools", name)
	if err := os.Chmod(path, 0o755); err != nil {
		s.t.Fatal(err)
	}
}

const (
	nfdump171 = "nfdump: Version: 1.7.1"
	tshark40  = "TShark (Wireshark) 4.0.17"
)

// toolSite has a folder of tools before the rest of the PATH.
func toolSite(t *testing.T, kind string) *site {
	s := newSite(t, kind)
	s.env = append(s.env, "PATH="+s.path("tools")+":"+os.Getenv("PATH"))
	return s
}

func answer(n int) string {
	return fmt.Sprintf("Mar 20, 2018 09:00:%02d.000000000 UTC,15215364%02d.000000000,100,192.0.2.1,192.0.2.2,example.com,1,0x0001,0,192.0.2.3", n, n)
}

func echo(rows ...string) string { return "echo '" + strings.Join(rows, "'\necho '") + "'" }

// A file that has grown while its tool was not there yields no row twice.
func TestGrownWithoutTool(t *testing.T) {
	s := newSite(t, "dns")
	s.env = append(s.env, "PATH="+s.path("tools"))
	s.tool("tshark", tshark40, echo(answer(1), answer(2), answer(3)))
	path := s.write("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x69\x00\x00\x00", "in", "wifi.pcap")
	s.run(0, "-t", "dns", "--topic", topic, "--once")
	if err := os.Remove(s.path("tools", "tshark")); err != nil {
		t.Fatal(err)
	}
	s.append(strings.Repeat("\x00", 16), path)
	s.run(1, "-t", "dns", "--topic", topic, "--once")
	s.tool("tshark", tshark40, echo(answer(1), answer(2), answer(3), answer(4)))
	s.run(0, "-t", "dns", "--topic", topic, "--once")
	s.wantRows(answer(1), answer(2), answer(3), answer(4))
}

// What a file has grown by is converted as what came before it: another converter may
// count rows otherwise.
func TestGrownKeepsConverter(t *testing.T) {
	s := toolSite(t, "flow")
	s.pipeline("flow")["converter"] = "nfdump"
	s.tool("nfdump", nfdump171, "echo tr,try,trm,trd,trh,trm,trs,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,dtos,dir,ra\n"+`cat "$2.csv"`)
	file, _ := nfcapdFile(t, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 100}})
	s.pipeline("flow")["supported_files"] = []string{`nfcapd\.1$`}
	path := s.write(string(file), "in", "nfcapd.1")
	s.write(flow(0)+"\n", "in", "nfcapd.1.csv")
	s.run(0, "-t", "flow", "--topic", topic, "--once")
	s.pipeline("flow")["converter"] = "auto"
	s.append("x", path)
	s.write(flow(0)+"\n"+flow(1)+"\n", "in", "nfcapd.1.csv")
	p := s.run(0, "-t", "flow", "--topic", topic, "--once")
	s.wantRows(flow(0), flow(1))
	if !strings.Contains(p.stdout.text.String(), `converter: nfdump 1.7.1 ("converter" is "nfdump").`) {
		t.Error("the log doesn't name the converter")
	}
}

// A plan of which nothing came is dropped: another converter may read the file.
func TestFailedToolIsReplaced(t *testing.T) {
	s := toolSite(t, "flow")
	s.pipeline("flow")["converter"] = "nfdump"
	s.tool("nfdump", nfdump171, "echo no >&2; exit 255")
	file, totals := nfcapdFile(t, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 1000}, Compression: generate.ZSTD})
	s.write(string(file), "in", "nfcapd.1")
	p := s.run(1, "-t", "flow", "--topic", topic, "--once")
	if want := `could not be sent: convert nfcapd.1: nfdump exited with 255: no; converter: nfdump 1.7.1 ("converter" is "nfdump")`; !strings.Contains(p.stdout.text.String(), want) {
		t.Errorf("the log lacks %q", want)
	}
	s.pipeline("flow")["converter"] = "auto"
	s.run(0, "-t", "flow", "--topic", topic, "--once")
	s.wantTotals(totals)
}

// A plan that was begun with a tool goes on with it wherever it has moved to.
func TestToolMoved(t *testing.T) {
	s := newSite(t, "dns")
	s.env = []string{"PATH=" + s.path("tools")}
	const half = 3000
	var rows []string
	for n := range 2 * half {
		rows = append(rows, strings.Replace(answer(n%60), "example.com", fmt.Sprintf("%05d.example.com", n), 1))
	}
	s.conf["kafka"].(map[string]any)["max_request_size"] = "100000"
	s.tool("tshark", tshark40, echo(rows[:half]...)+"\nkill -9 $PPID; sleep 9")
	s.write("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x69\x00\x00\x00", "in", "wifi.pcap")
	s.start("-t", "dns", "--topic", topic, "--once").end() // killed
	if err := os.Rename(s.path("tools"), s.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + s.path("tools")}
	s.tool("tshark", "TShark (Wireshark) 4.0.18", echo(rows...))
	if err := os.RemoveAll(s.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	p := s.run(0, "-t", "dns", "--topic", topic, "--once")
	if got, _ := s.distinct(); len(got) != 2*half {
		t.Errorf("%d rows, want %d", len(got), 2*half)
	}
	if !strings.Contains(p.stdout.text.String(), "was begun with tshark 4.0.17 and goes on with 4.0.18") {
		t.Error("the log doesn't tell that the version has changed")
	}
}

// endless is a capture of some hundred GB without a DNS response, in a small file.
func endless(t *testing.T) string {
	t.Helper()
	packed := func(content []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	head := packed([]byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00"))
	const size = 60_000
	packet := append([]byte{0, 0, 0, 0, 0, 0, 0, 0, size & 255, size >> 8, 0, 0, size & 255, size >> 8, 0, 0}, make([]byte, size)...)
	packets := packed(bytes.Repeat(packet, 1000))
	return string(head) + strings.Repeat(string(packets), 2000)
}

// A decoder that finds nothing for long stops at once all the same.
func TestStopWhileDecoding(t *testing.T) {
	s := nativeSite(t, "dns")
	p := s.start("-t", "dns", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	s.write(endless(t), "in", "endless.pcap.gz")
	p.waitFor(`Processing raw file "endless.pcap.gz"`)
	began := time.Now()
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after %v", code, time.Since(began))
	}
}

// … and is given up after convert_timeout.
func TestDecodingWithoutEnd(t *testing.T) {
	s := nativeSite(t, "dns")
	s.pipeline("dns")["convert_timeout"] = 0.5
	s.write(endless(t), "in", "endless.pcap.gz")
	p := s.run(1, "-t", "dns", "--topic", topic, "--once")
	if want := "could not be sent: convert endless.pcap.gz: native printed nothing for 500ms and was stopped"; !strings.Contains(p.stdout.text.String(), want) {
		t.Errorf("the log lacks %q", want)
	}
}

// A file that can't be read as it is isn't tried again until it changes.
func TestDamageIsFinal(t *testing.T) {
	s := nativeSite(t, "flow")
	p := s.start("-t", "flow", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	s.write("", "in", "nfcapd.1")
	p.waitFor("is tried again when it changes")
	file, totals := nfcapdFile(t, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 1000}})
	s.append(string(file), s.path("in", "nfcapd.1"))
	p.waitFor(`All segments of "nfcapd.1" published`)
	p.stop(syscall.SIGTERM)
	s.wantTotals(totals)
	if log := p.stdout.text.String(); strings.Contains(log, "is tried again in") {
		t.Error("it was tried again as it was")
	}
}

// While it is read a file may grow, and nothing else.
func TestOnlyGrown(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(f *os.File) error
		ok     bool
	}{
		"as it was":           {func(*os.File) error { return nil }, true},
		"grown":               {func(f *os.File) error { _, err := f.WriteAt([]byte("more"), 8); return err }, true},
		"cut":                 {func(f *os.File) error { return f.Truncate(3) }, false},
		"rewritten":           {func(f *os.File) error { _, err := f.WriteAt([]byte("XXXX"), 0); return err }, false},
		"rewritten and grown": {func(f *os.File) error { _, err := f.WriteAt([]byte("XXXXXXXXXXXX"), 0); return err }, false},
	} {
		path := t.TempDir() + "/nfcapd.1"
		if err := os.WriteFile(path, []byte("original"), 0o600); err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(-time.Hour) // the time of the file tells a change at once
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		found, err := watch.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		head, err := ledger.HeadPrint(f, found.Size)
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.change(f); err != nil {
			t.Fatal(err)
		}
		s := shipment{task: &task{job: job{found: found, file: &ledger.File{Stat: statOf(found), Head: head}}, source: f}}
		if err := s.onlyGrown(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A plan by which segments may have gone out is kept, also if nothing comes of the file for
// a while and no acknowledgement had reached the ledger.
func TestPlanIsKept(t *testing.T) {
	s := newSite(t, "dns")
	s.env = []string{"PATH=" + s.path("tools")}
	var rows []string
	for n := range 4000 {
		rows = append(rows, strings.Replace(answer(n%60), "example.com", fmt.Sprintf("%05d.example.com", n), 1))
	}
	s.conf["kafka"].(map[string]any)["max_request_size"] = "100000"
	s.tool("tshark", tshark40, echo(rows[:3000]...)+"\nkill -9 $PPID; sleep 9")
	s.write("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x69\x00\x00\x00", "in", "wifi.pcap")
	s.start("-t", "dns", "--topic", topic, "--once").end() // killed
	ledgers, _ := filepath.Glob(s.path("state", "*", "ledger"))
	if len(ledgers) != 1 {
		t.Fatalf("ledgers: %v", ledgers)
	}
	before, err := os.ReadFile(ledgers[0])
	if err != nil {
		t.Fatal(err)
	}
	without := regexp.MustCompile(`(?m)^[0-9a-f]{8} \{"ack".*\n`).ReplaceAll(before, nil)
	if err := os.WriteFile(ledgers[0], without, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.path("tools", "tshark")); err != nil {
		t.Fatal(err)
	}
	s.run(1, "-t", "dns", "--topic", topic, "--once")
	s.tool("tshark", tshark40, echo(rows...))
	s.conf["kafka"].(map[string]any)["max_request_size"] = "50000"
	s.run(0, "-t", "dns", "--topic", topic, "--once")
	if got, _ := s.distinct(); len(got) != len(rows) {
		t.Errorf("%d rows in segments of different identity, want %d", len(got), len(rows))
	}
}

// Files that are being opened when the collector is stopped have not failed.
func TestStopWhileOpening(t *testing.T) {
	s := nativeSite(t, "flow")
	file, _ := nfcapdFile(t, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 10}})
	for n := range 400 {
		s.write(string(file), "in", fmt.Sprintf("nfcapd.%d", n))
	}
	p := s.start("-t", "flow", "--topic", topic, "--once")
	p.waitFor("published successfully")
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := p.stdout.text.String(); strings.Contains(log, "could not be sent") {
		t.Error("a file failed")
	}
}
