package confdir

import "github.com/ktsd/ktsd/internal/safefile"

// Check returns an error unless the directory's secrets are readable by their
// owner alone and no directory can be written by others. Other files may have
// any mode, so a tree laid out by the original passes.
func (d Dir) Check() error {
	for _, dir := range append([]string{string(d), d.SSL()}, d.StateDirs()...) {
		if err := safefile.CheckDirectory(dir); err != nil {
			return err
		}
	}
	for _, file := range []string{d.SecretKeyring(), d.KEKRing(), d.PrivateKey(), d.Conf(), d.Database()} {
		if err := safefile.CheckSecret(file); err != nil {
			return err
		}
	}
	return nil
}
