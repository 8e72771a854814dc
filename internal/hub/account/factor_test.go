package account_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

// enrolled gives a member a second factor.
func enrolled(t *testing.T, s *account.Service, m account.Member, c *clock) (seed string, recovery []string) {
	t.Helper()
	if err := s.BeginFactor(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	e, err := s.Enrolment(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if recovery, err = s.ConfirmFactor(t.Context(), m, 0, codeOf(t, e.Key, c.now()), "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	return e.Key, recovery
}

func codeOf(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(seed, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestCodeSignsInOnceAndWithinHalfAMinuteOfItsTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := start()
		s, ada := founded(t, db, c)
		seed, recovery := enrolled(t, s, ada, c)
		_, err := s.Login(t.Context(), founding.Email, password, "192.0.2.1")
		if half, ok := errors.AsType[*account.NeedsCode](err); !ok || half.Member.ID != ada.ID {
			t.Fatalf("Login with the password alone = %v, want that a code is needed", err)
		}
		login := func(code string) error {
			_, err := s.LoginCode(t.Context(), ada.Org, ada.ID, code, "192.0.2.1")
			return err
		}
		for _, off := range []time.Duration{-61 * time.Second, 61 * time.Second} {
			want(t, "a code of "+off.String(), login(codeOf(t, seed, c.now().Add(off))), fault.Unauthorized)
		}
		late := codeOf(t, seed, c.now().Add(-30*time.Second))
		if err := login(late[:3] + " " + late[3:]); err != nil {
			t.Errorf("the code before this one: %v", err)
		}
		want(t, "the same code", login(late), fault.Unauthorized)
		if err := login(codeOf(t, seed, c.now())); err != nil {
			t.Errorf("the code of now: %v", err)
		}

		// Twenty at once with one recovery code: it works once.
		var good atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if login(recovery[0]) == nil {
					good.Add(1)
				}
			})
		}
		all.Wait()
		if good.Load() != 1 {
			t.Errorf("a recovery code signed in %d times, want once", good.Load())
		}
		f, err := s.Factor(t.Context(), ada)
		if err != nil || f.Left != 9 {
			t.Errorf("%d recovery codes left, %v, want 9", f.Left, err)
		}
		other := ada
		other.Org++
		other.ID++
		want(t, "another organisation's", s.ResetFactor(t.Context(), other.Actor(""), ada.ID), fault.NotFound)
		want(t, "her own, without a code", s.ResetFactor(t.Context(), ada.Actor(""), ada.ID), fault.Conflict)
		want(t, "nobody's", s.ResetFactorOf(t.Context(), "nobody@example.com"), fault.NotFound)
		if err := s.ResetFactorOf(t.Context(), strings.ToUpper(founding.Email)); err != nil {
			t.Errorf("by whoever runs the hub: %v", err)
		}
		entries, err := db.Entries(t.Context(), ada.Org, audit.Query{Limit: 1})
		if err != nil || len(entries) != 1 || entries[0].Act != audit.FactorRemoved || entries[0].Actor.Member != 0 || entries[0].Subject != founding.Email {
			t.Errorf("the audit log says %+v, %v", entries, err)
		}
	})
}

func TestGuessingACodeIsSlow(t *testing.T) {
	c := start()
	s, ada := founded(t, storetest.New(t), c)
	seed, _ := enrolled(t, s, ada, c)
	looked := 0
	for range 300 { // in 15 minutes
		c.advance(3 * time.Second)
		_, err := s.LoginCode(t.Context(), ada.Org, ada.ID, "123456", "192.0.2.1")
		if fault.KindOf(err) == fault.Unauthorized {
			looked++
		}
	}
	if looked < 5 || looked > 10 {
		t.Errorf("%d codes were looked at in 15 minutes, want 5 to 10", looked)
	}
	t.Logf("%d of 300 codes looked at in 15 minutes", looked)
	c.advance(15 * time.Minute)
	if _, err := s.LoginCode(t.Context(), ada.Org, ada.ID, codeOf(t, seed, c.now()), "192.0.2.1"); err != nil {
		t.Errorf("the right code after the wait: %v", err)
	}
}

// S-06: neither the database nor a copy of it has what signs in.
func TestDatabaseHasNoSecretsInIt(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn)
	c := start()
	s, ada := founded(t, db, c)
	seed, recovery := enrolled(t, s, ada, c)
	token, err := s.MakeToken(t.Context(), ada.Actor(""), "CI", account.Viewer, 1)
	if err != nil {
		t.Fatal(err)
	}
	invitation, err := s.Invite(t.Context(), ada.Actor(""), "bob@example.com", account.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := storetest.Raw(t, dsn).Exec(`VACUUM INTO $1`, copied); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(dsn + "*")
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{password, seed, token, strings.TrimPrefix(token, account.TokenPrefix), invitation}
	for _, code := range recovery {
		secrets = append(secrets, code, strings.ReplaceAll(code, "-", ""), strings.ToUpper(strings.ReplaceAll(code, "-", "")))
	}
	bytes := 0
	for _, file := range append(files, copied) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(text)
		for i, secret := range secrets {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s has secret %d in it: %q", filepath.Base(file), i, secret)
			}
		}
	}
	t.Logf("S-06: %d secrets looked for in %d bytes", len(secrets), bytes)
	if bytes < 100_000 {
		t.Errorf("%d bytes: this test does not see the store", bytes)
	}
}

// Who has the password, and tries a code whenever he may, for two of the windows that
// wrong codes are counted in.
func TestGuessingACodeTakesAHundredYears(t *testing.T) {
	db := storetest.New(t)
	c := start()
	s, ada := founded(t, db, c)
	seed, _ := enrolled(t, s, ada, c)
	tried, end := 0, c.now().AddDate(0, 0, 60)
	for c.now().Before(end) {
		_, err := s.LoginCode(t.Context(), ada.Org, ada.ID, "000000", "192.0.2.1")
		switch f, _ := errors.AsType[*fault.Error](err); fault.KindOf(err) {
		case fault.Unauthorized:
			tried++
			c.advance(time.Second)
		case fault.TooMany:
			c.advance(f.After)
			if err := db.Sweep(t.Context(), c.now()); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatal(err)
		}
	}
	// Three codes of a million are good at any time.
	years := 1_000_000 / 3 * 60 / tried / 365
	t.Logf("%d codes were looked at in 60 days: one is found in %d years", tried, years)
	if tried < 100 || years < 100 {
		t.Errorf("%d codes were looked at in 60 days, one is found in %d years, want 100 at least", tried, years)
	}
	c.advance(6 * time.Hour)
	if _, err := s.LoginCode(t.Context(), ada.Org, ada.ID, codeOf(t, seed, c.now()), "192.0.2.1"); err != nil {
		t.Errorf("the member's own code after a wait: %v", err)
	}
}
