package tlsconf

// SplitWords is splitWords, for its comparison with a shell.
func SplitWords(line string) ([]string, error) { return splitWords(line) }
