package route_test

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"headroom/internal/agent/route"
)

// A bureau tells of an authority's certificates: lists at /list, answers at /ocsp.
type bureau struct {
	*httptest.Server
	ca    *authority
	list  func() []byte
	reply func(serial *big.Int) []byte
	lists atomic.Int64 // how often the list was fetched
}

func newBureau(t *testing.T, ca *authority) *bureau {
	t.Helper()
	b := &bureau{ca: ca}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/list" && b.list != nil:
			b.lists.Add(1)
			_, _ = w.Write(b.list())
		case r.URL.Path == "/ocsp" && b.reply != nil:
			body := make([]byte, 4096)
			n, _ := r.Body.Read(body)
			q, err := ocsp.ParseRequest(body[:n])
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = w.Write(b.reply(q.SerialNumber))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// listOf makes a list with some serials.
func (b *bureau) listOf(until time.Time, serials ...*big.Int) []byte {
	b.ca.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: until}
	if until.Before(time.Now()) {
		list.ThisUpdate = until.Add(-time.Hour)
	}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: s, RevocationTime: time.Now().Add(-time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, b.ca.Cert, b.ca.key)
	check(b.ca.t, err)
	return der
}

// answer makes an OCSP response.
func (ca *authority) answer(serial *big.Int, status int, until time.Time, by *x509.Certificate, key crypto.Signer) []byte {
	ca.t.Helper()
	this := time.Now().Add(-time.Minute)
	if until.Before(this) {
		this = until.Add(-time.Hour)
	}
	template := ocsp.Response{Status: status, SerialNumber: serial, ThisUpdate: this, NextUpdate: until, RevokedAt: this}
	if by != ca.Cert {
		template.Certificate = by
	}
	der, err := ocsp.CreateResponse(ca.Cert, by, template, key)
	check(ca.t, err)
	return der
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// server is a TLS server with a certificate, and perhaps a staple.
func server(t *testing.T, p pair, staple []byte) (addr string) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	check(t, err)
	cert.OCSPStaple = staple
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = conn.(*tls.Conn).Handshake() }()
		}
	}()
	return l.Addr().String()
}

// opens says how opening a connection ended, and what is known then.
func opens(t *testing.T, way *route.Route, addr string) (route.Revocation, error) {
	t.Helper()
	conn, err := way.Open(t.Context(), addr, func(route.Hop) {})
	if err == nil {
		_ = conn.Close()
	}
	return way.Revocation(), err
}

func trusting(ca *authority, mode string) route.Settings {
	return route.Settings{Proxy: route.Proxy{Mode: "none"}, TLS: route.TLS{CAFile: ca.File(), Revocation: mode}}
}

// P-07: a revoked certificate is refused, whoever says so: the staple, a list, a
// responder; in every mode but off.
func TestRevokedCertificatesAreRefused(t *testing.T) {
	ca := newAuthority(t, "Test Authority")
	b := newBureau(t, ca)
	b.list = func() []byte { return b.listOf(tomorrow(), big.NewInt(2), big.NewInt(3), big.NewInt(4), big.NewInt(5)) }
	b.reply = func(serial *big.Int) []byte { return ca.answer(serial, ocsp.Revoked, tomorrow(), ca.Cert, ca.key) }
	byList := ca.Issue(func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"ldap://nobody/", b.URL + "/list"} })
	byResponder := ca.Issue(func(c *x509.Certificate) { c.OCSPServer = []string{b.URL + "/ocsp"} })
	byStaple := ca.Issue()
	staple := ca.answer(byStaple.X509.SerialNumber, ocsp.Revoked, tomorrow(), ca.Cert, ca.key)
	refused := 0
	for name, addr := range map[string]string{"list": server(t, byList, nil), "responder": server(t, byResponder, nil), "staple": server(t, byStaple, staple)} {
		for _, mode := range []string{"", "warn", "refuse"} {
			_, err := opens(t, newRoute(t, trusting(ca, mode)), addr)
			if err == nil {
				t.Errorf("revoked by %s, mode %q: it is opened", name, mode)
				continue
			}
			says(t, err, route.StepRevocation, "was revoked", hubName)
			refused++
		}
		if _, err := opens(t, newRoute(t, trusting(ca, "off")), addr); err != nil {
			t.Errorf("revoked by %s, mode off: %v", name, err)
		}
	}
	t.Logf("P-07: %d of 9 connections to revoked certificates refused", refused)
}

// P-08: who cannot be asked, or says nothing that counts, is a warning that can be
// seen, or a refusal where the settings want one; it takes no longer than it may.
func TestWhatNobodySaysIsUnknown(t *testing.T) {
	ca, other := newAuthority(t, "Test Authority"), newAuthority(t, "Another Authority")
	delegate := ca.Issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	delegateKey := keyOf(t, delegate)
	b := newBureau(t, ca)
	slow := make(chan struct{})
	t.Cleanup(func() { close(slow) }) // before the bureau waits for who is served
	withList := func(c *x509.Certificate) { c.CRLDistributionPoints = []string{b.URL + "/list"} }
	withResponder := func(c *x509.Certificate) { c.OCSPServer = []string{b.URL + "/ocsp"} }
	for _, c := range []struct {
		name  string
		names func(*x509.Certificate)
		list  func() []byte
		reply func(*big.Int) []byte
		says  string
	}{
		{"it names nobody", func(*x509.Certificate) {}, nil, nil, `issued by "Test Authority", names neither a list nor a responder`},
		{"the responder is down", func(c *x509.Certificate) { c.OCSPServer = []string{"http://127.0.0.1:1/"} }, nil, nil, "refused"},
		{"the list is not there", withList, nil, nil, "404"},
		{"the list is garbage", withList, func() []byte { return []byte("garbage") }, nil, "cannot be read"},
		{"the list is old", withList, func() []byte { return b.listOf(time.Now().Add(-time.Hour)) }, nil, "not of now"},
		{"the list is another's", withList, func() []byte { return (&bureau{ca: other}).listOf(tomorrow()) }, nil, "Another Authority"},
		{"the list is too large", withList, func() []byte { return make([]byte, 21<<20) }, nil, "20 MiB"},
		{"the answer is garbage", withResponder, nil, func(*big.Int) []byte { return []byte("garbage") }, "not good"},
		{"the answer is old", withResponder, nil, func(s *big.Int) []byte {
			return ca.answer(s, ocsp.Good, time.Now().Add(-time.Hour), ca.Cert, ca.key)
		}, "not of now"},
		{"the answer is another's", withResponder, nil, func(s *big.Int) []byte {
			return other.answer(s, ocsp.Good, tomorrow(), other.Cert, other.key)
		}, "not good"},
		{"the answer is signed by a web server's key", withResponder, nil, func(s *big.Int) []byte {
			return ca.answer(s, ocsp.Good, tomorrow(), delegate.X509, delegateKey)
		}, "may not do that"},
		{"the responder says try later", withResponder, nil, func(*big.Int) []byte { return ocsp.TryLaterErrorResponse }, "try later"},
		{"the responder does not know it", withResponder, nil, func(s *big.Int) []byte { return ca.answer(s, ocsp.Unknown, tomorrow(), ca.Cert, ca.key) }, "does not know"},
		{"the responder is slow", withResponder, nil, func(*big.Int) []byte { <-slow; return nil }, "does not answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.list, b.reply = c.list, c.reply
			addr := server(t, ca.Issue(c.names), nil)
			begun := time.Now()
			found, err := opens(t, newRoute(t, trusting(ca, "warn")), addr)
			if err != nil || found.Known || found.At.IsZero() || !strings.Contains(found.Text, c.says) {
				t.Errorf("warn: %+v, %v; want it opened, and told with %q", found, err, c.says)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("warn: it took %v, want at most 10 s", took)
			}
			if c.name == "the responder is slow" {
				return // and once is enough
			}
			if _, err := opens(t, newRoute(t, trusting(ca, "refuse")), addr); err == nil {
				t.Error("refuse: it is opened")
			} else {
				says(t, err, route.StepRevocation, "not known whether", "doctor")
			}
		})
	}
}

// A certificate that is known to be good is good: by each of the three, and by a key
// that the authority made for answering.
func TestGoodCertificatesAreKnown(t *testing.T) {
	ca := newAuthority(t, "Test Authority")
	b := newBureau(t, ca)
	b.list = func() []byte { return b.listOf(tomorrow(), big.NewInt(999)) }
	delegate := ca.Issue(func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Responder"}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	})
	b.reply = func(s *big.Int) []byte { return ca.answer(s, ocsp.Good, tomorrow(), delegate.X509, keyOf(t, delegate)) }
	stapled := ca.Issue()
	staple := ca.answer(stapled.X509.SerialNumber, ocsp.Good, tomorrow(), ca.Cert, ca.key)
	for says, addr := range map[string]string{
		"by the list":             server(t, ca.Issue(func(c *x509.Certificate) { c.CRLDistributionPoints = []string{b.URL + "/list"} }), nil),
		"by the responder":        server(t, ca.Issue(func(c *x509.Certificate) { c.OCSPServer = []string{b.URL + "/ocsp"} }), nil),
		"by the hub's own staple": server(t, stapled, staple),
	} {
		if found, err := opens(t, newRoute(t, trusting(ca, "refuse")), addr); err != nil || !found.Known || !strings.Contains(found.Text, says) {
			t.Errorf("%+v, %v; want it known %s", found, err, says)
		}
	}
}

// P-09: a list of 10 MiB is fetched once for as long as it is good.
func TestAListIsFetchedOnce(t *testing.T) {
	ca := newAuthority(t, "Test Authority")
	b := newBureau(t, ca)
	var many []*big.Int
	for n := range int64(250_000) {
		many = append(many, new(big.Int).Lsh(big.NewInt(n+1000), 96))
	}
	until := tomorrow()
	large := b.listOf(until, many...)
	b.list = func() []byte { return large }
	addr := server(t, ca.Issue(func(c *x509.Certificate) { c.CRLDistributionPoints = []string{b.URL + "/list"} }), nil)
	now := time.Now()
	way, err := route.New(trusting(ca, "refuse"), func() time.Time { return now })
	check(t, err)
	for range 20 {
		if _, err := opens(t, way, addr); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.lists.Load(); n != 1 {
		t.Errorf("20 connections fetched the list %d times, want once", n)
	}
	now = until.Add(time.Second)
	if _, err := opens(t, way, addr); err == nil {
		t.Error("the old list counts after its end")
	}
	t.Logf("P-09: a list of %.1f MiB, 20 connections: fetched once, and again after its end (%d)", float64(len(large))/(1<<20), b.lists.Load())
}

// P-07: the list is fetched through the proxy that the settings want, which wants a
// sign-in.
func TestListsComeThroughTheProxy(t *testing.T) {
	proxy := basicSquid(t, "agent", "secret")
	ca := newAuthority(t, "Test Authority")
	b := newBureau(t, ca)
	revokedOne := ca.Issue(func(c *x509.Certificate) {
		_, port, err := net.SplitHostPort(strings.TrimPrefix(b.URL, "http://"))
		check(t, err)
		c.CRLDistributionPoints = []string{"http://lists.headroom.test:" + port + "/list"} // a name that only the proxy knows
	})
	b.list = func() []byte { return b.listOf(tomorrow(), revokedOne.X509.SerialNumber) }
	_, port, err := net.SplitHostPort(server(t, revokedOne, nil))
	check(t, err)
	way := newRoute(t, withUser(t, manual(ca, proxy.URL()), "agent", "secret"))
	says(t, fails(t, way, hubName+":"+port), route.StepRevocation, "was revoked", "lists.headroom.test")
	proxy.logged(t, "GET", "/list", "200")
}

// P-07: a real responder.
func TestOpenSSLSaysWhatIsRevoked(t *testing.T) {
	needs(t, "openssl")
	ca := newAuthority(t, "Test Authority")
	port := freePort(t)
	with := func(c *x509.Certificate) { c.OCSPServer = []string{"http://127.0.0.1:" + port} }
	fine, gone := ca.Issue(with), ca.Issue(with)
	index := filepath.Join(ca.dir, "index.txt")
	line := func(state, revokedAt string, p pair) string {
		return fmt.Sprintf("%s\t%s\t%s\t%02X\tunknown\t/CN=%s\n", state, p.X509.NotAfter.UTC().Format("060102150405Z"), revokedAt, p.X509.SerialNumber, hubName)
	}
	write(t, index, line("V", "", fine)+line("R", time.Now().Add(-time.Hour).UTC().Format("060102150405Z"), gone))
	// It serves one connection after the other: one that only knocks would keep it.
	daemonThat(t, func(said *safeBuffer) bool { return strings.Contains(said.String(), "waiting for OCSP client") }, "openssl", "ocsp", "-port", port, "-index", index, "-CA", ca.File(), "-rsigner", ca.File(), "-rkey", ca.KeyFile(), "-ndays", "1")
	way := newRoute(t, trusting(ca, "refuse"))
	if found, err := opens(t, way, server(t, fine, nil)); err != nil || !found.Known {
		t.Errorf("a good certificate: %+v, %v", found, err)
	}
	_, err := opens(t, way, server(t, gone, nil))
	if err == nil {
		t.Fatal("a revoked certificate is taken")
	}
	says(t, err, route.StepRevocation, "was revoked", "by the responder")
}

// P-11: an expired certificate, one for another name, and one that signs itself are
// told apart, each with what to do.
func TestBadCertificatesAreToldApart(t *testing.T) {
	ca, stranger := newAuthority(t, "Test Authority"), newAuthority(t, "Stranger")
	for says, p := range map[string]pair{
		"valid from":  ca.Issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"not for":     ca.Issue(func(c *x509.Certificate) { c.IPAddresses = nil }),
		"self-signed": selfSigned(t),
		"issued by":   stranger.Issue(),
	} {
		_, err := opens(t, newRoute(t, trusting(ca, "off")), server(t, p, nil))
		if err == nil {
			t.Errorf("%s: it is opened", says)
			continue
		}
		e := asError(t, err)
		if e.Step != route.StepTLS || e.Mend == "" || !strings.Contains(e.What, says) {
			t.Errorf("%q with the mend %q, want one of TLS that says %q", e, e.Mend, says)
		}
	}
}

func keyOf(t *testing.T, p pair) crypto.Signer {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	check(t, err)
	return cert.PrivateKey.(crypto.Signer)
}

func selfSigned(t *testing.T) pair {
	t.Helper()
	a := newAuthority(t, "Itself")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Itself"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	check(t, err)
	writePEM(t, a.File(), "CERTIFICATE", der)
	return pair{Cert: a.File(), Key: a.KeyFile()}
}
