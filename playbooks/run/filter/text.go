package filter

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"unicode"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

// counts are what wc can say.
type counts struct{ lines, words, chars, bytes, longest int }

// count reads all of the input. A byte that is no text is counted as a byte only.
func count(ctx context.Context, s shell.Streams) (c counts, err error) {
	in := runeReader(s.In)
	inWord, width := false, 0
	for n := 0; ; n++ {
		if n%65536 == 0 && ctx.Err() != nil {
			return c, context.Cause(ctx)
		}
		r, size, err := in.ReadRune()
		if err != nil {
			return c, ignoreEOF(err)
		}
		if c.bytes += size; r == utf8.RuneError && size == 1 {
			continue
		}
		c.chars++
		switch {
		case r == '\n':
			c.lines++
			width = 0
		case r == '\r' || r == '\f':
			width = 0
		case r == '\t':
			width += 8 - width%8
		case unicode.IsGraphic(r):
			width++
		}
		c.longest = max(c.longest, width)
		switch {
		case unicode.IsSpace(r):
			inWord = false
		case unicode.IsGraphic(r):
			if !inWord {
				c.words++
			}
			inWord = true
		}
	}
}

var base64Options = option{flags: "di", valued: "w", long: map[string]byte{"decode": 'd', "wrap": 'w', "ignore-garbage": 'i'}}

var errNoBase64 = errors.New("this is not base64")

// base64Text encodes or decodes.
func base64Text(_ context.Context, s shell.Streams, args []string) (err error) {
	g, err := base64Options.options(args, 0)
	if err != nil {
		return err
	}
	wrap, err := g.whole('w', 76)
	if err != nil {
		return err
	}
	out, done := buffered(s.Out)
	defer done(&err)
	if g.set['d'] {
		return decode64(out, s.In, g.set['i'])
	}
	if wrap == 0 {
		wrap = math.MaxInt
	}
	lines := &wrapped{to: out, width: wrap}
	code := base64.NewEncoder(base64.StdEncoding, lines)
	if _, err = io.Copy(code, s.In); err != nil {
		return err
	}
	if err = code.Close(); err == nil && lines.at > 0 && wrap != math.MaxInt {
		_, err = lines.to.Write([]byte{'\n'})
	}
	return err
}

// wrapped ends lines at a width.
type wrapped struct {
	to        io.Writer
	width, at int
}

func (w *wrapped) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		part := min(len(p), w.width-w.at)
		if _, err := w.to.Write(p[:part]); err != nil {
			return 0, err
		}
		p = p[part:]
		if w.at += part; w.at == w.width {
			if _, err := w.to.Write([]byte{'\n'}); err != nil {
				return 0, err
			}
			w.at = 0
		}
	}
	return n, nil
}

// decode64 decodes up to what is no base64. White space means nothing in it; garbage, when it is ignored, neither.
func decode64(out io.Writer, r io.Reader, ignore bool) error {
	in := runeReader(r)
	four := make([]byte, 0, 4)
	plain := make([]byte, 3)
	for {
		c, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case c == '\n' || c == '\r' || c == ' ' || c == '\t':
			continue
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=':
		case ignore:
			continue
		default:
			_ = partly64(out, four)
			return errNoBase64
		}
		if four = append(four, c); len(four) < 4 {
			continue
		}
		n, err := base64.StdEncoding.Decode(plain, four)
		if err != nil {
			_ = partly64(out, four)
			return errNoBase64
		}
		if _, err := out.Write(plain[:n]); err != nil {
			return err
		}
		four = four[:0]
	}
	return partly64(out, four)
}

// partly64 decodes what is left where the end is missing, and says that it is.
func partly64(out io.Writer, left []byte) error {
	for n := len(left); n > 1; n-- {
		plain := make([]byte, 3)
		if k, err := base64.RawStdEncoding.Decode(plain, left[:n]); err == nil {
			_, _ = out.Write(plain[:k])
			break
		}
	}
	if len(left) > 0 {
		return errNoBase64
	}
	return nil
}
