package cli

import "github.com/ktsd/ktsd/internal/confdir"

// Server are the flags of every program of the server's host.
type Server struct {
	Confdir string `help:"Configuration directory (${env}; default: ${default})." env:"KEYTRUSTEE_CONFDIR" default:"/var/lib/keytrustee/.keytrustee" placeholder:"DIR"`
}

// Dir returns the configuration directory that the flags name. An empty name, such
// as that of an unset variable in a script, is not the working directory.
func (s Server) Dir() (confdir.Dir, error) {
	if s.Confdir == "" {
		return confdir.Default, nil
	}
	return confdir.New(s.Confdir)
}
