package route

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// What is known of whether a certificate was taken back (RFC 5280, RFC 6960). Go
// verifies chains and does not ask.
type verdict uint8

const (
	unknown verdict = iota // nobody could be asked, or nobody says
	good
	revoked
)

// A Revocation is what was found about the certificates of the newest connection.
type Revocation struct {
	At    time.Time
	Known bool   // they are known not to be revoked
	Text  string // what was found, and how
}

// Limits of asking.
const (
	askTime     = 8 * time.Second // for one connection, whoever has to be asked
	maxList     = 20 << 20        // bytes of a list
	maxResponse = 64 << 10        // bytes of an OCSP response
	askAgain    = 10 * time.Minute
	longest     = 24 * time.Hour // for which an answer is good that does not say for how long
	skew        = 5 * time.Minute
)

// A finding is what is known of one certificate, and for how long.
type finding struct {
	verdict verdict
	text    string
	until   time.Time
}

// certID names a certificate.
type certID [sha256.Size]byte

// vetRevocation asks whether a certificate of a verified connection was revoked. A
// revoked one always ends the connection; one of which nobody says does so where the
// settings say refuse. It takes at most askTime, and mostly nothing: answers are kept
// for as long as they are good.
func (r *Route) vetRevocation(ctx context.Context, state tls.ConnectionState) error {
	mode := r.settings.TLS.Revocation
	if mode == "off" || len(state.VerifiedChains) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, askTime)
	defer stop()
	chain := state.VerifiedChains[0]
	if len(chain) == 1 {
		return r.unknownRevocation(mode, "not checkable: the hub's certificate is trusted by itself, and nobody issues lists about it")
	}
	text := ""
	for i, cert := range chain[:len(chain)-1] {
		staple := state.OCSPResponse
		if i > 0 {
			staple = nil
		}
		f := r.find(ctx, cert, chain[i+1], staple)
		switch {
		case f.verdict == revoked:
			return &Error{Step: StepRevocation, What: fmt.Sprintf("the certificate %s was revoked (%s)", nameOf(cert.Subject), f.text), Mend: "do not go on; the hub's administrator must get another certificate"}
		case f.verdict == unknown:
			return r.unknownRevocation(mode, f.text)
		case i == 0:
			text = f.text
		}
	}
	r.noteRevocation(Revocation{At: r.now(), Known: true, Text: text})
	return nil
}

func (r *Route) unknownRevocation(mode, text string) error {
	r.noteRevocation(Revocation{At: r.now(), Text: text})
	if mode != "refuse" {
		return nil
	}
	return &Error{Step: StepRevocation, What: "it is not known whether the hub's certificate was revoked: " + text, Mend: "let this machine reach what headroom agent doctor lists, or set tls.revocation to warn"}
}

func (r *Route) noteRevocation(now Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revocation = now
}

// Revocation returns what was found about the certificates of the newest connection;
// a zero At before the first one.
func (r *Route) Revocation() Revocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revocation
}

// find returns what is known of a certificate: by what its server has stapled, by a
// list, by asking, in this order.
func (r *Route) find(ctx context.Context, cert, issuer *x509.Certificate, staple []byte) finding {
	if len(staple) > 0 {
		if f, err := r.readResponse(staple, cert, issuer); err == nil && f.verdict != unknown {
			f.text = "by the hub's own staple, " + f.text
			return f
		}
	}
	id := certID(sha256.Sum256(cert.Raw))
	r.mu.Lock()
	kept, ok := r.findings[id]
	r.mu.Unlock()
	if ok && r.now().Before(kept.until) {
		return kept
	}
	f := r.ask(ctx, cert, issuer)
	if f.verdict == unknown {
		f.until = r.now().Add(askAgain)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.findings) > 100 {
		clear(r.findings)
	}
	r.findings[id] = f
	return f
}

// ask asks everybody whom a certificate names, until somebody says.
func (r *Route) ask(ctx context.Context, cert, issuer *x509.Certificate) finding {
	var failed []error
	for _, address := range cert.CRLDistributionPoints {
		if !isHTTP(address) {
			continue
		}
		f, err := r.askList(ctx, address, cert, issuer)
		if err == nil {
			return f
		}
		failed = append(failed, fmt.Errorf("list %s: %w", address, err))
	}
	for _, address := range cert.OCSPServer {
		if !isHTTP(address) {
			continue
		}
		f, err := r.askResponder(ctx, address, cert, issuer)
		if err == nil {
			return f
		}
		failed = append(failed, fmt.Errorf("responder %s: %w", address, err))
	}
	if len(failed) == 0 {
		return finding{text: "not checkable: the certificate of " + nameOf(cert.Subject) + ", issued by " + nameOf(cert.Issuer) + ", names neither a list nor a responder"}
	}
	return finding{text: errors.Join(failed...).Error()}
}

func isHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && u.Host != ""
}

// Hosts are the addresses that are asked about the certificates of a chain.
func Hosts(chain []*x509.Certificate) (addresses []string) {
	for _, cert := range chain {
		for _, a := range slices.Concat(cert.CRLDistributionPoints, cert.OCSPServer) {
			if isHTTP(a) && !slices.Contains(addresses, a) {
				addresses = append(addresses, a)
			}
		}
	}
	return addresses
}

// askList looks for a certificate in a list.
func (r *Route) askList(ctx context.Context, address string, cert, issuer *x509.Certificate) (finding, error) {
	raw, err := r.Fetch(ctx, address, "", nil, maxList)
	if err != nil {
		return finding{}, err
	}
	list, err := x509.ParseRevocationList(raw)
	if err != nil {
		return finding{}, fmt.Errorf("it cannot be read: %w", err)
	}
	if !bytes.Equal(list.RawIssuer, issuer.RawSubject) {
		return finding{}, fmt.Errorf("it is of %s", nameOf(list.Issuer))
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return finding{}, fmt.Errorf("its signature is not good: %w", err)
	}
	if err := covers(list, cert); err != nil {
		return finding{}, err
	}
	now := r.now()
	if list.ThisUpdate.After(now.Add(skew)) || !list.NextUpdate.IsZero() && now.After(list.NextUpdate) {
		return finding{}, fmt.Errorf("it is of %s to %s, and not of now", day(list.ThisUpdate), day(list.NextUpdate))
	}
	f := finding{verdict: good, text: "by the list of " + day(list.ThisUpdate), until: list.NextUpdate}
	if f.until.IsZero() {
		f.until = now.Add(longest)
	}
	const removedFromList = 8
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(cert.SerialNumber) == 0 && e.ReasonCode != removedFromList {
			f.verdict, f.text = revoked, "on "+day(e.RevocationTime)+", by the list "+address
		}
	}
	return f, nil
}

// issuingPoint is what a list says of what it covers (RFC 5280, 5.2.5).
type issuingPoint struct {
	Point       asn1.RawValue  `asn1:"optional,tag:0"`
	OnlyUsers   bool           `asn1:"optional,tag:1"`
	OnlyCAs     bool           `asn1:"optional,tag:2"`
	SomeReasons asn1.BitString `asn1:"optional,tag:3"`
	Indirect    bool           `asn1:"optional,tag:4"`
	OnlyAttrs   bool           `asn1:"optional,tag:5"`
}

// covers says why a list does not tell of a certificate, if it does not.
func covers(list *x509.RevocationList, cert *x509.Certificate) error {
	point := asn1.ObjectIdentifier{2, 5, 29, 28}
	for _, e := range list.Extensions {
		if !e.Id.Equal(point) {
			if e.Critical {
				return fmt.Errorf("it has an extension %v that is not known here", e.Id)
			}
			continue
		}
		var p issuingPoint
		if rest, err := asn1.Unmarshal(e.Value, &p); err != nil || len(rest) > 0 {
			return errors.New("what it covers cannot be read")
		}
		if p.Indirect || p.OnlyAttrs || p.SomeReasons.BitLength > 0 || p.OnlyUsers && cert.IsCA || p.OnlyCAs && !cert.IsCA {
			return errors.New("it does not cover this certificate")
		}
	}
	return nil
}

// askResponder asks an OCSP responder about a certificate.
func (r *Route) askResponder(ctx context.Context, address string, cert, issuer *x509.Certificate) (finding, error) {
	question, err := ocsp.CreateRequest(cert, issuer, nil)
	if err != nil {
		return finding{}, err
	}
	raw, err := r.Fetch(ctx, address, "application/ocsp-request", question, maxResponse)
	if err != nil {
		return finding{}, err
	}
	f, err := r.readResponse(raw, cert, issuer)
	if err == nil && f.verdict == unknown {
		err = errors.New("it does not know the certificate")
	}
	return f, err
}

// readResponse reads a signed answer about a certificate.
func (r *Route) readResponse(raw []byte, cert, issuer *x509.Certificate) (finding, error) {
	resp, err := ocsp.ParseResponseForCert(raw, cert, issuer)
	if err != nil {
		return finding{}, fmt.Errorf("its answer is not good: %w", err)
	}
	now := r.now()
	if by := resp.Certificate; by != nil && !bytes.Equal(by.Raw, issuer.Raw) {
		// The library checks who has issued it, and not what for.
		if !slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(by.NotBefore) || now.After(by.NotAfter) {
			return finding{}, fmt.Errorf("its answer is signed with a certificate of %s, which may not do that", nameOf(by.Subject))
		}
	}
	until := resp.NextUpdate
	if until.IsZero() {
		until = resp.ThisUpdate.Add(longest)
	}
	if resp.ThisUpdate.After(now.Add(skew)) || now.After(until) {
		return finding{}, fmt.Errorf("its answer is of %s to %s, and not of now", day(resp.ThisUpdate), day(until))
	}
	f := finding{text: "by the responder's answer of " + day(resp.ThisUpdate), until: until}
	switch resp.Status {
	case ocsp.Good:
		f.verdict = good
	case ocsp.Revoked:
		f.verdict, f.text = revoked, "on "+day(resp.RevokedAt)+", by the responder"
	}
	return f, nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
