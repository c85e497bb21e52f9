package bot

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/slack-go/slack"
)

// File is one file to be posted.
type File struct {
	Channel string // empty: in none
	Thread  string // empty: not in a thread
	Name    string
	Title   string
	Data    []byte // never empty: Slack refuses such a file
}

// UploadFile posts a file in the three calls that it takes, and gives its ID;
// without a channel it stands nowhere, for a message to show. What fails before
// the last call has posted nothing.
func (w *web) UploadFile(ctx context.Context, f File) (string, error) {
	if len(f.Data) == 0 {
		return "", nil
	}
	to, err := w.client.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: f.Name, FileSize: len(f.Data)})
	if err != nil {
		return "", refused("files.getUploadURLExternal", err)
	}
	if err := send(ctx, w.http, to.UploadURL, f); err != nil {
		return "", err
	}
	_, err = w.client.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files: []slack.FileSummary{{ID: to.FileID, Title: f.Title}}, Channel: f.Channel, ThreadTimestamp: f.Thread,
	})
	return to.FileID, refused("files.completeUploadExternal", err)
}

// send gives the file's bytes to the address that Slack named.
func send(ctx context.Context, client *http.Client, url string, f File) error {
	const method = "upload"
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", f.Name)
	if err == nil {
		_, err = part.Write(f.Data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &body)
	if err != nil {
		return fmt.Errorf("upload the file: %w", err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := client.Do(req)
	if err != nil {
		return refused(method, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode != http.StatusOK {
		return statusError(method, resp.StatusCode)
	}
	return nil
}
