package route

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/Azure/go-ntlmssp"
)

// refusedFor is how long a proxy that has refused a user's password is not
// asked again with the same one: at most four times in an hour, which locks no
// account.
const refusedFor = 20 * time.Minute

// maxPassword bounds a file with a password.
const maxPassword = 4 << 10

// A refusal remembers which password was refused.
type refusal struct {
	password string
	until    time.Time
	err      error
}

// A signIn is the signing in on one connection.
type signIn struct {
	scheme   string // as it is written in headers
	bound    bool   // it holds for this connection only
	user     string
	password string
	steps    func(challenge []byte) ([]byte, error) // makes the next token; errRejected if there is none
}

var errRejected = errors.New("the proxy refuses")

// signIn begins to sign in with one of the schemes that a proxy offers.
func (r *Route) signIn(proxy *url.URL, offered []string) (*signIn, error) {
	user, password, err := r.credentials(proxy)
	if err != nil {
		return nil, &Error{Step: StepProxySignIn, What: "the password for the proxy cannot be read: " + err.Error(), Mend: "put it alone into proxy.password_file, which only the agent's account may read", Err: err}
	}
	schemes := schemesOf(offered)
	scheme, err := chooseScheme(r.settings.Proxy.Scheme, schemes, user != "")
	if err != nil {
		return nil, &Error{Step: StepProxySignIn, What: fmt.Sprintf("%s wants a sign-in (407) and offers %s: %s", proxy.Host, strings.Join(schemes, ", "), err), Mend: mendOf(schemes, user != "")}
	}
	r.mu.Lock()
	was, found := r.refused[refusalKey(proxy, user)]
	r.mu.Unlock()
	if found && was.password == password && r.now().Before(was.until) {
		return nil, was.err
	}
	in := &signIn{scheme: scheme, user: user, password: password}
	switch scheme {
	case "Basic":
		in.steps = oneToken([]byte(user + ":" + password))
	case "NTLM":
		in.bound, in.steps = true, ntlm(user, password)
	default:
		in.bound = true
		in.steps, err = negotiateAs(proxy.Hostname(), user, password)
	}
	if err != nil {
		return nil, &Error{Step: StepProxySignIn, What: "this machine cannot sign in with " + scheme + ": " + err.Error(), Mend: mendOf(schemes, user != ""), Err: err}
	}
	return in, nil
}

// next returns the value of the next Proxy-Authorization.
func (in *signIn) next(offered []string) (string, error) {
	challenge, err := challengeOf(in.scheme, offered)
	if err != nil {
		return "", &Error{Step: StepProxySignIn, What: "the proxy's challenge for " + in.scheme + " cannot be read: " + err.Error(), Mend: "set proxy.scheme to another one that it offers", Err: err}
	}
	token, err := in.steps(challenge)
	if errors.Is(err, errRejected) {
		return "", err
	}
	if err != nil {
		return "", &Error{Step: StepProxySignIn, What: "signing in with " + in.scheme + " failed: " + err.Error(), Mend: "set proxy.scheme to another one that the proxy offers", Err: err}
	}
	return in.scheme + " " + base64.StdEncoding.EncodeToString(token), nil
}

// noteRefusal remembers that a proxy has refused a user's password.
func (r *Route) noteRefusal(proxy *url.URL, in *signIn, offered []string) error {
	until := r.now().Add(refusedFor)
	who := "the user " + in.user
	if in.user == "" {
		who = "this machine's own account"
	}
	err := &Error{
		Step: StepProxySignIn,
		What: fmt.Sprintf("%s refuses %s (407, tried with %s, offers %s)", proxy.Host, who, in.scheme, strings.Join(schemesOf(offered), ", ")),
		Mend: fmt.Sprintf("correct proxy.user or the password in its file; with the same ones it is not tried again before %s, so that no account is locked", until.Format("15:04:05 -07:00")),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[refusalKey(proxy, in.user)] = refusal{password: in.password, until: until, err: err}
	return err
}

func refusalKey(proxy *url.URL, user string) string { return proxy.Host + "\x00" + user }

// credentials are who signs in at a proxy: of the settings, else of the
// proxy's address, which an environment variable may have brought.
func (r *Route) credentials(proxy *url.URL) (user, password string, err error) {
	if s := r.settings.Proxy; s.User != "" {
		password, err = readPassword(s.PasswordFile)
		return s.User, password, err
	}
	if proxy.User != nil {
		password, _ = proxy.User.Password()
		return proxy.User.Username(), password, nil
	}
	return "", "", nil
}

// readPassword reads a file that only its owner may read.
func readPassword(path string) (text string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it", path, mode)
	}
	all, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(string(all), "\r\n")
	if text == "" || len(all) > maxPassword || strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("%s holds no password: it must be one line", path)
	}
	return text, nil
}

// schemesOf lists what a proxy offers, each once.
func schemesOf(offered []string) []string {
	var out []string
	for _, line := range offered {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != "" && !slices.ContainsFunc(out, func(s string) bool { return strings.EqualFold(s, name) }) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return []string{"nothing"}
	}
	return out
}

// chooseScheme chooses how to sign in: what is wanted, else the strongest that
// is offered and possible.
func chooseScheme(wanted string, offered []string, user bool) (string, error) {
	var possible []string
	if canNegotiate {
		possible = append(possible, "Negotiate")
	}
	if user {
		possible = append(possible, "NTLM", "Basic")
	}
	for _, scheme := range possible {
		is := func(s string) bool { return strings.EqualFold(s, scheme) }
		if (wanted == "" || is(wanted)) && slices.ContainsFunc(offered, is) {
			return scheme, nil
		}
	}
	switch {
	case wanted != "" && !slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, wanted) }):
		return "", fmt.Errorf("proxy.scheme is %s, which is not among them", wanted)
	case !user:
		return "", errors.New("no user is set")
	}
	return "", errors.New("none of them is supported here")
}

func mendOf(offered []string, user bool) string {
	if !user {
		return "set proxy.user and proxy.password_file"
	}
	if slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, "Negotiate") }) && !canNegotiate {
		return "ask who runs the proxy for Basic or NTLM, or for a way without sign-in for this machine: Negotiate (Kerberos) is supported on Windows only"
	}
	return "ask who runs the proxy for Basic or NTLM, or for a way without sign-in for this machine"
}

// challengeOf returns what a proxy's header says beside the scheme's name.
func challengeOf(scheme string, offered []string) ([]byte, error) {
	for _, line := range offered {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.EqualFold(name, scheme) {
			continue
		}
		if scheme == "Basic" {
			return nil, nil // its rest is for people
		}
		return base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	}
	return nil, nil
}

// oneToken is a scheme that says one thing.
func oneToken(token []byte) func([]byte) ([]byte, error) {
	said := false
	return func([]byte) ([]byte, error) {
		if said {
			return nil, errRejected
		}
		said = true
		return token, nil
	}
}

// ntlm says who wants in, then answers a challenge.
func ntlm(user, password string) func([]byte) ([]byte, error) {
	leg := 0
	return func(challenge []byte) ([]byte, error) {
		leg++
		switch {
		case leg == 1:
			return ntlmssp.NewNegotiateMessage("", "")
		case leg == 2 && len(challenge) > 0:
			return ntlmssp.NewAuthenticateMessage(readable(challenge), user, password, nil)
		}
		return nil, errRejected
	}
}

// The parts of an NTLM challenge (MS-NLMP, 2.2.1.2).
const (
	ntlmFlags      = 20         // where the flags are
	ntlmTargetInfo = 0x00800000 // of the flags: there is target information
	ntlmFixed      = 40         // bytes before the field of target information
	ntlmNameField  = 12         // where the field of the target's name is
)

// readable returns a challenge that the library can read. Where the flags say that
// there is no target information, or it stands outside of the message, as Squid's
// helper for tests has it, the field means nothing, and is read all the same: it is
// left out, with the target's name, on which nothing depends.
func readable(challenge []byte) []byte {
	if len(challenge) < ntlmFixed {
		return challenge
	}
	told := binary.LittleEndian.Uint32(challenge[ntlmFlags:])&ntlmTargetInfo != 0
	if told && within(challenge, ntlmFixed) && within(challenge, ntlmNameField) {
		return challenge
	}
	out := append(slices.Clone(challenge[:ntlmFixed]), make([]byte, 8)...)
	clear(out[ntlmNameField : ntlmNameField+8])
	return out
}

// within says whether a field of a message stands in it: a length, the same again,
// and where it begins.
func within(message []byte, field int) bool {
	if len(message) < field+8 {
		return false
	}
	length := uint64(binary.LittleEndian.Uint16(message[field:]))
	return uint64(binary.LittleEndian.Uint32(message[field+4:]))+length <= uint64(len(message))
}
