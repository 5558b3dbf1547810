package rpc

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net"
	"os"
	"syscall"

	"aad/apprentice"
)

// MaxSocketPath is the longest path of a socket, in bytes, that every system takes:
// the shortest sun_path is macOS's, 104 with its final zero byte.
const MaxSocketPath = 100

// Listen opens aad's socket, readable and writable by this user only. A socket file
// left there by a dead aad is removed; where another one listens it is refused
// (apprentice.Conflict). The caller must hold what keeps a second aad out of its home.
// Closing the listener removes the file.
func Listen(path string) (net.Listener, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	if other, err := net.Dial("unix", path); err == nil {
		other.Close()
		return nil, apprentice.Errorf(apprentice.Conflict, "another aad, of another home, listens at %s", path).
			WithHint("give each home a socket of its own: AA_SOCKET")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the stale socket %s: %w", path, err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("protect the socket %s: %w", path, err)
	}
	return ln, nil
}

// Connect connects to aad's socket and makes sure that it is this user's aad or
// root's that listens there. Dial speaks over such a connection; a bridge lets
// somebody else.
func Connect(ctx context.Context, path string) (net.Conn, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return nil, apprentice.Errorf(apprentice.Denied, "the socket %s belongs to another user", path).Because(err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, refusedByWindows):
		return nil, apprentice.Errorf(apprentice.Unavailable, "no aad listens at %s", path).
			Because(errors.Join(ErrNoDaemon, err)).WithHint("aa daemon start")
	default:
		return nil, apprentice.Errorf(apprentice.Unavailable, "the socket %s cannot be used: %v", path, reason(err)).Because(err)
	}
	own := os.Getuid()
	cred, err := peerOf(conn)
	if err == nil && own != 0 && !cred.trusted(own) {
		err = apprentice.Errorf(apprentice.Denied, "the aad at %s belongs to another user", path)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// refusedByWindows is WSAECONNREFUSED, where syscall.ECONNREFUSED is a number that no
// call of Windows returns (golang.org/issue/45621).
const refusedByWindows = syscall.Errno(10061)

// reason is what the system says of a socket whose path has been told.
func reason(err error) error {
	var call *net.OpError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// ErrNoDaemon is in the chain of Dial's error when nobody listens at the path, so
// that starting a daemon may help.
var ErrNoDaemon = errors.New("no daemon listens")

// shortSocket is a path of this user's own, and of one home's, that fits whatever the
// home is called.
func shortSocket(long string) string {
	return fmt.Sprintf("/tmp/aad-%d-%08x.sock", max(os.Getuid(), 0), crc32.ChecksumIEEE([]byte(long)))
}

// CheckPath refuses the path of a socket that some system does not take.
func CheckPath(path string) error {
	if len(path) > MaxSocketPath {
		return apprentice.Errorf(apprentice.Unmet, "the socket's path %s has %d bytes; systems take up to %d", path, len(path), MaxSocketPath).
			WithHint("set AA_SOCKET=%s for aa and aad alike, or choose a home with a shorter path", shortSocket(path))
	}
	return nil
}
