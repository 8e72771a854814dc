package account_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
)

const other = "walnut ferry quince lamp"

// join invites somebody and makes a member of him.
func join(t *testing.T, s *account.Service, by account.Member, email string, role account.Role) account.Member {
	t.Helper()
	token, err := s.Invite(t.Context(), by.Actor("192.0.2.1"), email, role)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Accept(t.Context(), token, "Bob", other, "192.0.2.2")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func want(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("%s: %v, want a fault of kind %v", what, err, kind)
	}
}

func TestWhoIsInvitedBecomesAMemberOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := start()
		s, ada := founded(t, db, c)
		by := ada.Actor("192.0.2.1")
		first, err := s.Invite(t.Context(), by, "Bob@Example.com", account.Viewer)
		if err != nil {
			t.Fatal(err)
		}
		token, err := s.Invite(t.Context(), by, " bob@example.com ", account.Operator)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Invitation(t.Context(), first)
		want(t, "the first of two invitations", err, fault.NotFound)
		inv, err := s.Invitation(t.Context(), token)
		if err != nil || inv.Email != "bob@example.com" || inv.Role != account.Operator || inv.InvitedBy != ada.Email {
			t.Fatalf("invitation %+v, %v", inv, err)
		}
		_, err = s.Accept(t.Context(), token, "Bob", "short", "192.0.2.2")
		want(t, "a short password", err, fault.Invalid)
		_, err = s.Accept(t.Context(), token, "\x00", other, "192.0.2.2")
		want(t, "no name", err, fault.Invalid)

		var joined, late int
		var mu sync.Mutex
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				_, err := s.Accept(t.Context(), token, "Bob", other, "192.0.2.2")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					joined++
				case fault.KindOf(err) == fault.NotFound:
					late++
				default:
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if joined != 1 || late != 3 {
			t.Errorf("%d joined and %d came late, want 1 and 3", joined, late)
		}
		m, err := s.Login(t.Context(), "bob@example.com", other, "192.0.2.2")
		if err != nil || m.Role != account.Operator || m.Name != "Bob" || m.Org != ada.Org {
			t.Errorf("signed in as %+v, %v", m, err)
		}
		_, err = s.Invite(t.Context(), by, "BOB@example.com", account.Viewer)
		want(t, "inviting a member", err, fault.Conflict)
		for _, bad := range []string{"", "bob", "bob example@x", "@x", "a@b\nc"} {
			_, err = s.Invite(t.Context(), by, bad, account.Viewer)
			want(t, bad, err, fault.Invalid)
		}
		_, err = s.Invite(t.Context(), by, "eve@example.com", "owner")
		want(t, "a role that there is not", err, fault.Invalid)

		token, err = s.Invite(t.Context(), by, "eve@example.com", account.Viewer)
		if err != nil {
			t.Fatal(err)
		}
		c.advance(account.InvitationTime + time.Second)
		_, err = s.Accept(t.Context(), token, "Eve", other, "192.0.2.2")
		want(t, "an old invitation", err, fault.NotFound)
		if list, err := s.Invitations(t.Context(), ada.Org); err != nil || len(list) != 0 {
			t.Errorf("invitations %v, %v, want none", list, err)
		}
	})
}

// However many administrators take each other's role away at once, one is left.
func TestOneAdministratorIsLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ada := founded(t, db, start())
		admins := []account.Member{ada}
		for _, email := range []string{"b@example.com", "c@example.com", "d@example.com"} {
			admins = append(admins, join(t, s, ada, email, account.Admin))
		}
		var wait sync.WaitGroup
		for i, m := range admins {
			wait.Go(func() {
				var err error
				if i%2 == 0 {
					err = s.SetRole(t.Context(), ada.Actor(""), m.ID, account.Viewer)
				} else {
					err = s.RemoveMember(t.Context(), ada.Actor(""), m.ID)
				}
				if err != nil && fault.KindOf(err) != fault.Conflict {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		members, err := s.Members(t.Context(), ada.Org)
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, m := range members {
			if m.Role == account.Admin {
				left++
			}
		}
		if left != 1 {
			t.Errorf("%d administrators are left of %+v, want 1", left, members)
		}
		want(t, "a member of nowhere", s.RemoveMember(t.Context(), ada.Actor(""), 99), fault.NotFound)
		foreign := audit.Actor{Org: ada.Org + 1}
		want(t, "a member of another organisation", s.RemoveMember(t.Context(), foreign, ada.ID), fault.NotFound)
	})
}

// L-09: whoever is removed, changes his password, or signs out elsewhere is signed
// out with the next request; a change of role counts at once.
func TestSessionsEndElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock(time.Now())
		s, ada := founded(t, db, c)
		bob := join(t, s, ada, "bob@example.com", account.Operator)
		here, url := console(t, s, db, c, false, bob)
		there, thereURL := console(t, s, db, c, false, bob)
		get(t, here, url+"/in")
		get(t, there, thereURL+"/in")
		check := func(when string, a, b int) {
			t.Helper()
			if x, y := get(t, here, url).StatusCode, get(t, there, thereURL).StatusCode; x != a || y != b {
				t.Errorf("%s: %d here and %d there, want %d and %d", when, x, y, a, b)
			}
		}
		check("signed in twice", http.StatusOK, http.StatusOK)
		ins, err := s.SignIns(t.Context(), bob)
		if err != nil || len(ins) != 2 || ins[0].Address != "192.0.2.1" || ins[0].Browser != "test" {
			t.Fatalf("signed in at %+v, %v", ins, err)
		}
		want(t, "somebody else's", s.EndSignIn(t.Context(), ada, ins[0].ID, ""), fault.NotFound)
		if err := s.EndSignIn(t.Context(), bob, ins[0].ID, ""); err != nil {
			t.Fatal(err)
		}
		check("signed out there", http.StatusOK, http.StatusUnauthorized)
		get(t, there, thereURL+"/in")

		want(t, "a wrong password", s.ChangePassword(t.Context(), bob, password, "orchid violin ferry moss", "", ins[1].ID), fault.Unauthorized)
		want(t, "a weak password", s.ChangePassword(t.Context(), bob, other, "passwordpassword", "", ins[1].ID), fault.Invalid)
		if err := s.ChangePassword(t.Context(), bob, other, "orchid violin ferry moss", "", ins[1].ID); err != nil {
			t.Fatal(err)
		}
		check("another password", http.StatusOK, http.StatusUnauthorized)
		if _, err := s.Login(t.Context(), bob.Email, "orchid violin ferry moss", ""); err != nil {
			t.Error(err)
		}
		if err := s.SetRole(t.Context(), ada.Actor(""), bob.ID, account.Viewer); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Member(t.Context(), bob.Org, bob.ID); err != nil || m.Role != account.Viewer {
			t.Errorf("after the change of role: %+v, %v", m, err)
		}
		if err := s.RemoveMember(t.Context(), ada.Actor(""), bob.ID); err != nil {
			t.Fatal(err)
		}
		check("removed", http.StatusUnauthorized, http.StatusUnauthorized)
		want(t, "a password of nobody", db.SetPassword(t.Context(), bob, "hash", 0, audit.Of(bob.Actor(""), audit.PasswordSet, c.now(), bob.Email)), fault.NotFound)
		_, err = s.Login(t.Context(), bob.Email, "orchid violin ferry moss", "")
		want(t, "signing in after that", err, fault.Unauthorized)
		join(t, s, ada, bob.Email, account.Viewer) // he may come back

		if _, err := db.BeginSignIn(t.Context(), ada, account.SignIn{Begun: c.now(), Seen: c.now()}); err != nil {
			t.Fatal(err)
		}
		c.advance(25 * time.Hour)
		if err := db.Sweep(t.Context(), c.now()); err != nil {
			t.Fatal(err)
		}
		if ins, err := db.SignIns(t.Context(), bob.Org, ada.ID, time.Time{}, time.Time{}); err != nil || len(ins) != 0 {
			t.Errorf("%d sign-ins are kept, %v, want none", len(ins), err)
		}
	})
}

func TestSettingsOfAnOrganisationAreChecked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ada := founded(t, db, start())
		good := account.Settings{Name: "Example Ltd", Zone: "Europe/London", Reporting: 48 * time.Hour, Awaited: time.Hour}
		for name, change := range map[string]func(*account.Settings){
			"no name":          func(s *account.Settings) { s.Name = " " },
			"no zone":          func(s *account.Settings) { s.Zone = "" },
			"Local":            func(s *account.Settings) { s.Zone = "Local" },
			"an unknown zone":  func(s *account.Settings) { s.Zone = "Mars/Olympus" },
			"half an hour":     func(s *account.Settings) { s.Reporting = 30 * time.Minute },
			"an odd hour":      func(s *account.Settings) { s.Listed = 90 * time.Minute },
			"two years":        func(s *account.Settings) { s.Awaited = 2 * 366 * 24 * time.Hour },
			"listed before it": func(s *account.Settings) { s.Listed = 24 * time.Hour },
		} {
			bad := good
			change(&bad)
			want(t, name, s.Change(t.Context(), ada.Actor(""), nil, bad), fault.Invalid)
		}
		for range 2 {
			if err := s.Change(t.Context(), ada.Actor(""), nil, good); err != nil {
				t.Fatal(err)
			}
		}
		o, err := db.Organisation(t.Context(), ada.Org)
		if err != nil {
			t.Fatal(err)
		}
		if o.Name != good.Name || o.Zone.String() != good.Zone ||
			o.Thresholds != (usage.Thresholds{Reporting: 48 * time.Hour, Listed: 720 * time.Hour, Awaited: time.Hour}) {
			t.Errorf("organisation %+v", o)
		}
		entries, err := db.Entries(t.Context(), ada.Org, audit.Query{Act: audit.Changed})
		if err != nil || len(entries) != 1 || !strings.Contains(entries[0].Detail, "48 h, default, 1 h") {
			t.Errorf("entries %+v, %v, want one", entries, err)
		}
		if !slices.Contains(audit.Acts, audit.Changed) {
			t.Error("the act is not listed")
		}
	})
}
