package bot

import (
	"context"

	"muster/bot/render"
	"muster/commands"
)

// hand brings the files of an answer to who asked, as direct messages. What
// cannot be brought is said there.
func (b *Bot) hand(ctx context.Context, user string, r commands.Reply) {
	for _, f := range r.Files {
		err := persist(ctx, func() error {
			dm, err := b.dms.open(ctx, b.api, user)
			if err != nil {
				return err
			}
			_, err = b.api.UploadFile(ctx, File{Channel: dm, Name: f.Name, Title: f.Title, Data: f.Data})
			return err
		})
		if err != nil {
			b.cfg.Log.Warn("a file of an answer could not be brought", "file", f.Name, "error", err)
			b.tell(ctx, place{user: user}, render.Message{Text: "Slack did not take the file " + render.Escape(f.Name) + ". Please ask again, or use the command line."})
			return
		}
	}
}
