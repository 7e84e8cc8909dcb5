package tlsconf

import (
	"errors"
	"fmt"
	"strings"
)

// splitWords splits a line as a POSIX shell splits plain words, and expands
// nothing: blanks separate words; a backslash takes the next character as it is;
// so do single quotes all that is between them; within double quotes a backslash
// counts before $, `, ", \ alone. What a shell would expand, or take for an
// operator or a comment, is an error, since the line would mean something else to
// whoever wrote it: it is put within single quotes. Errors show nothing of the
// line, which may hold a password.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inside := false // a word, which may be empty: ''
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == 0 || c == '\n' || c == '\r':
			return nil, fmt.Errorf("character %d is a line break or NUL", i+1)
		case c == ' ' || c == '\t':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
			continue
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a single quote has no end")
			}
			quoted := line[i+1 : i+1+end]
			if at := strings.IndexAny(quoted, "\x00\n\r"); at >= 0 {
				return nil, fmt.Errorf("character %d is a line break or NUL", i+2+at)
			}
			word.WriteString(quoted)
			i += end + 1
		case c == '"':
			end, err := quoted(&word, line, i+1)
			if err != nil {
				return nil, err
			}
			i = end
		case c == '\\':
			i++
			if i == len(line) {
				return nil, errors.New("there is nothing after the backslash at its end")
			}
			if strings.IndexByte("\x00\n\r", line[i]) >= 0 {
				return nil, fmt.Errorf("character %d is a line break or NUL", i+1)
			}
			word.WriteByte(line[i])
		case strings.IndexByte("$`;&|<>()*?[", c) >= 0 || !inside && strings.IndexByte("~#", c) >= 0:
			return nil, special(i)
		default:
			word.WriteByte(c)
		}
		inside = true
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}

// quoted adds what stands within double quotes from i on, and returns where they
// end.
func quoted(word *strings.Builder, line string, i int) (end int, err error) {
	for ; i < len(line); i++ {
		switch c := line[i]; c {
		case '"':
			return i, nil
		case 0, '\n', '\r':
			return 0, fmt.Errorf("character %d is a line break or NUL", i+1)
		case '$', '`':
			return 0, special(i)
		case '\\':
			if i+1 < len(line) && strings.IndexByte("$`\"\\", line[i+1]) >= 0 {
				i++
			}
			word.WriteByte(line[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0, errors.New("a double quote has no end")
}

func special(i int) error {
	return fmt.Errorf("character %d means something to a shell, and none is run: put the word within single quotes", i+1)
}
