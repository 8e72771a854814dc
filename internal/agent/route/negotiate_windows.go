package route

import (
	"strings"

	"github.com/alexbrainman/sspi"
	"github.com/alexbrainman/sspi/negotiate"
)

// canNegotiate: the account that the agent runs under can sign in by itself.
const canNegotiate = true

// negotiateAs signs in with Kerberos or NTLM, whichever the system finds, as the
// user, or as the account that the agent runs under if there is none.
func negotiateAs(host, user, password string) (func([]byte) ([]byte, error), error) {
	credentials, err := acquire(user, password)
	if err != nil {
		return nil, err
	}
	var context *negotiate.ClientContext
	done := false
	release := func() {
		done = true
		if context != nil {
			_ = context.Release() // nobody could do anything about it
		}
		_ = credentials.Release()
	}
	return func(challenge []byte) (token []byte, err error) {
		switch {
		case done:
			return nil, errRejected
		case context == nil:
			context, token, err = negotiate.NewClientContext(credentials, "HTTP/"+host)
		case len(challenge) == 0:
			release()
			return nil, errRejected
		default:
			var complete bool
			complete, token, err = context.Update(challenge)
			if complete || err != nil {
				release()
			}
		}
		return token, err
	}, nil
}

func acquire(user, password string) (*sspi.Credentials, error) {
	if user == "" {
		return negotiate.AcquireCurrentUserCredentials()
	}
	domain, name, found := strings.Cut(user, `\`)
	if !found {
		domain, name = "", user
	}
	return negotiate.AcquireUserCredentials(domain, name, password)
}
