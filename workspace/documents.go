package workspace

// FileData is what a file holds, as a person who may see it reads it; nil:
// there is none.
func (p *Person) FileData(id string) []byte {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	f := p.w.files[id]
	if f == nil || !f.complete || !p.call(nil).sees(f) {
		return nil
	}
	return f.data
}

// Document is a canvas by its ID; ok is false when there is none that the person may see.
func (p *Person) Document(id string) (title, markdown string, ok bool) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	d := p.w.canvas[id]
	if d == nil || !p.call(nil).reads(d) {
		return "", "", false
	}
	return d.title, d.markdown, true
}
