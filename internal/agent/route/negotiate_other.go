//go:build !windows

package route

import "errors"

// canNegotiate: there is no account of this machine to sign in with.
const canNegotiate = false

func negotiateAs(string, string, string) (func([]byte) ([]byte, error), error) {
	return nil, errors.New("it is supported on Windows only")
}
