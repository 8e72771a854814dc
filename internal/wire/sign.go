package wire

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// What a signature of ours looks like (RFC 9421). All of it is fixed: a
// verifier accepts nothing else, so there is nothing to negotiate downwards.
const (
	sigLabel = "headroom"
	sigTag   = "headroom-agent-1" // what the signature is for, and the version of the profile
	sigAlg   = "ed25519"
)

// covered are the parts of a request that are signed. Not the host: proxies and
// fronts change it; the hub's id takes its place.
var covered = []string{"@method", "@path", "@query", "content-digest", "headroom-hub"}

// Fresh is how far the time of a signature may be from the hub's clock.
const Fresh = 5 * time.Minute

// ErrStale says that a signature is good in all but its time. With a nonce of
// the hub in it, the request may be taken all the same.
var ErrStale = errors.New("the request was signed more than 5 minutes from the hub's time")

// A Signature is what a good signature says.
type Signature struct {
	KeyID   string
	Created time.Time
	Nonce   string // empty if there is none
}

// Sign signs a request with an agent's key for the hub with this id: it sets the
// headers Content-Digest, Headroom-Hub, Signature-Input and Signature. body is
// the whole body as it is sent, compressed if it is; sign after the URL is
// final. created is the agent's clock; nonce is one that the hub gave, or empty.
func Sign(req *http.Request, body []byte, key ed25519.PrivateKey, hub string, created time.Time, nonce string) error {
	req.Header.Set(HubHeader, hub)
	req.Header.Set("Content-Digest", Digest(body))
	list := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range covered {
		list.Items = append(list.Items, httpsfv.NewItem(name))
	}
	list.Params.Add("created", created.Unix())
	if nonce != "" {
		list.Params.Add("nonce", nonce)
	}
	list.Params.Add("keyid", KeyID(key.Public().(ed25519.PublicKey)))
	list.Params.Add("alg", sigAlg)
	list.Params.Add("tag", sigTag)
	base, err := requestBase(req, list)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	if err := setMember(req, "Signature-Input", list); err != nil {
		return err
	}
	return setMember(req, "Signature", httpsfv.NewItem(ed25519.Sign(key, base)))
}

// setMember sets a header to a dictionary with one member, our label.
func setMember(req *http.Request, header string, m httpsfv.Member) error {
	d := httpsfv.NewDictionary()
	d.Add(sigLabel, m)
	text, err := httpsfv.Marshal(d)
	if err != nil {
		return fmt.Errorf("sign request: %s: %w", header, err)
	}
	req.Header.Set(header, text)
	return nil
}

// Verify checks that a request was signed for the hub with this id, as Sign
// does, by the key that lookup returns for the signature's key id, over these
// bytes as its body. It returns ErrStale, with the Signature, if nothing but
// the time is wrong. An error of lookup is returned wrapped.
func Verify(req *http.Request, body []byte, lookup func(keyID string) (ed25519.PublicKey, error), hub string, now time.Time) (Signature, error) {
	sig, list, err := parseInput(req)
	if err != nil {
		return Signature{}, err
	}
	if got, err := single(req, HubHeader); err != nil || got != hub {
		return Signature{}, fmt.Errorf("signature: made for another hub, %q", got)
	}
	if err := checkDigest(req, body); err != nil {
		return Signature{}, err
	}
	signed, err := parseSignature(req)
	if err != nil {
		return Signature{}, err
	}
	base, err := requestBase(req, list)
	if err != nil {
		return Signature{}, err
	}
	key, err := lookup(sig.KeyID)
	if err != nil {
		return Signature{}, fmt.Errorf("signature: key %.64q: %w", sig.KeyID, err)
	}
	if len(key) != ed25519.PublicKeySize || KeyID(key) != sig.KeyID || !ed25519.Verify(key, base, signed) {
		return Signature{}, errors.New("signature: does not fit the request and its key")
	}
	if sig.Created.Before(now.Add(-Fresh)) || sig.Created.After(now.Add(Fresh)) {
		return sig, ErrStale
	}
	return sig, nil
}

// SignerOf returns the key id that a request claims, before anything is
// verified: enough to turn away strangers without reading their bodies.
func SignerOf(req *http.Request) (keyID string, err error) {
	sig, _, err := parseInput(req)
	return sig.KeyID, err
}

// parseInput reads the header Signature-Input and refuses all but our profile.
func parseInput(req *http.Request) (Signature, httpsfv.InnerList, error) {
	m, err := member(req, "Signature-Input")
	if err != nil {
		return Signature{}, httpsfv.InnerList{}, err
	}
	list, ok := m.(httpsfv.InnerList)
	if !ok || list.Params == nil {
		return Signature{}, list, errors.New("signature: Signature-Input is not a list of components")
	}
	names := make([]string, 0, len(covered))
	for _, it := range list.Items {
		name, ok := it.Value.(string)
		if !ok || len(it.Params.Names()) > 0 {
			return Signature{}, list, errors.New("signature: a component is not a plain name")
		}
		names = append(names, name)
	}
	if !slices.Equal(names, covered) {
		return Signature{}, list, fmt.Errorf("signature: covers (%s), it must cover (%s)", strings.Join(names, " "), strings.Join(covered, " "))
	}
	sig, err := parseParams(list.Params)
	return sig, list, err
}

func parseParams(p *httpsfv.Params) (Signature, error) {
	var sig Signature
	found := map[string]bool{}
	for _, name := range p.Names() {
		v, _ := p.Get(name)
		ok := false
		switch name {
		case "created":
			var at int64
			at, ok = v.(int64)
			sig.Created = time.Unix(at, 0)
		case "nonce":
			sig.Nonce, ok = v.(string)
		case "keyid":
			sig.KeyID, ok = v.(string)
		case "alg":
			ok = v == sigAlg
		case "tag":
			ok = v == sigTag
		}
		if !ok {
			return Signature{}, fmt.Errorf("signature: parameter %s is not one of ours", name)
		}
		found[name] = true
	}
	for _, name := range []string{"created", "keyid", "alg", "tag"} {
		if !found[name] {
			return Signature{}, fmt.Errorf("signature: parameter %s is missing", name)
		}
	}
	return sig, nil
}

// parseSignature returns the signature itself.
func parseSignature(req *http.Request) ([]byte, error) {
	m, err := member(req, "Signature")
	if err != nil {
		return nil, err
	}
	item, ok := m.(httpsfv.Item)
	if !ok {
		return nil, errors.New("signature: Signature is not a byte sequence")
	}
	b, ok := item.Value.([]byte)
	if !ok || len(b) != ed25519.SignatureSize {
		return nil, fmt.Errorf("signature: Signature has not %d bytes", ed25519.SignatureSize)
	}
	return b, nil
}

// member returns our label's value in a header. Signatures of others, which a
// front may add, are left alone.
func member(req *http.Request, header string) (httpsfv.Member, error) {
	values := req.Header.Values(header)
	if len(values) == 0 {
		return nil, fmt.Errorf("signature: header %s is missing", header)
	}
	d, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return nil, fmt.Errorf("signature: header %s: %w", header, err)
	}
	m, ok := d.Get(sigLabel)
	if !ok {
		return nil, fmt.Errorf("signature: header %s has no member %q", header, sigLabel)
	}
	return m, nil
}

// single returns the value of a header that must be there exactly once.
func single(req *http.Request, header string) (string, error) {
	values := req.Header.Values(header)
	if len(values) != 1 {
		return "", fmt.Errorf("signature: header %s is there %d times", header, len(values))
	}
	return strings.TrimSpace(values[0]), nil
}

// requestBase returns the bytes that are signed.
func requestBase(req *http.Request, list httpsfv.InnerList) ([]byte, error) {
	parts := make([]component, len(covered))
	for i, name := range covered {
		parts[i].name = name
		switch name {
		case "@method":
			parts[i].value = cmp.Or(req.Method, http.MethodGet)
		case "@path":
			parts[i].value = cmp.Or(req.URL.EscapedPath(), "/")
		case "@query":
			parts[i].value = "?" + req.URL.RawQuery
		default:
			value, err := single(req, name)
			if err != nil {
				return nil, err
			}
			parts[i].value = value
		}
	}
	params, err := httpsfv.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return signatureBase(parts, params), nil
}

// A component is a part of a message that is signed.
type component struct{ name, value string }

// signatureBase is RFC 9421, section 2.5.
func signatureBase(parts []component, params string) []byte {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(`"` + p.name + `": ` + p.value + "\n")
	}
	b.WriteString(`"@signature-params": ` + params)
	return []byte(b.String())
}
