package cli

import "strings"

// Parse reads the words after the program's name and sets the flags. It returns nil if the
// program is to go on, else how it ends. It is called once.
//
// The order in which things go wrong is argparse's. All words are classified first, so an
// ambiguous abbreviation is an error even after -h. Then they are read from left to right:
// help, loading and bad values count at the moment they are met. At last come defaults that
// are loaded, values that are judged late, missing options, and words that belong to none.
func (p *Parser) Parse(args []string) *Exit {
	r := run{parser: p, seen: map[*Option]bool{}}
	if exit := r.classify(args); exit != nil {
		return exit
	}
	for i := 0; i < len(r.words); {
		if r.words[i].kind != option {
			r.extras = append(r.extras, r.words[i].text)
			i++
			continue
		}
		taken, exit := r.consume(i)
		if exit != nil {
			return exit
		}
		i += taken
	}
	return r.finish()
}

// A run is the reading of one command line.
type run struct {
	parser   *Parser
	words    []word
	seen     map[*Option]bool
	unjudged []setting // values that wait for Option.Accept
	extras   []string  // words that belong to no option
}

// A setting is an option and its value.
type setting struct {
	option *Option
	value  string
}

// consume reads the option at words[i], with its value, and returns how many words that took.
func (r *run) consume(i int) (int, *Exit) {
	w := r.words[i]
	if w.option == nil {
		r.extras = append(r.extras, w.text)
		return 1, nil
	}
	settings, taken, exit := r.unpack(i)
	if exit != nil {
		return 0, exit
	}
	for _, s := range settings {
		if exit := r.take(s); exit != nil {
			return 0, exit
		}
	}
	return taken, nil
}

// unpack splits a word such as -hl into the options it holds and finds the last one's value,
// in the word itself or in the next one, before any of them takes effect.
func (r *run) unpack(i int) (settings []setting, taken int, exit *Exit) {
	w := r.words[i]
	o, name, rest, joined := w.option, w.name, w.value, w.joined
	for {
		switch {
		case o.takesValue() && joined:
			return append(settings, setting{o, rest}), 1, nil
		case o.takesValue():
			if i+1 == len(r.words) || r.words[i+1].kind != argument {
				return nil, 0, r.parser.optionError(o, "expected one argument")
			}
			return append(settings, setting{o, r.words[i+1].text}), 2, nil
		case !joined:
			return append(settings, setting{o, "true"}), 1, nil
		}
		// What is joined to a short option without a value must be more short options.
		var next *Option
		if rest != "" && !strings.HasPrefix(name, "--") {
			next = r.parser.byName["-"+rest[:1]]
		}
		if next == nil {
			return nil, 0, r.parser.optionError(o, "ignored explicit argument "+quote(rest))
		}
		settings = append(settings, setting{o, "true"})
		o, rest = next, rest[1:]
		joined = rest != ""
	}
}

// take lets an option with its value take effect.
func (r *run) take(s setting) *Exit {
	o := s.option
	r.seen[o] = true
	if o.Print != nil {
		return &Exit{Text: o.Print()}
	}
	if exit := o.load(s.value); exit != nil {
		return exit
	}
	if !o.offers(s.value) {
		if o.Accept == nil {
			return r.parser.invalidChoice(o, s.value)
		}
		r.unjudged = append(r.unjudged, s)
	}
	if err := r.parser.flags.Set(o.Name, s.value); err != nil {
		return r.parser.optionError(o, err.Error())
	}
	return nil
}

func (o *Option) load(value string) *Exit {
	if o.Load == nil {
		return nil
	}
	if err := o.Load(value); err != nil {
		return &Exit{Code: 1, Text: err.Error() + "\n"}
	}
	return nil
}

// finish does what has to wait until all words were read.
func (r *run) finish() *Exit {
	options := r.parser.options()
	for _, o := range options {
		if r.seen[o] || o.Required {
			continue
		}
		if exit := o.load(o.flag.DefValue); exit != nil {
			return exit
		}
	}
	for _, s := range r.unjudged {
		if !s.option.Accept(s.value) {
			return r.parser.invalidChoice(s.option, s.value)
		}
	}
	for _, o := range options {
		if o.Required && !r.seen[o] {
			return r.parser.UsageError("argument " + strings.Join(o.names(), "/") + " is required")
		}
	}
	if len(r.extras) > 0 {
		return r.parser.UsageError("unrecognized arguments: " + strings.Join(r.extras, " "))
	}
	return nil
}
