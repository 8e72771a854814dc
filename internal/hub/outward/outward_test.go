package outward_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"headroom/internal/hub/outward"
)

// whatever way an inner address is written, nobody is connected to.
func TestInnerAddressesAreNotCalled(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 2<<20)))
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	hosts := []string{
		"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "2130706433", "0x7f000001", "127.1",
		"169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1",
	}
	client := outward.Client(nil, nil)
	for _, host := range hosts {
		res, err := client.Get("http://" + host + ":" + port + "/")
		if err == nil {
			res.Body.Close()
			t.Errorf("http://%s: answered", host)
		} else if a, e := netip.ParseAddr(strings.Trim(host, "[]")); e == nil && !errors.Is(err, outward.ErrInner) {
			t.Errorf("http://%s (%s): %v, want it refused as an inner address", host, a, err)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls went in, want none", n)
	}
	t.Logf("X-07: %d ways to write an inner address, %d connections", len(hosts), calls.Load())

	allowed := outward.Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, nil)
	res, err := allowed.Get(srv.URL + "/away")
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatalf("an address that is allowed: %v, want its redirect, which is not followed", err)
	}
	defer res.Body.Close()
	if n, err := res.Body.Read(make([]byte, 1)); n == 0 && err != nil {
		t.Error(err)
	}
}

func TestPublicAddressesAreNotInner(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "2606:4700::1111", "172.32.0.1", "100.128.0.1"} {
		if outward.Inner(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as an inner address", a)
		}
	}
}
