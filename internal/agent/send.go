package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

const (
	firstUpload = time.Minute     // after the registration
	idleWait    = time.Hour       // where nothing is due before somebody does something
	defaultPoll = 5 * time.Minute // where the hub does not say
)

// hubLoop does what is due between the agent and the hub.
func (a *Agent) hubLoop(ctx context.Context) error {
	for {
		wait, err := a.step(ctx)
		if err != nil {
			return err
		}
		timer := time.NewTimer(max(wait, time.Second))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-a.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// step does what is due and returns how long nothing else is.
func (a *Agent) step(ctx context.Context) (time.Duration, error) {
	var sharing bool
	var reg *registration
	a.look(func(st state) { sharing, reg = st.Sharing, st.Registration })
	if !sharing || reg == nil {
		return idleWait, nil
	}
	var err error
	switch reg.State {
	case wire.RegistrationWaiting, wire.RegistrationApproved:
		_, err = a.Standing(ctx)
	case wire.RegistrationConfirmed:
		err = a.exchange(ctx)
	default:
		return idleWait, nil
	}
	return a.next(ctx, err)
}

// exchange polls and uploads as far as each is due. What the hub wants stays
// wanted until an upload went well.
func (a *Agent) exchange(ctx context.Context) error {
	now := a.options.Now()
	if !now.Before(a.duePoll()) {
		if err := a.poll(ctx); err != nil {
			return err
		}
	}
	if a.isWanted() || !now.Before(a.dueUpload()) {
		_, err := a.Upload(ctx)
		return err
	}
	return nil
}

func (a *Agent) isWanted() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.wanted
}

func (a *Agent) want(yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wanted = yes
}

// next notes how an exchange went and returns when the next one is due.
func (a *Agent) next(ctx context.Context, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, nil
	}
	if errors.Is(err, upload.ErrRemoved) {
		a.options.Log.Warn("the hub has removed this agent's registration; readings go on and nothing is sent until it is registered again")
		return idleWait, a.end(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		wait := a.backoff.Next(err)
		a.failure = err.Error()
		a.options.Log.Warn("the hub was not reached, or said no", "err", err, "retry_in", wait.Round(time.Second))
		return wait, nil
	}
	a.failure = ""
	a.backoff.Reset()
	if a.state.Registration == nil {
		return idleWait, nil
	}
	if a.state.Registration.State != wire.RegistrationConfirmed {
		return max(a.askAgain, time.Second), nil
	}
	due := a.pollDue
	if up := a.uploadDueLocked(); up.Before(due) {
		due = up
	}
	return due.Sub(a.options.Now()), nil
}

// end notes that the registration is over.
func (a *Agent) end(why error) error {
	a.mu.Lock()
	a.failure, a.approved = why.Error(), nil
	a.mu.Unlock()
	return a.change(func(st *state) {
		if st.Registration != nil {
			r := *st.Registration
			r.State = removed
			st.Registration = &r
		}
	})
}

func (a *Agent) duePoll() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pollDue
}

func (a *Agent) dueUpload() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.uploadDueLocked()
}

// uploadDueLocked: the first upload is a minute after the registration, each
// further one upload_every after the one before.
func (a *Agent) uploadDueLocked() time.Time {
	if a.state.LastUpload.Before(a.state.Registered) {
		return a.state.Registered.Add(firstUpload)
	}
	return a.state.LastUpload.Add(time.Duration(a.config.UploadEvery))
}

// poll gives a sign of life and notes what the hub wants.
func (a *Agent) poll(ctx context.Context) error {
	epochs := a.spool.Epochs()
	answer, err := a.client.Poll(ctx, a.pollRequest())
	if err != nil {
		return err
	}
	a.warnOfRevocation()
	every := time.Duration(answer.Poll) * time.Second
	if every <= 0 {
		every = defaultPoll
	}
	a.mu.Lock()
	a.approved, a.pollDue = servers(answer), a.options.Now().Add(every)
	a.mu.Unlock()
	if err := a.witness(answer.Witness); err != nil {
		a.options.Log.Warn("where the hub's audit log ends is not kept", "err", err)
	}
	again, err := a.resender.Resend(a.spool, epochs, answer.Complete)
	for epoch, n := range again {
		a.options.Log.Warn("the hub has lost batches; they are sent again", "batches", n, "epoch", epoch, "from", answer.Complete[epoch])
		a.want(true)
	}
	if err != nil {
		return err
	}
	for _, want := range answer.Wants {
		switch want {
		case wire.WantUpload:
			a.want(true)
		case wire.WantDeregister:
			return upload.ErrRemoved
		default:
			a.options.Log.Warn("the hub asks for something that this agent does not do; it is ignored", "want", want)
		}
	}
	return nil
}

// warnOfRevocation tells, once each, what is not known of the hub's certificate.
func (a *Agent) warnOfRevocation() {
	if a.way == nil {
		return
	}
	found := a.way.Revocation()
	if found.At.IsZero() || found.Known || found.Text == a.warned {
		return
	}
	a.warned = found.Text
	a.options.Log.Warn("it is not known whether the hub's certificate was revoked", "why", found.Text, "mend", "headroom agent doctor")
}

func (a *Agent) pollRequest() wire.PollRequest {
	next := a.spool.Epoch()
	return wire.PollRequest{
		Epoch: next.Epoch, Next: next.Seq, Version: a.options.Version, Servers: a.infos(), Waiting: a.spool.Stats().Waiting, Reading: a.readStates(),
	}
}

// servers is the state of each server at the hub; never nil.
func servers(answer wire.PollAnswer) map[string]string {
	if answer.Servers == nil {
		return map[string]string{}
	}
	return answer.Servers
}

func (a *Agent) readStates() []wire.ReadState {
	var out []wire.ReadState
	for _, s := range a.sources {
		s.mu.Lock()
		if s.last.At != 0 {
			last := s.last
			last.Reason = s.names.text(fit(last.Reason))
			out = append(out, last)
		}
		s.mu.Unlock()
	}
	return out
}

// Upload sends at once all that waits. Two at a time are one after the other.
func (a *Agent) Upload(ctx context.Context) (upload.Report, error) {
	a.uploading.Lock()
	defer a.uploading.Unlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.mu.Lock()
	a.stop = stop // before sharing is looked at: who switches it off later, finds it
	a.mu.Unlock()
	var sharing bool
	var reg *registration
	a.look(func(st state) { sharing, reg = st.Sharing, st.Registration })
	switch {
	case !sharing:
		return upload.Report{}, errors.New("sharing is off: switch it on with headroom agent share on")
	case reg == nil || reg.State != wire.RegistrationConfirmed:
		return upload.Report{}, errors.New("this agent is not registered: register it with headroom agent register")
	}
	if !a.asked() {
		if err := a.poll(ctx); err != nil {
			return upload.Report{}, a.over(err)
		}
	}
	for _, s := range a.sources {
		if !a.mayPack(s.guid) {
			continue
		}
		if _, err := upload.Pack(a.spool, s.guid, a.options.Version, a.options.Now, s.names.hide); err != nil {
			return upload.Report{}, fmt.Errorf("make batches of %s: %w", s.config.Name, err)
		}
	}
	report, err := upload.Drain(ctx, a.client, a.spool, a.options.Log)
	if err != nil {
		return report, a.over(err)
	}
	a.want(false)
	if report.Batches > 0 {
		a.options.Log.Info("uploaded", "batches", report.Batches, "records", report.Records)
	}
	err = a.change(func(st *state) { st.LastUpload = a.options.Now() })
	a.nudge()
	return report, err
}

// over ends the registration if that is what an error of the hub says.
func (a *Agent) over(err error) error {
	if errors.Is(err, upload.ErrRemoved) {
		return errors.Join(err, a.end(err))
	}
	return err
}

// asked reports whether the hub has said which servers are approved.
func (a *Agent) asked() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.approved != nil
}

// mayPack reports whether a server's records may be given numbers: a server
// that was added after the registration waits for an administrator, and its
// batches would stand in the way of all others.
func (a *Agent) mayPack(guid string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.approved[guid] == wire.ServerApproved
}
