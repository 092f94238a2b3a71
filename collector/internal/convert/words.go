package convert

import (
	"errors"
	"fmt"
	"strings"
)

// splitWords splits text as a POSIX shell splits the rest of a command line, and refuses
// by name what only a shell could carry out: operators, expansions and line ends.
//
// Unquoted *, ? and [ stay as they are: a shell leaves them so too when no file matches.
func splitWords(text string) ([]string, error) {
	var words []string
	for i := 0; ; {
		for i < len(text) && (isBlank(text[i]) || isContinued(text, i)) {
			if text[i] == '\\' {
				i++
			}
			i++
		}
		if i == len(text) {
			return words, nil
		}
		if text[i] == '#' { // a comment, to the end of the line
			if strings.ContainsAny(text[i:], "\n\x00") {
				return nil, refuse(text[i+strings.IndexAny(text[i:], "\n\x00")])
			}
			return words, nil
		}
		word, next, err := scanWord(text, i)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		i = next
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isContinued finds a backslash before a line end, which a shell removes.
func isContinued(text string, i int) bool { return strings.HasPrefix(text[i:], "\\\n") }

// scanWord reads the word that starts at i, and returns the index behind it.
func scanWord(text string, i int) (word string, next int, err error) {
	if text[i] == '~' {
		return "", 0, errors.New("~ at the start of a word stands for a home folder: write its path, or quote the ~")
	}
	var b strings.Builder
	for i < len(text) && !isBlank(text[i]) {
		switch c := text[i]; c {
		case '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return "", 0, errors.New("a single quote is never closed")
			}
			b.WriteString(text[i+1 : i+1+end])
			i += end + 2
		case '"':
			if i, err = scanDoubleQuoted(&b, text, i+1); err != nil {
				return "", 0, err
			}
		case '\\':
			if i+1 == len(text) {
				return "", 0, errors.New("it ends in a backslash, which quotes nothing")
			}
			if text[i+1] != '\n' {
				b.WriteByte(text[i+1])
			}
			i += 2
		case '|', '&', ';', '<', '>', '(', ')', '$', '`', '\n', 0:
			return "", 0, refuse(c)
		default:
			b.WriteByte(c)
			i++
		}
	}
	if strings.IndexByte(b.String(), 0) >= 0 {
		return "", 0, refuse(0)
	}
	return b.String(), i, nil
}

// scanDoubleQuoted reads up to the closing quote, and returns the index behind it.
func scanDoubleQuoted(b *strings.Builder, text string, i int) (int, error) {
	for i < len(text) {
		switch c := text[i]; c {
		case '"':
			return i + 1, nil
		case '$', '`':
			return 0, refuse(c)
		case '\\':
			if i+1 < len(text) && strings.IndexByte("$`\"\\\n", text[i+1]) >= 0 {
				if text[i+1] != '\n' {
					b.WriteByte(text[i+1])
				}
				i += 2
				continue
			}
			b.WriteByte(c)
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return 0, errors.New("a double quote is never closed")
}

func refuse(c byte) error {
	switch c {
	case '\n':
		return errors.New("a line end would end the command: write it as one line")
	case 0:
		return errors.New("a NUL byte can't be passed to a program")
	case '$', '`':
		return fmt.Errorf("%c is for a shell to expand, and none is run: put it in single quotes if it is meant literally", c)
	}
	return fmt.Errorf("%c is for a shell to carry out, and none is run: put it in quotes if it is meant literally", c)
}
