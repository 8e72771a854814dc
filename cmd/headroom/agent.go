package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"headroom/internal/agent"
	"headroom/internal/report"
	"headroom/internal/service"
	"headroom/internal/wire"
)

type agentCmd struct {
	Run        agentRunCmd        `cmd:"" help:"Read license servers and upload, until stopped."`
	Share      agentShareCmd      `cmd:"" help:"Switch the sending of usage on or off. It is off at first."`
	Register   agentRegisterCmd   `cmd:"" help:"Join an organisation: show a code, and confirm who has approved it."`
	Confirm    agentConfirmCmd    `cmd:"" help:"Confirm, or refuse, the organisation that has approved."`
	Status     agentStatusCmd     `cmd:"" help:"Show how everything stands."`
	Doctor     agentDoctorCmd     `cmd:"" help:"Try everything that the agent needs, step by step, and say how to mend what fails."`
	Upload     agentUploadCmd     `cmd:"" help:"Send at once all that waits."`
	Console    agentConsoleCmd    `cmd:"" help:"Print a link to the agent's own console, for a browser on this machine."`
	Payload    agentPayloadCmd    `cmd:"" help:"Show exactly what leaves this machine: the last batch as it was sent."`
	NamesKey   agentNamesKeyCmd   `cmd:"" help:"The key for pseudonyms of users and devices."`
	Service    agentServiceCmd    `cmd:"" help:"Install the agent as a service of this machine, start it, stop it."`
	Unregister agentUnregisterCmd `cmd:"" help:"End the registration on both sides. Usage that the hub has stays there."`
}

// agentFlags are what every subcommand of the agent has.
type agentFlags struct {
	Config string `default:"agent.toml" placeholder:"FILE" help:"The agent's configuration."`
	logFlags
}

// load reads the configuration.
func (f agentFlags) load(std streams) (agent.Config, agent.Options, error) {
	c, err := agent.LoadConfig(f.Config)
	return c, agent.Options{Version: version, Log: f.logger(std.err)}, err
}

// with calls use with the control of the agent: of the one that runs, else of
// its state folder.
func (f agentFlags) with(ctx context.Context, std streams, use func(agent.Control) error) (err error) {
	c, o, err := f.load(std)
	if err != nil {
		return err
	}
	control, done, err := agent.Connect(ctx, c, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return use(control)
}

type agentRunCmd struct{ agentFlags }

// Run runs the agent until ctx is done, or the service manager stops it.
func (c *agentRunCmd) Run(ctx context.Context, std streams) error {
	return service.Run(ctx, func(ctx context.Context) error { return c.run(ctx, std) })
}

func (c *agentRunCmd) run(ctx context.Context, std streams) (err error) {
	config, options, err := c.load(std)
	if err != nil {
		return err
	}
	a, err := agent.Open(config, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return runWithConsole(ctx, a, config, options, c.Config)
}

type agentShareCmd struct {
	agentFlags
	Switch string `arg:"" enum:"on,off" help:"on or off."`
}

// Run switches sharing.
func (c *agentShareCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		if err := a.Share(ctx, c.Switch == "on"); err != nil {
			return err
		}
		if c.Switch == "off" {
			fmt.Fprintln(std.out, "Sharing is off: nothing is sent. Readings go on and are kept.")
			return nil
		}
		st, err := a.Standing(ctx)
		if err != nil {
			return err
		}
		if st.State == wire.RegistrationConfirmed {
			fmt.Fprintf(std.out, "Sharing is on, with %s.\n", report.Plain(st.Organisation))
			return nil
		}
		fmt.Fprintln(std.out, "Sharing is on. Nothing is sent before this agent is registered: headroom agent register")
		return nil
	})
}

type agentRegisterCmd struct {
	agentFlags
	ExpectOrg string `placeholder:"NAME" help:"Name or id of the organisation: confirm it without asking, and refuse any other."`
	NoWait    bool   `help:"Show the code and leave. The running agent goes on; see status, then confirm."`
}

// Run registers, and waits for both sides unless told not to.
func (c *agentRegisterCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		st, err := a.Register(ctx, c.ExpectOrg)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "Code   %s   (good until %s)\n", st.Code, st.Expires.Local().Format("15:04:05 -07:00"))
		fmt.Fprintf(std.out, "Words  %s\n\n", strings.Join(st.Words, " "))
		fmt.Fprintf(std.out, "An administrator enters the code at %s\nand should see the same six words there.\n", report.Plain(st.Visit))
		if c.NoWait {
			return nil
		}
		return waitForBoth(ctx, std, a, c.ExpectOrg != "")
	})
}

// askEvery is how often the state of a registration is looked at. An agent
// asks the hub no faster than the hub has told it.
const askEvery = 5 * time.Second

// waitForBoth waits until an administrator has approved and the organisation
// is confirmed here: by the agent itself if it was told whom to expect.
func waitForBoth(ctx context.Context, std streams, a agent.Control, expected bool) error {
	for {
		select {
		case <-ctx.Done():
			return errors.New("stopped; the code stays good, and headroom agent status shows how it stands")
		case <-time.After(askEvery):
		}
		st, err := a.Standing(ctx)
		switch {
		case errors.Is(err, agent.ErrNotExpected):
			return err
		case err != nil:
			fmt.Fprintln(std.err, "headroom:", err)
			continue
		}
		switch st.State {
		case wire.RegistrationApproved:
			if expected {
				continue
			}
			if err := ask(ctx, std, a, st); err != nil {
				return err
			}
		case wire.RegistrationConfirmed:
			fmt.Fprintf(std.out, "Registered with %s. The first upload follows in a minute.\n", report.Plain(st.Organisation))
			return nil
		case wire.RegistrationWaiting:
		default:
			return fmt.Errorf("the registration is %s; ask for a new code", st.State)
		}
	}
}

// ask asks the person at the license server.
func ask(ctx context.Context, std streams, a agent.Control, st agent.Standing) error {
	fmt.Fprintf(std.out, "\nRegister with %s (%s)? Approved by %s. [y/N] ", report.Plain(st.Organisation), report.Plain(st.OrgID), report.Plain(st.ApprovedBy))
	line, err := bufio.NewReader(std.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if errors.Is(err, io.EOF) && strings.TrimSpace(line) == "" {
		return errors.New("nobody answered; say it with: headroom agent confirm")
	}
	yes := strings.EqualFold(strings.TrimSpace(line), "y") || strings.EqualFold(strings.TrimSpace(line), "yes")
	if err := a.Confirm(ctx, st.OrgID, yes); err != nil {
		return err
	}
	if !yes {
		return errors.New("refused; nothing was sent")
	}
	return nil
}

type agentConfirmCmd struct {
	agentFlags
	ExpectOrg string `placeholder:"NAME" help:"Name or id of the organisation: confirm it without asking, and refuse any other."`
	Refuse    bool   `help:"Say no."`
}

// Run confirms or refuses what was approved.
func (c *agentConfirmCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		st, err := a.Standing(ctx)
		if err != nil {
			return err
		}
		if st.State != wire.RegistrationApproved {
			return fmt.Errorf("there is nothing to confirm: the registration is %s", st.State)
		}
		switch {
		case c.Refuse:
			if err := a.Confirm(ctx, st.OrgID, false); err != nil {
				return err
			}
			fmt.Fprintln(std.out, "Refused; nothing was sent.")
			return nil
		case c.ExpectOrg != "":
			yes := st.Is(c.ExpectOrg)
			if err := a.Confirm(ctx, st.OrgID, yes); err != nil {
				return err
			}
			if !yes {
				return fmt.Errorf("%s (%s) has approved, which is not %s: refused, nothing was sent", st.Organisation, st.OrgID, c.ExpectOrg)
			}
		default:
			if err := ask(ctx, std, a, st); err != nil {
				return err
			}
		}
		fmt.Fprintf(std.out, "Registered with %s.\n", report.Plain(st.Organisation))
		return nil
	})
}

type agentUploadCmd struct{ agentFlags }

// Run uploads.
func (c *agentUploadCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		r, err := a.Upload(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "Sent %d batches with %d records.\n", r.Batches, r.Records)
		if r.Refused > 0 {
			fmt.Fprintf(std.out, "%d batches were refused by the hub and set aside; the agent's log says why.\n", r.Refused)
		}
		return nil
	})
}

type agentUnregisterCmd struct{ agentFlags }

// Run ends the registration.
func (c *agentUnregisterCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		if err := a.Unregister(ctx); err != nil {
			return err
		}
		fmt.Fprintln(std.out, "This agent is not registered any more. Readings go on and are kept; usage that the hub has stays there.")
		return nil
	})
}

type agentStatusCmd struct {
	agentFlags
	JSON bool `help:"Write JSON."`
}

// Run shows the status.
func (c *agentStatusCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		st, err := a.Status(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			enc := json.NewEncoder(std.out)
			enc.SetIndent("", "  ")
			return enc.Encode(st)
		}
		return writeStatus(std.out, st)
	})
}

func writeStatus(w io.Writer, st agent.Status) error {
	t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	say := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, report.Plain(fmt.Sprintf(format, args...)))
	}
	running, sharing := "no", "off"
	if st.Running {
		running = "yes"
	}
	if st.Sharing {
		sharing = "on"
	}
	say("Agent", "%s, running: %s", st.Version, running)
	say("Hub", "%s", st.Hub)
	say("Sharing", "%s", sharing)
	say("Registration", "%s %s %s", st.Registration.State, st.Registration.Organisation, st.Registration.OrgID)
	if st.Registration.State == wire.RegistrationWaiting {
		say("Code", "%s, good until %s, to be entered at %s", st.Registration.Code, moment(st.Registration.Expires), st.Registration.Visit)
	}
	say("Words", "%s", strings.Join(st.Registration.Words, " "))
	say("Last upload", "%s", moment(st.LastUpload))
	say("Next upload", "%s", moment(st.NextUpload))
	say("Waiting", "%d records, %d batches; oldest %s", st.Spool.Waiting, st.Spool.Ready, moment(st.Spool.Oldest))
	if st.Spool.Bad > 0 {
		say("Set aside", "%d files in the spool folder wait for a person", st.Spool.Bad)
	}
	if st.ClockAhead.Abs() >= time.Minute {
		say("Clock", "the hub's is %s ahead of this machine's", st.ClockAhead)
	}
	if st.Failure != "" {
		say("Hub says", "%s", st.Failure)
	}
	fmt.Fprintln(t)
	for _, s := range st.Servers {
		how := "not read yet"
		switch {
		case s.OK && s.Reason != "":
			how = "read, but " + s.Reason
		case s.OK:
			how = "read"
		case s.Reason != "":
			how = "not read: " + s.Reason
		}
		say(s.Name, "%s every %s, %s; last reading %s; at the hub: %s; names: %s", s.Reader, s.Interval, how, moment(s.LastGood), orUnknown(s.Hub), s.Names)
		for _, source := range s.Sources {
			say("  "+source.Name, "%s", sourceText(source))
		}
	}
	return t.Flush()
}

// sourceText says how a source of a license server stands.
func sourceText(s agent.SourceStatus) string {
	text := "read"
	switch {
	case s.Failure != "":
		text = "not read: " + s.Failure
	case s.Absent:
		text = "not there"
	}
	text += "; asked " + moment(s.Asked)
	if s.Age > 0 {
		text += ", with data " + s.Age.String() + " old"
	}
	if s.Remark != "" {
		text += "; " + s.Remark
	}
	return text
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Local().Format("2006-01-02 15:04:05 -07:00")
}

func orUnknown(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}
