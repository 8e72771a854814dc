package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/route"
	realhub "headroom/internal/hub"
	"headroom/internal/hub/hubtest"
)

// examine returns what a doctor finds, by place.
func examine(t *testing.T, c agent.Config, now func() time.Time) (healthy bool, found map[string]agent.Diagnosis, places []string) {
	t.Helper()
	found = map[string]agent.Diagnosis{}
	healthy = agent.Doctor(t.Context(), c, agent.Options{Version: "test", Now: now, Log: slog.New(slog.DiscardHandler)}, func(d agent.Diagnosis) {
		found[d.Place] = d
		places = append(places, d.Place)
		if d.Health != agent.Green && d.Mend == "" {
			t.Errorf("%s: %s, and no mend", d.Place, d.Found)
		}
	})
	return healthy, found, places
}

func patient(t *testing.T, hub string) agent.Config {
	t.Helper()
	dir := t.TempDir()
	capture := filepath.Join(dir, "lmstat.txt")
	if err := os.WriteFile(capture, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := agent.Config{Hub: hub, State: filepath.Join(dir, "state"), Servers: []agent.ServerConfig{{Name: "lic", Reader: "file", Path: capture}}}
	if err := c.Check(dir); err != nil {
		t.Fatal(err)
	}
	return c
}

// F2: every step of the way to a real hub is told, and whoever tells of its
// certificate.
func TestDoctorWalksTheWholeWay(t *testing.T) {
	lists := httptest.NewServer(http.NotFoundHandler())
	defer lists.Close()
	cert, key, ca := certificate(t, lists.URL+"/list")
	h := hubtest.New(t, func(c *realhub.Config) { c.TLSCert, c.TLSKey = cert, key })
	c := patient(t, h.URL())
	c.Proxy = route.Proxy{Mode: "none"}
	c.TLS = route.TLS{CAFile: ca}
	if err := open(t, c).Close(); err != nil { // it ran here once
		t.Fatal(err)
	}
	healthy, found, places := examine(t, c, nil)
	want := []string{"state folder", "connection", "TLS", "certificate host", "revocation", "hub", "clock", "agent", "registration", "license server", "spool"}
	if !healthy || !slices.Equal(places, want) {
		t.Errorf("healthy %v, places %v, want %v", healthy, places, want)
	}
	if d := found["certificate host"]; d.Health != agent.Green || d.Target != lists.URL+"/list" {
		t.Errorf("the host of the list: %+v", d)
	}
	if d := found["revocation"]; d.Health != agent.Amber || !strings.Contains(d.Found, "404") {
		t.Errorf("revocation: %+v", d)
	}
	if d := found["license server"]; d.Health != agent.Unknown {
		t.Errorf("a license server that nobody has read: %+v", d)
	}
	lists.Close()
	if _, found, _ = examine(t, c, nil); found["certificate host"].Health != agent.Amber {
		t.Errorf("a host that is away: %+v", found["certificate host"])
	}
	c.TLS.Revocation = "refuse"
	if healthy, found, _ = examine(t, c, nil); healthy || found["revocation"].Health != agent.Red {
		t.Errorf("refuse: %v, %+v", healthy, found["revocation"])
	}
	c.TLS = route.TLS{}
	if healthy, found, _ = examine(t, c, nil); healthy || found["TLS"].Health != agent.Red || !strings.Contains(found["TLS"].Mend, "ca_file") {
		t.Errorf("without its authority: %v, %+v", healthy, found["TLS"])
	}
}

// Whoever asks before the agent's first start, as another account perhaps, leaves
// nothing that the agent could not read: no folder, no key.
func TestDoctorLeavesNothingBehind(t *testing.T) {
	c := patient(t, hubtest.New(t).URL())
	healthy, found, places := examine(t, c, nil)
	if want := []string{"state folder", "hub", "clock", "agent"}; !healthy || !slices.Equal(places, want) || found["agent"].Health != agent.Amber {
		t.Errorf("healthy %v, places %v, want %v; agent %+v", healthy, places, want, found["agent"])
	}
	if _, err := os.Stat(c.State); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state folder: %v, want that there is none", err)
	}
	if err := os.Mkdir(c.State, 0o700); err != nil {
		t.Fatal(err)
	}
	examine(t, c, nil)
	if left, err := os.ReadDir(c.State); err != nil || len(left) > 0 {
		t.Errorf("in the state folder: %v, %v, want nothing", left, err)
	}
}

func TestDoctorFindsWhatFails(t *testing.T) {
	h := hubtest.New(t)
	c := patient(t, h.URL())
	if healthy, found, _ := examine(t, c, func() time.Time { return time.Now().Add(-2 * time.Hour) }); !healthy || found["clock"].Health != agent.Amber || !strings.Contains(found["clock"].Found, "2h0m") {
		t.Errorf("a clock that is two hours behind: %v, %+v", healthy, found["clock"])
	}
	c.Hub = "http://127.0.0.1:1"
	if healthy, found, _ := examine(t, c, nil); healthy || found["hub"].Health != agent.Red {
		t.Errorf("nobody listens: %v, %+v", healthy, found["hub"])
	}
	c.Hub = h.URL()
	if err := os.WriteFile(c.State+"-file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.State += "-file"
	if healthy, found, _ := examine(t, c, nil); healthy || found["state folder"].Health != agent.Red {
		t.Errorf("a state folder that is a file: %v, %+v", healthy, found["state folder"])
	}
}

// certificate makes one for this machine, which an authority has issued that names a
// list.
func certificate(t *testing.T, list string) (cert, key, authority string) {
	t.Helper()
	newKey := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sign := func(template, parent *x509.Certificate, public *ecdsa.PrivateKey, by *ecdsa.PrivateKey) []byte {
		template.NotBefore, template.NotAfter = time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	caKey, ownKey := newKey(), newKey()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER := sign(ca, ca, caKey, caKey)
	own := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "hub"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, CRLDistributionPoints: []string{list},
	}
	ownDER := sign(own, ca, ownKey, caKey)
	keyDER, err := x509.MarshalPKCS8PrivateKey(ownKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, blocks ...*pem.Block) string {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert = write("cert.pem", &pem.Block{Type: "CERTIFICATE", Bytes: ownDER}, &pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	authority = write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return cert, write("key.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), authority
}
