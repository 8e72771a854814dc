package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"headroom/internal/agent/collect"
	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// A source is one license server and how it is read.
type source struct {
	config ServerConfig
	guid   string
	names  names
	reader Reader

	mu    sync.Mutex
	facts license.Server // what the source said last about the server
	told  wire.ServerInfo
	last  wire.ReadState // of the last attempt; At is 0 before the first
	good  time.Time      // instant of the last good reading

	states []collect.SourceState // of its sources, where it has several
	roster roster                // only readLoop uses it
}

// source makes a configured server ready to be read. Its GUID is made once.
func (a *Agent) source(c ServerConfig) (*source, error) {
	key := license.FoldName(c.Name)
	st := a.state.Servers[key]
	if st.GUID == "" {
		st.GUID = uuid.NewString()
		a.state.Servers[key] = st
	}
	reader, err := a.reader(c, st.Resume)
	if err == nil && c.Log != "" {
		reader, err = a.withLog(c, reader, st.Resume)
	}
	if err != nil {
		return nil, err
	}
	leave, err := c.names(st.Names, a.options.Now())
	if err != nil {
		return nil, err
	}
	if leave.say.Since != st.Names.Since {
		a.options.Log.Warn("names of users and devices leave in another way from now on; what was sent before stays at the hub",
			"server", c.Name, "names", leave.say.Mode, "key", leave.say.Key)
	}
	st.Names = leave.say
	a.state.Servers[key] = st
	st.Facts.Manager = manager(c.Reader)
	return &source{config: c, guid: st.GUID, names: leave, reader: reader, facts: st.Facts}, nil
}

// manager is the license manager that a reader reads.
func manager(reader string) string {
	if reader == "file" {
		return "flexnet"
	}
	return strings.TrimSuffix(strings.TrimSuffix(reader, "-log"), "-report")
}

// reader is the table of readers.
func (a *Agent) reader(c ServerConfig, resume string) (Reader, error) {
	zone, err := c.zone()
	if err != nil {
		return nil, err
	}
	now := a.options.Now
	switch c.Reader {
	case "flexnet":
		return &collect.FlexNet{
			Tool: c.Tool, License: c.License, LicenseFile: c.LicenseFile, Host: c.Host, Zone: zone, CodePage: c.CodePage,
			Timeout: time.Duration(c.Timeout), Now: now,
		}, nil
	case "file":
		return &collect.File{
			Path: c.Path, LicenseFile: c.LicenseFile, Host: c.Host, Zone: zone, CodePage: c.CodePage, Replay: c.Replay, Now: now,
		}, nil
	case "slurm":
		return &collect.Slurm{Scontrol: c.Tool, Conf: c.Path, CodePage: c.CodePage, Timeout: time.Duration(c.Timeout), Now: now}, nil
	case "keygen-relay":
		if c.Tool != "" {
			return &collect.RelayTool{Tool: c.Tool, Database: c.Path, Timeout: time.Duration(c.Timeout), Now: now}, nil
		}
		return collect.NewRelayFile(c.Path, resume, time.Duration(c.Timeout), now)
	case "generic":
		return &collect.Generic{Command: c.Command, Path: c.Path, CodePage: c.CodePage, Timeout: time.Duration(c.Timeout), Now: now}, nil
	case "citrix":
		return a.citrix(c, zone, resume)
	}
	if open := collect.LogReaders[c.Reader]; open != nil {
		return eventLog(c.Path, open, zone, c.CodePage, resume, now)
	}
	if m, ok := collect.ManagerOf(c.Reader); ok {
		return statusReader(m, c, zone, now)
	}
	return nil, fmt.Errorf("there is no reader %q", c.Reader)
}

// statusReader reads the output of a manager's status tool.
func statusReader(m collect.Manager, c ServerConfig, zone *time.Location, now func() time.Time) (Reader, error) {
	r := &collect.Status{Manager: m, Path: c.Path, Host: c.Host, Zone: zone, CodePage: c.CodePage, Now: now}
	if c.Path != "" {
		return r, nil
	}
	var err error
	r.Command, err = c.command(m)
	return r, err
}

// statusLogs leads from a reader of statuses to the reader of logs of the same
// license manager, where both name pools alike: a log of MathLM names no class.
var statusLogs = map[string]string{
	"flexnet": "flexnet-log", "file": "flexnet-log", "rlm": "rlm-report-log", "sentinel": "sentinel-log",
}

// withLog reads a server's log beside its status.
func (a *Agent) withLog(c ServerConfig, status Reader, resume string) (Reader, error) {
	zone, err := c.zone()
	if err != nil {
		return nil, err
	}
	log, err := eventLog(c.Log, collect.LogReaders[statusLogs[c.Reader]], zone, c.CodePage, resume, a.options.Now)
	if err != nil {
		return nil, err
	}
	return &collect.Joined{Status: status, Log: log}, nil
}

func eventLog(path string, open collect.LogOpener, zone *time.Location, codePage, resume string, now func() time.Time) (*collect.EventLog, error) {
	format, err := open(zone, codePage)
	if err != nil {
		return nil, err
	}
	return collect.NewEventLog(path, format, resume, now)
}

// readLoop reads a server at once and then at its interval.
func (a *Agent) readLoop(ctx context.Context, s *source) error {
	tick := time.NewTicker(time.Duration(s.config.Interval))
	defer tick.Stop()
	for {
		if err := a.readOnce(ctx, s); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readOnce takes all that the server has to say now.
func (a *Agent) readOnce(ctx context.Context, s *source) error {
	for more := true; more; {
		res, err := s.reader.Read(ctx)
		if err != nil {
			return nil // given up because ctx is done
		}
		s.learn(res.Server)
		if res.Failure != "" {
			a.options.Log.Warn("license server not read; use is unknown until it is", "server", s.config.Name, "err", res.Failure, "retry_in", time.Duration(s.config.Interval))
		}
		if res.Note != "" {
			a.options.Log.Warn("not all was read of a license server; its use is known", "server", s.config.Name, "note", res.Note)
		}
		if err := a.keep(s, res); err != nil {
			return err
		}
		s.note(res) // nobody is told of a reading that is not safe yet
		more = res.More && ctx.Err() == nil
	}
	return nil
}

// learn remembers what the source says about the server, if it does.
func (s *source) learn(facts license.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(facts.Hosts) > 0:
		s.facts = facts
	case facts.Manager != "": // who tells no host says nothing against those that are known
		s.facts.Manager, s.facts.Version = facts.Manager, cmp.Or(facts.Version, s.facts.Version)
	}
}

// note remembers how the attempt went.
func (s *source) note(res collect.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = wire.ReadState{Server: s.guid, At: res.At.Unix(), OK: res.Failure == "", Reason: cmp.Or(res.Failure, res.Note)}
	s.states = after(s.states, res.Sources)
	if res.HasSnapshot() {
		s.good = res.Snapshot.At
	}
}

// info is what the agent says about the server.
func (s *source) info() wire.ServerInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.facts
	return wire.ServerInfo{
		GUID: s.guid, Name: s.config.Name, Hosts: f.Hosts, Port: f.Port, HostID: f.HostID, Manager: f.Manager, Version: f.Version,
		Names: s.names.info(),
	}
}

// keep puts a result into the spool. A full spool is no reason to stop: it
// declares what it could not take.
func (a *Agent) keep(s *source, res collect.Result) error {
	records := a.records(s, res)
	rest, next := s.assigned(res, a.client.Offset().Milliseconds())
	if records = append(records, rest...); len(records) > 0 {
		if err := a.put(s, res.At, records); err != nil {
			a.options.Log.Error("a reading was not kept", "server", s.config.Name, "err", err)
			if errors.Is(err, spool.ErrFull) {
				return nil
			}
			return fmt.Errorf("keep a reading of %s: %w", s.config.Name, err)
		}
		if _, ok := records[0].(*wire.ServerRecord); ok {
			s.told = s.info() // not before it is safe
		}
	}
	s.roster = next
	return a.remember(s, res.Resume)
}

// assigned is what the hub has to be told of a result's assignments, and what
// it was told then.
func (s *source) assigned(res collect.Result, offset int64) ([]wire.Record, roster) {
	if res.Assignments == nil {
		return nil, s.roster
	}
	return s.roster.next(*res.Assignments, res.Own, offset)
}

// put is the one way of records into the spool. Nothing is put there before
// names are as they may leave the site.
func (a *Agent) put(s *source, at time.Time, records []wire.Record) error {
	records, err := s.names.hide(records)
	if err != nil || len(records) == 0 {
		return err
	}
	record, err := upload.EncodeReading(s.guid, a.options.Version, at, records...)
	if err != nil {
		return err
	}
	return a.spool.Append(s.guid, at, record)
}

// remember keeps what must survive a restart, if it has changed.
func (a *Agent) remember(s *source, resume string) error {
	s.mu.Lock()
	now := serverState{GUID: s.guid, Resume: resume, Facts: s.facts, Names: s.names.say}
	s.mu.Unlock()
	key := license.FoldName(s.config.Name)
	same := false
	a.look(func(st state) {
		if now.Resume == "" {
			now.Resume = st.Servers[key].Resume
		}
		same = reflect.DeepEqual(st.Servers[key], now)
	})
	if same {
		return nil
	}
	return a.change(func(st *state) { st.Servers[key] = now })
}

// records is what a result says, for the hub.
func (a *Agent) records(s *source, res collect.Result) []wire.Record {
	var out []wire.Record
	offset := a.client.Offset().Milliseconds()
	if info := s.info(); !sameInfo(info, s.told) && (res.HasSnapshot() || len(res.Events) > 0) {
		out = append(out, &wire.ServerRecord{At: res.At.Unix(), ServerInfo: info})
	}
	if res.Failure != "" {
		out = append(out, &wire.Failed{At: res.At.Unix(), Reason: fit(res.Failure), OffsetMS: offset})
	}
	if res.HasSnapshot() {
		out = append(out, samples(res, s.config, offset))
		if !res.Unlisted {
			out = append(out, holders(res, offset))
		}
	}
	if len(res.Sources) > 0 {
		out = append(out, sourceRecord(after(s.states, res.Sources), res.At, offset))
	}
	out = append(out, history(res.History, res.HistoryEvery, s.config.Reader)...)
	for _, e := range res.Events {
		out = append(out, events(e))
	}
	for _, d := range res.Denials {
		out = append(out, denial(d))
	}
	return out
}

func denial(d collect.Denial) *wire.Denial {
	return &wire.Denial{
		PoolKey: poolKey(d.Pool), At: d.At.Unix(), User: fit(d.User), Host: fit(d.Host), Reason: fit(d.Reason), Count: d.Count,
		Last: last(d), Outcome: d.Outcome,
	}
}

// last is the last refusal of a denial, 0 where it is not told.
func last(d collect.Denial) int64 {
	if d.Last.IsZero() {
		return 0
	}
	return d.Last.Unix()
}

func sameInfo(a, b wire.ServerInfo) bool {
	return a.Names.Equal(b.Names) && a.Name == b.Name && a.Port == b.Port && a.HostID == b.HostID && a.Manager == b.Manager && a.Version == b.Version && slices.Equal(a.Hosts, b.Hosts)
}

func samples(res collect.Result, c ServerConfig, offset int64) *wire.Samples {
	out := &wire.Samples{
		At: []int64{res.Snapshot.At.Unix()}, Interval: int64(time.Duration(c.Interval) / time.Second),
		Complete: res.Snapshot.Complete, Source: c.Reader, Own: res.Own, OffsetMS: offset,
	}
	for _, r := range res.Snapshot.Readings {
		out.Pools = append(out.Pools, wire.SampledPool{
			PoolKey: poolKey(r.Pool), Vendor: r.Daemon, State: r.State.String(), Reason: fit(r.Reason), InUse: wire.Counts{r.InUse},
			Installed: told(r.Installed), Reserved: told(r.Reserved), Borrowed: told(r.Borrowed), Queued: told(r.Queued), Overdraft: told(r.Overdraft),
			SharedWith: fit(res.Shared[r.Pool]),
		})
	}
	return out
}

// told is a value, or nothing where the source does not tell it.
func told(c license.Count) wire.Counts {
	if !c.Known {
		return nil
	}
	return wire.Counts{c}
}

func holders(res collect.Result, offset int64) *wire.Holders {
	out := &wire.Holders{At: res.Snapshot.At.Unix(), Own: res.Own, OffsetMS: offset, Holders: []wire.Holder{}}
	for _, h := range res.Snapshot.Holders {
		holder := wire.Holder{PoolKey: poolKey(h.Pool), User: fit(h.User), Host: fit(h.Host), Display: fit(h.Display), Licenses: h.Licenses, How: h.Kind}
		if !h.Since.IsZero() {
			holder.Since = h.Since.Unix()
		}
		out.Holders = append(out.Holders, holder)
	}
	return out
}

func events(e collect.Events) *wire.Events {
	out := &wire.Events{
		PoolKey: poolKey(e.Pool), Vendor: e.Daemon, From: e.From.Unix(), To: e.To.Unix(), Exact: e.Exact, Start: e.Start,
		At: []int64{}, InUse: []int64{},
	}
	for _, s := range e.Steps {
		out.At, out.InUse, out.High = append(out.At, s.At.Unix()), append(out.InUse, s.InUse), append(out.High, s.High)
	}
	return out
}

func poolKey(p license.Pool) wire.PoolKey {
	return wire.PoolKey{Feature: fit(p.Feature), Daemon: fit(p.Daemon), Variant: fit(p.Variant)}
}

// fit cuts a text to what the wire takes.
func fit(s string) string { return upload.Cut(s) }

// Keep puts records about a server's past into the spool, as readings are. The
// server is named as in the configuration; at is the newest instant in them.
func (a *Agent) Keep(server string, at time.Time, records ...wire.Record) error {
	for _, s := range a.sources {
		if license.FoldName(s.config.Name) != license.FoldName(server) {
			continue
		}
		for _, r := range records {
			if told, ok := r.(*wire.ServerRecord); ok {
				s.learn(license.Server{
					Hosts: told.Hosts, Port: told.Port, HostID: told.HostID, Manager: told.Manager, Version: told.Version,
				})
			}
		}
		return a.put(s, at, records)
	}
	return fmt.Errorf("no license server %s is configured", server)
}
