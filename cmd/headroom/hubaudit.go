package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"headroom/internal/hub"
	"headroom/internal/hub/audit"
)

// hubAuditCmd groups what is done with the audit log.
type hubAuditCmd struct {
	Verify hubAuditVerifyCmd `cmd:"" help:"Find whether somebody changed the audit log of an organisation."`
}

type hubAuditVerifyCmd struct {
	Store   string `default:"headroom.db" help:"SQLite file, or postgres:// URL."`
	Witness string `type:"path" placeholder:"FILE" help:"A file of the log that the console exported before, or witness.jsonl of an agent's state folder: a log that was written anew, or cut off, is found with it."`
}

// Help is what --help says below the summary.
func (*hubAuditVerifyCmd) Help() string {
	return "Each entry holds a hash of itself and of the one before it. An edit, a deletion and a swap are found by that alone. " +
		"The command ends with status 1 if something was changed. A hub may run meanwhile."
}

// Run verifies the logs of all organisations.
func (c *hubAuditVerifyCmd) Run(ctx context.Context, std streams) (err error) {
	var witness audit.Witness
	if c.Witness != "" {
		f, err := os.Open(c.Witness)
		if err != nil {
			return err
		}
		witness, err = audit.ReadWitness(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", c.Witness, err)
		}
	}
	return hub.VerifyAudit(ctx, c.Store, witness, std.out)
}
