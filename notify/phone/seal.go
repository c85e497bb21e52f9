package phone

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/incident"
)

// sealLives is how long an address that Twilio was given is good for.
const sealLives = time.Hour

// word is what an address says about the page it belongs to. It is encrypted
// as well as signed, for it names a person and addresses end up in logs.
type word struct {
	Incident string          `json:"i"`
	Attempt  int             `json:"a"`
	Person   incident.Person `json:"p"`
	Level    string          `json:"l,omitempty"`
	Said     string          `json:"s"`
	Delivery string          `json:"d"` // short
	Expires  int64           `json:"e"` // Unix seconds
}

var errSeal = errors.New("the address was not made here")

func newSeal(secret string) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("muster phone address"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("make the phone's key: %w", err)
	}
	return cipher.NewGCM(block)
}

// sealed makes the word for a page.
func (c *Channel) sealed(p page, delivery string) (string, error) {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false) // shorter
	err := enc.Encode(word{
		Incident: p.incident, Attempt: p.attempt, Person: p.person, Level: p.level, Said: p.said(),
		Delivery: short(delivery), Expires: time.Now().Add(sealLives).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("write the phone's address: %w", err)
	}
	nonce := make([]byte, c.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("write the phone's address: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(c.seal.Seal(nonce, nonce, data.Bytes(), nil)), nil
}

// opened reads a word; expired ones too, with late set.
func (c *Channel) opened(text string) (w word, late bool, err error) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	size := c.seal.NonceSize()
	if err != nil || len(data) < size {
		return word{}, false, errSeal
	}
	plain, err := c.seal.Open(nil, data[:size], data[size:], nil)
	if err != nil || json.Unmarshal(plain, &w) != nil {
		return word{}, false, errSeal
	}
	return w, time.Now().Unix() > w.Expires, nil
}

// short names a delivery where its own name would say too much.
func short(delivery string) string {
	sum := sha256.Sum256([]byte(delivery))
	return hex.EncodeToString(sum[:12])
}
