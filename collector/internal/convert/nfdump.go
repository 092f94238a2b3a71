package convert

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// spotHeader is the header line of Spot's own nfdump, a fork of 1.6.12. (It names month
// and minute alike.)
const spotHeader = "tr,try,trm,trd,trh,trm,trs,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,dtos,dir,ra"

// wideFormat asks for what the 27 columns need. nfdump knows such formats since 1.7.5,
// whose plain "csv" has 10 columns; up to 1.7.4, "csv" has 48.
const wideFormat = "csv:%tr,%ts,%tds,%sa,%da,%sp,%dp,%pr,%flg,%fwd,%stos,%ipkt,%ibyt,%opkt,%obyt,%in,%out,%sas,%das,%dtos,%dir,%ra"

// The columns that the 27 are made of, in the order of the 27 from td on.
const (
	colReceived = iota
	colFirst
	colDuration
	colSrcAddr
	colDstAddr
	colSrcPort
	colDstPort
	colProto
	colFlags
	colFwd
	colSrcTos
	colInPackets
	colInBytes
	colOutPackets
	colOutBytes
	colInput
	colOutput
	colSrcAS
	colDstAS
	colDstTos
	colDir
	colRouter
	numColumns
)

// columnNames are the header names: up to 1.7.4, and since 1.7.5.
var columnNames = [numColumns][2]string{
	colReceived: {"tr", "received"}, colFirst: {"ts", "firstSeen"}, colDuration: {"td", "duration"},
	colSrcAddr: {"sa", "srcAddr"}, colDstAddr: {"da", "dstAddr"}, colSrcPort: {"sp", "srcPort"}, colDstPort: {"dp", "dstPort"},
	colProto: {"pr", "proto"}, colFlags: {"flg", "flags"}, colFwd: {"fwd", "fwdStatus"}, colSrcTos: {"stos", "srcTos"},
	colInPackets: {"ipkt", "inPackets"}, colInBytes: {"ibyt", "inBytes"}, colOutPackets: {"opkt", "outPackets"}, colOutBytes: {"obyt", "outBytes"},
	colInput: {"in", "input"}, colOutput: {"out", "output"}, colSrcAS: {"sas", "srcAS"}, colDstAS: {"das", "dstAS"},
	colDstTos: {"dtos", "dstTos"}, colDir: {"dir", "direction"}, colRouter: {"ra", "routerIP"},
}

// flowLines turns nfdump's CSV into the 27 columns of Spot's own nfdump.
type flowLines struct {
	options []string
	wide    bool // ask for wideFormat

	state   flowState
	coded   bool // protocols, ICMP and directions as nfdump prints them since 1.7.5
	columns int  // fields in a row
	at      [numColumns]int
	spread  [maxColumns][]byte // the fields of one row

	count, odd int64
	remarks    complaints // lines among the rows that aren't any
}

type flowState int

const (
	wantHeader flowState = iota
	asItIs               // Spot's own columns, or what the options ask for
	mapped
	trailer // behind the rows
)

// maxColumns is more than any nfdump prints.
const maxColumns = 128

func newFlowLines(m Method) *flowLines {
	return &flowLines{options: m.Options, wide: versionAtLeast(m.Version, 1, 7, 5)}
}

// versionAtLeast compares dotted numbers.
func versionAtLeast(version string, want ...int) bool {
	parts := strings.Split(version, ".")
	for i, w := range want {
		n := 0
		if i < len(parts) {
			n, _ = strconv.Atoi(parts[i])
		}
		if n != w {
			return n > w
		}
	}
	return true
}

func (f *flowLines) args(path string) []string {
	words := []string{"-r", path, "-o", "csv"}
	if f.wide {
		// These versions read with several threads, and the order of rows changes from run
		// to run. One thread keeps it (but for 1.7.5, where nothing does): a second try has
		// to go on where the first one stopped.
		words = []string{"-r", path, "-o", wideFormat, "-W", "1"}
	}
	return append(words, f.options...)
}

func (f *flowLines) line(dst, line []byte) ([]byte, error) {
	switch f.state {
	case wantHeader:
		return f.header(dst, line)
	case asItIs:
		if startsWithDate(line) {
			f.count++
		}
		return append(append(dst, line...), '\n'), nil
	case mapped:
		return f.row(dst, line), nil
	}
	return dst, nil
}

func (f *flowLines) long(dst, _ []byte) ([]byte, error) {
	return dst, fmt.Errorf("it printed a line of more than %d KiB, so this is not nfdump's CSV", maxLine>>10)
}

// header decides by the first line what to do with the rest.
func (f *flowLines) header(dst, line []byte) ([]byte, error) {
	names := strings.Split(string(line), ",")
	missing := f.locate(names)
	switch {
	case string(line) == spotHeader, isSpotRow(line, len(names)):
		f.state = asItIs
		return f.line(dst, line)
	case missing == "" && len(names) <= maxColumns:
		f.state, f.columns = mapped, len(names)
		f.coded = slices.Contains(names, columnNames[colProto][1])
		return append(dst, spotHeader+"\n"...), nil
	case hasOption(f.options, 'o'):
		// The user's own output format: whoever asks for it knows what the table needs.
		f.state = asItIs
		return f.line(dst, line)
	case startsWithDate(line):
		return dst, errors.New("it prints no header line to tell the columns by: take -q out of process_opt")
	case !f.wide && slices.Contains(names, "firstSeen"):
		f.wide = true
		return dst, errAskAgain
	}
	return dst, fmt.Errorf("its first line names no column %s, which the flow table needs, but reads %.100q: "+
		"nfdump 1.6.x and 1.7.1 to 1.7.8 are known to work, and so is Spot's own", missing, line)
}

// locate finds the columns by name, and returns the name of one that is missing.
func (f *flowLines) locate(names []string) (missing string) {
	for col, either := range columnNames {
		f.at[col] = slices.Index(names, either[0])
		if f.at[col] < 0 {
			f.at[col] = slices.Index(names, either[1])
		}
		if f.at[col] < 0 && missing == "" {
			missing = either[0]
		}
	}
	return missing
}

// isSpotRow knows a row of Spot's own nfdump, which comes first with -q.
func isSpotRow(line []byte, fields int) bool {
	return fields == 27 && startsWithDate(line) && len(line) > 24 && line[19] == ',' && line[24] == ','
}

// hasOption tells whether an option of one letter is among the words, alone or with its value.
func hasOption(words []string, letter byte) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return len(w) >= 2 && w[0] == '-' && w[1] == letter
	})
}

// row appends the 27 columns of one line, or nothing if it isn't a row: nfdump says things
// in the midst of its CSV, and a "Summary" follows.
func (f *flowLines) row(dst, line []byte) []byte {
	switch {
	case string(line) == "Summary":
		f.state = trailer
		return dst
	case string(line) == "No matching flows":
		return dst
	case !startsWithDate(line) && !bytes.HasPrefix(line, []byte("0000-")):
		f.remarks.add(line[:min(len(line), maxComplaint)], f.weigh)
		return dst
	}
	if n := split(&f.spread, line); n != f.columns {
		f.odd++
		return dst
	}
	received := f.field(colReceived)
	if isNoTime(received) {
		// The file holds no time of reception (nfcapd without -T all).
		received = f.field(colFirst)
	}
	if !startsWithDate(received) {
		received = []byte("1970-01-01 00:00:00")
	}
	f.count++
	dst = appendTime(dst, received[:19])
	for col := colDuration; col < numColumns; col++ {
		dst = append(dst, ',')
		dst = f.appendField(dst, col)
	}
	return append(dst, '\n')
}

func (f *flowLines) field(col int) []byte { return f.spread[f.at[col]] }

func (f *flowLines) end(complained bool) (Kind, error) {
	switch {
	case f.state == wantHeader && !hasOption(f.options, 'q'):
		if complained {
			return NoRows, nil
		}
		return BadOutput, errors.New("it printed no header line")
	case f.count == 0 && (complained || f.remarks.serious > 0):
		// It exits with 0 also for files that it can't read.
		return NoRows, nil
	}
	return 0, nil
}

func (f *flowLines) rows() int64 { return f.count }

func (f *flowLines) notes() []string {
	notes := f.remarks.brief()
	if f.odd > 0 {
		notes = append(notes, fmt.Sprintf("%s lines left out: not %d columns, as the header says", thousands(f.odd), f.columns))
	}
	return notes
}

// weigh knows what nfdump says about records that hold no flow, and about parts of a flow
// record that it doesn't print.
func (f *flowLines) weigh(line []byte) weight {
	switch text := string(line); {
	case strings.HasPrefix(text, "Using ") && strings.Contains(text, " worker threads"):
		return idle
	case strings.HasPrefix(text, "Unknown extension '"),
		strings.HasPrefix(text, "ExpandRecord_v3() Found unexpected NULL extension"),
		strings.HasPrefix(text, "Exporter SysID:") && strings.Contains(text, "Skip stat record"):
		return harmless
	case strings.HasPrefix(text, "Skip unknown record"), strings.HasPrefix(text, "Skip lagecy record"):
		// In a file of version 1, types 2 to 9 are extension maps, histograms, and records
		// about exporters and samplers; 1 and 10 are flows. Others are no types at all:
		// that is a compressed file read by an nfdump that can't decompress it.
		record, err := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
		if err == nil && record >= 2 && record <= 9 {
			return harmless
		}
	}
	return serious
}
