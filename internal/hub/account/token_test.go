package account_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

func TestTokensAreGoodUntilTheyEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := start()
		s, ada := founded(t, db, c)
		by := ada.Actor("192.0.2.1")
		token, err := s.MakeToken(t.Context(), by, " Grafana ", account.Viewer, 30)
		if err != nil || !strings.HasPrefix(token, account.TokenPrefix) {
			t.Fatalf("token %q, %v", token, err)
		}
		got, err := s.Bearer(t.Context(), token)
		if err != nil || got.Name != "Grafana" || got.Role != account.Viewer || got.Org != ada.Org || !got.Expires.Equal(c.now().AddDate(0, 0, 30)) {
			t.Fatalf("bearer %+v, %v", got, err)
		}
		first := c.now()
		c.advance(10 * time.Minute)
		if _, err := s.Bearer(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		all, err := s.Tokens(t.Context(), ada.Org)
		if err != nil || len(all) != 1 || !all[0].Used.Equal(first) {
			t.Errorf("tokens %+v, %v, want one that was used at %v", all, err, first)
		}
		for what, bad := range map[string]string{
			"nothing": "", "another": account.TokenPrefix + "AAAA", "without its beginning": strings.TrimPrefix(token, account.TokenPrefix),
			"too long": account.TokenPrefix + strings.Repeat("A", 1000), "other letters": strings.ToLower(token),
		} {
			_, err := s.Bearer(t.Context(), bad)
			want(t, what, err, fault.Unauthorized)
		}
		for what, make := range map[string]func() error{
			"no name":   func() error { _, err := s.MakeToken(t.Context(), by, "", account.Viewer, 1); return err },
			"no role":   func() error { _, err := s.MakeToken(t.Context(), by, "x", "root", 1); return err },
			"no days":   func() error { _, err := s.MakeToken(t.Context(), by, "x", account.Viewer, 0); return err },
			"two years": func() error { _, err := s.MakeToken(t.Context(), by, "x", account.Viewer, 732); return err },
		} {
			want(t, what, make(), fault.Invalid)
		}
		want(t, "another organisation's", s.RevokeToken(t.Context(), audit.Actor{Org: ada.Org + 1}, all[0].ID), fault.NotFound)
		c.advance(30 * 24 * time.Hour)
		_, err = s.Bearer(t.Context(), token)
		want(t, "after its end", err, fault.Unauthorized)
		if token, err = s.MakeToken(t.Context(), by, "CI", account.Operator, 1); err != nil {
			t.Fatal(err)
		}
		if got, err = s.Bearer(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if err := s.RevokeToken(t.Context(), by, got.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.Bearer(t.Context(), token)
		want(t, "after it was revoked", err, fault.Unauthorized)
		if err := db.Sweep(t.Context(), c.now().Add(25*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Tokens(t.Context(), ada.Org); err != nil || len(all) != 0 {
			t.Errorf("tokens %v, %v, want none a day after they ended", all, err)
		}
	})
}
