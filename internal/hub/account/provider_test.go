package account_test

import (
	"strings"
	"testing"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

var provider = account.Provider{Name: "SSO", Issuer: "https://sso.example.com", ClientID: "hub", Domains: []string{"Example.com"}, Newcomers: account.Viewer}

func TestWhoComesByAProviderIsAMemberOrMayBecomeOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ada := founded(t, db, start())
		by := ada.Actor("192.0.2.1")
		if err := s.SetProvider(t.Context(), by, provider, "hunter2"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Invite(t.Context(), by, "Carl@partner.example", account.Operator); err != nil {
			t.Fatal(err)
		}
		enter := func(subject, email string, verified bool) (account.Member, error) {
			return s.Enter(t.Context(), ada.Org, account.Person{Issuer: provider.Issuer, Subject: subject, Email: email, Verified: verified, Name: "N\x00"}, "192.0.2.1")
		}
		for name, c := range map[string]struct {
			email    string
			verified bool
		}{
			"a stranger":                  {"eve@evil.example", true},
			"an address that is not his":  {founding.Email, false},
			"no address":                  {"", true},
			"a domain that looks alike":   {"eve@example.com.evil.example", true},
			"a domain below":              {"eve@sub.example.com", true},
			"two addresses":               {"eve@evil.example,x@example.com", true},
			"a newcomer without a proof":  {"eve@example.com", false},
			"an invited one, not his own": {"carl@partner.example", false},
		} {
			m, err := enter("s-"+name, c.email, c.verified)
			want(t, name, err, fault.Forbidden)
			if m.ID != 0 {
				t.Errorf("%s became %+v", name, m)
			}
		}
		if m, err := enter("1", "a.ADMIN@example.com", true); err != nil || m.ID != ada.ID || m.Role != account.Admin {
			t.Errorf("a member with the same address: %+v, %v", m, err)
		}
		if m, err := enter("1", "other@elsewhere.example", false); err != nil || m.ID != ada.ID {
			t.Errorf("the same subject with another address: %+v, %v, want the member that he was", m, err)
		}
		bob, err := enter("2", "bob@example.com", true)
		if err != nil || bob.Role != account.Viewer || bob.Name != "bob@example.com" {
			t.Errorf("a newcomer: %+v, %v", bob, err)
		}
		carl, err := enter("3", "carl@partner.example", true)
		if err != nil || carl.Role != account.Operator {
			t.Errorf("who was invited: %+v, %v", carl, err)
		}
		if left, err := s.Invitations(t.Context(), ada.Org); err != nil || len(left) != 0 {
			t.Errorf("invitations left: %v, %v", left, err)
		}
		_, err = s.Login(t.Context(), "bob@example.com", "", "192.0.2.1")
		want(t, "a newcomer's empty password", err, fault.Unauthorized)
		if err := s.RemoveMember(t.Context(), by, carl.ID); err != nil {
			t.Fatal(err)
		}
		_, err = enter("3", "carl@partner.example", true)
		want(t, "who was removed", err, fault.Forbidden)
	})
}

func TestProviderSecretIsSealedAndSentNowhereElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ada := founded(t, db, start())
		by := ada.Actor("192.0.2.1")
		secret := func() string {
			p, err := s.Provider(t.Context(), ada.Org)
			if err != nil || strings.Contains(p.Sealed, "hunter2") {
				t.Fatalf("%+v, %v: the secret is kept as it is", p, err)
			}
			got, err := s.ProviderSecret(ada.Org, p)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for _, step := range []struct {
			issuer, secret, want string
		}{
			{provider.Issuer, "hunter2", "hunter2"}, {provider.Issuer, "", "hunter2"}, {"https://evil.example", "", ""}, {provider.Issuer, "", ""},
		} {
			p := provider
			p.Issuer = step.issuer
			if err := s.SetProvider(t.Context(), by, p, step.secret); err != nil {
				t.Fatal(err)
			}
			if got := secret(); got != step.want {
				t.Errorf("%s set with secret %q: it has %q, want %q", step.issuer, step.secret, got, step.want)
			}
		}
		for name, change := range map[string]func(*account.Provider){
			"no name": func(p *account.Provider) { p.Name = "" }, "no client": func(p *account.Provider) { p.ClientID = "" },
			"issuer": func(p *account.Provider) { p.Issuer = "javascript:alert(1)" }, "issuer with a name": func(p *account.Provider) { p.Issuer = "https://a:b@c.example" },
			"domain": func(p *account.Provider) { p.Domains = []string{"*.com"} }, "no role": func(p *account.Provider) { p.Newcomers = "" },
		} {
			p := provider
			change(&p)
			want(t, name, s.SetProvider(t.Context(), by, p, ""), fault.Invalid)
		}
		if err := s.RemoveProvider(t.Context(), by); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.ProviderFor(t.Context(), "", "192.0.2.1")
		want(t, "none", err, fault.NotFound)
	})
}
