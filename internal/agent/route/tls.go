package route

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// handshake makes a connection a verified one.
func (r *Route) handshake(ctx context.Context, conn net.Conn, addr string) (*tls.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, stepTime)
	defer stop()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: r.roots, ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, explainTLS(StepTLS, "the hub", err)
	}
	return secure, nil
}

// explainTLS says why a handshake failed, each reason with its own mend.
func explainTLS(step Step, who string, err error) error {
	out := &Error{Step: step, Err: err}
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	name, isName := errors.AsType[x509.HostnameError](err)
	unknown, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	alert, isAlert := errors.AsType[tls.AlertError](err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		out.What, out.Mend = outOfTime(who, invalid.Cert)
	case isName:
		out.What = fmt.Sprintf("the certificate of %s is for %s, not for %s", who, namesOf(name.Certificate), name.Host)
		out.Mend = "write one of its names in the settings, or give it a certificate for this name"
	case isUnknown && unknown.Cert != nil && bytes.Equal(unknown.Cert.RawIssuer, unknown.Cert.RawSubject):
		out.What = fmt.Sprintf("the certificate of %s is self-signed by %s, and this machine does not trust it", who, nameOf(unknown.Cert.Subject))
		out.Mend = "compare it with the hub's administrator and name its file in tls.ca_file, or give the hub a certificate of a known authority"
	case isUnknown:
		out.What = fmt.Sprintf("the certificate of %s was issued by %s, which this machine does not trust", who, issuerOf(err, unknown.Cert))
		out.Mend = "if that is a proxy which inspects connections, or your own authority, name its certificate in tls.ca_file or install it on this machine; else do not go on"
	case isRecord:
		out.What, out.Mend = who+" does not speak TLS on this port", "check the port"
	case isAlert:
		out.What, out.Mend = who+" refuses the handshake: "+alert.Error(), "it must speak TLS 1.2 or newer for this name"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		out.What, out.Mend = who+" ended the connection during the handshake", "check the port, and that no firewall stops TLS for this name"
	case errors.Is(err, context.DeadlineExceeded):
		out.What, out.Mend = who+" does not answer the handshake", "check the port, and what stands between"
	default:
		out.What, out.Mend = "no verified connection to "+who+": "+err.Error(), "check its certificate"
	}
	return out
}

// outOfTime explains a certificate that is not valid now.
func outOfTime(who string, cert *x509.Certificate) (what, mend string) {
	what = fmt.Sprintf("the certificate of %s is valid from %s to %s, and not now", who,
		cert.NotBefore.UTC().Format("2006-01-02 15:04"), cert.NotAfter.UTC().Format("2006-01-02 15:04 UTC"))
	return what, "renew it if it has expired; else set this machine's clock"
}

// issuerOf names the issuer of the certificate that was presented.
func issuerOf(err error, top *x509.Certificate) string {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(v.UnverifiedCertificates) > 0 {
		return nameOf(v.UnverifiedCertificates[0].Issuer)
	}
	if top == nil {
		return "an unknown authority"
	}
	return nameOf(top.Issuer)
}

// nameOf is a name of a certificate as a person knows it.
func nameOf(n pkix.Name) string {
	parts := make([]string, 0, 2)
	if n.CommonName != "" {
		parts = append(parts, n.CommonName)
	}
	parts = append(parts, n.Organization...)
	if len(parts) == 0 {
		return n.String()
	}
	return fmt.Sprintf("%q", strings.Join(parts, ", "))
}

// Issuer names who has issued the certificate of a connection.
func Issuer(state tls.ConnectionState) string { return nameOf(state.PeerCertificates[0].Issuer) }

func namesOf(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	const most = 5
	switch {
	case len(names) == 0:
		return "no host at all"
	case len(names) > most:
		return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
	}
	return fmt.Sprintf("%q", names)
}

// describe says what a verified connection is.
func describe(state tls.ConnectionState) string {
	leaf := state.PeerCertificates[0]
	return fmt.Sprintf("%s; certificate issued by %s, valid until %s", tls.VersionName(state.Version), nameOf(leaf.Issuer), leaf.NotAfter.UTC().Format("2006-01-02"))
}

// Pin returns the pin of a certificate: the SHA-256 of its public key.
func Pin(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// parsePins reads pins, in hexadecimal or base64, with or without "sha256/".
func parsePins(texts []string) ([][]byte, error) {
	var out [][]byte
	for _, text := range texts {
		plain := strings.TrimPrefix(strings.TrimSpace(text), "sha256/")
		pin, err := hex.DecodeString(strings.ReplaceAll(plain, ":", ""))
		if err != nil {
			pin, err = base64.StdEncoding.DecodeString(plain)
		}
		if err != nil || len(pin) != sha256.Size {
			return nil, fmt.Errorf("tls.pin is %q: write the SHA-256 of a public key, as headroom agent doctor shows it", text)
		}
		out = append(out, pin)
	}
	return out, nil
}

// checkPins looks for a pinned key in the verified chains.
func (r *Route) checkPins(state tls.ConnectionState) error {
	if len(r.pins) == 0 {
		return nil
	}
	for _, chain := range state.VerifiedChains {
		for _, cert := range chain {
			sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
			for _, pin := range r.pins {
				if bytes.Equal(sum[:], pin) {
					return nil
				}
			}
		}
	}
	leaf := state.PeerCertificates[0]
	return &Error{
		Step: StepPin,
		What: fmt.Sprintf("no key in the hub's chain is pinned: its certificate was issued by %s and has the key %s", nameOf(leaf.Issuer), Pin(leaf)),
		Mend: "if the hub has a new key, compare it with its administrator and write it as tls.pin; else somebody stands in between: do not go on",
	}
}
