// Command headroom is the one program: the hub, the agent, and the subcommands
// around them. It turns flags, environment and files into the configuration of
// the parts, and is the only place that reads them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Windows has no time zones, nor has an empty container

	"github.com/alecthomas/kong"

	"headroom/internal/demo"
)

// version is set when a release is built.
var version = "dev"

// cli is the command line. Each subcommand lives in the file of its name.
type cli struct {
	Demo   demoCmd   `cmd:"" help:"Show it all: a hub, simulated license servers and 13 months of history."`
	Report reportCmd `cmd:"" help:"Answer from files: products, peaks, denials, users. No hub is needed."`
	Read   readCmd   `cmd:"" help:"Show what a capture, log or license file was understood to say, and what was not."`
	Import importCmd `cmd:"" help:"Bring the past of a license server to the hub: logs, saved statuses, databases of other tools."`
	Agent  agentCmd  `cmd:"" help:"The agent, which reads license servers beside it and uploads their usage."`
	Hub    hubCmd    `cmd:"" help:"The hub, which keeps the history of every license server and shows it."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if demo.IsTool(os.Args[0]) {
		err = demo.RunTool(os.Stdout, os.Args[0], os.Args[1:])
	} else {
		err = run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	}
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "headroom:", err)
	if _, ok := errors.AsType[*kong.ParseError](err); ok {
		os.Exit(2)
	}
	os.Exit(1)
}

// run runs one command line. A flag comes before its environment variable
// (--store is HEADROOM_STORE), that before the default.
func run(ctx context.Context, args []string, std streams) error {
	var c cli
	told := false // help was asked for and printed
	parser, err := kong.New(&c,
		kong.Name("headroom"),
		kong.Description("Usage of license servers, over all of them and over time."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(int) { told = true }),
		kong.DefaultEnvars("HEADROOM"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if told {
		return nil
	}
	if err != nil {
		return err
	}
	return command.Run()
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(std streams) error {
	_, err := fmt.Fprintln(std.out, "headroom", version)
	return err
}
