package convert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"spot-ingest/collector/internal/convert/dnspcap"
	"spot-ingest/collector/internal/convert/rawfile"
	"spot-ingest/pkg/zone"
)

// Auto leaves it to the file and the options which converter is used: Native where it can
// be, else the tool.
const Auto = "auto"

// A Wish is what the configuration says of the conversion of a pipeline's files.
type Wish struct {
	RecordType string // "flow", "dns" or "proxy"
	AsItIs     bool   // the files are CSV already
	ProcessOpt string // options, quoted as for a shell
	Converter  string // Auto, Native, Nfdump or Tshark; "" is Auto
}

// A Chooser chooses the method for each file of a pipeline. It may be used by several
// goroutines.
type Chooser struct {
	wish  Wish
	usual Method
	tool  Method // without Program and Version until it was found

	mu    sync.Mutex
	found bool
}

// NewChooser checks what the configuration wishes. Its errors are for the operator to
// mend: a process_opt that only a shell could carry out, or that only a tool knows while
// Native is wished for, or a tool that is needed and isn't installed (they wrap
// [exec.ErrNotFound] then).
//
// Text takes no options: process_opt of a proxy pipeline, or with AsItIs of any, is ignored.
func NewChooser(ctx context.Context, w Wish) (*Chooser, error) {
	c := &Chooser{wish: w, usual: Method{Name: Text}}
	if w.AsItIs || w.RecordType == "proxy" {
		return c, nil
	}
	native := Method{Name: Native, Version: nativeVersion}
	switch w.RecordType {
	case "flow":
		native.Format, native.Zone = formatNfcapd, "UTC" // the flow table is in UTC
		c.tool = Method{Name: Nfdump, Zone: native.Zone}
	case "dns":
		native.Format, native.Zone = formatPcap, zone.Local()
		c.tool = Method{Name: Tshark, Zone: native.Zone}
	default:
		return nil, fmt.Errorf("choose converter: no record type %q: flow, dns or proxy", w.RecordType)
	}
	words, err := splitWords(w.ProcessOpt)
	if err != nil {
		return nil, fmt.Errorf("choose converter: process_opt %q: %w", w.ProcessOpt, err)
	}
	native.Options, c.tool.Options = words, words
	obstacle := native.obstacle()
	switch {
	case w.Converter == c.tool.Name:
		obstacle = fmt.Errorf(`"converter" is %q`, c.tool.Name)
	case obstacle == nil:
		c.usual = native
		return c, nil
	case w.Converter == Native:
		return nil, fmt.Errorf("choose converter: not the native one, because %w: mend that, or set \"converter\" to %q", obstacle, c.tool.Name)
	}
	if c.usual, err = c.findTool(ctx, obstacle.Error()); err != nil {
		return nil, fmt.Errorf("choose converter: %s files need %s here, because %w: %w", w.RecordType, c.tool.Name, obstacle, err)
	}
	return c, nil
}

// obstacle tells why the native converter can't carry out the options.
func (m Method) obstacle() error {
	if m.Format == formatNfcapd {
		if len(m.Options) > 0 {
			return errors.New("process_opt is set")
		}
		return nil
	}
	_, err := dnspcap.ParseOptions(m.Options)
	if err == nil && zone.Load(m.Zone) == nil {
		err = fmt.Errorf("TZ %q is in no time zone database", m.Zone)
	}
	return err
}

// Usual is the method of the files that nothing is odd about.
func (c *Chooser) Usual() Method { return c.usual }

// Choose picks the method for a file by what it begins with: a kind that Native doesn't
// know is left to the tool, unless Native was wished for. Damage is no reason to choose
// otherwise. The error is an [*Error] of kind UnknownFile, NotStarted or Stopped.
func (c *Chooser) Choose(ctx context.Context, file *os.File) (Method, error) {
	if c.usual.Name != Native || c.wish.Converter == Native {
		return c.usual, nil
	}
	var unknown *rawfile.Unknown
	if !errors.As(probe(ctx, c.usual, file), &unknown) {
		return c.usual, nil
	}
	m, err := c.findTool(ctx, unknown.What)
	failed := &Error{Kind: UnknownFile, File: filepath.Base(file.Name())}
	switch {
	case ctx.Err() != nil:
		failed.Kind, failed.Err = Stopped, ctx.Err()
	case err != nil:
		failed.Err = fmt.Errorf("%w; %s may know it: %w", unknown, c.tool.Name, err)
		if !errors.Is(err, exec.ErrNotFound) {
			failed.Kind = NotStarted
		}
	default:
		return m, nil
	}
	return Method{}, failed
}

// Now returns the method of that name as it is carried out now, if it can be: the tool may
// have moved, and have another version, since a plan was made.
func (c *Chooser) Now(ctx context.Context, name string) (Method, bool) {
	if name == c.usual.Name {
		return c.usual, true
	}
	if name != c.tool.Name {
		return Method{}, false
	}
	m, err := c.findTool(ctx, "")
	return m, err == nil
}

// Tool returns the method by which the tool converts, if there is one that is installed.
func (c *Chooser) Tool(ctx context.Context, reason string) (Method, error) {
	if c.tool.Name == "" {
		return Method{}, errors.New("text needs no tool")
	}
	return c.findTool(ctx, reason)
}

// findTool looks the tool up on the PATH, unless it was found before, and asks its version.
func (c *Chooser) findTool(ctx context.Context, reason string) (Method, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.found {
		program, err := exec.LookPath(c.tool.Name)
		if err != nil {
			return Method{}, fmt.Errorf("install the Debian package %s: %w", c.tool.Name, err)
		}
		if c.tool.Program, err = filepath.Abs(program); err != nil {
			return Method{}, err
		}
		if c.tool.Version, err = toolVersion(ctx, c.tool); err != nil {
			return Method{}, fmt.Errorf("ask %s for its version: %w", c.tool.Program, err)
		}
		c.found = true
	}
	m := c.tool
	m.Reason = reason
	return m, nil
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
