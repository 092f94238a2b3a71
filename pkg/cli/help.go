package cli

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

const helpIndent = 2 // columns before an option in the help

// width returns the columns a line may fill: two less than the terminal's, which are told by
// COLUMNS or taken as 80.
func width() int {
	columns, err := strconv.Atoi(strings.TrimSpace(os.Getenv("COLUMNS")))
	if err != nil {
		columns = 80
	}
	return columns - 2
}

// usage returns the lines that begin with "usage:".
func (p *Parser) usage() string {
	const prefix = "usage: "
	width, prog := width(), p.flags.Name()
	var parts []string
	for _, o := range p.options() {
		if !o.further {
			parts = append(parts, o.usage()...)
		}
	}
	line := prefix + prog + " " + strings.Join(parts, " ")
	if len(line) <= width {
		return line + "\n"
	}
	// A short program name has the options beside it, a long one below it.
	if float64(len(prefix+prog)) <= 0.75*float64(width) {
		indent := strings.Repeat(" ", len(prefix+prog)+1)
		lines := fill(parts, width-len(indent))
		return prefix + prog + " " + strings.Join(lines, "\n"+indent) + "\n"
	}
	indent := strings.Repeat(" ", len(prefix))
	lines := append([]string{prog}, fill(parts, width-len(indent))...)
	return prefix + strings.Join(lines, "\n"+indent) + "\n"
}

// usage returns the option's part of the usage, cut where the line may be.
func (o *Option) usage() []string {
	parts := o.names()[:1]
	if o.takesValue() && o.Metavar != "" {
		parts = append(parts, o.Metavar)
	}
	if !o.Required {
		return []string{"[" + strings.Join(parts, " ") + "]"}
	}
	return parts
}

// fill joins parts to lines of at most width bytes, or of one part.
func fill(parts []string, width int) []string {
	var lines []string
	for _, part := range parts {
		last := len(lines) - 1
		if last >= 0 && len(lines[last])+1+len(part) <= width {
			lines[last] += " " + part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}

// help returns the whole help text.
func (p *Parser) help() string {
	longest := 0
	for _, o := range p.options() {
		longest = max(longest, helpIndent+len(o.invocation()))
	}
	width := width()
	column := min(longest+2, 24, max(width-20, 2*helpIndent))

	var b strings.Builder
	b.WriteString(p.usage())
	for _, g := range p.groups {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		for _, o := range g.options {
			o.help(&b, column, max(width-column, 11))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", p.Epilog)
	return b.String()
}

// invocation returns the option as the help shows it.
func (o *Option) invocation() string {
	names := o.names()
	if o.takesValue() {
		for i := range names {
			// The blank stays where there is no metavar, as argparse leaves it.
			names[i] += " " + o.Metavar
		}
	}
	return strings.Join(names, ", ")
}

// help writes the option's lines, with the text from column on, width bytes wide.
func (o *Option) help(b *strings.Builder, column, width int) {
	header := strings.Repeat(" ", helpIndent) + o.invocation()
	if len(header)+2 <= column {
		fmt.Fprintf(b, "%-*s", column, header)
	} else {
		fmt.Fprintf(b, "%s\n%*s", header, column, "")
	}
	lines := wrap(o.flag.Usage, width)
	b.WriteString(strings.Join(lines, "\n"+strings.Repeat(" ", column)) + "\n")
}

// wrap cuts text into lines as Python's textwrap does: at blanks, after the hyphen of a
// compound word, and anywhere in a word longer than a line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1 <= width {
			line += " "
		}
		for _, chunk := range splitHyphens(word) {
			if len(line)+len(chunk) <= width {
				line += chunk
				continue
			}
			for len(chunk) > width {
				room := width - len(line)
				lines = append(lines, strings.TrimRight(line+chunk[:room], " "))
				line, chunk = "", chunk[room:]
			}
			if line != "" {
				lines = append(lines, strings.TrimRight(line, " "))
			}
			line = chunk
		}
	}
	return append(lines, line)
}

var (
	beforeHyphen = regexp.MustCompile(`[^\s\w]*\w+[^0-9\W]-`)
	afterHyphen  = regexp.MustCompile(`\A\w+[^0-9\W]`)
)

// splitHyphens cuts a word after each hyphen that has two letters on either side.
func splitHyphens(word string) []string {
	var chunks []string
	for from := 0; ; {
		at := beforeHyphen.FindStringIndex(word[from:])
		if at == nil {
			return append(chunks, word)
		}
		start, end := from+at[0], from+at[1]
		if !afterHyphen.MatchString(word[end:]) {
			from = end - 1
			continue
		}
		chunks = append(chunks, word[:start], word[start:end])
		word, from = word[end:], 0
	}
}
