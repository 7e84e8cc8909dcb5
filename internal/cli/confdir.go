package cli

import "github.com/ktsd/ktsd/internal/confdir"

// Server are the flags of every program of the server's host.
type Server struct {
	Confdir string `help:"Configuration directory (${env})." env:"KEYTRUSTEE_CONFDIR" default:"/var/lib/keytrustee/.keytrustee" placeholder:"DIR"`
}

// Dir returns the configuration directory that the flags name.
func (s Server) Dir() (confdir.Dir, error) { return confdir.New(s.Confdir) }
