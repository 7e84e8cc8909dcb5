package site

import (
	"errors"
	"net/url"
	"strings"
)

// ErrPassword tells that the URL of a database holds a password.
var ErrPassword = errors.New("a password stands in it")

// CheckDatabaseURL refuses what is neither a PostgreSQL URL nor a list of keywords
// and values (libpq's connection strings), and, with ErrPassword, one that holds
// a password. It looks at the form only, and its errors show no part of the value.
func CheckDatabaseURL(s string) error {
	settings, err := databaseSettings(s)
	if err != nil {
		return err
	}
	for key := range settings {
		if strings.Contains(key, "password") || strings.Contains(key, "secret") {
			return ErrPassword
		}
	}
	return checkUser(settings)
}

// CheckSecretDatabaseURL is CheckDatabaseURL for a URL that may hold a password.
func CheckSecretDatabaseURL(s string) error {
	settings, err := databaseSettings(s)
	if err != nil {
		return err
	}
	return checkUser(settings)
}

// checkUser wants the user named: ktadmin, which makes the tables, runs as another
// account than ktsd, and each would connect under its own name.
func checkUser(settings map[string]string) error {
	if settings["user"] == "" && settings["service"] == "" {
		return errors.New("it names no user, as in postgres://ktsd@db.example.com/keytrustee, and no service")
	}
	return nil
}

// databaseSettings returns what a connection string sets, by keyword in lower case.
func databaseSettings(s string) (map[string]string, error) {
	if strings.ContainsRune(s, 0) {
		return nil, errors.New("it cannot hold a zero byte")
	}
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			return urlSettings(rest)
		}
	}
	return keywordSettings(s)
}

// urlSettings reads a URL from behind its scheme. A special character that stands
// as it is in a user's name or password makes other parts of it what follows: that
// is refused, so that no password is taken for a host or a database.
func urlSettings(s string) (map[string]string, error) {
	if strings.ContainsAny(s, "# \t\r\n") {
		return nil, errors.New("a # or a space in it has to be written as %23 or %20")
	}
	settings := map[string]string{}
	authority, query := s, ""
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		authority = s[:i]
		if _, query, _ = strings.Cut(s[i:], "?"); strings.Contains(s[i:], "@") {
			return nil, errors.New("a /, ? or @ in a name, a password or a parameter has to be written as %2F, %3F or %40")
		}
	}
	hosts := authority
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		user, password, hasPassword := strings.Cut(authority[:i], ":")
		name, err := url.PathUnescape(user)
		if err != nil {
			return nil, errors.New("a % in the user's name has to be written as %25")
		}
		hosts, settings["user"] = authority[i+1:], name
		if hasPassword {
			settings["password"] = password
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") && strings.Trim(host[i+1:], "0123456789") != "" {
			return nil, errors.New("the port is not a number")
		}
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("its parameters are not of the form name=value, with & between them and special characters as %XX")
	}
	for key, values := range parameters {
		settings[strings.ToLower(key)] = values[len(values)-1]
	}
	return settings, nil
}

// keywordSettings reads keywords and values: host=/run/postgresql user='finn the human'.
func keywordSettings(s string) (map[string]string, error) {
	const space = " \t\r\n\v\f"
	wrong := errors.New("it is neither a URL such as postgres://ktsd@db.example.com/keytrustee nor a list such as service=keytrustee")
	settings := map[string]string{}
	for s = strings.Trim(s, space); s != ""; s = strings.TrimLeft(s, space) {
		key, rest, found := strings.Cut(s, "=")
		key = strings.ToLower(strings.Trim(key, space))
		if !found || key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
			return nil, wrong
		}
		value, after, ok := keywordValue(strings.TrimLeft(rest, space), space)
		if !ok {
			return nil, errors.New("a quote in it is not closed")
		}
		settings[key], s = value, after
	}
	if len(settings) == 0 {
		return nil, wrong
	}
	return settings, nil
}

// keywordValue reads one value, in single quotes or up to a space, in which a
// backslash takes the next character as it is.
func keywordValue(s, space string) (value, rest string, ok bool) {
	quoted := strings.HasPrefix(s, "'")
	if quoted {
		s = s[1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && s[i] == '\'':
			return b.String(), s[i+1:], true
		case !quoted && strings.IndexByte(space, s[i]) >= 0:
			return b.String(), s[i:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", !quoted
}
