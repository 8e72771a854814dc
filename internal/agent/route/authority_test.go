package route_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// hubName is a name that only the tests' proxies know: who reaches it, went
// through one.
const hubName = "hub.headroom.test"

// An authority issues certificates.
type authority struct {
	t    testing.TB
	dir  string
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64 // serial
}

// A pair is a certificate with its key, in files.
type pair struct {
	Cert, Key string // paths; Cert holds the chain
	X509      *x509.Certificate
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: openDir(t), last: 1, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	check(t, err)
	a.Cert, err = x509.ParseCertificate(der)
	check(t, err)
	writePEM(t, a.File(), "CERTIFICATE", der)
	writePEM(t, a.KeyFile(), "PRIVATE KEY", pkcs8(t, a.key))
	return a
}

// File is where the authority's certificate lies.
func (a *authority) File() string { return filepath.Join(a.dir, "ca.pem") }

// KeyFile is where its key lies.
func (a *authority) KeyFile() string { return filepath.Join(a.dir, "ca.key") }

// Issue issues a certificate for the hub, after changes.
func (a *authority) Issue(changes ...func(*x509.Certificate)) pair {
	a.t.Helper()
	a.last++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: hubName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{hubName, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, change := range changes {
		change(template)
	}
	return a.sign(template)
}

func (a *authority) sign(template *x509.Certificate) pair {
	a.t.Helper()
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, key.Public(), a.key)
	check(a.t, err)
	dir := openDir(a.t)
	p := pair{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	p.X509, err = x509.ParseCertificate(der)
	check(a.t, err)
	writePEM(a.t, p.Cert, "CERTIFICATE", der)
	writePEM(a.t, p.Key, "PRIVATE KEY", pkcs8(a.t, key))
	return p
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	return der
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// write makes a file of the test. The world may read it: a proxy of the test
// runs under an account of its own.
func write(t testing.TB, path, text string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(text), 0o644))
	check(t, os.Chmod(path, 0o644)) // whatever the mask of this process is
}

// openDir is a folder of the test that other accounts can look into.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "headroom-route-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755))
	return dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
