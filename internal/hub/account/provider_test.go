package account_test

import (
	"errors"
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
		m, err := enter("1", "a.ADMIN@example.com", true)
		if half, ok := errors.AsType[*account.NeedsPassword](err); !ok || half.Member.ID != ada.ID || m.ID != 0 {
			t.Fatalf("the address of a member: %+v, %v, want that a password is needed", m, err)
		}
		person := account.Person{Issuer: "https://evil.example", Subject: "1"}
		want(t, "an account of another provider", s.Link(t.Context(), ada, person, "192.0.2.1"), fault.Conflict)
		person.Issuer = provider.Issuer
		if err := s.Link(t.Context(), ada, person, "192.0.2.1"); err != nil {
			t.Fatal(err)
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
		_, _, err := s.ProviderFor(t.Context(), "")
		want(t, "none", err, fault.NotFound)
	})
}

// A house behind one address signs in in the morning, and a stranger there is slowed.
func TestGoodSignInsAtAProviderDoNotCount(t *testing.T) {
	s, ada := founded(t, storetest.New(t), start())
	if err := s.SetProvider(t.Context(), ada.Actor("192.0.2.1"), provider, ""); err != nil {
		t.Fatal(err)
	}
	try := func(email string) error {
		if err := s.CountTry(t.Context(), "192.0.2.1"); err != nil {
			return err
		}
		_, err := s.Enter(t.Context(), ada.Org, account.Person{Issuer: provider.Issuer, Subject: email, Email: email, Verified: true}, "192.0.2.1")
		return err
	}
	for range 150 {
		if err := try("bob@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		want(t, "a stranger", try("eve@evil.example"), fault.Forbidden)
	}
	want(t, "and once more", try("eve@evil.example"), fault.TooMany)
}
