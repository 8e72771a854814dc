package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"headroom/internal/agent"
	"headroom/internal/report"
)

type agentPayloadCmd struct{ agentFlags }

// Run shows what leaves the machine, in the bytes in which it does: one line of
// JSON for each record. Characters that could mislead a terminal are replaced.
func (c *agentPayloadCmd) Run(ctx context.Context, std streams) error {
	return c.with(ctx, std, func(a agent.Control) error {
		p, err := a.Payload(ctx)
		if err != nil {
			return err
		}
		w := bufio.NewWriter(std.out)
		fmt.Fprintln(w, "# At each poll:")
		fmt.Fprintln(w, report.Plain(string(p.Poll)))
		if p.Batch == nil {
			fmt.Fprintln(w, "# No batch was sent yet, or none is kept any more.")
			return w.Flush()
		}
		fmt.Fprintf(w, "# Batch %s of %s, sent %s, %d bytes compressed:\n",
			report.Plain(p.Batch.ID), report.Plain(p.Batch.Server), moment(p.Batch.Sent), len(p.Batch.Body))
		var text strings.Builder
		err = p.Batch.WriteText(&text)
		for line := range strings.Lines(text.String()) {
			fmt.Fprintln(w, report.Plain(strings.TrimSuffix(line, "\n")))
		}
		return errors.Join(err, w.Flush())
	})
}

type agentNamesKeyCmd struct {
	New agentNamesKeyNewCmd `cmd:"" help:"Make the key for pseudonyms, once for an organisation, and carry a copy to its agents."`
}

type agentNamesKeyNewCmd struct {
	File string `arg:"" help:"The file to make. It must not exist."`
}

// Run makes a key.
func (c *agentNamesKeyNewCmd) Run(std streams) error {
	id, err := agent.NewNamesKey(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "Key %s is in %s. Copy the file to the other agents of your organisation and keep one copy safe;\n", id, report.Plain(c.File))
	fmt.Fprintln(std.out, "who has it can find out who a pseudonym is. No hub needs it.")
	return nil
}
