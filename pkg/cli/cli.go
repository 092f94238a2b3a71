// Package cli reads a command line as Python 2.7's argparse does, and holds the command
// lines of the two programs, so that scripts written for the Python programs go on working.
//
// The values, their defaults and their help texts live in a [flag.FlagSet]; how words are
// split into options and values is argparse's: -t flow, -tflow, -t=flow, --type=flow, any
// unique prefix of a long name (--ty flow), options in any order, the last of a repeated one
// wins. So are the usage, the help (with COLUMNS) and the words of each error.
//
// It differs in three things, all for the sake of options that argparse can't express:
//   - Options that the Python programs did not have are declared by [Parser.Further]. They
//     are missing in the usage, and an abbreviation is looked up among them only when no
//     older option fits, so that every older abbreviation keeps its meaning.
//   - A value outside an option's choices may be judged at the end (Option.Accept).
//   - An option may load a file while the words are read (Option.Load); if that fails the
//     program ends with 1 instead of 2.
package cli

import (
	"flag"
	"io"
	"slices"
	"strings"
)

// A Parser reads one command line. Its program's name is that of its flag set.
type Parser struct {
	// Epilog is the text below the help's last group.
	Epilog string

	flags  *flag.FlagSet
	groups []group
	byName map[string]*Option // by "-c" and "--config-file"
}

type group struct {
	title   string
	options []*Option
}

// An Option is how a flag of the parser's flag set is written on the command line. A flag
// whose value has a true IsBoolFlag method takes no value, as in package flag.
type Option struct {
	// Name is the flag's name, written with two dashes.
	Name string
	// Short is one letter, written with one dash, or empty.
	Short string
	// Metavar stands for the value in usage and help. It may be empty, and is the list of
	// Choices if there are any.
	Metavar string
	// Required makes a command line without the option a usage error.
	Required bool
	// Choices are the values that are right at once; none means that every value is.
	Choices []string
	// Accept, if set, judges the values that are none of the Choices, after all words were
	// read and all defaults loaded. Without it they are usage errors at once.
	Accept func(value string) bool
	// Load, if set, is called with each value at the moment it is read, and with the default
	// once all words were read if there was no value. Its error ends the program with 1.
	Load func(value string) error
	// Print, if set, returns what is printed before the program ends with 0 when the option
	// is read.
	Print func() string

	flag    *flag.Flag
	further bool
}

// New returns a parser over the flags, which must all be declared by Group or Further before
// Parse is called. It adds -h/--help to them, in a first group of the given title.
func New(flags *flag.FlagSet, title string, options ...Option) *Parser {
	p := &Parser{flags: flags, byName: map[string]*Option{}}
	flags.Bool("help", false, "show this help message and exit")
	p.Group(title, append([]Option{{Name: "help", Short: "h", Print: p.help}}, options...)...)
	return p
}

// Group declares options under a title of the help. The usage lists them in the order of
// declaration. It panics if there is no flag of an option's name, or if a name is taken.
func (p *Parser) Group(title string, options ...Option) { p.add(title, options, false) }

// Further declares options as Group does, but leaves them out of the usage, and finds them by
// an abbreviation only if it fits none of the options declared by New and Group.
func (p *Parser) Further(title string, options ...Option) { p.add(title, options, true) }

func (p *Parser) add(title string, options []Option, further bool) {
	g := group{title: title}
	for _, o := range options {
		o.further = further
		if o.flag = p.flags.Lookup(o.Name); o.flag == nil {
			panic("cli: no flag " + o.Name)
		}
		if len(o.Choices) > 0 {
			o.Metavar = "{" + strings.Join(o.Choices, ",") + "}"
		}
		for _, name := range o.names() {
			if p.byName[name] != nil {
				panic("cli: option " + name + " declared twice")
			}
			p.byName[name] = &o
		}
		g.options = append(g.options, &o)
	}
	p.groups = append(p.groups, g)
}

// options returns all options in the order of declaration.
func (p *Parser) options() []*Option {
	var all []*Option
	for _, g := range p.groups {
		all = append(all, g.options...)
	}
	return all
}

// names returns the spellings of the option, as in -t and --type.
func (o *Option) names() []string {
	if o.Short == "" {
		return []string{"--" + o.Name}
	}
	return []string{"-" + o.Short, "--" + o.Name}
}

func (o *Option) takesValue() bool {
	b, ok := o.flag.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}

// An Exit is how the program ends because of its command line.
type Exit struct {
	// Code is 0 for help and version, 1 if a Load failed, 2 for a usage error.
	Code int
	// Text is what is printed, whole lines: to stdout if Code is 0, else to stderr.
	Text string
}

// Write prints the text to the stream it belongs to and returns the exit code.
func (e *Exit) Write(stdout, stderr io.Writer) int {
	w := stderr
	if e.Code == 0 {
		w = stdout
	}
	// There is nowhere left to report a closed stream to; the exit code stands.
	_, _ = io.WriteString(w, e.Text)
	return e.Code
}

// UsageError returns the end of a program whose command line is wrong: the usage and the
// message, in the form "PROG: error: MESSAGE", with exit code 2.
func (p *Parser) UsageError(message string) *Exit {
	return &Exit{Code: 2, Text: p.usage() + p.flags.Name() + ": error: " + message + "\n"}
}

func (p *Parser) optionError(o *Option, message string) *Exit {
	return p.UsageError("argument " + strings.Join(o.names(), "/") + ": " + message)
}

func (p *Parser) invalidChoice(o *Option, value string) *Exit {
	quoted := make([]string, len(o.Choices))
	for i, choice := range o.Choices {
		quoted[i] = quote(choice)
	}
	return p.optionError(o, "invalid choice: "+quote(value)+
		" (choose from "+strings.Join(quoted, ", ")+")")
}

func (o *Option) offers(value string) bool {
	return len(o.Choices) == 0 || slices.Contains(o.Choices, value)
}
