package commands

// File is something that goes with an answer: to the asker's messages in
// Slack, into the directory of the command line, in base64 over HTTP.
type File struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"`
	Data  []byte `json:"data"` // never empty
}
