package main

import (
	"context"

	"muster/app"
)

// evidenceCommand is about what steps of playbooks printed and collected.
type evidenceCommand struct {
	List    evidenceListCommand    `cmd:"" help:"Say what was kept for an incident."`
	Verify  evidenceVerifyCommand  `cmd:"" help:"Hold what was kept against its hashes; without an incident, all of it."`
	Archive evidenceArchiveCommand `cmd:"" help:"Write an incident's evidence as a zip file with its hashes."`
}

type evidenceListCommand struct {
	question
	Data     string `help:"The data file; its evidence lies beside it." default:"./data/muster.db" type:"path"`
	Incident string `arg:"" help:"The incident: INC-3."`
}

func (c evidenceListCommand) Run(ctx context.Context) error {
	return app.EvidenceList(ctx, c.options(), c.Data, c.Incident)
}

type evidenceVerifyCommand struct {
	question
	Data     string `help:"The data file; its evidence lies beside it." default:"./data/muster.db" type:"path"`
	Incident string `arg:"" optional:"" help:"The incident: INC-3."`
}

func (c evidenceVerifyCommand) Run(ctx context.Context) error {
	return app.EvidenceVerify(ctx, c.options(), c.Data, c.Incident)
}

type evidenceArchiveCommand struct {
	question
	Data     string `help:"The data file; its evidence lies beside it." default:"./data/muster.db" type:"path"`
	Incident string `arg:"" help:"The incident: INC-3."`
	To       string `arg:"" help:"The file to write." type:"path"`
}

func (c evidenceArchiveCommand) Run(ctx context.Context) error {
	return app.EvidenceArchive(ctx, c.options(), c.Data, c.Incident, c.To)
}
