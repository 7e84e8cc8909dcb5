package confdir

import "github.com/ktsd/ktsd/internal/safefile"

// Check returns an error unless the secrets of the directory, and the file of the
// database's URL where conf names one, are readable by their owner alone and no
// directory can be written by others. Other files may have any mode, so a tree
// laid out by the original passes.
func (d Dir) Check(conf Conf) error { return d.CheckWith(d.Conf(), conf) }

// CheckWith is Check if file, which conf was read from, were keytrustee.conf.
func (d Dir) CheckWith(file string, conf Conf) error {
	for _, dir := range append([]string{string(d), d.SSL()}, d.StateDirs()...) {
		if err := safefile.CheckDirectory(dir); err != nil {
			return err
		}
	}
	secrets := []string{d.SecretKeyring(), d.KEKRing(), d.PrivateKey(), d.RequestedKey(), file, d.NextConf(), d.PreviousConf()}
	switch {
	case conf.DatabaseURLFile != "":
		secrets = append(secrets, conf.DatabaseURLFile)
	case conf.DatabaseURL == "":
		secrets = append(secrets, d.Database())
	}
	for _, file := range secrets {
		if err := safefile.CheckSecret(file); err != nil {
			return err
		}
	}
	return nil
}
