package route_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent/route"
)

func asError(t testing.TB, err error) *route.Error {
	t.Helper()
	e, ok := errors.AsType[*route.Error](err)
	if !ok {
		t.Fatalf("%v does not tell its step", err)
	}
	return e
}

// says checks the step of an error and the words in it.
func says(t testing.TB, err error, step route.Step, words ...string) {
	t.Helper()
	e := asError(t, err)
	if e.Step != step || e.Mend == "" {
		t.Errorf("%q is of step %q with the mend %q, want step %q and a mend", e, e.Step, e.Mend, step)
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q does not say %q", e, w)
		}
	}
}

// P-01: a password with characters that mean something in addresses, 100
// uploads over a connection each.
func TestBasicThroughSquid(t *testing.T) {
	const user, password = "agent", "p@ss:w/ö%rd"
	proxy := basicSquid(t, user, password)
	ca := newAuthority(t, "Test Authority")
	h, port := tlsHub(t, ca.Issue())
	s := newSite(t, h, "https://"+hubName+":"+port, withUser(t, manual(ca, proxy.URL()), user, password))
	s.join()
	failed := s.uploads(100)
	s.arrived()
	t.Logf("P-01: 100 uploads through Squid with Basic, %d failures", failed)
	if failed != 0 {
		t.Errorf("%d of 100 uploads failed", failed)
	}
}

// P-01: a wrong password is told as such, and tried four times an hour at most.
func TestWrongPasswordLocksNoAccount(t *testing.T) {
	proxy := basicSquid(t, "agent", "right")
	ca := newAuthority(t, "Test Authority")
	settings := withUser(t, manual(ca, proxy.URL()), "agent", "wrong")
	now := time.Now()
	way, err := route.New(settings, func() time.Time { return now })
	check(t, err)
	tries := 0
	for range 360 { // an hour, every 10 seconds
		before := proxy.requests(t)
		says(t, fails(t, way, hubName+":443"), route.StepProxySignIn, "refuses the user agent", "Basic", "proxy.user")
		// A try is two requests: one without the password, one with it.
		wait(t, "Squid has written its log", func() bool { return proxy.requests(t) >= before+1 })
		if proxy.requests(t) >= before+2 {
			tries++
		}
		now = now.Add(10 * time.Second)
	}
	t.Logf("P-01: a wrong password was sent %d times in an hour", tries)
	if tries < 1 || tries > 4 {
		t.Errorf("a wrong password was sent %d times in an hour, want 1 to 4", tries)
	}
	check(t, os.WriteFile(settings.Proxy.PasswordFile, []byte("right\n"), 0o600))
	says(t, fails(t, way, hubName+":1"), route.StepProxyTunnel, "503", "check the hub's name and port")
}

// P-03.
func TestNTLMThroughSquid(t *testing.T) {
	needs(t, "squid")
	proxy := startSquid(t, "",
		"auth_param ntlm program "+squidLib+"ntlm_fake_auth", "auth_param ntlm children 1", "auth_param ntlm keep_alive on",
		"acl in proxy_auth REQUIRED", "http_access allow in", "http_access deny all")
	ca := newAuthority(t, "Test Authority")
	h, port := tlsHub(t, ca.Issue())
	s := newSite(t, h, "https://"+hubName+":"+port, withUser(t, manual(ca, proxy.URL()), `WORKS\agent`, "secret"))
	s.join()
	failed := s.uploads(20)
	s.arrived()
	proxy.logged(t, "CONNECT", "200", "agent")
	t.Logf("P-03: 20 uploads through Squid with NTLM, %d failures", failed)
	if failed != 0 {
		t.Errorf("%d of 20 uploads failed", failed)
	}
	says(t, fails(t, newRoute(t, manual(ca, proxy.URL())), hubName+":"+port), route.StepProxySignIn, "offers NTLM", "no user is set", "proxy.user")
}

func TestSchemeThatIsNotSupportedIsNamed(t *testing.T) {
	needs(t, "squid")
	proxy := startSquid(t, "",
		"auth_param negotiate program "+squidLib+"ntlm_fake_auth", "auth_param negotiate children 1",
		"acl in proxy_auth REQUIRED", "http_access allow in", "http_access deny all")
	ca := newAuthority(t, "Test Authority")
	way := newRoute(t, withUser(t, manual(ca, proxy.URL()), "agent", "secret"))
	says(t, fails(t, way, hubName+":443"), route.StepProxySignIn, "407", "offers Negotiate", "Windows only")
}

// P-04: the hub's name is known to the proxy alone, so that who reaches it
// went through it. This is why no address of loopback stands here.
func TestProxyIsTheOneOfTheSettings(t *testing.T) {
	proxy := startSquid(t, "")
	ca := newAuthority(t, "Test Authority")
	_, port := tlsHub(t, ca.Issue())
	addr := hubName + ":" + port
	trust := route.TLS{CAFile: ca.File()}
	for _, c := range []struct {
		name    string
		env     map[string]string
		proxy   route.Proxy
		through bool
	}{
		{"manual", nil, route.Proxy{Mode: "manual", Address: proxy.URL()}, true},
		{"manual before the environment", map[string]string{"HTTPS_PROXY": "http://127.0.0.1:1"}, route.Proxy{Mode: "manual", Address: proxy.URL()}, true},
		{"manual, bypassed", nil, route.Proxy{Mode: "manual", Address: proxy.URL(), Bypass: []string{".headroom.test"}}, false},
		{"manual, others bypassed", nil, route.Proxy{Mode: "manual", Address: proxy.URL(), Bypass: []string{"other.test", "10.0.0.0/8"}}, true},
		{"environment", map[string]string{"HTTPS_PROXY": proxy.URL()}, route.Proxy{Mode: "environment"}, true},
		{"environment, NO_PROXY", map[string]string{"HTTPS_PROXY": proxy.URL(), "NO_PROXY": hubName}, route.Proxy{Mode: "environment"}, false},
		{"environment, empty", nil, route.Proxy{Mode: "environment"}, false},
		{"system", map[string]string{"HTTPS_PROXY": proxy.URL()}, route.Proxy{Mode: "system"}, true},
		{"default", map[string]string{"HTTPS_PROXY": proxy.URL()}, route.Proxy{}, true},
		{"none", map[string]string{"HTTPS_PROXY": proxy.URL()}, route.Proxy{Mode: "none"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
				t.Setenv(name, c.env[name])
			}
			way := newRoute(t, route.Settings{Proxy: c.proxy, TLS: trust})
			if !c.through {
				says(t, fails(t, way, addr), route.StepName, hubName)
				return
			}
			conn, err := way.Open(t.Context(), addr, func(route.Hop) {})
			check(t, err)
			conn.Close()
		})
	}
	t.Log("P-04: 10 of 10 settings lead where they say; scripts (PAC) are Windows' own")
}

func TestEveryStepOfTheProxyIsToldApart(t *testing.T) {
	ca := newAuthority(t, "Test Authority")
	closed := "http://127.0.0.1:" + freePort(t)
	says(t, fails(t, newRoute(t, manual(ca, "http://nowhere.invalid:3128")), "hub:443"), route.StepProxyName, "nowhere.invalid")
	says(t, fails(t, newRoute(t, manual(ca, closed)), "hub:443"), route.StepProxyConnect, "refuses connections")
	denies := startSquid(t, "", "http_access deny all")
	says(t, fails(t, newRoute(t, manual(ca, denies.URL())), "hub:443"), route.StepProxyTunnel, "403", "allow CONNECT to hub:443")
	free := newRoute(t, route.Settings{Proxy: route.Proxy{Mode: "none"}})
	says(t, fails(t, free, "nowhere.invalid:443"), route.StepName, "nowhere.invalid")
	says(t, fails(t, free, strings.TrimPrefix(closed, "http://")), route.StepConnect, "refuses connections")
	open := startSquid(t, "")
	says(t, fails(t, free, open.Addr), route.StepTLS, "does not speak TLS")
}

func TestPasswordFileOfOthersIsRefused(t *testing.T) {
	proxy := basicSquid(t, "agent", "right")
	ca := newAuthority(t, "Test Authority")
	settings := withUser(t, manual(ca, proxy.URL()), "agent", "right")
	check(t, os.Chmod(settings.Proxy.PasswordFile, 0o644))
	says(t, fails(t, newRoute(t, settings), hubName+":443"), route.StepProxySignIn, "can be read by others")
}

func TestSettingsThatMeanNothingAreRefused(t *testing.T) {
	for want, s := range map[string]route.Settings{
		"proxy.mode":           {Proxy: route.Proxy{Mode: "auto"}},
		"proxy.address is":     {Proxy: route.Proxy{Mode: "manual"}},
		"is not supported":     {Proxy: route.Proxy{Mode: "manual", Address: "socks5://proxy:1080"}},
		"holds a user":         {Proxy: route.Proxy{Mode: "manual", Address: "http://u:p@proxy:3128"}},
		"proxy.password_file":  {Proxy: route.Proxy{User: "u"}},
		"proxy.scheme":         {Proxy: route.Proxy{Scheme: "digest"}},
		`proxy.mode = "manual`: {Proxy: route.Proxy{Address: "http://proxy:3128"}},
		"tls.pin":              {TLS: route.TLS{Pins: []string{"abc"}}},
		"tls.revocation":       {TLS: route.TLS{Revocation: "hard"}},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want words about %s", s, err, want)
		}
	}
}
