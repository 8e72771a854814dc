package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/seal"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

// A clock is what the test sets.
type clock struct{ at atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.at.Store(at.UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Milliseconds()) }

// keys seal the secrets of these tests.
var keys = func() *seal.Keys {
	k, err := seal.ParseKeys(seal.NewKeyLine())
	if err != nil {
		panic(err)
	}
	return k
}()

const password = "four unrelated violins"

var founding = account.Founding{
	Organisation: "Example Corp", Zone: "Europe/Berlin",
	Email: "A.Admin@example.com", Name: "Anna Admin", Password: password,
}

// founded returns a service with one member.
func founded(t testing.TB, db *store.DB, c *clock) (*account.Service, account.Member) {
	t.Helper()
	s := account.New(db, c.now, keys)
	token, needed, err := s.NewSetupToken(t.Context())
	if err != nil || !needed {
		t.Fatalf("NewSetupToken = needed %v, %v", needed, err)
	}
	m, err := s.Setup(t.Context(), token, founding)
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

func start() *clock { return newClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) }

func TestSetupLinkMakesTheFirstAdministratorOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := account.New(db, start().now, keys)
		stale, _, err := s.NewSetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token, needed, err := s.NewSetupToken(t.Context()) // the hub was started again
		if err != nil || !needed {
			t.Fatalf("second start: needed %v, %v", needed, err)
		}
		if err := s.CheckSetup(t.Context(), stale); fault.KindOf(err) != fault.NotFound {
			t.Errorf("the link of the start before: %v, want not found", err)
		}
		if err := s.CheckSetup(t.Context(), token); err != nil {
			t.Errorf("the link of this start: %v", err)
		}
		short := founding
		short.Password = "short"
		if _, err := s.Setup(t.Context(), token, short); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Setup with a short password = %v, want invalid", err)
		}

		var won atomic.Int32
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := s.Setup(t.Context(), token, founding)
				switch {
				case err == nil:
					won.Add(1)
				case fault.KindOf(err) != fault.NotFound:
					t.Errorf("Setup = %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of 4 set-ups were successful, want 1", won.Load())
		}
		if _, needed, err := s.NewSetupToken(t.Context()); err != nil || needed {
			t.Errorf("a start after set-up: needed %v, %v, want false", needed, err)
		}
		m, err := s.Login(t.Context(), " a.admin@EXAMPLE.com ", password, "192.0.2.1")
		want := account.Member{ID: 1, Org: 1, Email: "A.Admin@example.com", Name: "Anna Admin", Role: account.Admin}
		if err != nil || m != want {
			t.Errorf("Login = %+v, %v, want %+v", m, err, want)
		}
		o, err := s.Organisation(t.Context(), m.Org)
		if err != nil || o.Name != "Example Corp" || o.Zone != "Europe/Berlin" || len(o.PublicID) != 8 {
			t.Errorf("Organisation = %+v, %v", o, err)
		}
		if _, err := s.Organisation(t.Context(), 99); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Organisation 99 = %v, want not found", err)
		}
	})
}

func TestFoundingIsChecked(t *testing.T) {
	s := account.New(storetest.New(t), start().now, keys)
	token, _, err := s.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*account.Founding){
		"no organisation":    func(f *account.Founding) { f.Organisation = " " },
		"organisation, NUL":  func(f *account.Founding) { f.Organisation = "a\x00" },
		"long name":          func(f *account.Founding) { f.Name = strings.Repeat("ä", 101) },
		"no address":         func(f *account.Founding) { f.Email = "" },
		"address without @":  func(f *account.Founding) { f.Email = "anna.example.com" },
		"address with names": func(f *account.Founding) { f.Email = "Anna <anna@example.com>" },
		"unknown zone":       func(f *account.Founding) { f.Zone = "Europe/Atlantis" },
		"zone of the hub":    func(f *account.Founding) { f.Zone = "Local" },
	} {
		f := founding
		change(&f)
		if _, err := s.Setup(t.Context(), token, f); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want it refused as invalid", name, err)
		}
	}
}

func TestGuessablePasswordsAreRefused(t *testing.T) {
	s := account.New(storetest.New(t), start().now, keys)
	token, _, err := s.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{
		"", "elevenchars", strings.Repeat("a1B2c3D4", 16) + "x",
		"password1234", "P@ssw0rd!2024", "123456789012", "aaaaaaaaaaaa", "abababababab", "qwertyuiop12",
		"Example Corp 2026!", "annaadmin2026", "welcome to headroom 1", "correct horse battery staple", "bad\xff\xfebytes in it",
	} {
		f := founding
		f.Password = p
		if _, err := s.Setup(t.Context(), token, f); fault.KindOf(err) != fault.Invalid {
			t.Errorf("password %q: %v, want it refused", p, err)
		}
	}
	for _, p := range []string{password, "kX9#mQ2$vL7p", "Zwölf Boxkämpfer jagen", strings.Repeat("v8", 4) + "Gq27zzlu"} {
		s := account.New(storetest.New(t), start().now, keys)
		token, _, err := s.NewSetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f := founding
		f.Password = p
		if _, err := s.Setup(t.Context(), token, f); err != nil {
			t.Errorf("password %q: %v, want it taken", p, err)
		}
	}
}

func TestWrongPasswordAndUnknownAccountReadTheSame(t *testing.T) {
	s, _ := founded(t, storetest.New(t), start())
	_, wrong := s.Login(t.Context(), founding.Email, "not this one", "192.0.2.1")
	_, unknown := s.Login(t.Context(), "nobody@example.com", password, "192.0.2.1")
	if wrong == nil || unknown == nil || wrong.Error() != unknown.Error() || fault.KindOf(wrong) != fault.Unauthorized {
		t.Errorf("wrong password: %v; unknown account: %v; want the same refusal", wrong, unknown)
	}
	long := strings.Repeat("x", 1<<20)
	if _, err := s.Login(t.Context(), founding.Email, long, "192.0.2.1"); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("a password of a megabyte: %v, want it refused as wrong", err)
	}
}

// L-01, first half; L-03 in the shape that it has without known browsers: the
// account is never locked for longer than a quarter of an hour.
func TestGuessingAPasswordIsSlow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := start()
		s, _ := founded(t, db, c)
		checks, longest := 0, time.Duration(0)
		for range 300 { // in 15 minutes
			c.advance(3 * time.Second)
			_, err := s.Login(t.Context(), founding.Email, "not this one", "192.0.2.1")
			switch fault.KindOf(err) {
			case fault.Unauthorized:
				checks++
			case fault.TooMany:
				f, _ := errors.AsType[*fault.Error](err)
				longest = max(longest, f.After)
			default:
				t.Fatal(err)
			}
		}
		if checks > 10 || checks < 5 {
			t.Errorf("%d passwords were looked at in 15 minutes, want 5 to 10", checks)
		}
		if longest <= 0 || longest > 15*time.Minute {
			t.Errorf("longest wait %v, want up to 15 minutes", longest)
		}
		c.advance(longest)
		if _, err := s.Login(t.Context(), founding.Email, password, "192.0.2.1"); err != nil {
			t.Errorf("the right password after the wait: %v", err)
		}
	})
}

// L-01, second half, at a smaller number of accounts.
func TestAddressesThatTryManyAccountsAreSlow(t *testing.T) {
	c := start()
	s, _ := founded(t, storetest.New(t), c)
	checks := 0
	for i := range 110 {
		from := fmt.Sprintf("2001:db8::%x", i+1) // one party has a whole /64
		_, err := s.Login(t.Context(), fmt.Sprintf("user%d@example.com", i), "not this one", from)
		if fault.KindOf(err) == fault.Unauthorized {
			checks++
		}
	}
	if checks != 100 {
		t.Errorf("%d passwords were looked at for one network, want 100", checks)
	}
	if _, err := s.Login(t.Context(), founding.Email, password, "198.51.100.7"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	c.advance(15 * time.Minute)
	if _, err := s.Login(t.Context(), founding.Email, password, "2001:db8::1"); err != nil {
		t.Errorf("from there, 15 minutes later: %v", err)
	}
}

func TestGoodSignInsDoNotCount(t *testing.T) {
	s, _ := founded(t, storetest.New(t), start())
	for i := range 12 {
		if _, err := s.Login(t.Context(), founding.Email, password, "192.0.2.1"); err != nil {
			t.Fatalf("sign-in %d: %v", i+1, err)
		}
	}
}

func TestHashingStopsWithItsRequest(t *testing.T) {
	s, _ := founded(t, storetest.New(t), start())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Login(ctx, founding.Email, password, "192.0.2.1"); !errors.Is(err, context.Canceled) {
		t.Errorf("Login of a request that is gone = %v, want %v", err, context.Canceled)
	}
}

// console is a page that signs in, one that says who is there, one that signs
// out.
func console(t *testing.T, s *account.Service, db *store.DB, c *clock, secure bool, m account.Member) (*http.Client, string) {
	t.Helper()
	sessions := s.NewSessions(db.Sessions(c.now), secure)
	mux := http.NewServeMux()
	mux.HandleFunc("/in", func(_ http.ResponseWriter, r *http.Request) {
		if err := sessions.SignIn(r.Context(), m, "192.0.2.1", "test"); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/out", func(_ http.ResponseWriter, r *http.Request) {
		if err := sessions.SignOut(r.Context(), "192.0.2.9"); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		m, err := sessions.Member(r.Context())
		if fault.KindOf(err) == fault.Unauthorized {
			w.WriteHeader(http.StatusUnauthorized)
		} else if err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, m.Email)
	})
	srv := httptest.NewServer(sessions.LoadAndSave(mux))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := srv.Client()
	client.Jar = jar
	return client, srv.URL
}

func get(t *testing.T, c *http.Client, url string) *http.Response {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// L-09, without changes of passwords.
func TestSessionsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock(time.Now()) // the session manager reads the real one
		s, m := founded(t, db, c)
		browser, url := console(t, s, db, c, false, m)
		want := func(when string, status int) {
			t.Helper()
			if got := get(t, browser, url).StatusCode; got != status {
				t.Errorf("%s: %d, want %d", when, got, status)
			}
		}
		want("before signing in", http.StatusUnauthorized)
		cookie := get(t, browser, url+"/in").Cookies()[0]
		if cookie.Name != "headroom-session" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure {
			t.Errorf("cookie over http is %v", cookie)
		}
		want("signed in", http.StatusOK)
		again := get(t, browser, url+"/in").Cookies()[0]
		if again.Value == cookie.Value {
			t.Error("signing in kept the token of the session")
		}
		get(t, browser, url+"/out")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(again)
		resp, err := new(http.Client).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("the cookie after signing out: %d, want %d", resp.StatusCode, http.StatusUnauthorized)
		}
		get(t, browser, url+"/in")
		c.advance(account.SessionIdle - time.Minute)
		want("a minute before the idle time ends", http.StatusOK)
		c.advance(2 * time.Minute)
		want("after the idle time", http.StatusUnauthorized)
	})
}

func TestSessionTokensAreNotInTheDatabase(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, c := storetest.Open(t, dsn), newClock(time.Now())
		s, m := founded(t, db, c)
		browser, url := console(t, s, db, c, true, m)
		cookie := get(t, browser, url+"/in").Cookies()[0]
		if cookie.Name != "__Host-session" || !cookie.Secure || !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("cookie over https is %v", cookie)
		}
		raw := storetest.Raw(t, dsn)
		var sessions, plain int
		if err := raw.QueryRow(`SELECT COUNT(*), COUNT(CASE WHEN token = $1 THEN 1 END) FROM session`, cookie.Value).Scan(&sessions, &plain); err != nil {
			t.Fatal(err)
		}
		if sessions != 1 || plain != 0 {
			t.Errorf("%d sessions, %d under their token, want 1 and 0", sessions, plain)
		}
		c.advance(24 * time.Hour)
		if err := db.Sweep(t.Context(), c.now()); err != nil {
			t.Fatal(err)
		}
		if err := raw.QueryRow(`SELECT COUNT(*) FROM session`).Scan(&sessions); err != nil || sessions != 0 {
			t.Errorf("%d sessions after a day, %v, want 0", sessions, err)
		}
	})
}

func TestRolesMayDoWhatSmallerOnesMay(t *testing.T) {
	for _, c := range []struct {
		who, least account.Role
		want       bool
	}{
		{account.Viewer, account.Viewer, true},
		{account.Viewer, account.Operator, false},
		{account.Operator, account.Viewer, true},
		{account.Operator, account.Admin, false},
		{account.Admin, account.Operator, true},
		{"", account.Viewer, false},
		{account.Admin, "", false},
		{"root", account.Viewer, false},
	} {
		if got := c.who.May(c.least); got != c.want {
			t.Errorf("%q may do what needs %q: %v, want %v", c.who, c.least, got, c.want)
		}
	}
}
