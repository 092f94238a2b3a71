// Package convert turns one raw file into lines of CSV: nfcapd files and captures by the
// readers in nfcapd and dnspcap or by nfdump and tshark, and text, which needs no
// conversion, by reading it where it lies.
//
// A [Method] is chosen for a file and stored with its plan, so that the file is converted
// again just as it was the first time:
//
//	chooser, err := convert.NewChooser(ctx, convert.Wish{RecordType: "flow"})
//	…
//	method, err := chooser.Choose(ctx, file)
//	…
//	stream, err := method.Open(ctx, convert.Job{Path: path, File: file, To: size})
//	…
//	defer stream.Close()
//	_, err = io.Copy(w, stream) // nil only if the whole file was converted
//
// The flow CSV has the 27 columns of Spot's own nfdump, whatever makes it.
// The tools run without a shell, in a process group of their own, and die with the
// process that started them, which ties this package to Linux.
package convert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The names of the methods.
const (
	Text   = "text"   // the file's own lines
	Native = "native" // nfcapd files and captures of DNS, by this program itself
	Nfdump = "nfdump" // nfcapd files
	Tshark = "tshark" // pcap and pcapng
)

// A Method says how a file is converted. Its JSON form is stored in the ledger with each
// plan.
type Method struct {
	Name    string   `json:"name"`              // Text, Native, Nfdump or Tshark
	Format  string   `json:"format,omitempty"`  // what Native reads: "nfcapd" or "pcap"
	Program string   `json:"program,omitempty"` // absolute path of the tool
	Version string   `json:"version,omitempty"` // as the tool prints it, such as 1.7.1; "" if it doesn't. Of Native, its own.
	Options []string `json:"options,omitempty"` // the words of process_opt
	Zone    string   `json:"tz,omitempty"`      // TZ of the tool, and of frame.time; "" is the machine's own zone
	Reason  string   `json:"reason,omitempty"`  // why it isn't Native
}

// String reads "native" or "nfdump 1.7.1 (process_opt is for nfdump)".
func (m Method) String() string {
	s := m.Name
	if m.Name != Native && m.Version != "" {
		s += " " + m.Version
	}
	if m.Reason != "" {
		s += " (" + m.Reason + ")"
	}
	return s
}

// A Job is one file to convert.
type Job struct {
	Path string // absolute path of the raw file

	// File is that file opened, for Text and Native to read from, so that a file that is
	// renamed meanwhile is read to its end. It stays the caller's. Nil: they open Path.
	File *os.File

	// From and To bound the bytes that Text reads: [From, To). Native reads [0, To), so
	// that a file that grows meanwhile is converted as it was planned. The tools read
	// whole files.
	From, To int64

	// Timeout is how long a tool, or Native, may be waited for without a row or an end;
	// after that it counts as hanging. Time in which nobody reads the stream doesn't
	// count. Zero means for ever. Text has no timeout.
	Timeout time.Duration

	// Stage is where the tool's CSV is stored while it streams by: as Stage+".part", and
	// as Stage once the whole file was converted. Empty means nowhere; Text and Native have no use for it.
	Stage string
}

// Open starts the conversion of one file. Its error is an [*Error].
func (m Method) Open(ctx context.Context, job Job) (*Stream, error) {
	if !filepath.IsAbs(job.Path) {
		// A relative path could be taken for an option.
		return nil, &Error{Kind: BadSource, File: job.Path, Err: errors.New("the path is not absolute")}
	}
	switch m.Name {
	case Text:
		src, err := openText(ctx, job)
		if err != nil {
			return nil, err
		}
		return &Stream{src: src}, nil
	case Native:
		src, err := openNative(ctx, m, job)
		if err != nil {
			return nil, err
		}
		return &Stream{src: src}, nil
	case Nfdump, Tshark:
		src, err := openTool(ctx, m, job)
		if err != nil {
			return nil, err
		}
		return &Stream{src: src, stage: newStage(job.Stage)}, nil
	}
	return nil, &Error{Kind: NotStarted, File: filepath.Base(job.Path), Err: fmt.Errorf("no converter %q in this version", m.Name)}
}

// env is this process's environment with the tool's TZ.
func (m Method) env() []string {
	env := os.Environ()
	kept := env[:0]
	for _, v := range env {
		if !strings.HasPrefix(v, "TZ=") {
			kept = append(kept, v)
		}
	}
	if m.Zone != "" {
		kept = append(kept, "TZ="+m.Zone)
	}
	return kept
}
