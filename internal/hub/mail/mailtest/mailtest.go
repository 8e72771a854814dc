// Package mailtest starts a real mail server (aiosmtpd of Debian's packages) for tests.
package mailtest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/mail"
)

// python is Debian's, which has the package; another one may come first in PATH.
const python = "/usr/bin/python3"

//go:embed smtpd.py
var program string

// Who may send.
const (
	User     = "headroom"
	Password = "correct horse"
)

// A Received is a mail that the server took.
type Received struct {
	From      string
	To        []string
	Data      []byte // header and body, as they came
	Encrypted bool
	User      string
}

// A Server is a mail server that runs.
type Server struct {
	Addr string
	CA   string // file of the certificate to trust

	mails chan Received
}

// Start runs a mail server that wants STARTTLS and a sign-in, or neither if it is
// plain, until the test ends. Without aiosmtpd the test is skipped, and fails in CI.
func Start(tb testing.TB, plain bool) *Server {
	tb.Helper()
	if err := exec.Command(python, "-c", "import aiosmtpd.smtp").Run(); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatalf("python3-aiosmtpd is not installed: %v", err)
		}
		tb.Skip("needs Debian's python3-aiosmtpd")
	}
	dir := tb.TempDir()
	s := &Server{CA: filepath.Join(dir, "mail.pem"), mails: make(chan Received, 100)}
	key := filepath.Join(dir, "mail.key")
	writeCertificate(tb, s.CA, key)
	script := filepath.Join(dir, "smtpd.py")
	if err := os.WriteFile(script, []byte(program), 0o600); err != nil {
		tb.Fatal(err)
	}
	args := []string{script, s.CA, key, User, Password}
	if plain {
		args = append(args, "plain")
	}
	cmd := exec.Command(python, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	if !lines.Scan() {
		tb.Fatalf("the mail server did not start: %v, %v", lines.Err(), cmd.Wait())
	}
	s.Addr = net.JoinHostPort("127.0.0.1", strings.TrimSpace(lines.Text()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			var r Received
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				tb.Errorf("the mail server said %q: %v", lines.Text(), err)
				continue
			}
			s.mails <- r
		}
	}()
	tb.Cleanup(func() {
		if err := in.Close(); err != nil {
			tb.Error(err)
		}
		<-done
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the mail server ended with %v", err)
		}
	})
	return s
}

// Config is what a hub needs to send by the server.
func (s *Server) Config() mail.Config {
	return mail.Config{Server: s.Addr, From: "Headroom <headroom@example.com>", User: User, Password: Password, CA: s.CA, Hello: "hub.test"}
}

// Next returns the next mail that was taken.
func (s *Server) Next(tb testing.TB) Received {
	tb.Helper()
	select {
	case r := <-s.mails:
		return r
	case <-time.After(20 * time.Second):
		tb.Fatal("no mail came")
		return Received{}
	}
}

// None fails the test if a mail is there.
func (s *Server) None(tb testing.TB) {
	tb.Helper()
	select {
	case r := <-s.mails:
		tb.Errorf("a mail came that should not: %s", r.Data)
	default:
	}
}

// writeCertificate makes a certificate of 127.0.0.1.
func writeCertificate(tb testing.TB, certificate, private string) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	private8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: der}, private: {Type: "PRIVATE KEY", Bytes: private8},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}
