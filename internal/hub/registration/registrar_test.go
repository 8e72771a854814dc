package registration_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// A desk is a registrar with a clock that the test moves and one organisation.
type desk struct {
	*registration.Registrar
	t     testing.TB
	db    *store.DB
	now   time.Time
	actor audit.Actor
}

func newDesk(t testing.TB, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	d.Registrar = &registration.Registrar{
		Store: db, Now: func() time.Time { return d.now }, Rand: rand.Reader,
		CodeKey: []byte("key of the codes"), Words: wire.Words, Limits: registration.DefaultLimits,
	}
	if _, err := db.SetSetupToken(t.Context(), []byte("token")); err != nil {
		t.Fatal(err)
	}
	m, err := db.Setup(t.Context(), []byte("token"),
		account.Organisation{PublicID: "ABCD2345", Name: "Example Corp", Zone: "UTC", Created: d.now},
		account.Login{Member: account.Member{Email: "a.admin@example.com", Name: "Anna", Role: account.Admin}},
		audit.Entry{Act: audit.Founded, At: d.now})
	if err != nil {
		t.Fatal(err)
	}
	d.actor = audit.Actor{Org: m.Org, Member: m.ID, Name: m.Email}
	return d
}

// received makes a server one of which a reading was just received.
func (d *desk) received(a registration.Agent, guid string) {
	d.t.Helper()
	o, err := d.db.PutBatch(d.t.Context(), &ingest.Batch{
		Org: a.Org, Agent: a.ID, ID: ingest.ID{Epoch: "e", Seq: 1}, Hash: []byte("hash"), Received: d.now, Server: guid, Records: 1, Reading: d.now.Unix(),
	})
	if err != nil || o != ingest.Stored {
		d.t.Fatalf("put a batch: %v, %v", o, err)
	}
}

// request is what the agent with this number asks; its key is its own.
func request(n int) registration.Request {
	key := bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 16)
	return registration.Request{
		AgentGUID: fmt.Sprintf("agent-%08d", n), KeyID: wire.KeyID(key), PublicKey: key,
		Host: fmt.Sprintf("lic%02d.example.com", n), Platform: "linux/amd64", Version: "1.0",
		Address: fmt.Sprintf("192.0.2.%d", n%250),
		Servers: []license.Server{{
			GUID: fmt.Sprintf("server-%08d", n), Name: fmt.Sprintf("lic%02d", n), Hosts: []string{"lic.example.com"},
			Port: 27000, Manager: "flexnet", Version: "11.19",
		}},
	}
}

func (d *desk) ask(q registration.Request) registration.Issued {
	d.t.Helper()
	issued, err := d.Request(d.t.Context(), q)
	if err != nil {
		d.t.Fatal(err)
	}
	return issued
}

// register takes a request all the way.
func (d *desk) register(q registration.Request) registration.Agent {
	d.t.Helper()
	issued := d.ask(q)
	if err := d.Approve(d.t.Context(), d.actor, issued.Code); err != nil {
		d.t.Fatal(err)
	}
	if err := d.Confirm(d.t.Context(), issued.ID, q.KeyID, "ABCD2345", true, "192.0.2.9"); err != nil {
		d.t.Fatal(err)
	}
	a, err := d.ByKey(d.t.Context(), q.KeyID)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *desk) wantKind(what string, err error, want fault.Kind) {
	d.t.Helper()
	if err == nil || fault.KindOf(err) != want {
		d.t.Errorf("%s: %v (kind %d), want kind %d", what, err, fault.KindOf(err), want)
	}
}

func (d *desk) wantState(issued registration.Issued, q registration.Request, want registration.State) {
	d.t.Helper()
	d.now = d.now.Add(time.Minute) // slow enough for any interval
	p, err := d.Poll(d.t.Context(), issued.ID, q.KeyID)
	if err != nil || p.State != want {
		d.t.Errorf("Poll = %q, %v, want %q", p.State, err, want)
	}
}

func TestAgentIsAdmittedByBothSides(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		issued := d.ask(q)
		v, err := d.Review(t.Context(), d.actor, strings.ToLower(issued.Code))
		if err != nil {
			t.Fatal(err)
		}
		want := registration.Review{
			ID: issued.ID, Host: q.Host, Platform: q.Platform, Version: q.Version, Address: q.Address,
			Asked: d.now, Expires: d.now.Add(10 * time.Minute), Words: wire.Words(q.PublicKey), Servers: q.Servers,
		}
		if diff := cmp.Diff(v, want); diff != "" {
			t.Errorf("Review (-got +want):\n%s", diff)
		}
		d.wantState(issued, q, registration.Waiting)
		if err := d.Approve(t.Context(), d.actor, issued.Code); err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(time.Minute)
		p, err := d.Poll(t.Context(), issued.ID, q.KeyID)
		if err != nil || p.State != registration.Approved || p.OrganisationID != "ABCD2345" ||
			p.OrganisationName != "Example Corp" || p.ApprovedBy != "a.admin@example.com" {
			t.Errorf("Poll after approval = %+v, %v", p, err)
		}
		_, err = d.ByKey(t.Context(), q.KeyID)
		d.wantKind("key before the confirmation", err, fault.Unauthorized)
		standing, err := d.Standing(t.Context(), d.actor.Org)
		if err != nil || len(standing) != 1 || standing[0].State != registration.Approved || standing[0].Host != q.Host {
			t.Errorf("Standing = %+v, %v, want the approved one", standing, err)
		}

		confirmed := d.now
		d.wantKind("confirmation of another organisation", d.Confirm(t.Context(), issued.ID, q.KeyID, "OTHER234", true, "192.0.2.9"), fault.Conflict)
		d.wantKind("confirmation by another key", d.Confirm(t.Context(), issued.ID, request(2).KeyID, "ABCD2345", true, "192.0.2.9"), fault.Unauthorized)
		for range 2 { // an answer that was lost is given again
			if err := d.Confirm(t.Context(), issued.ID, q.KeyID, "ABCD2345", true, "192.0.2.9"); err != nil {
				t.Fatal(err)
			}
		}
		d.wantState(issued, q, registration.Confirmed)
		agents, err := d.List(t.Context(), d.actor.Org)
		if err != nil {
			t.Fatal(err)
		}
		admitted := []registration.Agent{{
			ID: 1, Org: d.actor.Org, GUID: q.AgentGUID, PublicKey: q.PublicKey, Host: q.Host, Platform: q.Platform,
			Version: q.Version, Registered: confirmed, ApprovedBy: "a.admin@example.com", LastSeen: confirmed, Servers: q.Servers,
		}}
		if diff := cmp.Diff(agents, admitted); diff != "" {
			t.Errorf("List (-got +want):\n%s", diff)
		}
		if standing, err := d.Standing(t.Context(), d.actor.Org); err != nil || len(standing) != 0 {
			t.Errorf("Standing = %+v, %v, want none", standing, err)
		}
	})
}

// E-03.
func TestCodeWorksOnceAndForTenMinutes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		review := func(code string) error {
			_, err := d.Review(t.Context(), d.actor, code)
			return err
		}
		first := d.ask(request(1))
		d.now = d.now.Add(10*time.Minute - time.Second)
		if err := review(first.Code); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		again := *d // another hub process, or this one after a restart
		again.Registrar = &registration.Registrar{
			Store: db, Now: d.Now, Rand: rand.Reader, CodeKey: d.CodeKey, Words: wire.Words, Limits: d.Limits,
		}
		if _, err := again.Review(t.Context(), d.actor, first.Code); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		d.now = d.now.Add(time.Second)
		expired := review(first.Code)
		d.wantKind("after ten minutes", expired, fault.NotFound)
		d.wantState(first, request(1), registration.Expired)

		second := d.ask(request(1))
		third := d.ask(request(1))
		d.wantKind("code that was replaced", review(second.Code), fault.NotFound)
		if err := d.Approve(t.Context(), d.actor, third.Code); err != nil {
			t.Fatal(err)
		}
		used := review(third.Code)
		d.wantKind("code that was used", used, fault.NotFound)

		fourth := d.ask(request(2))
		if err := d.Refuse(t.Context(), d.actor, fourth.Code); err != nil {
			t.Fatal(err)
		}
		d.wantState(fourth, request(2), registration.Refused)
		for name, err := range map[string]error{
			"used": used, "refused": review(fourth.Code), "unknown": review("22222-22222"), "no code": review("what?"),
		} {
			if fault.Message(err) != fault.Message(expired) || fault.KindOf(err) != fault.KindOf(expired) {
				t.Errorf("a code that is %s reads %q, want the words of an expired one, %q", name, err, expired)
			}
		}
	})
}

// E-03: of 20 at once, one.
func TestRacingApprovalsHaveOneWinner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.Limits.Account, d.Limits.Organisation = 1000, 1000
		code := d.ask(request(1)).Code
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				err := d.Approve(t.Context(), d.actor, code)
				switch {
				case err == nil:
					won.Add(1)
				case fault.KindOf(err) != fault.NotFound:
					t.Errorf("Approve = %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d approvals were successful, want 1", won.Load())
		}
	})
}

// E-02: five wrong codes of an account, twenty of an organisation, also when
// they are tried at once.
func TestWrongCodesAreLimited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		good := d.ask(request(1)).Code
		works := func(member int64) bool {
			t.Helper()
			_, err := d.Review(t.Context(), audit.Actor{Org: d.actor.Org, Member: member}, good)
			if err != nil {
				d.wantKind("a good code", err, fault.NotFound)
			}
			return err == nil
		}
		wrong := func(member int64, times int) {
			var wg sync.WaitGroup
			for i := range times {
				wg.Go(func() {
					typed := "22222-2222" + registration.Symbols[i:i+1]
					_, err := d.Review(t.Context(), audit.Actor{Org: d.actor.Org, Member: member}, typed)
					if fault.KindOf(err) != fault.NotFound {
						t.Errorf("a wrong code: %v", err)
					}
				})
			}
			wg.Wait()
		}
		wrong(1, 4)
		for range 10 {
			if !works(1) {
				t.Fatal("a good code does not work after 4 wrong ones; good ones must not count")
			}
		}
		wrong(1, 1)
		if works(1) {
			t.Error("a good code works after 5 wrong ones of this account")
		}
		if !works(2) {
			t.Error("a colleague has to wait for one account's wrong codes")
		}
		wrong(2, 25) // 5 count
		wrong(3, 25)
		wrong(4, 4)
		if !works(5) {
			t.Error("a good code does not work after 19 wrong ones of the organisation")
		}
		wrong(4, 1)
		if works(5) {
			t.Error("a good code works after 20 wrong ones of the organisation")
		}
		d.now = d.now.Add(time.Hour)
		good = d.ask(request(1)).Code
		if !works(1) || !works(5) {
			t.Error("a good code does not work an hour later")
		}
	})
}

func TestLiveCodesAreLimited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.Limits.Live, d.Limits.PerAddress = 12, 5
		var ok atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				q := request(i)
				q.Address = "2001:db8::" + fmt.Sprint(i+1) // one /64
				_, err := d.Request(context.WithoutCancel(t.Context()), q)
				switch {
				case err == nil:
					ok.Add(1)
				case fault.KindOf(err) != fault.TooMany:
					t.Errorf("Request = %v", err)
				}
			})
		}
		wg.Wait()
		if ok.Load() != 5 {
			t.Errorf("%d codes live for one network, want 5", ok.Load())
		}
		for i := range 10 {
			_, err := d.Request(t.Context(), request(100+i))
			if got, want := err == nil, i < 7; got != want {
				t.Errorf("code %d of other addresses: %v, want success %v", i, err, want)
			}
		}
		if _, err := d.Request(t.Context(), request(100)); err != nil {
			t.Errorf("a new code for a key that has one already: %v", err)
		}
		d.now = d.now.Add(11 * time.Minute)
		if _, err := d.Request(t.Context(), request(200)); err != nil {
			t.Errorf("after the others ended: %v", err)
		}
	})
}

// E-05.
func TestPollIsForTheKeyAndNotTooOften(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		issued := d.ask(q)
		if issued.Poll != 5*time.Second {
			t.Errorf("first interval = %v, want 5s", issued.Poll)
		}
		poll := func(after time.Duration) (registration.Progress, error) {
			d.now = d.now.Add(after)
			return d.Poll(t.Context(), issued.ID, q.KeyID)
		}
		_, err := d.Poll(t.Context(), issued.ID, request(2).KeyID)
		d.wantKind("another key", err, fault.Unauthorized)
		_, err = d.Poll(t.Context(), "no such id", q.KeyID)
		d.wantKind("unknown id", err, fault.Unauthorized)
		for range 3 {
			if p, err := poll(5 * time.Second); err != nil || p.Poll != 5*time.Second {
				t.Errorf("Poll in time = %+v, %v, want no error and 5s", p, err)
			}
		}
		_, err = poll(2 * time.Second)
		d.wantKind("too soon", err, fault.TooMany)
		if p, err := poll(10 * time.Second); err != nil || p.Poll != 10*time.Second {
			t.Errorf("Poll after one too soon = %+v, %v, want 10s", p, err)
		}
		if p, err := poll(time.Minute); err != nil || p.Poll != 35*time.Second {
			t.Errorf("Poll after a minute = %+v, %v, want 35s", p, err)
		}
	})
}

// E-08.
func TestKnownAgentKeepsItsIdentityOnlyByApproval(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, old := newDesk(t, db), request(1)
		before := d.register(old)
		thief := request(2) // another key that claims the GUIDs
		thief.AgentGUID, thief.Servers = old.AgentGUID, old.Servers
		issued := d.ask(thief)
		if a, err := d.ByKey(t.Context(), old.KeyID); err != nil || !a.Removed.IsZero() {
			t.Errorf("old key while a new one asks: %+v, %v, want it to work", a, err)
		}
		v, err := d.Review(t.Context(), d.actor, issued.Code)
		if err != nil || !v.Again {
			t.Errorf("Review = %+v, %v, want it to say that the GUID is known", v, err)
		}
		if err := d.Approve(t.Context(), d.actor, issued.Code); err != nil {
			t.Fatal(err)
		}
		if a, err := d.ByKey(t.Context(), old.KeyID); err != nil || !a.Removed.IsZero() {
			t.Errorf("old key before the confirmation: %+v, %v, want it to work", a, err)
		}
		if err := d.Confirm(t.Context(), issued.ID, thief.KeyID, "ABCD2345", true, "192.0.2.9"); err != nil {
			t.Fatal(err)
		}
		after, err := d.ByKey(t.Context(), thief.KeyID)
		if err != nil || after.ID != before.ID || !after.Removed.IsZero() {
			t.Errorf("new key leads to %+v, %v, want agent %d", after, err, before.ID)
		}
		if a, err := d.ByKey(t.Context(), old.KeyID); err != nil || a.Removed.IsZero() {
			t.Errorf("old key afterwards: %+v, %v, want it ended", a, err)
		}
		agents, err := d.List(t.Context(), d.actor.Org)
		if err != nil || len(agents) != 1 || len(agents[0].Servers) != 1 {
			t.Errorf("List = %+v, %v, want one agent with one server", agents, err)
		}
	})
}

func TestRemovedKeyIsRefusedAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		a := d.register(q)
		other := audit.Actor{Org: d.actor.Org + 1}
		d.wantKind("removal by another organisation", d.Remove(t.Context(), other, a.ID), fault.NotFound)
		for range 2 {
			if err := d.Remove(t.Context(), d.actor, a.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := d.ByKey(t.Context(), q.KeyID); err != nil || !got.Removed.Equal(d.now) {
			t.Errorf("ByKey = %+v, %v, want it removed at %v", got, err, d.now)
		}
		d.now = d.now.Add(time.Hour)
		back := d.register(q)
		if back.ID != a.ID || !back.Removed.IsZero() {
			t.Errorf("registered again: %+v, want agent %d", back, a.ID)
		}
		if err := d.RemoveSelf(t.Context(), back, "192.0.2.9"); err != nil {
			t.Fatal(err)
		}
		if got, err := d.ByKey(t.Context(), q.KeyID); err != nil || got.Removed.IsZero() {
			t.Errorf("after removing itself: %+v, %v, want it removed", got, err)
		}
	})
}

func TestWithdrawnApprovalCannotBeConfirmed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		issued := d.ask(q)
		if err := d.Approve(t.Context(), d.actor, issued.Code); err != nil {
			t.Fatal(err)
		}
		d.wantKind("withdrawal by another organisation", d.Withdraw(t.Context(), audit.Actor{Org: 99}, issued.ID), fault.NotFound)
		if err := d.Withdraw(t.Context(), d.actor, issued.ID); err != nil {
			t.Fatal(err)
		}
		d.wantKind("confirmation", d.Confirm(t.Context(), issued.ID, q.KeyID, "ABCD2345", true, "192.0.2.9"), fault.Conflict)
		_, err := d.ByKey(t.Context(), q.KeyID)
		d.wantKind("key", err, fault.Unauthorized)

		issued = d.ask(q)
		if err := d.Approve(t.Context(), d.actor, issued.Code); err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(24 * time.Hour)
		d.wantKind("confirmation a day later", d.Confirm(t.Context(), issued.ID, q.KeyID, "ABCD2345", true, "192.0.2.9"), fault.Conflict)
	})
}

func TestNewServerWaitsForApproval(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		a, other := d.register(q), d.register(request(2))
		added := license.Server{GUID: "server-added-1", Name: "new", Hosts: []string{"new.example.com"}, Manager: "flexnet"}
		contact := func(a registration.Agent, servers ...license.Server) map[string]registration.ServerState {
			t.Helper()
			d.now = d.now.Add(time.Minute)
			answer, err := d.Contact(t.Context(), a, registration.Contact{At: d.now, Version: "1.1", Servers: servers})
			if err != nil {
				t.Fatal(err)
			}
			return answer.Servers
		}
		want := map[string]registration.ServerState{q.Servers[0].GUID: registration.ServerApproved, added.GUID: registration.ServerPending}
		if diff := cmp.Diff(contact(a, q.Servers[0], added), want); diff != "" {
			t.Errorf("first poll with a new server (-got +want):\n%s", diff)
		}
		pending, err := d.Pending(t.Context(), d.actor.Org)
		if err != nil || len(pending) != 1 || !cmp.Equal(pending[0].Server, added) || pending[0].Host != q.Host {
			t.Errorf("Pending = %+v, %v, want %+v of %s", pending, err, added, q.Host)
		}
		d.wantKind("approval by another organisation", d.ApproveServer(t.Context(), audit.Actor{Org: 99}, added.GUID), fault.NotFound)
		if err := d.ApproveServer(t.Context(), d.actor, added.GUID); err != nil {
			t.Fatal(err)
		}
		d.wantKind("second approval", d.ApproveServer(t.Context(), d.actor, added.GUID), fault.NotFound)
		want[added.GUID] = registration.ServerApproved
		if diff := cmp.Diff(contact(a, q.Servers[0], added), want); diff != "" {
			t.Errorf("poll after the approval (-got +want):\n%s", diff)
		}
		// Another agent that names a server does not get it.
		if got := contact(other, added)[added.GUID]; got != registration.ServerPending {
			t.Errorf("server of another agent is %q, want pending", got)
		}
		if got := contact(a, added)[added.GUID]; got != registration.ServerApproved {
			t.Errorf("afterwards it is %q for its agent, want approved", got)
		}
		agents, err := d.List(t.Context(), d.actor.Org)
		if err != nil || len(agents) != 2 || len(agents[0].Servers) != 2 || agents[0].Version != "1.1" {
			t.Errorf("List = %+v, %v, want the first agent with 2 servers, version 1.1", agents, err)
		}
	})
}

func TestRequestsAreChecked(t *testing.T) {
	d := newDesk(t, storetest.New(t))
	for name, change := range map[string]func(*registration.Request){
		"no key":            func(q *registration.Request) { q.PublicKey = nil },
		"no GUID":           func(q *registration.Request) { q.AgentGUID = "" },
		"odd GUID":          func(q *registration.Request) { q.AgentGUID = "x'; DROP TABLE" },
		"no host":           func(q *registration.Request) { q.Host = "" },
		"host with NUL":     func(q *registration.Request) { q.Host = "a\x00b" },
		"host not UTF-8":    func(q *registration.Request) { q.Host = "a\xffb" },
		"long version":      func(q *registration.Request) { q.Version = strings.Repeat("x", 513) },
		"server twice":      func(q *registration.Request) { q.Servers = append(q.Servers, q.Servers[0]) },
		"port":              func(q *registration.Request) { q.Servers[0].Port = 65536 },
		"server with break": func(q *registration.Request) { q.Servers[0].Name = "a\nb" },
		"many hosts":        func(q *registration.Request) { q.Servers[0].Hosts = slices.Repeat([]string{"h"}, 9) },
	} {
		q := request(1)
		change(&q)
		_, err := d.Request(t.Context(), q)
		d.wantKind(name, err, fault.Invalid)
	}
	q := request(1)
	q.Servers = make([]license.Server, 101)
	_, err := d.Request(t.Context(), q)
	d.wantKind("101 servers", err, fault.TooLarge)
}

// An update that an administrator asks for is told to the agent of that server, for
// a while or until it came.
func TestAPlaceIsSetUntilItIsSetAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		d.register(q)
		server := q.Servers[0].GUID
		d.wantKind("of a server that there is not", d.SetPlace(t.Context(), d.actor, "nobody", registration.Place{}), fault.NotFound)
		d.wantKind("by another organisation", d.SetPlace(t.Context(), audit.Actor{Org: 99}, server, registration.Place{}), fault.NotFound)
		for _, want := range []registration.Place{{Site: "Hamburg", Tags: []string{"cad", "test"}}, {}} {
			if err := d.SetPlace(t.Context(), d.actor, server, want); err != nil {
				t.Fatal(err)
			}
			all, err := db.Servers(t.Context(), d.actor.Org)
			if err != nil || all[0].Site != want.Site || !slices.Equal(all[0].Tags, want.Tags) {
				t.Errorf("site %q and tags %q (%v), want %+v", all[0].Site, all[0].Tags, err, want)
			}
		}
	})
}

func TestUpdateIsAskedForUntilItComes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, q := newDesk(t, db), request(1)
		a, other := d.register(q), d.register(request(2))
		server := q.Servers[0].GUID
		tells := func(when string, a registration.Agent, want bool) {
			t.Helper()
			answer, err := d.Contact(t.Context(), a, registration.Contact{At: d.now, Version: "1.1"})
			if err != nil || answer.Upload != want {
				t.Errorf("%s the agent is told to send: %v (%v), want %v", when, answer.Upload, err, want)
			}
		}
		tells("before it is asked for", a, false)
		d.wantKind("of a server that there is not", d.AskUpload(t.Context(), d.actor, "nobody"), fault.NotFound)
		d.wantKind("by another organisation", d.AskUpload(t.Context(), audit.Actor{Org: 99}, server), fault.NotFound)
		if err := d.AskUpload(t.Context(), d.actor, server); err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(time.Minute)
		tells("after a minute", a, true)
		tells("another agent:", other, false)
		d.now = d.now.Add(registration.UploadWaits - time.Minute)
		tells("at the last moment", a, true)
		d.now = d.now.Add(time.Second)
		tells("then", a, false)

		if err := d.AskUpload(t.Context(), d.actor, server); err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(time.Minute)
		tells("asked again,", a, true)
		d.received(a, server)
		tells("once a reading came", a, false)

		if err := d.Remove(t.Context(), d.actor, a.ID); err != nil {
			t.Fatal(err)
		}
		d.wantKind("of a removed agent", d.AskUpload(t.Context(), d.actor, server), fault.NotFound)
	})
}

// What fails leaves no entry in the audit log, however late it fails: here when the
// agent is made, after the registration's row was changed.
func TestActsThatFailAreNotTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.register(request(1))
		thief := request(2)
		thief.KeyID, thief.PublicKey = request(1).KeyID, request(1).PublicKey
		issued := d.ask(thief)
		if err := d.Approve(t.Context(), d.actor, issued.Code); err != nil {
			t.Fatal(err)
		}
		d.wantKind("a key of another agent", d.Confirm(t.Context(), issued.ID, thief.KeyID, "ABCD2345", true, "192.0.2.9"), fault.Conflict)
		d.wantKind("removal of an agent that there is not", d.Remove(t.Context(), d.actor, 99), fault.NotFound)
		entries, err := db.Entries(t.Context(), d.actor.Org, audit.Query{})
		if err != nil {
			t.Fatal(err)
		}
		var told []audit.Act
		for _, e := range entries {
			told = append(told, e.Act)
		}
		if want := []audit.Act{audit.Approved, audit.Confirmed, audit.Approved, audit.Founded}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
