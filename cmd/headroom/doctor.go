package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"headroom/internal/agent"
	"headroom/internal/report"
)

type agentDoctorCmd struct {
	agentFlags
	JSON bool `help:"Write JSON: an object for each place."`
}

// Help is what --help says below the summary.
func (*agentDoctorCmd) Help() string {
	return "No usage is sent. The command ends with status 1 if something fails; a warning is no failure. " +
		"What a firewall must let pass are the targets of the steps and of the certificate hosts."
}

// errUnwell ends the program with status 1; what fails was told.
var errUnwell = errors.New("something that the agent needs fails; the lines above say what, and how to mend it")

// Run examines everything.
func (c *agentDoctorCmd) Run(ctx context.Context, std streams) error {
	config, options, err := c.load(std)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	note := func(d agent.Diagnosis) { writeDiagnosis(std.out, d) }
	if c.JSON {
		out := json.NewEncoder(std.out)
		note = func(d agent.Diagnosis) {
			if eerr := out.Encode(d); eerr != nil {
				err = errors.Join(err, eerr)
			}
		}
	}
	note(agent.Diagnosis{Place: "configuration", Target: c.Config, Health: agent.Green, Found: "it can be read"})
	if !agent.Doctor(ctx, config, options, note) {
		return errors.Join(err, errUnwell)
	}
	return err
}

// marks make a health visible without colour.
var marks = map[agent.Health]string{agent.Green: "ok     ", agent.Amber: "WARNING", agent.Red: "FAILS  ", agent.Unknown: "unknown"}

// writeDiagnosis writes a line for a place, and one for the mend.
func writeDiagnosis(w io.Writer, d agent.Diagnosis) {
	where := d.Place
	if d.Target != "" {
		where += " " + d.Target
	}
	fmt.Fprintf(w, "%s  %s: %s\n", marks[d.Health], report.Plain(where), report.Plain(d.Found))
	if d.Mend != "" {
		fmt.Fprintf(w, "         -> %s\n", report.Plain(d.Mend))
	}
}
