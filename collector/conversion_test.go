package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// These tests run the collector with a stand-in for nfdump: a script that prints the
// header of Spot's nfdump, what the raw file holds, and does as the test says.

// flowSite has a folder of tools with an nfdump whose last lines are script.
func flowSite(t *testing.T, script string) *site {
	t.Helper()
	s := newSite(t, "flow")
	s.pipeline("flow")["supported_files"] = []string{"nfcapd."}
	s.pipeline("flow")["converter"] = "nfdump"
	nfdump := s.write(`#!/bin/sh
if [ "$1" = -V ]; then echo "nfdump: Version: 1.6.12"; exit 0; fi
echo tr,try,trm,trd,trh,trm,trs,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,dtos,dir,ra
`+script+"\n", "tools", "nfdump")
	if err := os.Chmod(nfdump, 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+s.path("tools")+":"+os.Getenv("PATH"))
	return s
}

func flow(n int) string {
	return fmt.Sprintf("2018-03-20 09:00:%02d,2018,3,20,9,0,%d,0.064,203.0.113.239,10.0.249.214,80,49934,UDP,......,0,0,4,2812,0,0,0,0,0,0,0,0,0.0.0.0", n, n)
}

// A converter that fails twice alike has met a damaged file: the rows before are sent.
func TestDamagedFile(t *testing.T) {
	s := flowSite(t, `cat "$2"; echo "short read" >&2; exit 3`)
	s.write(flow(0)+"\n"+flow(1)+"\n", "in", "nfcapd.1")
	p := s.run(0, "-t", "flow", "--topic", topic, "--once")
	s.wantRows(flow(0), flow(1))
	for _, sentence := range []string{"it is tried once more", `File "nfcapd.1" is damaged; the rows before the damage were taken: convert nfcapd.1: nfdump exited with 3`} {
		if !strings.Contains(p.stdout.text.String(), sentence) {
			t.Errorf("the log lacks %q", sentence)
		}
	}
}

// Failing another way the second time, it has not: nothing is invented, and it is tried again.
func TestFailingDifferently(t *testing.T) {
	s := flowSite(t, `n=$(cat "$0.n" 2>/dev/null || echo 0); echo $((n+1)) > "$0.n"
case $n in 0) head -n 1 "$2"; exit 1;; 1) exit 2;; 2) exit 2;; esac
cat "$2"`)
	p := s.start("-t", "flow", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	s.write(flow(0)+"\n"+flow(1)+"\n", "in", "nfcapd.1")
	p.waitFor("is tried again in")
	p.waitFor(`All segments of "nfcapd.1" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(flow(0), flow(1))
}

// A file that fails again and again is left in the end, and said to be.
func TestFailingForGood(t *testing.T) {
	s := flowSite(t, `echo "bad magic" >&2; exit 250`)
	p := s.start("-t", "flow", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	s.write("x", "in", "nfcapd.1")
	p.waitFor(`could not be sent: convert nfcapd.1: nfdump exited with 250: bad magic`)
	p.waitFor("has failed 10 times")
	p.stop(syscall.SIGTERM)
	s.run(1, "-t", "flow", "--topic", topic, "--once")
}

// Of a binary file that grew, the rows beyond those sent go.
func TestBinaryGrows(t *testing.T) {
	s := flowSite(t, `cat "$2"`)
	p := s.start("-t", "flow", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	path := s.write(flow(0)+"\n", "in", "nfcapd.1")
	p.waitFor(`All segments of "nfcapd.1" published`)
	s.append(flow(1)+"\n"+flow(2)+"\n", path)
	p.waitFor("has grown since it was sent")
	p.waitFor(`All segments of "nfcapd.1" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(flow(0), flow(1), flow(2))
}

// A raw file that is removed while Kafka is away goes out from its staged CSV.
func TestRawFileRemovedWhileAway(t *testing.T) {
	s := flowSite(t, `cat "$2"`)
	var code atomic.Int32
	s.failProduce(&code)
	p := s.start("-t", "flow", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	path := s.write(flow(0)+"\n", "in", "nfcapd.1")
	p.waitFor("Store segment-0")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	code.Store(0)
	p.waitFor(`All segments of "nfcapd.1" published`)
	p.stop(syscall.SIGTERM)
	s.wantRows(flow(0))
	if left, _ := filepath.Glob(s.path("staging", "*")); len(left) != 0 {
		t.Errorf("left in staging: %v", left)
	}
}

// With "staging": false nothing of a conversion is written to disk. The stand-in looks.
func TestWithoutStaging(t *testing.T) {
	s := flowSite(t, `cat "$2"; find staging -name '*.csv*' >&2`)
	for n, staging := range []bool{true, false} {
		s.pipeline("flow")["staging"] = staging
		s.write(flow(n)+"\n", "in", fmt.Sprintf("nfcapd.%d", n))
		p := s.run(0, "-t", "flow", "--topic", topic, "--once")
		if staged := strings.Contains(p.stdout.text.String(), ".csv.part"); staged != staging {
			t.Errorf("staging %v: a CSV was there: %v", staging, staged)
		}
	}
	s.wantRows(flow(0), flow(1))
}

// Rejected rows of two plans of one file don't overwrite each other.
func TestRejectedTwice(t *testing.T) {
	s := newSite(t, "proxy")
	p := s.start("-t", "proxy", "--topic", topic)
	p.waitFor("Initialization completed successfully!")
	path := s.write("", "in", "a.log")
	for _, filler := range []string{"x", "y"} {
		s.append("2018-03-20 09:00:01 "+strings.Repeat(filler, 1_500_000)+"\n", path)
		p.waitFor(`One or more segment(s) of "a.log"`)
	}
	p.stop(syscall.SIGTERM)
	stored, _ := filepath.Glob(s.path("state", "*", "rejected", "*.csv"))
	if len(stored) != 2 {
		t.Errorf("stored: %v", stored)
	}
}
