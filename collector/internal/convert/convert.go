// Package convert turns one raw file into lines of CSV: nfcapd files by nfdump,
// captures by tshark, and text, which needs no conversion, by reading it where it lies.
//
// A [Method] is chosen once for a pipeline and stored with the plan of each file, so that
// a file is converted again just as it was the first time:
//
//	method, err := convert.Choose(ctx, "flow", false, "")
//	…
//	stream, err := method.Open(ctx, convert.Job{Path: path, Timeout: 15 * time.Minute})
//	…
//	defer stream.Close()
//	_, err = io.Copy(w, stream) // nil only if the whole file was converted
//
// The flow CSV has the 27 columns of Spot's own nfdump, whichever nfdump is installed.
// The tools run without a shell, in a process group of their own, and die with the
// process that started them, which ties this package to Linux.
package convert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// The names of the methods.
const (
	Text   = "text"   // the file's own lines
	Nfdump = "nfdump" // nfcapd files
	Tshark = "tshark" // pcap and pcapng
)

// A Method says how the files of one pipeline are converted. Its JSON form is stored in
// the ledger with each plan.
type Method struct {
	Name    string   `json:"name"`              // Text, Nfdump or Tshark
	Program string   `json:"program,omitempty"` // absolute path of the tool
	Version string   `json:"version,omitempty"` // as the tool prints it, such as 1.7.1; "" if it doesn't
	Options []string `json:"options,omitempty"` // the words of process_opt
	Zone    string   `json:"tz,omitempty"`      // TZ of the tool; "" is the machine's own zone
}

// A Job is one file to convert.
type Job struct {
	Path string // absolute path of the raw file

	// File is that file opened, for Text to read from, so that a file that is renamed
	// meanwhile is read to its end. It stays the caller's. Nil: Text opens Path itself.
	File *os.File

	// From and To bound the bytes that Text reads: [From, To). The tools read whole files.
	From, To int64

	// Timeout is how long a tool may be waited for without printing anything or exiting;
	// after that it counts as hanging. Time in which nobody reads the stream doesn't
	// count. Zero means for ever. Text has no timeout.
	Timeout time.Duration

	// Stage is where the tool's CSV is stored while it streams by: as Stage+".part", and
	// as Stage once the whole file was converted. Empty means nowhere; Text has no use for it.
	Stage string
}

// Choose picks the method for a record type ("flow", "dns" or "proxy"). It looks the tool
// up on the PATH, asks its version, and splits process_opt into words as a shell would.
// Its errors are for the operator to mend: a tool that isn't installed (they wrap
// [exec.ErrNotFound] then), or a process_opt that only a shell could carry out.
//
// Text takes no options: process_opt of a proxy pipeline, or with skipConversion of any,
// is ignored.
func Choose(ctx context.Context, recordType string, skipConversion bool, processOpt string) (Method, error) {
	if skipConversion || recordType == "proxy" {
		return Method{Name: Text}, nil
	}
	var m Method
	switch recordType {
	case "flow":
		m = Method{Name: Nfdump, Zone: "UTC"} // the flow table is in UTC
	case "dns":
		m = Method{Name: Tshark, Zone: localZone()}
	default:
		return Method{}, fmt.Errorf("choose converter: no record type %q: flow, dns or proxy", recordType)
	}
	var err error
	if m.Options, err = splitWords(processOpt); err != nil {
		return Method{}, fmt.Errorf("choose converter: process_opt %q: %w", processOpt, err)
	}
	if m.Program, err = exec.LookPath(m.Name); err != nil {
		return Method{}, fmt.Errorf("choose converter: %s files need %s: install the Debian package %s: %w",
			recordType, m.Name, m.Name, err)
	}
	if m.Program, err = filepath.Abs(m.Program); err != nil {
		return Method{}, fmt.Errorf("choose converter: %w", err)
	}
	if m.Version, err = toolVersion(ctx, m); err != nil {
		return Method{}, fmt.Errorf("choose converter: ask %s for its version: %w", m.Program, err)
	}
	return m, nil
}

// localZone is the TZ that the tools would inherit. Set but empty, it means UTC to them.
func localZone() string {
	zone, set := os.LookupEnv("TZ")
	if set && zone == "" {
		return "UTC"
	}
	return zone
}

// versionText matches the number in "nfdump: Version: NSEL-NEL1.7.1" and
// "TShark (Wireshark) 4.0.17 (Git …". nfdump prints its own path before it.
var versionText = regexp.MustCompile(`(?:Version:|TShark)\D*(\d+(?:\.\d+)+)`)

// toolVersion asks the tool. One that runs but doesn't tell its version is no error: it
// may be somebody's wrapper.
func toolVersion(ctx context.Context, m Method) (string, error) {
	flag := "-V"
	if m.Name == Tshark {
		flag = "-v"
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, m.Program, flag)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", err
	}
	if found := versionText.FindSubmatch(out); found != nil {
		return string(found[1]), nil
	}
	return "", nil
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
