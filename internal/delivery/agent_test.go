package delivery_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/spool/spooltest"
	"headroom/internal/agent/upload"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// guids are the license servers that the agent reads.
var guids = []string{"0199a3f2-0000-7000-8000-00000000000a", "0199a3f2-0000-7000-8000-00000000000b"}

const version = "1.2.3"

// keyOf is the key of a name.
func keyOf(name string) (ed25519.PublicKey, ed25519.PrivateKey) {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	return key.Public().(ed25519.PublicKey), key
}

// An agentSide is the agent's side of the way: the real spool on a disk that
// forgets, the real client and uploader. A clone is another one with the same
// key, on a copy of the disk.
type agentSide struct {
	w        *world
	name     string
	disk     *spooltest.Disk
	spool    *spool.Spool
	client   *upload.Client
	resender *upload.Resender
	skew     time.Duration // its clock minus the true one; whole hours
	budget   int64
	cutOff   bool      // no way to the hub
	removed  bool      // it was told so
	heard    time.Time // when its last exchange with the hub went well

	kept    *spooltest.Disk // a copy of the disk, from some time ago
	refused []*sample       // found no room, and not declared yet as far as we know
}

func (a *agentSide) now() time.Time { return a.w.now.Add(a.skew) }

// start starts the agent on its disk as it is, until that goes well.
func (a *agentSide) start() {
	a.w.t.Helper()
	a.client = &upload.Client{
		Hub: "http://hub.example.com", HTTP: &http.Client{Transport: a}, Key: a.w.key, Version: version, Now: a.now,
	}
	a.client.SetHubID(hubID)
	a.resender = &upload.Resender{Now: a.now}
	// What was refused was remembered in memory only.
	for _, s := range a.refused {
		s.excused = "refused, and the agent ended before it could be declared"
	}
	a.refused = nil
	for {
		var err error
		a.spool, _, err = spool.New(a.disk, spool.Options{
			Now: a.now, Declare: upload.EncodeGap, Ballast: 64, Budget: a.budget,
		})
		if err == nil {
			return
		}
		if a.disk.Dead {
			a.w.t.Fatalf("%s does not start: %v", a.name, err)
		}
		a.w.say("%s does not start: %v", a.name, err)
	}
}

// powerCut cuts the power and starts the agent again on what the disk has kept.
func (a *agentSide) powerCut() {
	a.w.t.Helper()
	a.disk = a.disk.PowerCut(func() bool { return a.w.rnd.IntN(2) == 0 }, a.w.rnd)
	a.w.say("power cut of %s: %d files are left", a.name, len(a.disk.Names()))
	a.start()
}

// read takes a sample of a license server.
func (a *agentSide) read(server int) {
	s := a.w.newSample(a, server)
	record, err := upload.EncodeReading(guids[server], version, time.Unix(s.at, 0), &wire.Samples{
		At: []int64{s.at}, Interval: 3600, Complete: true, Source: "sim", Own: true, OffsetMS: s.offset,
		Pools: []wire.SampledPool{{
			PoolKey: wire.PoolKey{Feature: "feature"}, State: license.StateCounted.String(),
			InUse: wire.Counts{license.Of(s.n)}, Installed: wire.Counts{license.Of(1 << 30)},
		}},
	})
	if err != nil {
		a.w.t.Fatal(err)
	}
	err = a.spool.Append(guids[server], time.Unix(s.at, 0), record)
	switch {
	case err == nil:
		s.kept = true
		a.refused = nil // whatever waited to be declared came first
	case a.disk.Dead:
		s.excused = "the power was cut while it was kept"
	default:
		a.refused = append(a.refused, s)
		a.w.say("%s did not keep %d: %v", a.name, s.n, err)
	}
}

// exchange does what an agent does with its hub: ask what is wanted, send what
// it has.
func (a *agentSide) exchange() error {
	ctx := context.Background()
	epochs := a.spool.Epochs()
	answer, err := a.client.Poll(ctx, wire.PollRequest{Epoch: epochs[0], Next: a.spool.Epoch().Seq, Version: version, Servers: infos()})
	if err != nil {
		return a.over(err)
	}
	again, err := a.resender.Resend(a.spool, epochs, answer.Complete)
	for _, n := range again {
		a.w.say("%s sends %d batches again", a.name, n)
		a.w.count.resent += n
	}
	if err != nil {
		return err
	}
	for _, guid := range guids {
		if answer.Servers[guid] != wire.ServerApproved {
			return fmt.Errorf("license server %s is %q", guid, answer.Servers[guid])
		}
		if _, err := upload.Pack(a.spool, guid, version, a.now, asItIs); err != nil {
			return err
		}
	}
	report, err := upload.Drain(ctx, a.client, a.spool, quiet)
	a.w.count.batches += report.Batches
	a.w.count.refused += report.Refused
	a.w.say("%s sent %+v: %v", a.name, report, err)
	if err == nil {
		a.heard = a.w.now
	}
	return a.over(err)
}

// over notes that the hub does not want this agent any more.
func (a *agentSide) over(err error) error {
	if errors.Is(err, upload.ErrRemoved) {
		a.removed = true
	}
	return err
}

// register joins the organisation, at first and after a removal.
func (a *agentSide) register() {
	t := a.w.t
	t.Helper()
	ctx := context.Background()
	r, err := a.client.Register(ctx, wire.RegistrationRequest{
		AgentGUID: "0199a3f2-0000-7000-8000-000000000001", PublicKey: base64.RawURLEncoding.EncodeToString(a.w.key.Public().(ed25519.PublicKey)),
		Host: "lic", Platform: "linux/amd64", Version: version, Servers: infos(),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.w.hub.admit(r.Code)
	if err := a.client.Confirm(ctx, r.ID, wire.Confirmation{OrganisationID: "4F2K", Accept: true}); err != nil {
		t.Fatal(err)
	}
	a.removed = false
	a.resender.Forget()
}

func infos() []wire.ServerInfo {
	var all []wire.ServerInfo
	for i, guid := range guids {
		all = append(all, wire.ServerInfo{GUID: guid, Name: fmt.Sprintf("lic%d", i), Hosts: []string{"lic"}, Port: 27000 + i, Manager: "flexnet"})
	}
	return all
}

// asItIs screens nothing.
func asItIs(records []wire.Record) ([]wire.Record, error) { return records, nil }

// crashIn lets the power fail some file operations from now on.
func (a *agentSide) crashIn(operations int) {
	last := a.disk.Ops + operations
	a.disk.Fault = func(op int, _ string) error {
		if op >= last {
			return spooltest.ErrPower
		}
		return nil
	}
}

// errIO is what a disk says that is about to fail.
var errIO = errors.New("input/output error")

// failNow and then lets file operations fail.
func (a *agentSide) failNowAndThen(rnd *rand.Rand) {
	a.disk.Fault = func(int, string) error {
		if rnd.IntN(40) == 0 {
			return errIO
		}
		return nil
	}
}
