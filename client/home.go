package client

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aad/apprentice"
	"aad/rpc"
)

// Home returns the absolute path of the home: $AA_HOME, else ~/.aad.
func Home() (string, error) {
	if home := os.Getenv("AA_HOME"); home != "" {
		return absolute(home)
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", apprentice.Errorf(apprentice.Unmet, "there is no home directory to keep aad's files in").
			Because(err).WithHint("set AA_HOME to a folder of your own")
	}
	return absolute(filepath.Join(user, ".aad"))
}

// Socket returns the absolute path of the socket of a home: $AA_SOCKET, else
// aad.sock in the home.
func Socket(home string) (string, error) {
	socket := filepath.Join(home, "aad.sock")
	if own := os.Getenv("AA_SOCKET"); own != "" {
		var err error
		if socket, err = absolute(own); err != nil {
			return "", err
		}
	}
	return socket, rpc.CheckPath(socket)
}

func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", apprentice.Errorf(apprentice.Unmet, "the working directory is gone, so %s has no meaning", path).
			Because(err).WithHint("cd to a folder that exists")
	}
	return abs, nil
}

// checkHome tells why a home cannot be used; one that does not exist yet can.
func checkHome(home string) error {
	info, err := os.Stat(home)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return unreadable(home, err)
	case err != nil:
		return apprentice.Errorf(apprentice.Unmet, "the home %s cannot be used: %s", home, reason(err)).
			Because(err).WithHint("set AA_HOME to a folder of your own")
	case !info.IsDir():
		return apprentice.Errorf(apprentice.Invalid, "the home %s is a file, not a folder", home).
			WithHint("move it away, or set AA_HOME to a folder")
	}
	if err := checkOwner(home, info); err != nil {
		return err
	}
	dir, err := os.Open(home)
	if err != nil {
		return unreadable(home, err)
	}
	return dir.Close()
}

func unreadable(home string, err error) error {
	return apprentice.Errorf(apprentice.Denied, "the home %s cannot be read", home).
		Because(err).WithHint("chmod u+rwx %s, or set AA_HOME to a folder of your own", home)
}

// reason is the last word of a system error, without the path, which the
// message names already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
